"""What a run works on: files, folders, URLs, manifests, or anything that yields them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, cast

from musicai_sdk.batch.manifests import rows
from musicai_sdk.batch.sources import (
    Folder,
    Input,
    Inputs,
    Manifest,
    Rejected,
    Source,
    is_url,
    name_of,
    named,
    stem,
)
from musicai_sdk.errors import InputError

MEDIA = frozenset(
    [
        ".aac",
        ".ac3",
        ".aif",
        ".aiff",
        ".alac",
        ".amr",
        ".avi",
        ".caf",
        ".flac",
        ".m4a",
        ".m4v",
        ".mka",
        ".mkv",
        ".mov",
        ".mp2",
        ".mp3",
        ".mp4",
        ".mpga",
        ".oga",
        ".ogg",
        ".opus",
        ".wav",
        ".wave",
        ".weba",
        ".webm",
        ".wma",
        ".wmv",
    ]
)
"""What is taken from a folder unless a glob says otherwise: a stray cover.jpg would be paid for, and fail."""

_NONE: dict[str, Any] = {}
_MANIFESTS = (".csv", ".jsonl", ".ndjson")


def read_inputs(inputs: Inputs, out: Path) -> Iterator[Input | Rejected]:
    """Every input, in order.

    Raises:
        InputError: a folder or a manifest that doesn't exist, is empty, or can't be read at all.
    """
    if isinstance(inputs, str | os.PathLike | Input | Folder | Manifest | Rejected):
        yield from _expanded(inputs, out)
        return
    for source in inputs:
        yield from _expanded(source, out)


def _expanded(source: Source, out: Path) -> Iterator[Input | Rejected]:
    if isinstance(source, Input):
        yield named(source)
    elif isinstance(source, Rejected):
        yield source
    elif isinstance(source, Folder):
        yield from _files(source, out)
    elif isinstance(source, Manifest):
        yield from rows(Path(source.path))
    elif isinstance(cast("object", source), str | os.PathLike):
        text = os.fspath(source)
        if not is_url(text) and os.path.isdir(text):  # noqa: PTH112 - a hundred thousand times
            yield from _files(Folder(text), out)
        elif not is_url(text) and text.lower().endswith(_MANIFESTS):
            yield from rows(Path(text))
        else:
            yield Input(text, _NONE, name_of(text))
    else:
        raise InputError(f"can't process a {type(source).__name__}: give paths, URLs, Input(…) or Folder(…)")


def _files(folder: Folder, out: Path) -> Iterator[Input | Rejected]:
    root = str(Path(folder.path).absolute())
    if not os.path.isdir(root):  # noqa: PTH112
        raise InputError(f"there is no folder {root!r}")
    found = False
    for parent, folders, names in os.walk(root):
        # Results of earlier runs are no inputs, wherever the output folder is.
        folders[:] = sorted(
            name
            for name in folders
            if folder.recursive and name[0] != "." and f"{parent}{os.sep}{name}" != str(out)
        )
        above = parent[len(root) :].replace(os.sep, "/").strip("/")
        for name in sorted(names):
            relative = f"{above}/{name}" if above else name
            if name[0] != "." and _wanted(relative, folder.glob):
                found = True
                yield Input(f"{parent}{os.sep}{name}", _NONE, stem(relative))
    if not found:
        what = folder.glob or "audio or video files"
        raise InputError(f"there is nothing to process in {root!r}: no {what}")


def _wanted(relative: str, glob: str | None) -> bool:
    if glob is None:
        return relative[relative.rfind(".") :].lower() in MEDIA
    return fnmatch(relative if "/" in glob else relative.rpartition("/")[2], glob)
