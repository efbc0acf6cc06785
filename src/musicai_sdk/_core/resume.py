"""An incomplete download beside its target, which this or another process can resume."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from musicai_sdk import _files
from musicai_sdk._core.output_names import PARTIAL, PARTIAL_NEXT, PARTIAL_NOTE
from musicai_sdk._core.sources import CHUNK
from musicai_sdk._io import cancellation
from musicai_sdk._names import with_ending
from musicai_sdk.errors import TransferError

_LARGEST_NOTE = 64 * 1024
_TRIES = 20
"""The most attempts to claim a part while other processes keep replacing its file."""


@dataclass(frozen=True)
class Version:
    """The version of the object to which a part belongs."""

    validator: str
    """The value for `If-Range`: the strong ETag, or else the modification time."""
    size: int
    """The size of the whole object in bytes."""
    digests: Mapping[str, str] = field(default_factory=dict[str, str])
    """The digests of the whole object by algorithm, in base64."""


def validator(headers: Mapping[str, str]) -> str | None:
    """The validator of an answer's version.

    Not a weak ETag, which two versions may share, so that their parts could be mixed.
    """
    etag = headers.get("etag", "")
    return etag if etag.startswith('"') else headers.get("last-modified") or None


def is_of(headers: Mapping[str, str], version: Version) -> bool:
    """Whether a partial answer can be of this version. Needed because some servers ignore `If-Range`."""
    name = "etag" if version.validator.startswith('"') else "last-modified"
    return headers.get(name, version.validator).removeprefix("W/") == version.validator


class Partial:
    """`<target>.part` with the bytes, and `<target>.part-of` with their version. A context manager that owns the part.

    Two writers never share a file. A writer locks its part, and copies an existing part instead of appending to it. So
    a second writer can't damage the first writer's file, even where locks have no effect.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path: Path = target.with_name(with_ending(target.name, PARTIAL))
        self._note = target.with_name(with_ending(target.name, PARTIAL_NOTE))
        self._next = target.with_name(with_ending(target.name, PARTIAL_NEXT))
        self._file: FileIO | None = None
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
                descriptor = self._claimed()
                if descriptor is not None:
                    self._file = FileIO(descriptor, "r+")
                    return self
        raise self._in_use()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Releases the part. Keeps the file if it can be resumed, or else removes it."""
        if self._file is not None:
            kept = self.resumable() != (0, None)
            if not kept:
                self.discard()
            self._release(kept=kept)

    def _claimed(self) -> int | None:
        """The locked part, or None if another process replaced it meanwhile."""
        standing = _files.open_regular(self.path, os.O_RDWR)
        if standing is None:
            return self._created()
        if not _files.lock(standing, self._given_up):
            os.close(standing)
            raise self._in_use()
        try:
            if not _files.is_at(standing, self.path):
                return None
            if sys.platform != "win32":
                with suppress(PermissionError):
                    return self._taken_over(standing)
            # Windows and its file servers can't rename an open file, and locks are mandatory there.
            standing, taken = -1, standing
            return taken
        finally:
            if standing >= 0:
                _files.unlock(standing)
                os.close(standing)

    def _created(self) -> int | None:
        """Creates a new part. First removes anything else with its name, such as a link, a pipe or a device."""
        try:
            descriptor = _files.create(self.path)
        except FileExistsError:
            found = _files.open_regular(self.path)
            if found is None:
                self.path.unlink(missing_ok=True)
            else:
                os.close(found)  # another process created it first
            return None
        return self._locked(descriptor, self.path)

    def _locked(self, descriptor: int, name: Path) -> int | None:
        """Locks a new file. Returns None if another process took the file meanwhile."""
        if _files.lock(descriptor, self._given_up):
            if _files.is_at(descriptor, name):
                _files.keep_mode(descriptor, self.target, at_least=0o600)
                return descriptor
            _files.unlock(descriptor)
        os.close(descriptor)
        return None

    def _taken_over(self, standing: int) -> int | None:
        """Replaces an existing part by a copy of it."""
        descriptor = self._locked(_files.create_anew(self._next), self._next)
        if descriptor is None:
            return None
        try:
            version = self._noted() if _files.is_own(standing) else None
            if version is not None:
                _copy(standing, descriptor, min(os.fstat(standing).st_size, version.size - 1))
            with suppress(FileNotFoundError):  # another process replaced the copy, as checked next
                os.replace(self._next, self.path)  # noqa: PTH105 - atomic
            if _files.is_at(descriptor, self.path):
                taken, descriptor = descriptor, -1
                return taken
            raise self._in_use()  # without working locks, two processes may get here; only one of them continues
        finally:
            if descriptor >= 0:
                _files.close_and_unlink(FileIO(descriptor), self._next)

    def resumable(self) -> tuple[int, Version | None]:
        """The offset and version to resume with; (0, None) to start over.

        The offset is at least one byte before the end, so that the server's answer contains data and confirms the
        version.
        """
        version = self._noted()
        if version is None:
            return 0, None
        with self._failing():
            offset = min(os.fstat(self._open.fileno()).st_size, version.size - 1)
        return (offset, version) if offset > 0 else (0, None)

    def describe(self, version: Version | None) -> None:
        """Writes the note with the version, before the first byte is written."""
        with self._failing():
            if not _files.is_at(self._open.fileno(), self.path):
                raise self._in_use()
            if version is None:
                _files.unlink(self._note)
                return
            _files.write_text(self._note, json.dumps(asdict(version)), follow=False, durable=False)

    def begin(self, offset: int, count_in: Callable[[bytes], object]) -> None:
        """Truncates the part at the offset, and passes the bytes before it to `count_in`."""
        with self._failing():
            file = self._open
            file.seek(0)
            left = offset
            while left > 0 and (chunk := file.read(min(CHUNK, left))):
                count_in(chunk)
                left -= len(chunk)
            file.truncate(offset)
            file.seek(offset)

    def write(self, data: bytes | memoryview) -> None:
        """Appends to the part. If that fails, for example on a full disk, discards the part."""
        try:
            with self._failing():
                written = self._open.write(data)
                while written < len(data):
                    written += self._open.write(data[written:])
        except TransferError:
            self.discard()
            raise

    @contextmanager
    def reading(self) -> Generator[BinaryIO]:
        """Opens the written file for reading: by its descriptor, because its path may name another file by now."""
        with self._failing(), os.fdopen(os.dup(self._open.fileno()), "rb") as file:
            yield file

    def finish(self, size: int) -> None:
        """Renames the complete file, of `size` bytes, to the target.

        Raises:
            TransferError: another process replaced the part, or the part can't be renamed. In the latter case the part
                is kept.
        """
        with self._failing():
            descriptor = self._open.fileno()
            _files.keep_mode(descriptor, self.target)
            try:
                _files.fsync(descriptor)
            except OSError:
                self.discard()  # the contents of the disk are unknown
                raise
            if os.fstat(descriptor).st_size != size or not _files.is_at(descriptor, self.path):
                raise self._in_use()
            try:
                os.replace(self.path, self.target)  # noqa: PTH105 - atomic
            except PermissionError:  # Windows: someone, perhaps this process, has a file open
                self._release(kept=True)
                self._replace_target()
            with suppress(OSError):
                _files.unlink(self._note)
        self._release(kept=True)

    def _replace_target(self) -> None:
        try:
            _files.replace(self.path, self.target)
        except PermissionError as error:
            raise TransferError(
                f"can't write {str(self.target)!r}: {error.strerror}. If another program has it open, close it there. The"
                f" whole download is kept as {str(self.path)!r}"
            ) from error

    def discard(self) -> None:
        """Empties the part and removes its note. `__exit__` removes the file.

        Ignores errors, because it is called after another error.
        """
        with suppress(OSError):
            self._open.truncate(0)
            if _files.is_at(self._open.fileno(), self.path):
                self._note.unlink(missing_ok=True)

    def _release(self, *, kept: bool) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            if kept:
                _files.unlock(file.fileno())
                file.close()
            else:
                with suppress(OSError):
                    _files.close_and_unlink(file, self.path)

    @property
    def _open(self) -> FileIO:
        if self._file is None:
            raise RuntimeError("the part is used outside its context")
        return self._file

    def _noted(self) -> Version | None:
        """The version in the note; None if there is no valid note of this user."""
        try:
            descriptor = _files.open_regular(self._note)
            if descriptor is None:
                return None
            with FileIO(descriptor) as note:
                if not _files.is_own(descriptor):
                    return None
                return _version(json.loads(note.read(_LARGEST_NOTE) or b""))
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
            f"{str(self.target)!r} is in use: another download writes to it ({self.path.name}). Wait until it ends, or"
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


def _copy(source: int, target: int, size: int) -> None:
    """Copies the first bytes of a file."""
    with FileIO(source, closefd=False) as reader, FileIO(target, "r+", closefd=False) as writer:
        reader.seek(0)
        while size > 0 and (chunk := reader.read(min(CHUNK, size))):
            left = memoryview(chunk)
            while left:
                left = left[writer.write(left) :]
            size -= len(chunk)
        writer.seek(0)


def _version(note: dict[str, Any]) -> Version:
    version = Version(str(note["validator"]), int(note["size"]), dict(note["digests"]))
    if not version.validator.isprintable() or not version.validator.isascii():
        raise ValueError("not a note of this package")
    return version
