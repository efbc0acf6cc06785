"""What scripts/simulate runs."""

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

from simulation import batch, core  # noqa: E402 - found by the line above

EPILOG = """\
A seed decides everything in its world: how odd the service is, what goes wrong on the network, which programs are killed
or cancelled at which step, what other programs do meanwhile. tests/simulation says what callers do and which rules must
hold. A seed that broke one and is mended belongs into tests/simulation/seeds.txt, whose seeds the tests always run.

"inside" are the worlds whose callers keep to what the documentation asks of them: outside of these, two jobs under one
key break no rule, and are only counted.

The exit code is 1 if a rule was broken.
"""
SIMULATIONS: Mapping[str, Callable[..., core.Report]] = {"core": core.run, "batch": batch.run}
"""What there is to simulate."""
SHOWN = 20
"""How many broken seeds are printed."""


def many(name: str, seeds: range) -> int:
    """Runs seeds, and prints what became of them; returns how many broke a rule."""
    run = SIMULATIONS[name]
    broken, counts, simulated = 0, Counter[str](), 0.0
    began, began_cpu = time.perf_counter(), time.process_time()
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
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
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
    """Runs one seed, and prints everything that happened; returns how many rules it broke."""
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
    parser.add_argument("--seeds", metavar="N", type=int, help="how many seeds to run (default: 2000)")
    parser.add_argument(
        "--from", metavar="S", type=int, default=0, dest="first", help="the first one (default: 0)"
    )
    parser.add_argument("--seed", metavar="S", type=int, help="replay this one, and print what happens")
    parser.add_argument("--only", choices=list(SIMULATIONS), help="simulate nothing else")
    options = parser.parse_args(arguments)
    if options.seed is not None and options.seeds is not None:
        parser.error("--seeds runs many, --seed replays one: give one of them")
    if options.seeds is not None and options.seeds < 1:
        parser.error("--seeds is 1 or more")
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
