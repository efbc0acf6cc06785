"""One process at a time: a lock that the system takes back when its holder dies, however that happens."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import IO, NoReturn

from musicai_sdk._files import try_lock
from musicai_sdk.batch.errors import LedgerLockedError

_LOOK_EVERY = 0.1


class FileLock:
    """A lock on a file beside a ledger; held until `release`, or until the process ends."""

    def __init__(self, path: Path, *, patience: float = 0.0) -> None:
        """Takes the lock.

        Args:
            path: The lock file; it is made, and stays.
            patience: How long to wait for another holder, in seconds.

        Raises:
            LedgerLockedError: another process has it.
        """
        self._path = path
        self._file: IO[str] = path.open("a+", encoding="utf-8")
        deadline = time.monotonic() + patience
        try:
            while True:
                if not try_lock(self._file.fileno()):
                    if time.monotonic() >= deadline:
                        self._refuse(path)
                    time.sleep(_LOOK_EVERY)
                elif self.held:
                    break
                else:  # it was removed before it was ours: a lock on it keeps nobody out
                    self._file.close()
                    self._file = path.open("a+", encoding="utf-8")
        except BaseException:
            self._file.close()
            raise
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"process {os.getpid()} on {socket.gethostname()}")
        self._file.flush()

    def _refuse(self, path: Path) -> NoReturn:
        self._file.seek(0)
        holder = self._file.read(200).strip() or "another process"
        raise LedgerLockedError(
            f"{path.with_suffix('').name} in {str(path.parent)!r} is being run by {holder}: wait for it to end; two"
            " runs at once could pay for a track twice"
        )

    @property
    def held(self) -> bool:
        """Whether the file is still the one that others would lock: not if it was removed or replaced."""
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        except (OSError, ValueError):
            return True  # the file server doesn't answer, which says nothing
        own = os.fstat(self._file.fileno())
        # Where files have no numbers, one can't be told from another.
        return 0 in (own.st_ino, there.st_ino) or os.path.samestat(own, there)

    def release(self) -> None:
        """Gives the lock back. Twice is fine."""
        self._file.close()
