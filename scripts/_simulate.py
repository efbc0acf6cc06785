"""The program of scripts/simulate."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from musicai_sdk._platform import escape_unencodable

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from simulation import batch, core  # noqa: E402 - needs the line above

EPILOG = """\
A seed determines everything in a simulated world: the behaviour of the service, the failures of the network, the steps
at which programs are killed or cancelled, and the actions of other programs. tests/simulation defines what callers do and
which rules must hold. When you have fixed a seed that broke a rule, add it to tests/simulation/seeds.txt; the tests always
run these seeds.

"inside" counts the worlds in which callers follow the documentation. Outside, two jobs under one key break no rule and are
only counted.

The exit code is 1 if a rule was broken.
"""
SIMULATIONS: Mapping[str, Callable[..., core.Report]] = {"core": core.run, "batch": batch.run}
"""The simulations by name."""
SHOWN = 20
"""The maximum number of broken seeds to print."""


def many(name: str, seeds: range) -> int:
    """Runs seeds and prints the result; returns the number of seeds that broke a rule."""
    run = SIMULATIONS[name]
    broken, counts, simulated = 0, Counter[str](), 0.0
    started, started_cpu = time.perf_counter(), time.process_time()
    for done, seed in enumerate(seeds, 1):
        report = run(seed)
        simulated += report.seconds
        counts.update(
            inside=report.inside, paid=report.paid, duplicates=0 if report.inside else report.duplicates
        )
        if report.violations:
            broken += 1
            if broken <= SHOWN:
                print(f"{name} {seed}: {report.violations[0]}", flush=True)
        if done % 10_000 == 0:
            print(f"{name}: {done:,} seeds, {broken:,} broken", flush=True)
    seconds, cpu = time.perf_counter() - started, time.process_time() - started_cpu
    print(
        f"{name}: {len(seeds):,} seeds from {seeds.start}, {len(seeds) / seconds:,.0f} seeds/s"
        f" ({len(seeds) / cpu:,.0f} a CPU second), {simulated / 3600:,.1f} h simulated;"
        f" {counts['inside']:,} inside, {counts['paid']:,} jobs paid; {broken:,} seeds broke a rule;"
        f" outside {counts['duplicates']:,} jobs were paid for twice"
    )
    if broken:
        print(f"To replay one: scripts/simulate --only {name} --seed SEED")
    return broken


def one(name: str, seed: int) -> int:
    """Runs one seed and prints every event; returns the number of broken rules."""
    report = SIMULATIONS[name](seed, traced=True)
    print(f"{name} {seed}, {'inside' if report.inside else 'outside'}: {report.conditions}")
    print(*report.trace, sep="\n")
    for violation in report.violations:
        print(f"broken: {violation}")
    print(f"{report.paid} jobs paid, {len(report.violations)} rules broken")
    return len(report.violations)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/simulate",
        description="Runs the client in simulated time against a service and a network that fail.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", metavar="N", type=int, help="the number of seeds to run (default: 2000)")
    parser.add_argument(
        "--from", metavar="S", type=int, default=0, dest="first", help="the first seed (default: 0)"
    )
    parser.add_argument("--seed", metavar="S", type=int, help="replay this seed and print every event")
    parser.add_argument("--only", choices=list(SIMULATIONS), help="run only this simulation")
    options = parser.parse_args(arguments)
    if options.seed is not None and options.seeds is not None:
        parser.error("--seeds and --seed exclude each other")
    if options.seeds is not None and options.seeds < 1:
        parser.error("--seeds must be 1 or more")
    return options


def main() -> int:
    escape_unencodable()
    options = parsed(None)
    broken = 0
    for name in SIMULATIONS:
        if options.only in (None, name):
            if options.seed is not None:
                broken += one(name, options.seed)
            else:
                seeds = 2000 if options.seeds is None else options.seeds
                broken += many(name, range(options.first, options.first + seeds))
    return int(broken > 0)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
