"""The engine: what a run does with each track, in which order, and what follows from a failure.

The path of one track:
    1. `scheduler.Scheduler` takes a chunk of inputs from `inputs.prefetch`, and `intake.Intake` looks them up in the
        ledger (`admission`).
    2. `results.presence` looks for the files of finished tracks, and `triage` skips these tracks.
    3. `Intake.identify` digests the file; `Ledger.register` returns the known or new track.
    4. `decide.decide` says what to do with the track. Only the module `decide` decides whether to pay, also for a
        second time.
    5. `Scheduler._work` waits for `account` (the right account and service) and `other_runs` (no other run has the
        track).
    6. `retry.RetryPolicy` calls `steps.Pipeline.advance`, which takes the track from its state to the end:
    7.   upload → POST, recorded on disk before it is sent → wait → download → verify → delete the job.
    8. Each step ends with `GroupCommit.move`: ledger first, then memory, then the event.
    9. After a lost answer, `recovery.LostJobFinder` searches for the job. If it finds none, `Pipeline` and `RetryPolicy`
        ask `decide.repeats_post` whether to send the POST again. If a job seems gone, `confirmation.confirm_gone` asks again.
        If a finished job lacks outputs, `expected_outputs.ExpectedOutputs` waits a moment for them.
    10. If a step raises, `failures` says whether the error is temporary, fails the track, or ends the run;
        `RetryPolicy` acts.

Who may import it:
    `batch` and `shards.worker` the scheduler; `dry_run`, `shards.partition` and the ledger only `decide` and `triage`.

Where to add what:
    A rule about paying or skipping: `decide`. An error that ends the run: `failures.FATAL`. A step: `steps`, with a state
    (see `musicai_sdk.batch.ledger`). A limit on parallel work: a semaphore in `Pipeline`, an option in `options`.
"""
