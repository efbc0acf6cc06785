"""Whole catalogues: runs that survive, and never pay twice.

```python
from musicai_sdk import batch
from musicai_sdk.workflows import GenerateChords

report = batch.run(GenerateChords, "songs", "out", in_flight=10)
for failure in report.failures():
    print(failure.source, failure.code, failure.message)
```

A run is a workflow, inputs, an output folder and a ledger. Run the same line again after a crash, a Ctrl-C
or with new files in the folder: it goes on, and what is done is skipped. `Batch` has all options,
`run_async`, `drain` and a `progress` to draw; `open_ledger` looks into a ledger, also while a run is going
on.

Inputs:
    Paths, folders (`Folder("songs", glob="*.flac")`), folders to which files come (`Watch("incoming")`, until
    Ctrl-C), URLs, CSV or JSONL manifests with parameters in each row (`Manifest("songs.csv")`),
    `Input(source, params, name)`, or any iterator of these, which may block. `plan` tells what would be done.
    Each input gets the folder `<out>/<its path without extension>`, made safe for every file system, short enough
    for it, told apart from others, never outside. A folder is one track's for ever: when a path gets another content, the new
    results go to `<folder> (<12 digits>)` and the old ones stay. An output folder is one ledger's and never the
    folder of the inputs (one in it is fine), and a ledger's results are in one place; anything else is an error
    before a request is sent.

    A new ledger in a folder that holds results needs `adopt=True`.

    A track is a content with a workflow and parameters. A file is known by its SHA-256, computed once for
    each path, size and time of change; a URL by what it says without its signature, if that is a complete one of S3,
    Google, Azure, CloudFront, Akamai or the sandbox. All else in a URL tells songs apart, the fragment included; a
    song under signatures of another kind counts as another one each time, and is paid for again. What a ledger of 2.0.0
    has paid for is found in it under that version's rules. So a renamed file is skipped, and inputs with equal contents and parameters share one job and one result, in the folder of
    the one seen first (`LedgerView.inputs` tells).

Buckets:
    Inputs may be in a bucket (`Bucket("s3://songs")`, `Folder("s3://songs/live/", glob="*.wav")`, `s3://…/a.wav` in a
    manifest), and `out` may be one, with `ledger=` on this machine: see `musicai_sdk.storage`. An object is known by
    its ETag and size. The ledger has no signed URL of either: they are signed for each POST, before it counts as sent.
    Verified means there that every object was looked up and has the size and ETag that were written down.

States:
    seen → uploaded → creating → created → finished → downloaded → verified → deleted, or `failed` with a
    code, a message and where a retry goes on (a state of success is `verified` or `deleted`: the job is deleted, never
    the results). Each is in SQLite (WAL, `synchronous=FULL`) before the next
    step begins; changes that meet share a commit. Verified means that every output was read back from the
    disk, forced onto it, and its size and SHA-256 written down; only then is the job deleted
    (`keep_jobs=True` keeps it).

    The job is kept, and its track fails, when its results aren't all here: it has no result (`RESULT_MISSING`); an output
    is missing, null or blank that the workflow's class declares without `| None`, or a file stands at an address
    that isn't http(s) (`OUTPUT_MISSING`); a URL anywhere in the result, in lists and objects of any depth, can't be
    downloaded; or what arrives is a web page, an error document or a picture in the place of a recording, or isn't JSON
    where it should be (`IntegrityError`). With a slug in the place of a class no output is expected by name: accounts
    have their own. Every run fetches such results again.

    Results of earlier runs are looked up by name and size when their inputs come again. Where they are gone,
    `report.ok` is False, `report.damaged()` lists them, and nothing is paid: with `retry_failed=True` those whose jobs
    were kept are fetched again.

What is guaranteed:
    Each job is paid for once, whenever the process is killed. A paid request (the POST that creates a job) is written
    into the ledger before it leaves, with an idempotency key that the job carries in its metadata. A run that finds a
    request without an answer (`creating`, `uncertain`) looks for its job in the list of jobs, one search for all of them:
    at once, during `grace`, and then thoroughly. Found: the run goes on with that job. Proven absent: a request that a
    killed process may have sent is sent again under the same key. Neither: the track is `uncertain`, and only
    `retry_uncertain=True` sends it again. The proof of absence is a walk through the whole, unfiltered list that began
    after the grace period and ended with an empty page, repeated with other page sizes until no job can have slipped
    through between two pages; and no listed job without a readable key may be the one.

    A lost answer in a living run is never followed by a second request either: the track becomes `uncertain` if the
    job isn't listed, every run looks for it, and `retry_uncertain=True` sends it again.

    A failed download never discards a paid job: every run goes on with it. `JOB_GONE` is believed when the service has
    said so several times, later than `grace` after the job was created. A job that failed is paid anew only by
    `retry_failed=True`, under a new key; the failed one stays at the service, see `Report.jobs_left`. A job is deleted only
    after it was fetched by `GET` when it had ended, and all its results were read back from the disk.

    Every paid request that was ever sent stays in the ledger, with its reason, job and outcome: `LedgerView.attempts`,
    `Report.jobs_created`, `musicai batch history`.

    Before anything is sent, a run compares the application of its key and its base URL with the ledger's, and refuses
    others. It refuses a ledger that is empty, cut off, linked under two names, a copy of one that is in use, or older than
    its output folder has seen; and a missing one where there are results. `adopt=True` goes on where you know better.
    One run at a time works on a ledger. Where its lock fails, two runs still pay once: each track belongs to the run that
    changed it last, every change is made only if the track is unchanged since it was read, and a run leaves the tracks
    of another living run alone.

    One track's failure never stops another. What all tracks would fail of ends the run: a wrong key or base URL, a workflow
    that doesn't exist, a ledger that can't be written or was removed, a service that can't be reached at all (from the
    start, or for 15 minutes), a page or a redirect where the service should be (`max_attempts` times in a row). No track
    fails by that, nor by a lack of file descriptors: the next run goes on with them. An exception of `on_event` drains
    the run and is raised at its end.

Assumptions:
    What the guarantees rest on, and nothing here can check:

    - The service lists a job at most `grace` seconds after it received the request, and a request of a dead process doesn't
      arrive later than that. Listed jobs keep their order.
    - Nobody else deletes jobs that are under way.
    - The list shows the key, or else workflow, name or parameters of a job as they were sent.
    - The disk keeps what it has confirmed (`fsync`), and SQLite's locks work for the processes of one machine.
    - One ledger writes to a bucket's prefix: only folders have a claim that keeps a second one out.
    - On another machine, a run that hasn't written to the ledger for a minute is dead, and sends nothing afterwards.
    - A service that doesn't say which application a key belongs to is the same if its base URL is.

Ctrl-C:
    Once, and nothing new is begun; POSTs and downloads under way are finished, jobs at the service go on
    and are picked up by the next run. Twice, and transfers are broken off too.

Requests:
    For each track: one for an upload URL, the upload, the POST, the job when it has ended, the outputs, the delete.
    One for the application, in each run that has something to do. Polling is one
    list page for a hundred jobs in flight at each tick, and a tick comes after a tenth of the time that
    jobs take.

More machines:
    `executor=` takes any `concurrent.futures.Executor`, such as that of
    `dask_executor("tcp://scheduler:8786")`. The inputs are dealt out to `shards`, equal contents to the
    same one; a task is a path and plain settings, with its part of `in_flight`. Each shard has a ledger of
    its own beside the main one, on a disk that the workers share, and a lock. A worker that dies takes
    nothing along: whoever gets its shard next goes on with that ledger. Shards are merged when they end, or
    by the next run if this one crashed. The key is in the workers' environment (`MUSIC_AI_API_KEY`), never
    in a task.

Ten million tracks:
    Measured on one core of a shared two-core machine: 22 ms of CPU and 6 requests a track, so one process
    does some 45 tracks a second, 4 million a day. The service's plan comes first: with N jobs in flight of
    D seconds, a track takes D/N seconds; 500 of 60 s are 8 a second, which is 14 days and a fifth of one
    process. 10⁷ in 24 h are 116 a second: 7,000 jobs in flight, three workers. Then bandwidth: 10⁷ files of
    5 MB are 50 TB, 5 days at 1 Gbit/s, so workers are for where the files are. A ledger takes 0.8 to 1.5 kB
    a track (15 GB for 10⁷, in shards while it runs), and a resume 14 to 18 µs a finished track with an
    address, 18 to 28 µs with a file: about 2 s for 10⁵, 4 minutes for 10⁷. SQLite commits together what comes
    together, so the disk's fsyncs bound nothing before that. The main ledger is read by one process at the start and the end; at ten times this size,
    give parts of the catalogue ledgers of their own.
"""

from __future__ import annotations

from musicai_sdk.batch.batch import Batch, run
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
