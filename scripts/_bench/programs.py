"""The measured programs and their command lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import which

from cases import Case
from place import HERE, Command, Destination, Program

OURS, PEER, LIMIT, FLOOR = "this package", "peer", "raw socket", "httpx and pydantic alone"
ON_HTTPX2 = "this package on httpx2"
TRANSFERS = ("get", "upload", "download")
LOOP = "peer, 16 threads"
LOOPS = 96
"""Tracks for the peer's loop, which polls every 2 s."""
OTHERS = ("openai", "replicate", "assemblyai")


def programs(peer: str, cli: str, others: str | None, node: Path | None) -> list[Program]:
    """The available programs, from the Python of each environment and the folder of the Node client."""
    found = [
        adapter(OURS, [sys.executable, HERE / "ours.py"], is_for_python),
        adapter(PEER, [peer, HERE / "peer.py"], lambda case: is_for_python(case) and not case.is_catalogue),
        helping(OURS, [Path(cli).parent / "musicai"]),
        helping(PEER, [cli, HERE / "bare_click.py"]),
        adapter(LIMIT, [sys.executable, HERE / "raw.py"], lambda case: is_simple(case, TRANSFERS)),
    ]
    found.append(adapter(ON_HTTPX2, [sys.executable, HERE / "ours_on_httpx2.py"], is_exchange))
    found.append(adapter(FLOOR, [sys.executable, HERE / "minimal.py"], has_floor))
    if which("curl"):
        found.append(whole("curl", curl))
    if node is not None:
        names = (*TRANSFERS, "import", "first job", "get at once")
        found.append(adapter("@music.ai/sdk", ["node", node / "js.mjs"], lambda case: is_simple(case, names)))
    if others is not None:
        found += [importing(name, others) for name in OTHERS]
    found += [in_threads(peer), *bare_exchanges(), catalogue_loop(peer)]
    return found


def count(name: str, case: Case) -> int:
    if name == LOOP and case.is_catalogue:
        return LOOPS
    return (case.peer_count or case.count) if name == PEER else case.count


def adapter(name: str, start: Command, does: Callable[[Case], bool], as_case: str | None = None) -> Program:
    """A program with the command line of `measure`."""

    def command(case: Case, place: Destination) -> Command | None:
        if not does(case):
            return None
        is_async = case.asynchronous and name in (OURS, FLOOR, ON_HTTPX2)
        called = as_case or (f"async {case.name}" if is_async else case.name)
        return [
            *start,
            *(called, place.origin(case), str(count(name, case)), place.file(case), place.url(case)),
        ]

    return Program(name, command, lambda case: count(name, case))


def whole(name: str, command: Callable[[Case, Destination], Command | None]) -> Program:
    """A program that is measured as a whole process."""
    return Program(name, command, lambda _: 1, reports=False)


def helping(name: str, start: Command) -> Program:
    return whole(name, lambda case, _: [*start, "--help"] if case.name == "help" else None)


def is_for_python(case: Case) -> bool:
    return case.name != "help"


def is_simple(case: Case, names: Sequence[str]) -> bool:
    """Whether a case has one of these names and isn't a variant that concerns only this package."""
    return case.name in names and not case.asynchronous and case.digest is None


def is_exchange(case: Case) -> bool:
    """Whether a case consists of HTTP exchanges after the import."""
    return case.name in (*TRANSFERS, "get at once")


def has_floor(case: Case) -> bool:
    names = ("get",) if case.asynchronous else ("first job", "upload", "get", "parse", "catalogue 64")
    return case.name in names and case.digest is None


def curl(case: Case, place: Destination) -> Command | None:
    if not is_simple(case, ("upload", "download")):
        return None
    start: Command = ["curl", "--silent", "--show-error", "--fail", "--cacert", place.trusted]
    if case.name == "download":
        return [*start, "--output", place.file(case), place.url(case)]
    start = [*start, "--header", "Expect:"]  # don't wait for `100 Continue`
    return [*start, "--upload-file", place.file(case), f"{place.origins[case.scheme]}/put"]


def importing(name: str, python: str) -> Program:
    return adapter(
        name, [python, HERE / "imports.py"], lambda case: case.name == "import", as_case=f"import {name}"
    )


def in_threads(python: str) -> Program:
    """The peer's loops that wait for existing jobs, in as many threads as for the 500 jobs."""
    return adapter(
        LOOP,
        [python, HERE / "peer.py"],
        lambda case: case.name == "wait",
        as_case="wait in 16 threads",
    )


def bare_exchanges() -> list[Program]:
    """The programs to compare a catalogue's tracks with: the same exchanges by the standard library, and by httpx."""
    start: Command = [sys.executable, HERE / "bare.py"]
    return [
        adapter(PEER, start, lambda case: case.is_catalogue, as_case="catalogue"),
        adapter(
            "six exchanges, httpx",
            start,
            lambda case: case.name == "catalogue 64",
            as_case="catalogue by httpx",
        ),
    ]


def catalogue_loop(python: str) -> Program:
    """The peer's five calls for each file, in as many threads as for the 500 jobs."""
    return adapter(
        LOOP, [python, HERE / "peer.py"], lambda case: case.name == "catalogue 64", as_case="catalogue"
    )
