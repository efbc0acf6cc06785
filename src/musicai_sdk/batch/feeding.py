"""Inputs on their way from an iterator that may block to an event loop that may not."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from musicai_sdk.batch.inputs import read_inputs
from musicai_sdk.batch.ledger import Given
from musicai_sdk.batch.objects import Buckets, met_object
from musicai_sdk.batch.sources import Input, Inputs, Rejected, is_object, is_url, name_of
from musicai_sdk.batch.template import Template
from musicai_sdk.errors import InputError
from musicai_sdk.storage import ObjectNotFoundError

CHUNK = 1000
"""Inputs that are looked up in the ledger together."""
_AHEAD = 2 * CHUNK
_SAMPLE = 4096

_SIGNATURES = {
    *("expires", "signature", "key-pair-id", "policy", "googleaccessid", "awsaccesskeyid", "token", "hdnts"),
    *("sig", "se", "sp", "sv", "sr", "st", "spr", "skoid", "sktid", "skt", "ske", "sks", "skv"),
}
"""Query parameters with which storages sign; those that begin with `x-amz-` or `x-goog-` too."""

Met: TypeAlias = Given | Rejected


def identity(url: str) -> str:
    """What a URL points at: without its signature, which is another one every time."""
    if "?" not in url and "#" not in url and "@" not in url:
        return url  # nearly all of a catalogue's, and parsing is slow
    parts = urlsplit(url)
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name.lower() not in _SIGNATURES and not name.lower().startswith(("x-amz-", "x-goog-"))
    ]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, urlencode(query), ""))


def met_inputs(
    inputs: Inputs, out: Path, template: Template, buckets: Buckets | None = None
) -> Iterator[Met | None]:
    """Every input with its identity, parameters, size and time of change; or why it can't be processed.

    None when nothing has come for a moment: whoever reads can end then.
    """
    buckets = buckets or Buckets()
    for item in read_inputs(inputs, out, buckets):
        yield _met(item, template, buckets) if isinstance(item, Input) else item


def _met(item: Input, template: Template, buckets: Buckets) -> Met:
    try:
        params = template.wire_params(item.params)
        if is_url(item.source):
            return remote(Given(identity(item.source), params, item.name or "", url=item.source))
        if is_object(item.source):
            name = item.name or name_of(item.source)
            return remote(Given(item.source, params, name, url=buckets.located(item.source)))
        return looked_at(Given(_absolute(item.source), params, item.name or ""))
    except (InputError, ObjectNotFoundError, ValueError) as error:
        return Rejected(item.source, str(error))


def _absolute(path: str) -> str:
    # Symbolic links stay what they are. Most paths come from a folder, and are absolute already.
    plain = path.startswith("/") and "/." not in path and "//" not in path
    return path if plain else os.path.abspath(path)  # noqa: PTH100


def remote(given: Given) -> Given:
    """A remote input with what stands for its content."""
    if is_object(given.url or ""):
        return met_object(given)
    given.content = f"url:{given.source}"
    return given


def looked_at(given: Given) -> Met:
    """The input with its file's size and time of change."""
    if given.url is not None:
        return remote(given)
    try:
        if not given.source.isascii():
            given.source.encode()
        found = os.stat(given.source)  # noqa: PTH116 - a hundred thousand times
    except UnicodeEncodeError:
        return Rejected(
            given.source.encode(errors="replace").decode(), "its name isn't valid text: rename it"
        )
    except OSError as error:
        return Rejected(given.source, f"it can't be read: {error.strerror}")
    if not stat.S_ISREG(found.st_mode):
        return Rejected(given.source, "it is no file")
    if not found.st_size:
        return Rejected(given.source, "it is empty")
    given.size, given.mtime_ns = found.st_size, found.st_mtime_ns
    return given


def digest(given: Given) -> None:
    """Fills in the content of a file, as `sha256:…`, and its sample.

    Raises:
        OSError: it can't be read.
        InputError: it changed while it was read.
    """
    with Path(given.source).open("rb") as file:
        given.content = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        given.sample = _sample(file)
        now = os.fstat(file.fileno())
    if (now.st_size, now.st_mtime_ns) != (given.size, given.mtime_ns):
        raise InputError("it changed while it was read: process it when it's complete")


def sample(given: Given) -> str:
    """A digest of size, head and tail, or of the URL: equal for equal contents, and had without reading the file.

    Raises:
        OSError: it can't be read.
    """
    if given.sample is None and given.url is not None:
        same = given.content if given.content and is_object(given.source) else given.source
        given.sample = hashlib.sha256(same.encode()).hexdigest()[:16]
    elif given.sample is None:
        with Path(given.source).open("rb") as file:
            given.sample = _sample(file)
    return given.sample or ""


def _sample(file: BinaryIO) -> str:
    size = file.seek(0, os.SEEK_END)
    hasher = hashlib.sha256(str(size).encode())
    for start in (0, max(0, size - _SAMPLE)):
        file.seek(start)
        hasher.update(file.read(_SAMPLE))
    return hasher.hexdigest()[:16]


class Feed:
    """Reads an iterator in a thread of its own, a bounded way ahead; gives what has come in chunks.

    A daemon thread: an iterator that blocks for ever can't keep the process alive.
    """

    def __init__(self, items: Callable[[], Iterator[Met | None]]) -> None:
        self._items = items
        self._loop = asyncio.get_running_loop()
        self._room = threading.Condition()
        self._ready = deque[Met]()
        self._came = asyncio.Event()
        self._ended = False
        self._error: BaseException | None = None
        self._stopped = False
        threading.Thread(target=self._read, name="musicai-inputs", daemon=True).start()

    async def next(self) -> list[Met]:
        """What has come since, at least one; empty at the end.

        Raises:
            InputError: the inputs can't be read at all. So does whatever the caller's iterator raises.
        """
        while True:
            await self._came.wait()
            self._came.clear()
            ended = self._ended
            chunk = [self._ready.popleft() for _ in range(min(CHUNK, len(self._ready)))]
            with self._room:
                if self._ready or self._ended:
                    self._came.set()
                self._room.notify()
            if chunk:
                return chunk
            if ended:
                break
        if self._error is not None:
            raise self._error
        return []

    def stop(self) -> None:
        """Reads no further than the item that is being waited for."""
        with self._room:
            self._stopped = True
            self._room.notify()

    def _read(self) -> None:
        try:
            for item in self._items():
                if item is not None:
                    self._ready.append(item)
                    if len(self._ready) == 1:
                        self._tell()
                    elif len(self._ready) >= _AHEAD:
                        with self._room:
                            self._room.wait_for(lambda: self._stopped or len(self._ready) < _AHEAD)
                if self._stopped:
                    return
        except BaseException as error:  # noqa: BLE001 - it goes to who asked for the inputs
            self._error = error
        finally:
            with self._room:
                self._ended = True
            self._tell()

    def _tell(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._came.set)
        except RuntimeError:
            self._stopped = True  # the loop has ended meanwhile
