"""The environment of a measurement: a folder, on a memory disk if possible, and the server."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import urlopen

import certifi
import finished
import trustme
from answers import Api
from cases import MEGABYTE, Case
from measure import JOB_SECONDS

HERE = Path(__file__).parent
TIMEOUT = 3600
"""Seconds after which a program counts as hung."""

Command = Sequence[str | Path]


@dataclass(frozen=True)
class Program:
    """A program to measure."""

    name: str
    command: Callable[[Case, Destination], Command | None]
    """The command line for a case, or None if the program doesn't support it."""
    count: Callable[[Case], int]
    """Repetitions in one measurement."""
    reports: bool = True
    """Whether it prints its figures; otherwise the whole process is measured."""


@dataclass(frozen=True)
class Figures:
    """One measurement; seconds are per repetition, the others in total."""

    wall: float
    cpu: float
    memory: int | None
    """The growth of the process in bytes."""
    requests: float
    late: float | None
    """The average delay in seconds between the end of a job and its detection."""
    server: float
    """CPU seconds of the server, which runs in its own process."""
    connections: int | None = None
    """The most open connections at a time."""
    ledger: float | None = None
    """Bytes of the ledger per repetition."""


class Destination:
    """The folder, the server, and the environment of the programs."""

    def __init__(self, size: int) -> None:
        """`size` is that of the transfers, in megabytes."""
        memory_disk = Path("/dev/shm")
        self._temporary = tempfile.TemporaryDirectory(dir=memory_disk if memory_disk.is_dir() else None)
        self.folder = Path(self._temporary.name)
        self._catalogue = tempfile.TemporaryDirectory()
        self._size = size * MEGABYTE
        with (self.folder / "source").open("wb") as file:
            block = os.urandom(MEGABYTE)
            for _ in range(size):
                file.write(block)
        api = Api(time.monotonic)
        (self.folder / "page.json").write_bytes(api.page_of([f"{number:036}" for number in range(100)]))
        self._make_certificates()
        self._servers = [
            subprocess.Popen(
                [sys.executable, HERE / script, argument],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for script, argument in (("server.py", self.folder), ("catalogue_server.py", str(JOB_SECONDS)))
        ]
        ports = list[str]()
        for server in self._servers:
            assert server.stdout is not None
            ports += server.stdout.readline().split()
        plain, tls, catalogue = ports
        self.origins: Mapping[str, str] = {
            "http": f"http://127.0.0.1:{plain}",
            "https": f"https://127.0.0.1:{tls}",
            "catalogue": f"http://127.0.0.1:{catalogue}",
        }

    def _make_certificates(self) -> None:
        authority = trustme.CA()
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
            self.folder / "server.pem"
        )
        authority.cert_pem.write_to_path(self.folder / "authority.pem")
        # With the usual certificates first, because loading them is part of the cost of a first request.
        self.trusted = self.folder / "trusted.pem"
        self.trusted.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + authority.cert_pem.bytes())
        self._environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("MUSIC_AI", "PYTHON"))
            },
            "SSL_CERT_FILE": str(self.trusted),
            "REQUESTS_CA_BUNDLE": str(self.trusted),
            "NODE_EXTRA_CA_CERTS": str(self.folder / "authority.pem"),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.communicate()  # ends with its standard input
        self._temporary.cleanup()
        self._catalogue.cleanup()

    def file(self, case: Case) -> str:
        """The file or folder of a case; the folder for the files of a catalogue."""
        if case.file == "finished":
            return str(self._finished)
        return str(self.folder / (case.file or "")) if case.file or case.is_catalogue else ""

    def origin(self, case: Case) -> str:
        """The origin of the server for a case."""
        return self.origins["catalogue" if case.is_catalogue else case.scheme]

    @cached_property
    def _finished(self) -> Path:
        """A finished catalogue. It is on the disk, because its 300,000 files would fill a memory disk."""
        folder = Path(self._catalogue.name)
        finished.make(folder)
        return folder

    def url(self, case: Case) -> str:
        """The URL that a case downloads."""
        return f"{self.origin(case)}/file{f'/{case.digest}' if case.digest else ''}"

    def measure(self, program: Program, case: Case) -> Figures | None:
        """Measures a program. Returns None if it doesn't support the case."""
        command = program.command(case, self)
        if command is None:
            return None
        self._counted(case)
        before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False, timeout=TIMEOUT
        )
        after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - wall
        counted = self._counted(case)
        if done.returncode:
            raise SystemExit(f"{program.name} failed in {case.title!r}:\n{done.stderr}")
        self._check(program, case, counted)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found: dict[str, Any] = json.loads(done.stdout) if program.reports else {"wall": wall, "cpu": cpu}
        count = program.count(case)
        return Figures(
            wall=found["wall"] / count,
            cpu=found["cpu"] / count,
            memory=found.get("memory"),
            requests=found.get("requests", counted["requests"]),
            late=found.get("late"),
            server=counted["cpu"] / count,
            connections=counted.get("most_open"),
            ledger=found.get("ledger"),
        )

    def _counted(self, case: Case) -> Mapping[str, Any]:
        """The server's counts since the last call."""
        with urlopen(f"{self.origins['catalogue' if case.is_catalogue else 'http']}/counted") as answer:
            counted: Mapping[str, Any] = json.loads(answer.read())
        return counted

    def _check(self, program: Program, case: Case, counted: Mapping[str, Any]) -> None:
        """Checks that the whole file was transferred."""
        if case.name == "upload" and counted["received"] != self._size:
            raise SystemExit(f"{program.name} uploaded {counted['received']} of {self._size} bytes")
        if case.file == "target":
            target = Path(self.file(case))
            if target.stat().st_size != self._size:
                raise SystemExit(f"{program.name} downloaded {target.stat().st_size} of {self._size} bytes")
            target.unlink()
