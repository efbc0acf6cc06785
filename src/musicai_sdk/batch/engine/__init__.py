"""The engine: what is done with each track, in which order, and what follows from a failure.

The way of one track:
    1. `scheduler.Scheduler` takes a chunk of inputs from `inputs.prefetch` and has the ledger look them up (`admission`).
    2. `triage` skips those that are done, after `results.presence` has looked for their files.
    3. `Scheduler._identify` digests the file; `Ledger.register` gives the track, a known one or a new one.
    4. `decide.decide` says what to do with it, and whether it is paid for again. `Pipeline` and `RetryPolicy`
       only carry out `retry_uncertain` for the track that `decide` gave them.
    5. `Scheduler._work` waits for `account` (the right account and service) and `other_runs` (nobody else has the track).
    6. `retry.RetryPolicy` calls `steps.Pipeline.advance`, which takes the track from its state to the end:
    7.   upload → POST, recorded on disk before it is sent → wait → download → verify → delete the job.
    8. Each step ends with `GroupCommit.move`: ledger first, then memory, then the event.
    9. A lost answer: `recovery.LostJobFinder` looks for the job. A job that seems gone: `confirmation.confirm_gone` asks again.
    10. A step raises: `failures` says whether the error is temporary, fails the track, or ends the run; `RetryPolicy` acts on that.

Who may import it:
    `batch` and `shards.worker` the scheduler; `dry_run`, `shards.partition` and the ledger only `decide` and `triage`.

Where to add what:
    A rule about paying or skipping: `decide`. An error that ends the run: `failures.FATAL`. A step: `steps`, with a state
    (see `musicai_sdk.batch.ledger`). A limit on parallel work: a semaphore in `Pipeline`, an option in `options`.
"""
