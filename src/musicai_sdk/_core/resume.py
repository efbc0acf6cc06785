"""An incomplete download beside its target, which this or another process can resume.

Only proven bytes are resumed: the storage's digest of the whole object will prove them, or the note does by their
length and checksum. After a power cut, a file may have its length without its bytes.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import sys
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

from musicai_sdk import _files, _locks
from musicai_sdk._core.object_version import Version
from musicai_sdk._core.output_names import PARTIAL, PARTIAL_NEXT, PARTIAL_NOTE
from musicai_sdk._core.sources import CHUNK
from musicai_sdk._io import cancellation, cancelling
from musicai_sdk._locks import LockableFile
from musicai_sdk._names import with_ending
from musicai_sdk._text import without_signature
from musicai_sdk.errors import TransferError

_LARGEST_NOTE = 64 * 1024
_TRIES = 20
"""The most attempts to claim a part while other processes keep replacing its file."""


@dataclass(frozen=True)
class _Note:
    """What is known of a part."""

    version: Version
    source: str
    """A digest of the URL without its signature: validators say nothing about two objects."""
    length: int = 0
    """The length of the part's beginning that was certainly written; 0 if it isn't known, as after a crash."""
    crc32: int = 0
    """The CRC-32 of these bytes. It is several times faster than other checksums of the standard library."""


class Partial:
    """`<target>.part` with the bytes, and `<target>.part-of` with their version. A context manager that owns the part.

    Two writers never share a file. A writer locks its part, and copies an existing part instead of appending to it. So
    a second writer can't damage the first writer's file, even where locks have no effect.
    """

    def __init__(self, target: Path, mode: int | None = None, url: str = "") -> None:
        """Names the files.

        Args:
            target: The file to write.
            mode: The permissions of the file that the target replaces, if any.
            url: The URL of the object. A part of another URL isn't resumed.
        """
        self.target = target
        self._url = url
        folder, name = os.path.split(target)
        self._path, self._note, self._next = (
            os.path.join(folder, with_ending(name, ending))
            for ending in (PARTIAL, PARTIAL_NOTE, PARTIAL_NEXT)
        )
        self._mode = None if mode is None else mode | 0o600
        self._file: LockableFile | None = None
        self._size = 0
        self._crc32 = 0
        """The checksum of the written bytes, if it is needed."""
        self._needs_checksum = False
        """Whether the note must prove the written bytes, because no digest of the whole object will."""
        self._may_have_note = True
        # A cancelled thread may still wait for a silent server, so its lock is ignored. On Windows, where all writers
        # use one file, the lock counts until the thread ends.
        self._given_up = cancellation() if sys.platform != "win32" else lambda: False

    def __enter__(self) -> Self:
        """Claims the part.

        Raises:
            TransferError: another download is writing the part, or the part can't be written.
        """
        with self._failing():
            for _ in range(_TRIES):
                self._file = self._claimed()
                if self._file is not None:
                    return self
        raise self._in_use()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Releases the part. Keeps the file if it can be resumed, or else removes it."""
        if self._file is None:
            return
        kept = True
        try:
            with suppress(OSError):
                # After an interrupt in `finish`, the open file may be the target.
                version = self.resumable()[1] if self._open.at(self._path) else None
                kept = version is not None
                if version is None:
                    self.discard()
                elif self._needs_checksum:
                    self._write_note(version, self._size, self._crc32)
        finally:
            self._release(kept=kept)

    def _claimed(self) -> LockableFile | None:
        """The locked part, or None if another process replaced it meanwhile."""
        try:
            new = LockableFile(_files.create(self._path), "r+")
        except FileExistsError:
            return self._existing()
        return self._locked(new, self._path)

    def _existing(self) -> LockableFile | None:
        """Claims an existing part. Removes anything else with its name, such as a link, a pipe or a device."""
        descriptor = _files.open_regular(self._path, os.O_RDWR)
        if descriptor is None:
            with suppress(FileNotFoundError):
                if not stat.S_ISREG(os.lstat(self._path).st_mode):
                    os.unlink(self._path)
            return None
        with ExitStack() as stack:
            existing = stack.enter_context(LockableFile(descriptor, "r+"))
            if not _locks.lock(existing, self._given_up):
                raise self._in_use()
            stack.callback(_locks.unlock, existing)
            if not existing.at(self._path):
                return None
            self._size = os.fstat(descriptor).st_size
            if sys.platform != "win32":
                with suppress(PermissionError):
                    return self._taken_over(existing)
            # Windows and its file servers can't rename an open file, and locks are mandatory there.
            self._size = self._take_over(existing)
            stack.pop_all()
            return existing

    def _locked(self, new: LockableFile, name: str) -> LockableFile | None:
        """Locks a new file. Returns None if another process took the file meanwhile."""
        taken = False
        try:
            if _locks.lock(new, self._given_up) and new.at(name):
                _files.set_permissions(new.fileno(), self._mode)
                taken = True
        finally:
            if not taken:
                _locks.unlock(new)
                new.close()
        return new if taken else None

    def _taken_over(self, existing: LockableFile) -> LockableFile | None:
        """Replaces an existing part by a copy of it."""
        copy = self._locked(LockableFile(_files.create_anew(self._next), "r+"), self._next)
        if copy is None:
            return None
        try:
            size = self._take_over(existing, copy)
            with suppress(FileNotFoundError):  # another process replaced the copy, as checked next
                os.replace(self._next, self._path)
            if copy.at(self._path):
                self._size, taken, copy = size, copy, None
                return taken
            raise self._in_use()  # without working locks, two processes may get here; only one of them continues
        finally:
            if copy is not None:
                _locks.close_and_unlink(copy, self._next)

    def _take_over(self, existing: FileIO, copy: FileIO | None = None) -> int:
        """Takes over the proven bytes of an existing part, in place or in a copy. Returns their number."""
        note = self._noted() if _files.is_own(existing.fileno()) else None
        self._needs_checksum = note is not None and not note.version.is_checked
        size, crc32 = 0 if note is None else min(self._size, note.version.size), 0
        if note is not None and self._needs_checksum:
            size = note.length if note.length <= size else 0
        if copy is not None or self._needs_checksum:
            for chunk in _first(existing, size):
                if copy is not None:
                    _write(copy, chunk)
                if self._needs_checksum:
                    crc32 = zlib.crc32(chunk, crc32)
        if note is not None and self._needs_checksum and crc32 != note.crc32:
            size = 0
        file = existing if copy is None else copy
        file.truncate(size)
        file.seek(0)
        self._crc32 = crc32
        return size

    def resumable(self) -> tuple[int, Version | None]:
        """The offset and version to resume with; (0, None) to start over.

        The offset is at least one byte before the end, so that the server's answer contains data and confirms the
        version.
        """
        note = self._noted() if self._size else None
        offset = 0 if note is None else min(self._size, note.version.size - 1)
        return (offset, note.version) if note is not None and offset > 0 else (0, None)

    def describe(self, version: Version | None) -> None:
        """Writes the note with the version, before the first byte is written; None if the part needn't be resumed."""
        with self._failing():
            if not self._open.at(self._path):
                raise self._in_use()
            self._may_have_note = version is not None
            self._needs_checksum = version is not None and not version.is_checked
            if version is None:
                _files.unlink(self._note)
            else:
                self._write_note(version)

    def _write_note(self, version: Version, length: int = 0, crc32: int = 0) -> None:
        note = json.dumps(asdict(_Note(version, self._source(), length, crc32)))
        _files.write_text(Path(self._note), note, follow=False, durable=False)

    def _source(self) -> str:
        return hashlib.sha256(without_signature(self._url).encode("utf-8", "surrogatepass")).hexdigest()

    def begin(self, offset: int, count_in: Callable[[bytes], object]) -> None:
        """Truncates the part at the offset, and passes the bytes before it to `count_in`."""
        with self._failing():
            file, size, crc32 = self._open, 0, 0
            for chunk in _first(file, offset):
                count_in(chunk)
                if self._needs_checksum:
                    crc32 = zlib.crc32(chunk, crc32)
                size += len(chunk)
            if self._size > offset:
                file.truncate(offset)
                file.seek(offset)
            self._size, self._crc32 = size, crc32

    def write(self, data: bytes | memoryview) -> None:
        """Appends to the part. If that fails, for example on a full disk, discards the part."""
        try:
            with self._failing():
                _write(self._open, data)
                if self._needs_checksum:
                    self._crc32 = zlib.crc32(data, self._crc32)
                self._size += len(data)
        except TransferError:
            self.discard()
            raise

    @contextmanager
    def reading(self) -> Generator[BinaryIO]:
        """The written file for reading: by its descriptor, because its path may name another file by now."""
        with self._failing():
            yield cast("BinaryIO", self._open)

    def finish(self, size: int) -> None:
        """Renames the complete file, of `size` bytes, to the target.

        Raises:
            TransferError: another process replaced the part, or the part can't be renamed. In the latter case the part
                is kept.
        """
        with self._failing():
            file = self._open
            _files.set_permissions(file.fileno(), _files.permissions(self.target))
            try:
                _files.fsync(file.fileno())
            except OSError:
                self.discard()  # the contents of the disk are unknown
                raise
            found = file.at(self._path)
            if found is None or found.st_size != size:
                raise self._in_use()
            try:
                self._rename()
            except PermissionError:  # Windows: someone, perhaps this process, has a file open
                self._release(kept=True)
                self._replace_target()
            if self._may_have_note:
                with suppress(OSError):
                    _files.unlink(self._note)
        self._release(kept=True)

    def _rename(self) -> None:
        cancelling.check()  # a cancelled call replaces nothing, however long the disk took
        os.replace(self._path, self.target)

    def _replace_target(self) -> None:
        try:
            _files.patiently(self._rename)
        except PermissionError as error:
            raise TransferError(
                f"can't write {str(self.target)!r}: {error.strerror}. If another program has it open, close it there. The"
                f" whole download is kept as {self._path!r}"
            ) from error

    def discard(self) -> None:
        """Empties the part and removes its note. `__exit__` removes the file.

        Ignores errors, because it is called after another error.
        """
        self._size = 0
        with suppress(OSError):
            if self._open.at(self._path):
                self._open.truncate(0)  # only here: after the rename, the open file is the target
            elif os.path.lexists(self._path):
                return  # another process's, as its note
            os.unlink(self._note)

    def _release(self, *, kept: bool) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            if kept:
                _locks.unlock(file)
                file.close()
            else:
                with suppress(OSError):
                    _locks.close_and_unlink(file, self._path)

    @property
    def _open(self) -> LockableFile:
        if self._file is None:
            raise RuntimeError("the part is used outside its context")
        return self._file

    def _noted(self) -> _Note | None:
        """The note; None if there is no valid one of this user about a part of this URL."""
        try:
            descriptor = _files.open_regular(self._note)
            if descriptor is None:
                return None
            with FileIO(descriptor) as note:
                if not _files.is_own(descriptor):
                    return None
                found = _parsed(json.loads(note.read(_LARGEST_NOTE) or b""))
                return found if found.source == self._source() else None
        except (OSError, ValueError, TypeError, KeyError, OverflowError):
            return None

    @contextmanager
    def _failing(self) -> Generator[None]:
        """Turns an `OSError` into a `TransferError`."""
        try:
            yield
        except OSError as error:
            if error.errno is None:
                raise
            raise not_written(self.target, error) from error

    def _in_use(self) -> TransferError:
        return TransferError(
            f"{str(self.target)!r} is in use: another download writes to it ({os.path.basename(self._path)}). Wait until it ends, or"
            f" choose another destination"
        )


