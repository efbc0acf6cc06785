"""Ledgers as files: the ledger of an output folder, and archiving it to begin a new one."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from musicai_sdk._files import patiently
from musicai_sdk.batch.errors import LedgerError
from musicai_sdk.batch.ledger.claim import claim_path, release
from musicai_sdk.batch.ledger.database import inspect
from musicai_sdk.batch.ledger.files import LEDGER, real_file, shard_files
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.batch.ledger.lock import FileLock
from musicai_sdk.batch.ledger.view import LedgerView
from musicai_sdk.batch.shards.transfer import merge_all_shards


def ledger_of(place: str | os.PathLike[str]) -> Path:
    """The ledger of a run.

    Args:
        place: The run's output folder, which need not exist, or the ledger's file, which is returned unchanged.
    """
    path = Path(place)
    return path if path.is_file() else path / LEDGER


def archive(ledger: str | os.PathLike[str]) -> Path:
    """Renames a ledger, so that the next run begins a new one and pays for everything again.

    The archived ledger stays readable, and renaming it back undoes this. Until then, no run continues its
    unfinished jobs. Shards of a run that crashed are merged into it first, as the next run would do.

    Args:
        ledger: The file.

    Returns:
        Its new path, which contains the time.

    Raises:
        LedgerLockedError: a run uses it, or workers of one that crashed still hold its shards.
        LedgerError: it doesn't exist, or can't be used.
    """
    path = real_file(Path(ledger))
    if not path.is_file():
        raise LedgerError(f"there is no ledger {str(path)!r}: a run creates it in its output folder")
    # Before the rename, so that one rename is enough: wherever this is killed, the ledger has its old name or the new
    # one, and what shards paid for is in it, or still beside it, where the next run finds them.
    if shard_files(path):
        with LedgerView(path) as view:
            slug, input_name = view.workflow, view.input_name
        with closing(Ledger(path, slug, input_name)) as opened:
            merge_all_shards(opened)
    lock = FileLock(path)
    try:
        with LedgerView(path) as view:  # also checks that it is a ledger, and not a newer version's
            claim = claim_path(path, view.out, in_bucket=view.bucket is not None)
            own = inspect(path).id
        # Changes that SQLite keeps in other files would lose their ledger.
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
        target = _free_name(path)
        # First: if this is killed in between, a run finds the ledger and claims the folder for it again.
        release(claim, own)
        patiently(lambda: path.rename(target))
    except sqlite3.Error as error:
        raise LedgerError(f"the ledger {str(path)!r} is in use: {error}") from None
    except OSError as error:
        raise LedgerError(f"the ledger {str(path)!r} can't be renamed: {error}") from None
    finally:
        lock.release()
    return target


def set_aside(ledger: str | os.PathLike[str]) -> Path:
    """The older name of `archive`."""
    return archive(ledger)


def _free_name(path: Path) -> Path:
    stamp, number = time.strftime("%Y%m%d-%H%M%S"), 1
    while True:
        suffix = stamp if number == 1 else f"{stamp}-{number}"
        target = path.with_name(f"{path.stem}.{suffix}{path.suffix}")
        if not target.exists():
            return target
        number += 1
