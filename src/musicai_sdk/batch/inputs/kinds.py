"""The kinds of inputs. The docstring of `musicai_sdk.batch.inputs` says how to add one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import unquote

from musicai_sdk._text import redacted_repr
from musicai_sdk.models.outputs import URL_SCHEMES
from musicai_sdk.storage import Bucket
from musicai_sdk.storage.objects import SCHEMES


@dataclass(frozen=True, slots=True)
class Input:
    """One input."""

    source: str
    """A path, an `https://` URL, or an object in a bucket: `s3://bucket/key`."""
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Parameters of this input, in addition to those of the run."""
    name: str | None = None
    """The folder for its results, relative to the output folder; the source's name without extension when left out."""
    audio_seconds: float | None = None
    """The length of its audio in seconds, for budgets and prices. Only needed where it can't be read, as for a URL."""

    def __init__(
        self,
        source: str | os.PathLike[str],
        params: Mapping[str, Any] | None = None,
        name: str | None = None,
        audio_seconds: float | None = None,
    ) -> None:
        # Written out so that a path is accepted, while `source` is always a string.
        is_path = isinstance(source, os.PathLike)
        object.__setattr__(self, "source", os.fspath(source) if is_path else source)
        object.__setattr__(self, "params", {} if params is None else params)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "audio_seconds", audio_seconds)

    __repr__ = redacted_repr


@dataclass(frozen=True, slots=True)
class Rejected:
    """An input that can't be processed, and the reason. The run continues without it."""

    source: str
    """The input; a URL without its query."""
    reason: str
    """Why it can't be processed."""

    __repr__ = redacted_repr


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of a folder, or the objects of a bucket."""

    path: str | os.PathLike[str] | Bucket
    """The folder; or a bucket, as a `Bucket` or as `s3://…/`."""
    glob: str | None = None
    """Which files, such as `*.mp3` or `live/*.wav`; audio and video files when left out. Never hidden files."""
    recursive: bool = True
    """Whether subfolders are included, also linked ones, each once."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A watched folder: the files in it, and those that arrive, until the run is drained or stopped.

    A file is processed once it is complete: its size and modification time haven't changed for `settle` seconds and,
    where the system can tell (Linux, local disks, files of the same user), no process has it open for writing. So a file
    that is moved into the folder is processed after `settle` seconds. A file that changes later is processed again, as
    another track. Only for runs in this process: an `executor` gets its shards when all inputs are known.
    """

    path: str | os.PathLike[str]
    """The folder."""
    glob: str | None = None
    """As in `Folder`."""
    recursive: bool = True
    """Whether subfolders are included."""
    settle: float = 5.0
    """Seconds for which a file must stay unchanged."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A CSV file with a header, or a file with one JSON object per line.

    The column `input` (or `path` or `url`) is a path, relative to the manifest, or a URL. The optional column `name` is
    the folder for the results, and `audio_seconds` the length of the audio in seconds, as in `Input`. Every other column
    is a parameter. In CSV, it is read as JSON if it is valid JSON (`3`, `true`), and left out if it is empty.
    """

    path: str | os.PathLike[str]
    """The file."""


Source: TypeAlias = "str | os.PathLike[str] | Bucket | Input | Folder | Watch | Manifest | Rejected"
"""One input, or a collection of inputs; see `Inputs`."""
SINGLE = (str, os.PathLike, Bucket, Input, Folder, Watch, Manifest, Rejected)
"""The types of a `Source`: anything else is an iterable of them."""

Inputs: TypeAlias = "Source | Iterable[Source]"
"""One source or many: paths, URLs, `Input`, `Folder`, `Watch`, `Manifest`. The path of a folder means a `Folder`, a path
that ends in `.csv`, `.jsonl` or `.ndjson` a `Manifest`. Iterators are read during the run, so they may be endless, and
may block."""

NO_PARAMS: Mapping[str, Any] = {}
"""The parameters of an input without any; shared, because a catalogue has a million of them."""


def is_url(source: str) -> bool:
    """Whether a source is remote."""
    return source.startswith(URL_SCHEMES) or source[:8].lower().startswith(URL_SCHEMES)


def is_object(source: str) -> bool:
    """Whether a source is an object in a bucket."""
    return source.startswith(SCHEMES)


def name_of(source: str) -> str:
    """The name for the results of a path or a URL."""
    path = source.replace(os.sep, "/")
    if is_url(source):
        path = unquote(source.partition("?")[0].partition("#")[0].partition("://")[2])
    return stem(path.rpartition("/")[2]) or "track"


def stem(path: str) -> str:
    """A path without its extension. `pathlib` is too slow for a catalogue."""
    end = path.rfind(".")
    return path[:end] if end > path.rfind("/") + 1 else path
