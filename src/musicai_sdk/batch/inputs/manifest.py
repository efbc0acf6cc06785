"""Manifests: files with one row per input, with its parameters."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from musicai_sdk.batch.inputs.kinds import Input, Rejected, stem
from musicai_sdk.errors import InputError
from musicai_sdk.workflows.inputs import is_address

_SOURCES = ("input", "path", "url")
_ABOUT = (*_SOURCES, "name", "audio_seconds")
"""The columns that aren't parameters."""


def rows(path: Path) -> Iterator[Input | Rejected]:
    """The inputs of a manifest. A row that can't be read is rejected, with its line number."""
    read = _csv if path.suffix.lower() == ".csv" else _jsonl
    found = False
    try:
        for line, row in read(path):
            found = True
            yield _row(path, line, row)
    except OSError as error:
        raise InputError(f"the manifest {str(path)!r} can't be read: {error.strerror}") from None
    if not found:
        raise InputError(f"the manifest {str(path)!r} has no rows: add one for each input")


def _csv(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    # A byte that isn't UTF-8 invalidates its row, not the file.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        rows = csv.reader(file, strict=True)
        try:
            header = [name.strip() for name in next(rows, list[str]())]
        except csv.Error as error:
            raise InputError(f"the header of {str(path)!r} can't be read: {error}") from None
        if not any(name in _SOURCES for name in header):
            raise InputError(
                f"the manifest {str(path)!r} has no column {', '.join(_SOURCES[:-1])} or {_SOURCES[-1]};"
                f" its columns are {', '.join(header) or 'none'}"
            )
        while True:
            start = rows.line_num + 1
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield start, str(error)
                continue
            if len(row) > len(header) or (row and len(row) < len(header)):
                yield start, f"it has {len(row)} columns, and the header has {len(header)}"
            elif row:
                texts = {name: text for name, text in zip(header, row, strict=True) if text != ""}
                plain = (*_SOURCES, "name")
                yield start, {k: text if k in plain else _value(text) for k, text in texts.items()}


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # RecursionError for tens of thousands of brackets
        return text
    return text if value in (math.inf, -math.inf) or value != value else value


def _jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                yield number, f"not valid JSON: {error}"
                continue
            except RecursionError:
                yield number, "it is nested too deeply"
                continue
            yield number, cast("dict[str, Any]", row) if isinstance(row, dict) else "not a JSON object"


def _row(path: Path, line: int, row: dict[str, Any] | str) -> Input | Rejected:
    where = f"{path} line {line}"
    if isinstance(row, str):
        return Rejected(where, row)
    source = next((row[name] for name in _SOURCES if name in row), "")
    if not isinstance(cast("object", source), str) or not source.strip():
        return Rejected(where, f"it has no {', '.join(_SOURCES[:-1])} or {_SOURCES[-1]}")
    name = row.get("name")
    if name is not None and not isinstance(name, str):
        return Rejected(where, f"its name must be text, not {name!r:.50}")
    seconds = row.get("audio_seconds")
    params = {key: value for key, value in row.items() if key not in _ABOUT}
    if is_address(source):
        return Input(source.strip(), params, name, seconds)
    if name is None and not Path(source).is_absolute():
        name = stem(source.replace(os.sep, "/"))
    return Input(str(path.absolute().parent / source), params, name, seconds)
