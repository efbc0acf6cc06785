"""`musicai` as a process, with a sandbox in another process."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from click.testing import CliRunner

from musicai_sdk.cli.app import musicai
from support.batch import Service

SONGS = Path(__file__).parents[1] / "songs"
MUSICAI = (sys.executable, "-W", "error", "-m", "musicai_sdk.cli")
ECHO = ("process", "folder", "sdk-test", "in", "out", "--input-name", "file")
"""A run of the workflow that returns its input, on `in`."""


@dataclass(frozen=True)
class Done:
    """The result of a command."""

    stdout: str
    stderr: str
    code: int

    @property
    def values(self) -> list[Any]:
        return [json.loads(line) for line in self.stdout.splitlines()]


class Command:
    """The command in a folder, with a sandbox."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.service = service
        self.folder = folder

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*MUSICAI, *arguments],
            env=self.service.environment | environment,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __call__(self, *arguments: str, code: int = 0, text: str = "", **environment: str) -> Done:
        process = self.start(*arguments, **environment)
        stdout, stderr = process.communicate(text, timeout=100)
        assert process.returncode == code, (stdout, stderr)
        assert "Traceback" not in stderr
        return Done(stdout, stderr, process.returncode)

    def here(self, *arguments: str, code: int = 0, text: str = "", **environment: str) -> Done:
        """Runs it in this process, which has everything loaded."""
        with contextlib.chdir(self.folder):
            done = CliRunner().invoke(
                musicai, arguments, input=text, env={**self.service.variables, **environment}
            )
        assert done.exit_code == code, (done.stdout, done.stderr, done.exception)
        return Done(done.stdout, done.stderr, done.exit_code)

    def in_terminal(
        self,
        *arguments: str,
        until: Callable[[str], bool] = lambda _: False,
        program: Sequence[str] = MUSICAI,
        **environment: str,
    ) -> Done:
        """Runs it, or another program, in a terminal of 100 × 24; sends Ctrl-C when the output satisfies `until`."""
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(self.folder)
            os.execve(
                program[0],
                [*program, *arguments],
                self.service.environment | {"TERM": "xterm-256color"} | environment,
            )
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        drawn, pressed, deadline = b"", False, time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    drawn += os.read(terminal, 65536)
                except OSError:  # the end, on Linux
                    break
            if not pressed and until(drawn.decode(errors="replace")):
                os.write(terminal, b"\x03")
                pressed = True
        os.close(terminal)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        return Done("", drawn.decode(), code)


def plain(drawn: str) -> str:
    """The output without the terminal's escape sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)


def make_songs(folder: Path, count: int, seconds: float = 2.0) -> list[Path]:
    """Different short pieces of real songs."""
    folder.mkdir(parents=True, exist_ok=True)
    songs = [soundfile.read(path) for path in sorted(SONGS.glob("*.ogg"))]
    paths = [folder / f"song {number:03}.wav" for number in range(count)]
    for number, path in enumerate(paths):
        samples, rate = songs[number % len(songs)]
        start = int(number // len(songs) * 0.37 * rate)
        piece: np.ndarray = samples[start : start + int(seconds * rate)]
        soundfile.write(path, piece, rate)
    return paths
