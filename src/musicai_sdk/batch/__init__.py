"""Whole catalogues: runs that survive crashes and pay for each track once.

```python
from musicai_sdk import batch
from musicai_sdk.workflows import GenerateChords

report = batch.run(GenerateChords, "songs", "out", in_flight=10)
for failure in report.failures():
    print(failure.source, failure.code, failure.message)
```

A run has a workflow, inputs, an output folder and a ledger: a SQLite file with everything it knows. After a crash, after
Ctrl-C, or with new files in the folder, run the same line again. It continues, and skips what is done. In a terminal or a
notebook it draws its progress (`progress=`). `Batch` has all options, `run_async`, `drain`, and the figures as `progress`.
`plan` says what a run would do. `open_ledger` reads a ledger, also during a run; `report.to_pandas()` has its tracks.

Inputs:
    Paths, URLs, `Input(source, params, name)`, folders (`Folder("songs", glob="*.flac")`), watched folders
    (`Watch("incoming")`), CSV or JSONL manifests with parameters in each row (`Manifest("songs.csv")`), buckets, or any
    iterator of these, which may block.

    A track is a content together with a workflow and parameters. Inputs with equal contents and parameters are one track: they
    share one job and one result, in the folder of the first one (`LedgerView.inputs`), and a renamed file is skipped. A
    file is identified by its SHA-256, computed once for each path, size and modification time. A URL is identified by its
    text without its signature, if that is a complete signature of S3, Google, Azure, CloudFront, Akamai or the sandbox.
    Everything else in a URL distinguishes songs, the fragment included. So a song under a signature of another kind is
    another track each time, and is paid for again. A ledger of 2.0.0 still finds what it paid for, by that version's rules.

Output folders:
    Each input gets the folder `<out>/<its path without extension>`, made unique, valid on every file system, short enough,
    and never outside of `out`. A folder belongs to one track forever: if a path gets new content, the new results go to
    `<folder> (<12 digits>)`, and the old ones stay. An output folder belongs to one ledger. It can't be the folder of the
    inputs, but may be inside of it. A ledger's results are in one place. Anything else is an error before a request is
    sent. To begin a new ledger in a folder that holds results, pass `adopt=True`.

Buckets:
    Inputs may be in a bucket (`Bucket("s3://songs")`, `Folder("s3://songs/live/", glob="*.wav")`, or `s3://…/a.wav` in a
    manifest). `out` may be a bucket too, with `ledger=` on this machine: see `musicai_sdk.storage`. An object is
    identified by its ETag and size. The ledger never has signed URLs of a bucket: they are signed for each POST, before it
    counts as sent. Results in a bucket are verified by looking up each object: its size and ETag are those recorded.

States:
    seen → uploaded → creating → created → finished → downloaded → verified → deleted; or `failed`, with a code, a message
    and the state that a retry continues from; or `uncertain`: it is unknown whether a job was created. `verified` and
    `deleted` are success; what is deleted is the job, never the results. Each state is in SQLite (WAL, `synchronous=FULL`)
    before the next step begins. A track is verified when every output was read back from the disk and forced onto it, and
    its size and SHA-256 are recorded. Only then is the job deleted, unless `keep_jobs=True`.

    If the results aren't complete, the job is kept, the track fails, and every run fetches them again. That is the case if

    - the job has no result (`RESULT_MISSING`);
    - an output is missing, null or blank that the workflow's class declares without `| None`, or a text says where a file is
      but isn't an http(s) URL: `gs://…`, `/files/vocals.wav`, two URLs in one text (`OUTPUT_MISSING`);
    - a URL anywhere in the result, at any depth, can't be downloaded;
    - a web page, an error document, a text or a picture arrives instead of a recording, a WAV file is shorter than its
      header says, or JSON isn't JSON or is a server's error (`IntegrityError`);
    - the answer is about another job (`ResponseError`). If the answer to a POST named another request's job, the track's
      own job is searched for.

    With a slug instead of a class, no outputs are expected by name, because accounts may have their own.

    When inputs come again, the results of earlier runs are looked up by name and size. If they are missing and the job was
    kept, every run fetches them again. Otherwise nothing is paid: `report.ok` is False, and `report.damaged()` lists them.

Guarantees:
    Each job is paid once, whenever the process is killed. A paid request (the POST that creates a job) is recorded in the
    ledger before it is sent, with an idempotency key that the job carries in its metadata. A run that finds a request
    without an answer looks for its job in the list of jobs, with one search for all such requests: at once, during `grace`,
    and then thoroughly.

    - If the job is found, the run continues with it.
    - If it is proven absent, a request that a killed process may have sent is sent again under the same key.
    - Otherwise the track is `uncertain`. Every run looks for its job; only `retry_uncertain=True` sends it again.

    Absence is proven by a walk through the whole, unfiltered list that began after the grace period and ended with an
    empty page, repeated with other page sizes until no job can have slipped through between two pages; no listed job
    without a readable key may be the one; and no job that the ledger knows is missing from the list although it exists.
    After an answer that is lost in a living run, nothing is sent again: the track becomes `uncertain` if the job isn't
    listed.

    A failed download never discards a paid job: every run continues with it. `JOB_GONE` is believed only if the service has
    said so several times, later than `grace` after the job was created. A failed job is paid again only with
    `retry_failed=True`, under a new key. The failed job stays at the service: see `Report.jobs_left`. A job is deleted only
    after a `GET` fetched it when it had ended, and all its results were read back from the disk.

    Every paid request stays in the ledger, with its reason, job and outcome: see `LedgerView.attempts`,
    `Report.jobs_created` and `musicai batch history`.

    Before anything is sent, a run compares the application of its key and its base URL with those of the ledger, and
    refuses others. It refuses a ledger that is empty, damaged, linked under two names, a copy of one in use, without
    the shards of an interrupted run, or older than its output folder shows. It also refuses to begin a new ledger where
    there are results. `adopt=True` allows an older copy, and a new ledger. Only one run at a time uses a ledger. If its
    lock fails, two runs still pay once: each track belongs to the run that changed it last, every change requires that
    the track is unchanged since it was read, and a run leaves the tracks of another living run alone.

    One track's failure never stops another one. Failures that all tracks would share end the run: a wrong key or base URL,
    a workflow that doesn't exist, a ledger that can't be written or was removed, a service that can't be reached (from the
    start, or for 15 minutes), a page or a redirect instead of the service (`max_attempts` times in a row). No track fails
    because of these, or because of a lack of file descriptors: the next run continues. An exception of `on_event` drains
    the run and is raised at its end.

Budgets:
    `max_jobs=20`, `max_minutes=60` and `max_cost=5` limit what a ledger may spend, over all its runs:

    ```python
    from musicai_sdk import batch
    from musicai_sdk.workflows import GenerateChords

    prices = {GenerateChords: batch.Price(per_minute="0.05")}  # yours: the package knows no prices
    print(batch.plan(GenerateChords, "songs", "out", prices=prices).cost.money)
    report = batch.run(GenerateChords, "songs", "out", prices=prices, max_jobs=20)
    print(report.cost.jobs, report.cost.minutes, report.cost.money, report.progress.waiting)
    ```

    Every POST in the ledger counts, including those of killed runs, retries and lost answers, unless the service refused
    it. A POST that the service provably never received counts as one with its repetition. Counting and recording a POST
    are one transaction, so neither concurrent tracks nor kills, resumes or shards exceed a limit. When a limit is reached,
    the run pays for nothing more, completes the jobs under way and ends: `report.ok` is False, `progress.budget` names the
    limit, and the tracks without a job don't fail but wait (`progress.waiting`). A run with a higher limit, or without
    one, continues with them. A limit of 0 only completes what is paid. A plan with the same arguments gives the jobs,
    minutes and money in advance.

    The minutes are the length of the audio, read from the headers of WAV, AIFF, FLAC, Ogg and MP4 files, and of MP3 files
    where `soundfile` is installed. Other lengths are unknown, unless an `Input` or the column `audio_seconds` of a manifest
    has them. They are never guessed: `Cost.unmeasured` counts such jobs, and with `max_minutes`, or with `max_cost` and a
    price for a minute, such inputs wait (`progress.unmeasured`). So does a track that alone exceeds a limit.

Assumptions:
    The guarantees depend on these, which can't be checked:

    - The service lists a job at most `grace` seconds after it received the request, and a request of a dead process doesn't
      arrive later than that. Listed jobs keep their order.
    - Nobody else deletes jobs that are under way.
    - The list shows the key of a job, or else its workflow, name or parameters as they were sent.
    - The disk keeps what it confirmed (`fsync`), and SQLite's locks work for the processes of one machine.
    - Only one ledger writes to a bucket's prefix: only folders have a claim that keeps a second one out.
    - A run on another machine that hasn't written to the ledger for a minute is dead, and sends nothing afterwards.
    - If the service doesn't name a key's application, keys with the same base URL are assumed to belong to one application.

Ctrl-C:
    The first one drains: nothing new is begun, and POSTs and downloads under way are completed. Jobs continue at the
    service, and the next run picks them up. The second one also interrupts transfers. In a notebook, "interrupt kernel" is
    Ctrl-C.

Requests:
    Per track: one for an upload URL, the upload, the POST, the job when it has ended, the outputs, the delete. Per run with
    something to do: one for the application. Polling reads one page of the list for a hundred jobs in flight, at intervals
    of a tenth of the time that jobs take.

More machines:
    `executor=` takes any `concurrent.futures.Executor`, such as that of `dask_executor("tcp://scheduler:8786")`. The inputs
    are distributed over `shards`, equal contents to the same one. Each shard has a ledger and a lock of its own, beside the
    main ledger on a disk that the workers share. Its task is a path and plain options, with its part of `in_flight`; the key
    comes from the workers' environment (`MUSIC_AI_API_KEY`), never with a task. If a worker dies, whoever gets its shard
    next continues with the shard's ledger. Shards are merged when they end, or by the next run if this one crashed.

Ten million tracks:
    Measured on one core of a shared two-core machine: 7 to 8 ms of CPU and 6 requests a track, whatever `in_flight` is, so one
    process does some 120 tracks a second, 10 million a day. The service's plan is the first limit: with N jobs in flight of D
    seconds, a track takes D/N seconds. 500 jobs of 60 s are 8 tracks a second: 14 days for 10⁷, and a fifteenth of one
    process. 10⁷ in 24 h are 116 a second: 7,000 jobs in flight, two workers. The second limit is bandwidth: 10⁷ files
    of 5 MB are 50 TB, 5 days at 1 Gbit/s, so put workers where the files are. A ledger takes 0.8 to 1.5 kB a
    track (15 GB for 10⁷, in shards while it runs). A resume takes 14 to 18 µs for each finished track with a URL, 18 to
    28 µs with a file: about 2 s for 10⁵, 4 minutes for 10⁷. Concurrent changes share a commit, so the disk's fsyncs aren't
    the limit. One process reads the main ledger at the start and the end; at ten times this size, split the catalogue into
    parts with ledgers of their own.
"""

