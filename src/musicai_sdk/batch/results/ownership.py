"""The connection of a ledger and its results: one place for each ledger, one ledger for each place."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

from musicai_sdk.batch.errors import LedgerMismatchError
from musicai_sdk.batch.ledger.claim import MARKER, Claim
from musicai_sdk.batch.ledger.files import relative_to_file, resolved_from_file, same_path
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.batch.ledger.queries import meta
from musicai_sdk.batch.ledger.states import SAFE, sql
from musicai_sdk.errors import InputError
from musicai_sdk.storage import Bucket

_SAMPLED = 5
"""The most results to look up in a folder that the ledger wasn't used with before."""


def claim_output(ledger: Ledger, bucket: Bucket | None, out: Path, claim: Claim) -> None:
    """Records where the results of a ledger are, and claims that place. From then on the ledger is in use.

    Args:
        ledger: The ledger.
        bucket: The bucket for results; None for a folder.
        out: The output folder, which is created.
        claim: The run's claim on it.

    Raises:
        LedgerMismatchError: the ledger's results are elsewhere, so this run would skip them; or another ledger's results
            are in the folder, and the two would overwrite each other's.
        LedgerError: the ledger lacks its latest changes, or isn't the one that was used here.
        InputError: the folder can't be created or written.
    """
    url = bucket.url if bucket is not None else ""
    doubtful = claim.check(ledger.condition)
    with ledger.transaction() as db:
        known = meta(db, "bucket")
        begun = known is not None or db.execute("SELECT 1 FROM tracks LIMIT 1").fetchone() is not None
        if begun and (known or "") != url:
            raise LedgerMismatchError(
                f"the results of the ledger {str(ledger.path)!r} are in {known or 'a folder'}, not in"
                f" {url or 'a folder'}: give every place a ledger of its own"
            )
        if bucket is None:
            _check_results(db, ledger.path, out)
        try:
            if bucket is None:
                # Results that can't be stored must not be paid for.
                out.mkdir(parents=True, exist_ok=True)
                with tempfile.NamedTemporaryFile(dir=out, prefix=MARKER) as probe:
                    probe.write(b"probe")
            claim.take(ledger.condition)
        except OSError as error:
            raise InputError(
                f"results can't be written to {str(out)!r} ({error.strerror or error}): choose another folder. Nothing was sent"
            ) from None
        if ledger.condition.is_new:
            claim.adopt(db)
        elif doubtful:
            ledger.doubt()
        rows = [("bucket", url), ("out", relative_to_file(ledger.path, out))]
        db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
    ledger.use(claim.witness)


def _check_results(db: sqlite3.Connection, path: Path, out: Path) -> None:
    """Checks that finished results are in this folder, if the ledger was last used with another one."""
    known = meta(db, "out")
    if known is None or same_path(resolved_from_file(path, known), out):
        return
    rows: list[tuple[str]] = db.execute(
        f"SELECT path FROM outputs JOIN tracks ON tracks.key = track WHERE state IN {sql(SAFE)} LIMIT ?",  # noqa: S608
        [_SAMPLED],
    ).fetchall()
    if rows and not any((out / name).exists() for (name,) in rows):
        raise LedgerMismatchError(
            f"the results of the ledger {str(path)!r} are in {str(resolved_from_file(path, known))!r}; this run would skip"
            f" them, not copy them to {str(out)!r}: move them there first, or give that folder a ledger of its own"
        )
