"""What a run works on: files, folders, URLs, manifests, or anything that yields them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from musicai_sdk.batch.manifests import rows
from musicai_sdk.batch.objects import Buckets
from musicai_sdk.batch.sources import (
    Folder,
    Input,
    Inputs,
    Manifest,
    Rejected,
    Source,
    Watch,
    is_object,
    is_url,
    name_of,
    named,
    stem,
)
from musicai_sdk.batch.walking import root_of, walk
from musicai_sdk.batch.watching import watched
from musicai_sdk.errors import InputError
from musicai_sdk.storage import Bucket

_NONE: dict[str, Any] = {}
_BUCKET_ALONE = 2
"""Slashes in the URL of a whole bucket."""
_MANIFESTS = (".csv", ".jsonl", ".ndjson")


def read_inputs(inputs: Inputs, out: Path, buckets: Buckets) -> Iterator[Input | Rejected | None]:
    """Every input, in order; None from a `Watch` when nothing has come for a moment.

    Raises:
        InputError: a folder or a manifest that doesn't exist, is empty, or can't be read at all.
    """
    if isinstance(inputs, str | os.PathLike | Bucket | Input | Folder | Manifest | Rejected | Watch):
        yield from _expanded(inputs, out, buckets)
        return
    for source in inputs:
        yield from _expanded(source, out, buckets)


def _expanded(source: Source, out: Path, buckets: Buckets) -> Iterator[Input | Rejected | None]:
    if isinstance(source, Input):
        yield named(source)
    elif isinstance(source, Rejected):
        yield source
    elif isinstance(source, Bucket) or (isinstance(source, Folder) and _in_bucket(source.path)):
        yield from buckets.folder(source)
    elif isinstance(source, Folder):
        yield from _files(source, out)
    elif isinstance(source, Watch):
        yield from watched(source, out)
    elif isinstance(source, Manifest):
        yield from rows(Path(source.path))
    elif isinstance(cast("object", source), str | os.PathLike):
        text = os.fspath(source)
        if is_object(text) and (text.endswith("/") or text.count("/") == _BUCKET_ALONE):
            yield from buckets.folder(Folder(text))
        elif not is_url(text) and os.path.isdir(text):  # noqa: PTH112 - a hundred thousand times
            yield from _files(Folder(text), out)
        elif not is_url(text) and text.lower().endswith(_MANIFESTS):
            yield from rows(Path(text))
        else:
            yield Input(text, _NONE, name_of(text))
    else:
        raise InputError(f"can't process a {type(source).__name__}: give paths, URLs, Input(…) or Folder(…)")


def _in_bucket(path: str | os.PathLike[str] | Bucket) -> bool:
    return isinstance(path, Bucket) or is_object(os.fspath(path))


def _files(folder: Folder, out: Path) -> Iterator[Input | Rejected]:
    root = root_of(cast("str | os.PathLike[str]", folder.path))
    found = False
    for path, relative in walk(root, out, folder.glob, recursive=folder.recursive):
        found = True
        yield Input(path, _NONE, stem(relative))
    if not found:
        what = folder.glob or "audio or video files"
        raise InputError(f"there is nothing to process in {root!r}: no {what}")
