"""Measures one case in a client's own process: `python ours.py CASE ORIGIN COUNT FILE URL` prints its figures as JSON.

The top of this module imports only what a bare interpreter has loaded, because a client's own imports are measured.
"""

from __future__ import annotations

import sys
import time

TYPE_CHECKING = False  # the name in `typing` would load that
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    class Client(Protocol):
        """The actions of every client, apart from jobs."""

        def get(self) -> object: ...
        def upload(self, path: str) -> object: ...
        def download(self, url: str, path: str) -> object: ...

    Work = Callable[[], object]
    """The measured function; it may return its own figures as `Counted`."""

    Case = Callable[["Task"], Work]
    """Prepares a case without being measured, and returns the function to measure."""

KEY = "27803abe-ec15-4f74-9e8a-18a99627e9b0"
JOB = "27803abe"
"""A job that has already succeeded."""
AT_ONCE = 16
JOB_SECONDS = 0.5
"""The duration of a catalogue's jobs."""
IN_FLIGHT = (64, 500, 1_500, 7_000)
"""The numbers of jobs in flight with which catalogues are measured."""


class Task:
    """The arguments of a case."""

    def __init__(self, origin: str, count: str, file: str, url: str) -> None:
        self.origin: str = origin
        self.base_url: str = f"{origin}/v1"
        self.count: int = int(count)
        self.file: str = file
        """The file to upload, to download to, or to parse."""
        self.url: str = url
        """The URL to download."""


def catalogue_file(number: int) -> bytes:
    """The content of one of a catalogue's files, which all differ."""
    return b"RIFF%08d" % number * 100


class Counted(dict[str, float]):
    """Figures that a case counts itself."""


def measure(cases: Mapping[str, Case]) -> None:
    """Runs the case in the command line."""
    name, *arguments = sys.argv[1:]
    work = cases[name](Task(*arguments))
    memory, cpu, wall = peak_memory(), time.process_time(), time.perf_counter()
    result = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    now = peak_memory()

    import json

    grown = None if now is None else now - (memory or 0)
    counted = result if isinstance(result, Counted) else Counted()
    print(json.dumps({"wall": wall, "cpu": cpu, "memory": grown, **counted}))


def peak_memory() -> int | None:
    """The peak memory of this process in bytes; None except on Linux."""
    try:
        with open("/proc/self/status") as status:  # noqa: PTH123 - pathlib would be loaded
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except FileNotFoundError:
        return None


def calls(connect: Callable[[Task], Client]) -> dict[str, Case]:
    """The cases that all clients share."""

    def get(task: Task) -> Work:
        client = connect(task)
        return lambda: repeat(client.get, task.count)

    def get_at_once(task: Task) -> Work:
        client = connect(task)
        return lambda: at_once([client.get] * task.count)

    def upload(task: Task) -> Work:
        client = connect(task)
        return lambda: client.upload(task.file)

    def download(task: Task) -> Work:
        client = connect(task)
        return lambda: client.download(task.url, task.file)

    return {"get": get, "get at once": get_at_once, "upload": upload, "download": download}


def repeat(call: Callable[[], object], count: int) -> None:
    for _ in range(count):
        call()


def at_once(work: list[Callable[[], object]]) -> list[object]:
    """Calls all functions in 16 threads, and returns their results in order."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(each) for each in work]
        return [future.result() for future in futures]
