"""The beginning of a download, kept beside its target so that it can go on: in this call, or in another process."""

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
"""How often the name of the part may change hands while it is claimed."""


@dataclass(frozen=True)
class Version:
    """Which version of an object a part belongs to."""

    validator: str
    """Its strong ETag, else its modification time: what `If-Range` compares."""
    size: int
    """The whole object's size in bytes."""
    digests: Mapping[str, str] = field(default_factory=dict[str, str])
    """The whole object's digests by algorithm, in base64."""


def validator(headers: Mapping[str, str]) -> str | None:
    """What identifies the version of an answer; a weak ETag can't, parts of two versions might be mixed."""
    etag = headers.get("etag", "")
    return etag if etag.startswith('"') else headers.get("last-modified") or None


def is_of(headers: Mapping[str, str], version: Version) -> bool:
    """Whether a partial answer says nothing of another version: not every server heeds `If-Range`."""
    name = "etag" if version.validator.startswith('"') else "last-modified"
    return headers.get(name, version.validator).removeprefix("W/") == version.validator


class Partial:
    """`<target>.part` with the bytes, and `<target>.part-of` with what they are part of; a context in which it is ours.

    No two writers ever share a file. The part is locked for as long as it is written, and one that was left behind is
    copied rather than written to: so a second writer can't harm the first one even where locks don't lock anything.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path: Path = target.with_name(with_ending(target.name, PARTIAL))
        self._note = target.with_name(with_ending(target.name, PARTIAL_NOTE))
        self._next = target.with_name(with_ending(target.name, PARTIAL_NEXT))
        self._file: FileIO | None = None
        # The thread may still wait for a silent server. Windows has one file for all who write, so it must have ended.
        self._given_up = cancellation() if sys.platform != "win32" else lambda: False

    def __enter__(self) -> Self:
        """Claims the part.

        Raises:
            TransferError: another download is writing it, or it can't be written.
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
        """Gives it back: what can be resumed stays, everything else goes."""
        if self._file is not None:
            kept = self.resumable() != (0, None)
            if not kept:
                self.discard()
            self._release(kept=kept)

    def _claimed(self) -> int | None:
        """The part, locked, or None if its name changed hands meanwhile."""
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
            # Windows and its file servers rename nothing that is open, and everybody keeps their locks.
            standing, taken = -1, standing
            return taken
        finally:
            if standing >= 0:
                _files.unlock(standing)
                os.close(standing)

    def _created(self) -> int | None:
        """A new part, where there is none, or something else: a link, a pipe and a device lose that name."""
        try:
            descriptor = _files.create(self.path)
        except FileExistsError:
            found = _files.open_regular(self.path)
            if found is None:
                self.path.unlink(missing_ok=True)
            else:
                os.close(found)  # somebody was faster
            return None
        return self._locked(descriptor, self.path)

    def _locked(self, descriptor: int, name: Path) -> int | None:
        """A file that was just created, locked; None if somebody else got hold of it in between."""
        if _files.lock(descriptor, self._given_up):
            if _files.is_at(descriptor, name):
                _files.keep_mode(descriptor, self.target, at_least=0o600)
                return descriptor
            _files.unlock(descriptor)
        os.close(descriptor)
        return None

    def _taken_over(self, standing: int) -> int | None:
        """A copy of a part that was left behind, under its name."""
        descriptor = self._locked(_files.create_anew(self._next), self._next)
        if descriptor is None:
            return None
        try:
            version = self._noted() if _files.is_own(standing) else None
            if version is not None:
                _copy(standing, descriptor, min(os.fstat(standing).st_size, version.size - 1))
            with suppress(FileNotFoundError):  # see the next line
                os.replace(self._next, self.path)  # noqa: PTH105 - atomic
            if _files.is_at(descriptor, self.path):
                taken, descriptor = descriptor, -1
                return taken
            raise self._in_use()  # without locks two may come as far as this, and one of them goes on
        finally:
            if descriptor >= 0:
                _files.close_and_unlink(FileIO(descriptor), self._next)

    def resumable(self) -> tuple[int, Version | None]:
        """Where to go on, and with which version; (0, None) to start from the beginning.

        At most one byte less than the whole: so the server always has something to send, and says by it that the
        version is still the same.
        """
        version = self._noted()
        if version is None:
            return 0, None
        with self._failing():
            offset = min(os.fstat(self._open.fileno()).st_size, version.size - 1)
        return (offset, version) if offset > 0 else (0, None)

    def describe(self, version: Version | None) -> None:
        """Notes what the coming bytes are part of, before the first of them is written."""
        with self._failing():
            if not _files.is_at(self._open.fileno(), self.path):
                raise self._in_use()
            if version is None:
                _files.unlink(self._note)
                return
            _files.write_text(self._note, json.dumps(asdict(version)), follow=False, durable=False)

    def begin(self, offset: int, count_in: Callable[[bytes], object]) -> None:
        """Cuts the part at the offset, to write on from there; what is before it is counted in."""
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
        """Writes on. Where that fails, such as on a full disk, nothing is left."""
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
        """What was written, to be read: by its descriptor, because its name may be another's by now."""
        with self._failing(), os.fdopen(os.dup(self._open.fileno()), "rb") as file:
            yield file

    def finish(self, size: int) -> None:
        """Gives the whole file, of so many bytes, its name.

        Raises:
            TransferError: it isn't the file that was written, or can't be renamed. In the latter case it is kept.
        """
        with self._failing():
            descriptor = self._open.fileno()
            _files.keep_mode(descriptor, self.target)
            try:
                _files.fsync(descriptor)
            except OSError:
                self.discard()  # nobody knows what is on the disk
                raise
            if os.fstat(descriptor).st_size != size or not _files.is_at(descriptor, self.path):
                raise self._in_use()
            try:
                os.replace(self.path, self.target)  # noqa: PTH105 - atomic
            except PermissionError:  # Windows refuses it while anybody has either of them open, we too
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
        """Empties the part, which is removed at the end, and forgets what it was part of.

        As far as possible: it is called when something else has failed already.
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
            raise RuntimeError("the part is used outside of its context")
        return self._file

    def _noted(self) -> Version | None:
        """What the note says; None if there is none that was written here."""
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
        """What the system says about files becomes a `TransferError`."""
        try:
            yield
        except OSError as error:
            if error.errno is None:
                raise
            raise not_written(self.target, error) from error

    def _in_use(self) -> TransferError:
        return TransferError(
            f"{str(self.target)!r} is in use: another download writes to it ({self.path.name}). Wait for its end, or"
            f" give another destination"
        )


def not_written(target: Path, error: OSError) -> TransferError:
    """The error of a target that can't be written."""
    reason = error.strerror or str(error)
    if error.errno == errno.ENAMETOOLONG:
        reason += ", give a shorter one"
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


def _version(note: dict[str, Any]) -> Version:
    version = Version(str(note["validator"]), int(note["size"]), dict(note["digests"]))
    if not version.validator.isprintable() or not version.validator.isascii():
        raise ValueError("not what was written here")
    return version
