"""The program of scripts/chaos, which runs it in its own environment."""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from counting import make_inputs, verdict  # beside this file
from faults import rules
from killing import IN_FLIGHT, Runs
from service import running

from musicai_sdk._platform import escape_unencodable

EPILOG = """\
The test: N different files go through `musicai_sdk.batch` (upload, create, wait, download, verify, delete) against a
sandbox in another process, with a workflow that returns its input. The client is used unmodified; only its timeout is 3 s
instead of 60, because some requests are never answered, and the run's `grace` 2 s instead of 10.

The faults: SHARE of all requests, to the API and the storage, get a fault of the sandbox, chosen at random with the seed.
Each kind that fits a request is equally likely, and the table ends with their counts. Excluded are faults that no client
can repair (a finished job whose result is lost) or detect (a 404 for an existing job), and those that TLS rules out
(changed bytes in answers without a digest). The process is killed by SIGKILL at random moments spread over the run.

The user: the same run is started again after every kill, and again while something is unfinished, with
`retry_failed=True` and `retry_uncertain=True`, as a careful user would do. With the first option, a job that ended as FAILED
is paid for again; with the second, a POST whose answer was lost and whose job isn't listed after `grace` is sent again
under the same key. Jobs that ended as FAILED stay at the service, with their reasons.

The count, at the end: all jobs that the service accepted, including deleted ones, from a trigger in the sandbox's own
database. A duplicate is a job for a file whose previous job hadn't FAILED, a second job under one idempotency key, or a job
for an unknown file. Lost is an input without a result, wrong a result that differs from its input. Leftover is every file
in the output folder except results, the ledger and its lock, and every temporary file. Secrets are the API key and signed
queries in log records (all loggers, all levels, httpx and httpcore too), stdout, stderr, events, the output folder and the
text columns of the ledger. The ledger's columns `url` contain the signed URLs of uploads, because a resumed run needs them;
they aren't searched, and only the owner can read the file. The API key must not be anywhere in it.

The limit: with --max-jobs, all kills happen within the limit, which counts paid requests in the ledger. When a run has
reached it, the requests in the ledger and the jobs that the service accepted must not exceed it.

The exit code is 0 if all of these counts are 0, and there were faults and all requested kills; otherwise 1.
"""


def chaos(jobs: int, share: float, kills: int, seed: int, folder: Path, max_jobs: int | None = None) -> int:
    """Runs the test in a folder and prints the table."""
    started = time.monotonic()
    inputs = make_inputs(folder / "in", jobs, random.Random(f"{seed}/inputs"))
    with running(folder / "service", IN_FLIGHT, seed) as service:
        if share:
            service.add_faults(rules(share, seed))
        runs = Runs(folder, jobs, kills, seed, service, max_jobs)
        runs.run()
        zeros, figures, remarks = verdict(runs, inputs, max_jobs)
    figures["seconds"] = round(time.monotonic() - started)
    limit = "" if max_jobs is None else f" --max-jobs {max_jobs}"
    print(
        f"| scripts/chaos --jobs {jobs} --faults {share:g} --kills {kills} --seed {seed}{limit} | |\n| --- | ---: |"
    )
    for name, figure in figures.items():
        print(f"| {name} | {figure:,} |")
    for remark in remarks:
        print(f"\n{remark}")
    return int(any(zeros.values()) or runs.tally.kills < kills or (share > 0 and not figures["faults"]))


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos",
        description="Runs jobs against a failing service and network while the process is killed repeatedly, and\n"
        "counts what was paid for twice, lost, damaged, left behind or leaked.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--jobs", metavar="N", type=int, default=200, help="the number of jobs (default: %(default)s)"
    )
    parser.add_argument(
        "--faults",
        metavar="SHARE",
        type=float,
        default=0.2,
        help="the share of requests that fail (default: %(default)s)",
    )
    parser.add_argument(
        "--kills", metavar="N", type=int, default=4, help="the number of kills (default: %(default)s)"
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=1,
        help="the seed of all random choices (default: %(default)s)",
    )
    parser.add_argument(
        "--max-jobs",
        metavar="N",
        type=int,
        help="the limit of all runs until one has reached it after the last kill; then the rest is done without",
    )
    parser.add_argument(
        "--keep",
        metavar="FOLDER",
        type=Path,
        help="work in this new folder and keep it: inputs, results, ledger, logs, the sandbox's data",
    )
    options = parser.parse_args(arguments)
    if options.jobs < 1 or options.kills < 0 or not 0 <= options.faults < 1:
        parser.error("--jobs must be 1 or more, --kills 0 or more, --faults at least 0 and below 1")
    if options.max_jobs is not None and not 1 <= options.max_jobs <= options.jobs:
        parser.error("--max-jobs must be 1 or more, and at most the number of jobs")
    if options.keep is not None and options.keep.exists():
        parser.error(f"--keep {options.keep}: it exists already")
    return options


def main() -> int:
    escape_unencodable()
    options = parsed(None)
    # SIGTERM must end the child processes too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder: Path = options.keep or Path(tempfile.mkdtemp(prefix="musicai-chaos-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        numbers = (options.jobs, options.faults, options.kills, options.seed)
        return chaos(*numbers, folder.absolute(), options.max_jobs)
    except KeyboardInterrupt:
        return 130
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