from __future__ import annotations

from musicai_sdk.batch.batch import Batch, run
from musicai_sdk.batch.budget import Cost, Price
from musicai_sdk.batch.dry_run import Plan, count_inputs, plan
from musicai_sdk.batch.errors import (
    LedgerError,
    LedgerLockedError,
    LedgerMismatchError,
    LedgerVersionError,
    ShardsFailedError,
)
from musicai_sdk.batch.events import Event, EventKind, InFlight, Progress
from musicai_sdk.batch.inputs.kinds import Folder, Input, Inputs, Manifest, Rejected, Source, Watch
from musicai_sdk.batch.ledger.attempts import JobAttempt
from musicai_sdk.batch.ledger.states import State
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.ledger.view import Durations, Failure, LedgerView, Report, open_ledger
from musicai_sdk.batch.ledger_files import archive, ledger_of, set_aside
from musicai_sdk.batch.report import write_report
from musicai_sdk.batch.results.output import OutputRecord
from musicai_sdk.batch.results.presence import Damage
from musicai_sdk.batch.shards.dask import dask_executor

__all__ = [
    "Batch",
    "Cost",
    "Damage",
    "Durations",
    "Event",
    "EventKind",
    "Failure",
    "Folder",
    "InFlight",
    "Input",
    "Inputs",
    "JobAttempt",
    "LedgerError",
    "LedgerLockedError",
    "LedgerMismatchError",
    "LedgerVersionError",
    "LedgerView",
    "Manifest",
    "OutputRecord",
    "Plan",
    "Price",
    "Progress",
    "Rejected",
    "Report",
    "ShardsFailedError",
    "Source",
    "State",
    "Track",
    "Watch",
    "archive",
    "count_inputs",
    "dask_executor",
    "ledger_of",
    "open_ledger",
    "plan",
    "run",
    "set_aside",
    "write_report",
]