def not_written(target: Path, error: OSError) -> TransferError:
    """The error of a target that can't be written."""
    reason = error.strerror or str(error)
    if error.errno == errno.ENAMETOOLONG:
        reason += ", choose a shorter one"
    elif error.filename is not None and str(error.filename) != str(target):
        reason += f" ({str(error.filename)!r})"
    return TransferError(f"can't write {str(target)!r}: {reason}")


def _first(file: FileIO, size: int) -> Iterator[bytes]:
    """The first bytes of a file, in chunks."""
    file.seek(0)
    while size > 0 and (chunk := file.read(min(CHUNK, size))):
        yield chunk
        size -= len(chunk)


def _write(file: FileIO, data: bytes | memoryview) -> None:
    written = file.write(data)
    while written < len(data):
        written += file.write(data[written:])


def _parsed(note: dict[str, Any]) -> _Note:
    """The note of a file. Those of 2.0.0 have no source, so their parts aren't resumed."""
    of = note["version"]
    version = Version(str(of["validator"]), int(of["size"]), dict(of["digests"]), dict(of["marks"]))
    found = _Note(version, str(note["source"]), int(note["length"]), int(note["crc32"]))
    if (
        not version.validator.isprintable()
        or not version.validator.isascii()
        or min(found.length, version.size) < 0
    ):
        raise ValueError("not a note of this package")
    return found
