"""The bytes of objects: files in a folder, hashed as they are written."""

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
from musicai_sdk.models.files import CONTENT_TYPES
from musicai_sdk.sandbox.database.records import StoredObject
from musicai_sdk.sandbox.private_files import private_file, private_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from musicai_sdk.sandbox.clock import Clock
    from musicai_sdk.sandbox.database.database import Database

CHUNK: Final = 1 << 20
"""The size of the chunks in which objects are read and written, in bytes."""

# By name, because google_crc32c has no types.
_extend_crc32c: Callable[[int, bytes], int] = getattr(google_crc32c, "extend")  # noqa: B009


def content_type(name: str) -> str:
    """Returns the content type that goes with a file name's extension."""
    return CONTENT_TYPES.get(PurePosixPath(name).suffix.lower(), "application/octet-stream")


class BlobWriter:
    """Writes the bytes of one object, which are dropped unless `store` is called."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._file = tempfile.NamedTemporaryFile(dir=store.scratch, prefix="put-", delete=False)  # noqa: SIM115
        private_file(Path(self._file.name))
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crc32c = 0
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()
        Path(self._file.name).unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Appends bytes."""
        self._file.write(data)
        self._md5.update(data)
        self._crc32c = _extend_crc32c(self._crc32c, data)
        self._size += len(data)

    @property
    def digests(self) -> dict[str, str]:
        """The digests of the bytes so far, `md5` and `crc32c`, in base64 as `x-goog-hash` writes them."""
        digests = {"md5": self._md5.digest(), "crc32c": self._crc32c.to_bytes(4, "big")}
        return {name: base64.b64encode(digest).decode() for name, digest in digests.items()}

    def store(self, key: str, kind: str) -> StoredObject:
        """Moves the finished file to its place, and returns its record."""
        self._file.close()
        blob = uuid.uuid4().hex
        replace(Path(self._file.name), self._store.path(blob))
        return StoredObject(
            key=key,
            blob=blob,
            size=self._size,
            content_type=kind,
            modified=self._store.clock.now(),
            **self.digests,
        )


class ObjectStore:
    """The objects of one sandbox.

    Args:
        folder: The folder of the files.
        database: The database of objects.
        clock: The clock that dates objects.
        retention: How long objects are kept, in seconds on the clock; None for ever.
    """

    def __init__(self, folder: Path, database: Database, clock: Clock, retention: float | None) -> None:
        self.clock = clock
        self._retention = retention
        self.scratch: Path = folder / "scratch"
        self._blobs = folder / "objects"
        self._database = database
        shutil.rmtree(self.scratch, ignore_errors=True)  # Left by a sandbox that was killed.
        private_folder(self.scratch)
        private_folder(self._blobs)

    def path(self, blob: str) -> Path:
        """Returns the file of a blob."""
        return self._blobs / blob

    def find(self, key: str) -> StoredObject | None:
        """Returns the object with a key, unless its retention is over."""
        stored = self._database.stored(key)
        return None if stored and self._retention and stored.modified < self._horizon() else stored

    def sweep(self) -> None:
        """Removes the objects whose retention is over."""
        if self._retention:
            self.remove(self._database.remove_objects(self._horizon()))

    def _horizon(self) -> float:
        return self.clock.now() - (self._retention or 0)

    def put(self, stored: StoredObject) -> None:
        """Makes a stored file the object of its key, in place of the previous one."""
        previous = self._database.put_object(stored)
        self.remove([previous] if previous else [])

    def copy_in(self, file: Path, key: str) -> StoredObject:
        """Copies a file into the store; `put` makes it an object."""
        with BlobWriter(self) as sink, file.open("rb") as source:
            while chunk := source.read(CHUNK):
                sink.write(chunk)
            return sink.store(key, content_type(file.name))

    def remove(self, blobs: Iterable[str]) -> None:
        """Removes the files of blobs."""
        for blob in blobs:
            self.path(blob).unlink(missing_ok=True)
