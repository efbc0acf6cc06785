"""Runs the cases, with all programs in turn in every round. `scripts/bench` creates the environments and calls this."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import ssl
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from cases import CASES, PEER, Case
from place import Destination, Figures, Program
from programs import programs
from tables import Result, compact, figures, put, targets

from musicai_sdk._platform import escape_unencodable

GUIDE = Path(__file__).parents[1] / "_docs" / "guides" / "speed.md"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures this package beside others.")
    parser.add_argument("cases", nargs="*", help="words in the titles of cases; all cases by default")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller transfers, no slow cases")
    parser.add_argument("--full", action="store_true", help="also the catalogue of 100,000 tracks")
    parser.add_argument("--rounds", type=int, help="the number of rounds; 7 by default, 3 with --quick")
    parser.add_argument(
        "--size", type=int, help="the size of transfers in megabytes; 512 by default, 128 with --quick"
    )
    parser.add_argument("--guide", action="store_true", help="also write the table into the guide on speed")
    parser.add_argument(
        "--into", type=Path, default=GUIDE, help="write it into this file instead of the guide"
    )
    parser.add_argument(
        "--peers", action="store_true", help="also measure the import of openai, replicate and assemblyai"
    )
    for name, needed in (("peer", True), ("cli", True), ("others", False)):
        parser.add_argument(f"--{name}", required=needed, help=argparse.SUPPRESS)  # interpreters
    parser.add_argument("--node", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--without", action="append", default=[], help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    escape_unencodable()
    asked = arguments()
    if asked.guide:
        put(asked.into.read_text(encoding="utf-8"), "")  # fail now and not after ten minutes
    signal.signal(signal.SIGTERM, stop)
    rounds: int = asked.rounds or (3 if asked.quick else 7)
    size: int = asked.size or (128 if asked.quick else 512)
    available = programs(asked.peer, asked.cli, asked.others, asked.node)
    chosen = [
        case
        for case in (replace(case, title=case.title.format(size=size)) for case in CASES)
        if not (asked.quick and case.slow)
        and (asked.full or not case.full)
        and (not asked.cases or any(word in case.title for word in asked.cases))
    ]
    with Destination(size) as place:
        results = [measure(place, available, case, rounds) for case in chosen]
    mode = f"{rounds} rounds{', quick' if asked.quick else ''}"
    made_on = conditions(mode)
    print(f"\nRatios to {PEER}, lower is better: median (least–most). {made_on}.\n")
    print(targets(results), figures(results), sep="\n\n")
    for reason in asked.without:
        print(f"\nLeft out: {reason}")
    if asked.guide:
        ratios = f"Beside `musicai-sdk` 1.0.4 in the same run, lower is better; medians. {made_on}: `scripts/bench`."
        text = asked.into.read_text(encoding="utf-8")
        asked.into.write_text(put(text, compact(results, ratios)), encoding="utf-8")


def stop(_number: int, _frame: object) -> None:
    """Exits in order, so that neither the server nor a gigabyte on a memory disk is left."""
    sys.exit("scripts/bench: stopped")


def conditions(mode: str) -> str:
    """The conditions of the measurement."""
    parts = [
        time.strftime("%Y-%m-%d"),
        mode,
        f"{os.cpu_count()} cores ({platform.machine()}, loopback)",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in ("httpx", "pydantic")),
        " ".join(ssl.OPENSSL_VERSION.split()[:2]),
    ]
    return ", ".join(parts)


def measure(place: Destination, available: Sequence[Program], case: Case, rounds: int) -> Result:
    """Measures one case; each round starts with another program."""
    print(f"{case.title} …", file=sys.stderr, flush=True)
    if case.rehearsed:
        one_round(place, available, case)
    measured = list[dict[str, Figures]]()
    for number in range(1 if case.once else rounds):
        turn = number % len(available)
        measured.append(one_round(place, [*available[turn:], *available[:turn]], case))
    return Result(case, measured)


def one_round(place: Destination, available: Sequence[Program], case: Case) -> dict[str, Figures]:
    found = [(program.name, place.measure(program, case)) for program in available]
    return {name: each for name, each in found if each is not None}


if __name__ == "__main__":
    main()
