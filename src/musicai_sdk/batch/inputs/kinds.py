"""The kinds of inputs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast
from urllib.parse import unquote

from musicai_sdk.errors import InputError
from musicai_sdk.storage import Bucket
from musicai_sdk.storage.objects import SCHEMES


@dataclass(frozen=True, slots=True)
class Input:
    """One thing to process."""

    source: str
    """A path, an `https://` URL, or an object in a bucket: `s3://bucket/key`."""
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Parameters of this one alone, on top of those of the run."""
    name: str | None = None
    """Where its results go, relative to the output folder; the source's name without extension when left out."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something among the inputs that can't be processed, and why. The run goes on without it."""

    source: str
    """The input as it was given; a URL without its query."""
    reason: str
    """Why it can't be processed."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of a folder, or the objects of a bucket."""

    path: str | os.PathLike[str] | Bucket
    """The folder; or a bucket, as `Bucket` or `s3://…/`."""
    glob: str | None = None
    """Which files, such as `*.mp3` or `live/*.wav`; audio and video files when left out. Hidden ones never."""
    recursive: bool = True
    """Whether the folders in it count too, also those that links lead to, each once."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A folder that is watched: the files in it, and those that come, until the run is drained or stopped.

    A file is taken when it is complete: when its size and time of change have stayed the same for `settle`
    seconds, and, where the system can tell (Linux, local disks, files of the same user), nobody has it open
    to write. So a file that is moved into the folder is taken after `settle` seconds. A file that changes
    later is taken again, as another track. It is for runs in this process: an `executor` gets its shards
    when all inputs are known.
    """

    path: str | os.PathLike[str]
    """The folder."""
    glob: str | None = None
    """As in `Folder`."""
    recursive: bool = True
    """Whether the folders in it count too."""
    settle: float = 5.0
    """For how many seconds a file must stay as it is."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A CSV file with a header, or a file with one JSON object in each line.

    The column `input` (or `path` or `url`) holds a path, relative to the manifest, or a URL; `name` where the
    results go, if it is there; every other column is a parameter, in CSV read as JSON where it is that (`3`,
    `true`), and left out where it is empty.
    """

    path: str | os.PathLike[str]
    """The manifest's file."""


Source: TypeAlias = "str | os.PathLike[str] | Bucket | Input | Folder | Watch | Manifest | Rejected"
"""One thing to process, or one thing that holds many; what the kinds mean stands under `Inputs`."""

Inputs: TypeAlias = "Source | Iterable[Source]"
"""One source or many: a path, a URL, an `Input`, a `Folder`, a `Watch`, a `Manifest`. A plain path of a
folder stands for a `Folder`, a plain path that ends in `.csv`, `.jsonl` or `.ndjson` for a `Manifest`.
Iterators are read as the run goes on, so they may be endless, and may block."""


_WEB = ("https://", "http://")


def is_url(source: str) -> bool:
    """Whether a source is remote."""
    return source.startswith(_WEB) or source[:8].lower().startswith(_WEB)


def is_object(source: str) -> bool:
    """Whether a source is an object in a bucket."""
    return source.startswith(SCHEMES)


def checked(given: Input) -> Input:
    """The input, if its source can be one."""
    if not isinstance(cast("object", given.source), str):
        raise InputError(f"the source of an Input is a string, not {given.source!r:.100}")
    return given


def name_of(source: str) -> str:
    """What the results of a path or a URL are called."""
    path = source.replace(os.sep, "/")
    if is_url(source):
        path = unquote(source.partition("?")[0].partition("#")[0].partition("://")[2])
    return stem(path.rpartition("/")[2]) or "track"


def stem(path: str) -> str:
    """A path without the extension of its last part: what a catalogue has too many of for `pathlib`."""
    end = path.rfind(".")
    return path[:end] if end > path.rfind("/") + 1 else path
