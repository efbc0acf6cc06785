"""Prints how type checkers judge the typing programs: false errors, and the share of the marked mistakes they find."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.checkers import (
    CHECKERS,
    LEAST_FOUND,
    OTHERS,
    Found,
    false_errors,
    installed,
    make_project,
    share_found,
)


def version(checker: str) -> str:
    command = [installed(checker)] if checker in OTHERS else [sys.executable, "-m", checker.split()[0]]
    output = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout
    return next(word for word in output.split() if word[0].isdigit())


def main() -> None:
    every: dict[str, Callable[[Path], Found]] = {
        name: check for name, (_, check) in CHECKERS.items()
    } | OTHERS
    problems = list[str]()
    print("| checker | version | false errors | mistakes found | seconds |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        make_project(Path(folder))
        for name, check in every.items():
            began = time.monotonic()
            found = check(Path(folder))
            false, share = false_errors(found), share_found(found)
            seconds = time.monotonic() - began
            print(f"| {name} | {version(name)} | {len(false)} | {share:.1%} | {seconds:.0f} |", flush=True)
            problems += [f"{name}: {each}" for each in false]
            if share < LEAST_FOUND:
                problems.append(f"{name} finds less than {LEAST_FOUND:.0%} of the mistakes")
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
