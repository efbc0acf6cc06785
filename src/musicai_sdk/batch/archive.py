"""Ledgers as files: where an output folder has its own, and beginning a new one."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from musicai_sdk._files import patiently
from musicai_sdk.batch.errors import LedgerError
from musicai_sdk.batch.ledger.claim import LEDGER, path_of, release
from musicai_sdk.batch.ledger.database import found, real_file
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.batch.ledger.lock import FileLock
from musicai_sdk.batch.ledger.view import LedgerView
from musicai_sdk.batch.shards.coordinator import take_over_all
from musicai_sdk.batch.shards.transfer import shard_files


def ledger_of(place: str | os.PathLike[str]) -> Path:
    """The ledger of a run.

    Args:
        place: The run's output folder, which need not exist, or the ledger's file, which is returned as it is.
    """
    path = Path(place)
    return path if path.is_file() else path / LEDGER


def set_aside(ledger: str | os.PathLike[str]) -> Path:
    """Gives a ledger another name, so that the next run begins a new one and pays for everything again.

    What it says stays readable under the new name, and renaming it back undoes this. Jobs that it says are
    under way aren't followed meanwhile. Shards of a run that crashed are merged into it first, as the next run would
    do.

    Args:
        ledger: The file.

    Returns:
        Its new path: the time is in the name.

    Raises:
        LedgerLockedError: a run is going on in it, or workers of one that crashed are still at their shards.
        LedgerError: there is none, or it can't be used.
    """
    path = real_file(Path(ledger))
    if not path.is_file():
        raise LedgerError(f"there is no ledger {str(path)!r}")
    # Before the name changes, so that one rename does it: wherever this is killed, the ledger has its name or the new
    # one, and what shards have paid for is in it or still beside it, where the next run finds them.
    _merge_shards(path)
    lock = FileLock(path.with_name(path.name + ".lock"))
    try:
        with LedgerView(path) as view:  # it is a ledger, and not a newer version's
            claim = path_of(path, view.out, in_bucket=view.bucket is not None)
            own = found(path).id
        _fold(path)
        aside = _free_name(path)
        # First of all: where it is killed in between, a run finds the ledger and claims the folder for it again.
        release(claim, own)
        patiently(lambda: path.rename(aside))
    except OSError as error:
        raise LedgerError(f"the ledger {str(path)!r} can't be renamed: {error}") from None
    finally:
        lock.release()
    return aside


def _merge_shards(path: Path) -> None:
    if not shard_files(path):
        return
    with LedgerView(path) as view:
        slug, input_name = view.workflow, view.input_name
    ledger = Ledger(path, slug, input_name)
    try:
        take_over_all(ledger)
    finally:
        ledger.close()


def _fold(path: Path) -> None:
    """Brings what SQLite has in files beside the ledger into the ledger: they would lose their name."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
    except sqlite3.Error as error:
        raise LedgerError(f"the ledger {str(path)!r} is in use: {error}") from None


def _free_name(path: Path) -> Path:
    stamp, number = time.strftime("%Y%m%d-%H%M%S"), 1
    while True:
        tail = stamp if number == 1 else f"{stamp}-{number}"
        aside = path.with_name(f"{path.stem}.{tail}{path.suffix}")
        if not aside.exists():
            return aside
        number += 1
