"""The bytes of stored objects: files in a folder, digested as they are written."""

from __future__ import annotations

import base64
import hashlib
import shutil
import tempfile
import uuid
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, Self

import google_crc32c

from musicai_sdk._files import replace
from musicai_sdk.sandbox.database.records import StoredObject
from musicai_sdk.sandbox.private_files import private_file, private_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from musicai_sdk.sandbox.clock import Clock
    from musicai_sdk.sandbox.database.database import Database

CHUNK: Final = 1 << 20
"""How much of an object is in memory at a time, in bytes."""

# By name, because it has no types.
_extend_crc32c: Callable[[int, bytes], int] = getattr(google_crc32c, "extend")  # noqa: B009

_CONTENT_TYPES = {
    ".aac": "audio/aac",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".csv": "text/csv",
    ".flac": "audio/flac",
    ".json": "application/json",
    ".m4a": "audio/mp4",
    ".mid": "audio/midi",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".txt": "text/plain",
    ".wav": "audio/wav",
}


def content_type(name: str) -> str:
    """Returns the content type that goes with a file name's extension."""
    return _CONTENT_TYPES.get(PurePosixPath(name).suffix.lower(), "application/octet-stream")


class BlobWriter:
    """Takes the bytes of one object; nothing remains of them unless `store` is called."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._file = tempfile.NamedTemporaryFile(dir=store.scratch, prefix="put-", delete=False)  # noqa: SIM115
        private_file(Path(self._file.name))
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crc32c = 0
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        Path(self._file.name).unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Adds bytes to the end."""
        self._file.write(data)
        self._md5.update(data)
        self._crc32c = _extend_crc32c(self._crc32c, data)
        self._size += len(data)

    def store(self, key: str, kind: str) -> StoredObject:
        """Puts the finished file in its place, and returns what there is to say about it."""
        self._file.close()
        blob = uuid.uuid4().hex
        replace(Path(self._file.name), self._store.path(blob))
        return StoredObject(
            key=key,
            blob=blob,
            size=self._size,
            content_type=kind,
            md5=base64.b64encode(self._md5.digest()).decode(),
            crc32c=base64.b64encode(self._crc32c.to_bytes(4, "big")).decode(),
            modified=self._store.clock.now(),
        )


class ObjectStore:
    """The objects of one sandbox.

    Args:
        folder: Where the files go.
        state: Where it is written down which object is in which file.
        clock: What objects are dated by.
        retention: How long objects are kept, in seconds on the clock; None for always.
    """

    def __init__(self, folder: Path, state: Database, clock: Clock, retention: float | None) -> None:
        self.clock = clock
        self._retention = retention
        self.scratch: Path = folder / "scratch"
        self._blobs = folder / "objects"
        self._state = state
        shutil.rmtree(self.scratch, ignore_errors=True)  # What a killed sandbox was in the middle of.
        private_folder(self.scratch)
        private_folder(self._blobs)

    def path(self, blob: str) -> Path:
        """Returns the file of a blob."""
        return self._blobs / blob

    def find(self, key: str) -> StoredObject | None:
        """Returns what is stored under a key, and is kept still."""
        stored = self._state.stored(key)
        return None if stored and self._retention and stored.modified < self._horizon() else stored

    def sweep(self) -> None:
        """Removes what isn't kept any longer."""
        if self._retention:
            self.remove(self._state.remove_objects(self._horizon()))

    def _horizon(self) -> float:
        return self.clock.now() - (self._retention or 0)

    def put(self, stored: StoredObject) -> None:
        """Makes a stored file the object of its key, in place of what was there."""
        previous = self._state.put_object(stored)
        self.remove([previous] if previous else [])

    def copy_in(self, file: Path, key: str) -> StoredObject:
        """Copies a file into the store, without making it an object yet."""
        with BlobWriter(self) as sink, file.open("rb") as source:
            while chunk := source.read(CHUNK):
                sink.write(chunk)
            return sink.store(key, content_type(file.name))

    def remove(self, blobs: Iterable[str]) -> None:
        """Removes files that no object needs any more."""
        for blob in blobs:
            self.path(blob).unlink(missing_ok=True)
