"""A lock for one process at a time. The system releases it when the holder dies, for whatever reason."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import IO, NoReturn

from musicai_sdk._locks import try_lock
from musicai_sdk.batch.errors import LedgerLockedError
from musicai_sdk.batch.ledger.files import beside, is_still_at

_POLL_EVERY = 0.1


class FileLock:
    """The lock of a ledger, on a file beside it. The lock is held until `release`, or until the process ends."""

    def __init__(self, ledger: Path, *, patience: float = 0.0) -> None:
        """Takes the lock.

        Args:
            ledger: The ledger's file. The lock file is created beside it, and is never removed.
            patience: Seconds to wait for another holder.

        Raises:
            LedgerLockedError: another process holds the lock.
        """
        self._ledger = ledger
        self._path = beside(ledger, ".lock")
        self._open()
        deadline = time.monotonic() + patience
        try:
            while True:
                if not try_lock(self._file.fileno()):
                    if time.monotonic() >= deadline:
                        self._refuse()
                    time.sleep(_POLL_EVERY)
                elif self.held:
                    break
                else:  # the file was removed before it was locked, so the lock excludes nobody
                    self._file.close()
                    self._open()
        except BaseException:
            self._file.close()
            raise
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"process {os.getpid()} on {socket.gethostname()}")
        self._file.flush()

    def _open(self) -> None:
        self._file: IO[str] = self._path.open("a+", encoding="utf-8")
        found = os.fstat(self._file.fileno())
        self._id = found.st_dev, found.st_ino

    def _refuse(self) -> NoReturn:
        self._file.seek(0)
        holder = self._file.read(200).strip() or "another process"
        raise LedgerLockedError(
            f"{self._ledger.name} in {str(self._ledger.parent)!r} is being run by {holder}: wait for it to end; two runs"
            " at once could pay for a track twice"
        )

    @property
    def held(self) -> bool:
        """Whether other processes would lock the same file. False if it was removed or replaced."""
        return is_still_at(self._path, self._id)

    def release(self) -> None:
        """Releases the lock. May be called twice."""
        self._file.close()
