"""The jobs, the kills and the count. `scripts/chaos` runs this in an environment of its own."""

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
What is run: N files, each with a content of its own, through `musicai_sdk.batch` (upload, create, wait, download,
verify, delete) against a sandbox in another process, on a workflow that gives back what it gets. Nothing of the client
is switched off or mocked; only its timeout is 3 s instead of 60, because some requests are never answered, and the
run's `grace` 2 s instead of 10.

What goes wrong: SHARE of all requests, to the API and the storage, get a fault of the sandbox, drawn with the seed;
each kind that fits the request is as likely as any other, and the table ends with how often each was met. Left out are
what no client can heal (a finished job whose result the service has lost), what no client can tell (a 404 for a job
that is there) and what TLS rules out (changed bytes in answers that carry no digest). The process is killed by SIGKILL
at moments drawn with the seed, spread over the run.

What a careful user does, and this does too: start the same run again after every kill, and again while it leaves
something undone, with `retry_failed=True` and `retry_uncertain=True`. So a job that the service ended as FAILED is paid
anew, as that option says; the second option sends a POST again whose answer was lost and whose job isn't listed after
`grace`, under the same key. Jobs that ended as FAILED stay at the service, with their reasons.

What is counted, once all is done: jobs that the service accepted, deleted ones too, from a trigger in the sandbox's own
database; a duplicate is a job for a content whose previous job hadn't FAILED, a second job under one idempotency key,
or a job for a content nobody sent. Lost is an input without its result, wrong a result with other bytes than the
input's. Leftover is every file in the output folder that isn't a result, the ledger or its lock, and every temporary
file. Secrets are the API key and signed queries, in what the runs logged (every logger at every level, httpx and
httpcore too), wrote to stdout and stderr, told as events, left in the output folder, and in all texts of the ledger.
The ledger's columns `url` do hold the signed URLs of uploads, because a resumed run needs them: they aren't searched,
and that file is only readable by its owner. The API key mustn't be anywhere in it.

The exit code is 0 if all of these are 0, and there were faults and all the kills that were asked for; otherwise 1.
"""


def chaos(jobs: int, share: float, kills: int, seed: int, folder: Path) -> int:
    """Runs all of it in a folder, and prints the table."""
    began = time.monotonic()
    inputs = make_inputs(folder / "in", jobs, random.Random(f"{seed}/inputs"))
    with running(folder / "service", IN_FLIGHT, seed) as service:
        if share:
            service.add_faults(rules(share, seed))
        runs = Runs(folder, jobs, kills, seed, service)
        runs.run()
        zeros, figures, remarks = verdict(runs, inputs)
    figures["seconds"] = round(time.monotonic() - began)
    print(
        f"| scripts/chaos --jobs {jobs} --faults {share:g} --kills {kills} --seed {seed} | |\n| --- | ---: |"
    )
    for name, figure in figures.items():
        print(f"| {name} | {figure:,} |")
    for remark in remarks:
        print(f"\n{remark}")
    return int(any(zeros.values()) or runs.tally.kills < kills or (share > 0 and not figures["faults"]))


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos",
        description="Runs jobs through a service and a network that fail, while the process is killed again and\n"
        "again, and counts what was paid twice, lost, damaged, left behind or leaked.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--jobs", metavar="N", type=int, default=200, help="jobs (default: %(default)s)")
    parser.add_argument(
        "--faults", metavar="SHARE", type=float, default=0.2, help="requests that fail (default: %(default)s)"
    )
    parser.add_argument("--kills", metavar="N", type=int, default=4, help="kills (default: %(default)s)")
    parser.add_argument(
        "--seed", metavar="N", type=int, default=1, help="of all draws (default: %(default)s)"
    )
    parser.add_argument(
        "--keep",
        metavar="FOLDER",
        type=Path,
        help="work in this new folder and keep it: inputs, results, ledger, logs, the sandbox's data",
    )
    options = parser.parse_args(arguments)
    if options.jobs < 1 or options.kills < 0 or not 0 <= options.faults < 1:
        parser.error("--jobs is 1 or more, --kills 0 or more, --faults from 0 to below 1")
    if options.keep is not None and options.keep.exists():
        parser.error(f"--keep {options.keep}: it exists already")
    return options


def main() -> int:
    escape_unencodable()
    options = parsed(None)
    # What ends this script in an orderly way ends its processes too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder: Path = options.keep or Path(tempfile.mkdtemp(prefix="musicai-chaos-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return chaos(options.jobs, options.faults, options.kills, options.seed, folder.absolute())
    except KeyboardInterrupt:
        return 130
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
