"""Reads the inputs of a run: files, folders, URLs, manifests, or anything that yields them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

from musicai_sdk.batch.inputs.bucket import Buckets
from musicai_sdk.batch.inputs.folder import root_of, walk
from musicai_sdk.batch.inputs.kinds import (
    NO_PARAMS,
    SINGLE,
    Folder,
    Input,
    Inputs,
    Manifest,
    Rejected,
    Source,
    Watch,
    is_object,
    is_url,
    stem,
)
from musicai_sdk.batch.inputs.manifest import rows
from musicai_sdk.batch.inputs.watch import watched
from musicai_sdk.batch.text import redacted
from musicai_sdk.errors import InputError
from musicai_sdk.storage import Bucket
from musicai_sdk.workflows.inputs import is_address

_BUCKET_ALONE = 2
"""Slashes in the URL of a bucket without a prefix."""
_MANIFESTS = (".csv", ".jsonl", ".ndjson")
_REMOTE_MANIFEST = "a manifest must be on this machine: download it first"


def read_inputs(inputs: Inputs, out: Path, buckets: Buckets) -> Iterator[Input | Rejected | None]:
    """Every input, in order; None from a `Watch` when nothing new has arrived for a moment.

    Raises:
        InputError: a folder or a manifest doesn't exist, is empty, or can't be read at all; or a folder is the output
            folder.
    """
    # With a bucket for the results, `out` is only the ledger's folder, which may be among the inputs.
    results = None if buckets.take_results else out
    if isinstance(inputs, SINGLE):
        yield from _expanded(inputs, results, buckets)
        return
    for source in inputs:
        yield from _expanded(source, results, buckets)


def _expanded(source: Source, out: Path | None, buckets: Buckets) -> Iterable[Input | Rejected | None]:
    # Not a generator, and strings first: a catalogue may have a million of them.
    if isinstance(source, str):
        return _from_text(source, out, buckets)
    if isinstance(source, Input):
        if not isinstance(cast("object", source.source), str):
            raise InputError(f"the source of an Input must be a string or a path, not {source.source!r:.100}")
        return (source,)
    if isinstance(source, Rejected):
        return (source,)
    if isinstance(source, Bucket) or (isinstance(source, Folder) and _in_bucket(source.path)):
        return buckets.folder(source)
    if isinstance(source, Folder):
        return _files(source, out)
    if isinstance(source, Watch):
        return watched(source, out)
    if isinstance(source, Manifest):
        return rows(Path(source.path))
    if isinstance(cast("object", source), os.PathLike):
        return _from_text(os.fspath(source), out, buckets)
    raise InputError(f"can't process a {type(source).__name__}: pass paths, URLs, Input(…) or Folder(…)")


def _from_text(text: str, out: Path | None, buckets: Buckets) -> Iterable[Input | Rejected | None]:
    if is_address(text):
        text = text.strip()
    if (is_url(text) or is_object(text)) and redacted(text).lower().endswith(_MANIFESTS):
        # A workflow that processes such a file gets it by Input(…).
        return (Rejected(text, _REMOTE_MANIFEST),)
    if is_url(text):
        return (Input(text, NO_PARAMS),)
    if is_object(text) and (text.endswith("/") or text.count("/") == _BUCKET_ALONE):
        return buckets.folder(Folder(text))
    if os.path.isdir(text):  # noqa: PTH112 - a hundred thousand times
        return _files(Folder(text), out)
    if text.lower().endswith(_MANIFESTS):
        return rows(Path(text))
    return (Input(text, NO_PARAMS),)


def _in_bucket(path: str | os.PathLike[str] | Bucket) -> bool:
    return isinstance(path, Bucket) or is_object(os.fspath(path))


def _files(folder: Folder, out: Path | None) -> Iterator[Input | Rejected]:
    root = root_of(cast("str | os.PathLike[str]", folder.path))
    found = False
    for each in walk(root, out, folder.glob, recursive=folder.recursive):
        found = True
        if isinstance(each, Rejected):
            if each.source == root:
                raise InputError(f"{root!r}: {each.reason}")
            yield each
        else:
            yield Input(each[0], NO_PARAMS, stem(each[1]))
    if not found:
        what = folder.glob or "audio or video files"
        raise InputError(f"there is nothing to process in {root!r}: no {what}")
