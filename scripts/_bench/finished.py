"""A finished catalogue: its inputs, its results and its ledger, as after a run of a hundred thousand tracks."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musicai_sdk.batch import Batch

COUNT = 100_000
SLUG, INPUT = "bench", "inputUrl"
_ALBUM = 12
"""Tracks in each folder."""
_RESULTS = {"chords": ("chords.json", b"[]"), "": ("workflow.results.json", b"{}")}


def make(folder: Path) -> None:
    """Creates the catalogue, which takes half a minute."""
    from musicai_sdk.batch.inputs.row import InputRow
    from musicai_sdk.batch.ledger.ledger import Ledger
    from musicai_sdk.batch.results.output import OutputRecord

    ledger = Ledger(ledger_of(folder), SLUG, INPUT, out=folder / "out")
    with ledger.transaction() as db:
        rows = list[InputRow]()
        for number in range(COUNT):
            name = f"album {number // _ALBUM}/track {number}"
            source = folder / "in" / f"{name}.wav"
            source.parent.mkdir(parents=True, exist_ok=True)
            source.write_bytes(b"x")
            found = source.stat()
            rows.append(InputRow(str(source), "{}", name, size=found.st_size, mtime_ns=found.st_mtime_ns))
        ledger.admit(rows)
        for number, row in enumerate(rows):
            row.content, row.sample = f"sha256:{number:064}", f"{number:016}"
            track, _ = ledger.register(row)
            (folder / "out" / track.folder).mkdir(parents=True)
            outputs = list[OutputRecord]()
            for output, (file, content) in _RESULTS.items():
                (folder / "out" / track.folder / file).write_bytes(content)
                outputs.append(OutputRecord(output, f"{track.folder}/{file}", len(content), "0" * 64))
            ledger.keep_outputs(track, outputs)
        now = time.time()
        db.execute(
            "UPDATE tracks SET state = 'deleted', job_id = 'job ' || key, uploaded_at = ?, created_at = ?,"
            " finished_at = ? + rowid % 60, verified_at = ? + rowid % 70, ended_at = ? + 80",
            [now] * 5,
        )
    ledger.close()


def ledger_of(folder: Path) -> Path:
    return folder / "out" / ".musicai-batch.sqlite3"


def batch(folder: Path) -> Batch:
    """The batch of the finished run. Nothing listens at its address, so any request would fail."""
    from musicai_sdk import AsyncMusicAiClient
    from musicai_sdk.batch import Batch

    def connect() -> AsyncMusicAiClient:
        return AsyncMusicAiClient("key", base_url="http://127.0.0.1:9/v1")

    return Batch(SLUG, folder / "in", folder / "out", input_name=INPUT, connect=connect)


def look_up(folder: Path) -> int:
    """The least work that finds every change: looks up each input and result, and reads each row of the ledger."""
    ledger = sqlite3.connect(ledger_of(folder))
    wanted = "SELECT source, inputs.size, mtime_ns, path, outputs.size FROM inputs JOIN outputs USING (track)"
    rows = sum(1 for _ in ledger.execute(wanted))
    files = sum(os.stat(path).st_size > 0 for top in ("in", "out") for path in _files(str(folder / top)))  # noqa: PTH116
    ledger.close()
    assert rows == len(_RESULTS) * COUNT
    return files


def _files(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path)
            else:
                yield entry.path
