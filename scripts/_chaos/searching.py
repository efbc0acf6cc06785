"""What must not exist at the end: leftover files, and secrets in logs."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

LEDGER = ".musicai-batch.sqlite3"
LOCK = f"{LEDGER}.lock"
"""Stays by design: a removed lock file could be locked twice."""
CLAIM = ".musicai-batch.ledger"
"""Stays by design: it names the owner of the output folder and the progress of its ledger."""

_SIGNATURE = re.compile(rb"(?:Signature|Serial)(?:=|%3D)|\b[0-9a-f]{64}\b")
"""The sandbox's signatures: `?X-Goog-Algorithm=…&X-Goog-Signature=<64 hex digits>`."""


def leftovers(out: Path, wanted: Iterable[Path], temporary: Path) -> list[Path]:
    """Every file except results, the ledger, its lock and its claim, and every file in the folder for temporary files."""
    known = {*wanted, out / LEDGER, out / LOCK, out / CLAIM}
    found = [path for path in out.rglob("*") if not path.is_dir() and path not in known]
    return [*found, *temporary.rglob("*")]


def secrets(logs: Path, out: Path, results: Iterable[Path], key: str) -> list[str]:
    """The places in which the API key or a signature appears."""
    api_key = re.compile(re.escape(key.encode()))
    found = list[str]()
    for path in sorted([*logs.rglob("*"), *out.rglob("*.json"), *out.rglob("*.part-of")]):
        found += _places(path.name, path.read_bytes().splitlines(), api_key, _SIGNATURE)
    found += _places("the ledger's texts", _texts(out / LEDGER), api_key, _SIGNATURE)
    for path in [out / LEDGER, *results]:
        found += _places(path.name, [path.read_bytes()], api_key)
    return found


def _places(name: str, lines: Iterable[bytes], *patterns: re.Pattern[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if any(pattern.search(line) for pattern in patterns):
            yield f"{name}:{number}"


def _texts(ledger: Path) -> Iterator[bytes]:
    """All columns of the ledger that can be shown or exported, so neither upload URLs nor digests."""
    with closing(sqlite3.connect(ledger)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for table in tables:
            rows = database.execute(f"SELECT * FROM {table}")
            shown = [
                number
                for number, (column, *_) in enumerate(rows.description)
                if column not in ("url", "sha256", "content")
            ]
            for row in rows:
                yield " ".join(str(row[number]) for number in shown).encode()
