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

from musicai_sdk._text import formerly_without_signature, without_queries, without_signature
from musicai_sdk.batch.events import redacted, storable
from musicai_sdk.batch.inputs.bucket import Buckets, identify_object
from musicai_sdk.batch.inputs.kinds import Input, Inputs, Rejected, is_object, is_url, name_of
from musicai_sdk.batch.inputs.reader import read_inputs
from musicai_sdk.batch.inputs.workflow import WorkflowTemplate
from musicai_sdk.batch.ledger.ledger import InputRow
from musicai_sdk.errors import InputError
from musicai_sdk.storage import ObjectNotFoundError
from musicai_sdk.workflows.inputs import is_address, web_address

CHUNK = 1000
"""Inputs that are looked up in the ledger together."""
_AHEAD = 2 * CHUNK
_SAMPLE = 4096

_MEND = "mend it, and save a manifest as UTF-8"
_LATEST = 2**63
"""Nanoseconds since 1970 that a ledger can't hold: what a broken clock or disk gives."""

Candidate: TypeAlias = InputRow | Rejected


def identity(url: str) -> str:
    """What a URL points at: without its signature, which is another one every time, and without a password.

    Only complete signatures of known kinds are taken off: two songs are never taken for one. One song under a signature
    of another kind counts as two, and is paid for twice at most.

    Raises:
        InputError: it can't be taken apart.
    """
    try:
        return without_signature(url)
    except ValueError:  # whose text may hold the password
        raise InputError("it is no valid URL") from None


def legacy_identity(url: str) -> str | None:
    """What 2.0.0 took a URL for, if that isn't its identity: ledgers of that version know it so."""
    former = formerly_without_signature(url)
    return former if former != identity(url) else None


def read_candidates(
    inputs: Inputs, out: Path, template: WorkflowTemplate, buckets: Buckets | None = None
) -> Iterator[Candidate | None]:
    """Every input with its identity, parameters, size and time of change; or why it can't be processed.

    None when nothing has come for a moment: whoever reads can end then.
    """
    buckets = buckets or Buckets()
    for item in read_inputs(inputs, out, buckets):
        if isinstance(item, Rejected):
            yield _rejected(item.source, item.reason)
        else:
            yield _met(item, template, buckets) if item is not None else None


def _met(item: Input, template: WorkflowTemplate, buckets: Buckets) -> Candidate:
    try:
        params = template.wire_params(item.params)
        _check_text(item, params)
        source = item.source.strip() if is_address(item.source) else item.source
        if is_object(source):
            name = item.name or name_of(source)
            return identify_remote(InputRow(source, params, name, url=buckets.located(source)))
        if (url := web_address(source)) is not None:
            return identify_remote(
                InputRow(identity(url), params, item.name or "", url=url, legacy_source=legacy_identity(url))
            )
        if not source.strip():
            return Rejected(source, "it is empty: give a path, a URL or an object in a bucket")
        met = identify_file(InputRow(_absolute(source), params, item.name or ""))
    except RecursionError:
        return _rejected(item.source, "its parameters are nested too deeply")
    except (InputError, ObjectNotFoundError, ValueError) as error:
        return _rejected(item.source, str(error))
    # A URL of another kind isn't a path that can be shown.
    return _rejected(item.source, met.reason) if isinstance(met, Rejected) and "://" in item.source else met


def _rejected(source: str, reason: str) -> Rejected:
    """A rejection as it is stored and told: without signatures, and without what no database takes."""
    return Rejected(storable(redacted(source)), storable(without_queries(reason)))


def _check_text(item: Input, params: str) -> None:
    """Sees that no text has half a character in it, as Python reads a wrong encoding: no database takes it."""
    source, name = item.source, item.name or ""
    if source.isascii() and params.isascii() and name.isascii():
        return
    if not _is_text(source):
        remote = is_url(source) or is_object(source)
        raise InputError(
            f"its {'address' if remote else 'name'} isn't valid text: {_MEND if remote else 'rename it'}"
        )
    if not _is_text(params):
        raise InputError(f"its parameters aren't valid text: {_MEND}")
    if not _is_text(name):
        raise InputError(f"the name for its results isn't valid text: {_MEND}")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _absolute(path: str) -> str:
    # Symbolic links stay what they are. Most paths come from a folder, and are absolute already; on Windows a path
    # that begins with a slash lacks its drive.
    plain = os.name == "posix" and path.startswith("/") and "/." not in path and "//" not in path
    return path if plain else os.path.abspath(path)  # noqa: PTH100


def identify_remote(given: InputRow) -> InputRow:
    """A remote input with what stands for its content."""
    if is_object(given.url or ""):
        return identify_object(given)
    given.content = f"url:{given.source}"
    return given


def identify_file(given: InputRow) -> Candidate:
    """The input with its file's size and time of change."""
    if given.url is not None:
        return identify_remote(given)
    try:
        found = os.stat(given.source)  # noqa: PTH116 - a hundred thousand times
    except OSError as error:
        return Rejected(given.source, f"it can't be read: {error.strerror}")
    if not stat.S_ISREG(found.st_mode):
        return Rejected(given.source, "it is no file")
    if not found.st_size:
        return Rejected(given.source, "it is empty")
    if not -_LATEST <= found.st_mtime_ns < _LATEST:
        return Rejected(given.source, "its time of change is out of range: set it, as `touch` does")
    given.size, given.mtime_ns = found.st_size, found.st_mtime_ns
    return given


def digest(given: InputRow) -> None:
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


def sample(given: InputRow) -> str:
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


class Prefetcher:
    """Reads an iterator in a thread of its own, a bounded way ahead; gives what has come in chunks.

    A daemon thread: an iterator that blocks for ever can't keep the process alive.
    """

    def __init__(self, items: Callable[[], Iterator[Candidate | None]]) -> None:
        self._items = items
        self._loop = asyncio.get_running_loop()
        self._room = threading.Condition()
        self._ready = deque[Candidate]()
        self._came = asyncio.Event()
        self._ended = False
        self._error: BaseException | None = None
        self._stopped = False
        threading.Thread(target=self._read, name="musicai-inputs", daemon=True).start()

    async def next(self) -> list[Candidate]:
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
