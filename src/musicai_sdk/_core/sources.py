"""Sources of uploads: a path, bytes or a binary file, as a request body that every attempt can read again."""

from __future__ import annotations

import errno
import inspect
import io
import os
import stat
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from musicai_sdk._core.arguments import Progress, Readable, UploadSource
from musicai_sdk._files import kind
from musicai_sdk._io import IO
from musicai_sdk._names import encodable
from musicai_sdk._text import without_query
from musicai_sdk.errors import InputError, MusicAiError, SourceNotFoundError, TransferError
from musicai_sdk.workflows.inputs import is_address

CHUNK = 1024 * 1024
"""Bytes per read: 64 KB costs 1.7 times the CPU, and more than 1 MB gains nothing."""
PATIENCE = 5.0
"""Seconds to wait for a writer of a named pipe."""
LARGEST_READ_AGAIN = 128 * 1024 * 1024
"""The most bytes of a source to read again for a digest: ten minutes of an uncompressed recording, whose MD5 takes 0.2 s.
Larger files may have left the system's cache."""
_Extent: TypeAlias = tuple[int, int]
"""The position of a source in its file, and its size in bytes."""
_Version: TypeAlias = tuple[int, int]
"""The time of the last change of a file, in nanoseconds, and its size."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.001, 0.1
"""Seconds between checks of an empty pipe; the pauses double."""


@dataclass(eq=False)
class SourceBody:
    """A source of an upload as a request body; see `musicai_sdk._io.Body`."""

    file: BinaryIO
    start: int
    size: int
    name: str
    """The source in words, for messages."""
    on_progress: Progress | None
    _version: _Version | None = None
    """The version of the file at its opening; None if it isn't a regular file of the operating system."""
    _taken: int = 0
    """The bytes that the connection took in this attempt."""
    _broken: bool = False
    _last: bytes = b""
    """The last chunk of this attempt."""

    @property
    def was_sent(self) -> bool:
        """Whether the connection took all bytes in this attempt. It needn't ask whether there are more."""
        return self._taken == self.size and not self._broken

    def begin(self) -> None:
        """Begins an attempt."""
        self._taken, self._broken = 0, False

    def broke(self) -> None:
        """Notes that the connection didn't take a part of the request."""
        self._broken = True

    def chunks(self) -> Iterator[bytes]:
        """Yields exactly `size` bytes from the start.

        If the source changed, raises `TransferError` before the last bytes.
        """
        self.begin()
        for chunk in self._read():
            self._taken += len(chunk)
            self._last = chunk
            yield chunk
            if self.on_progress is not None:
                self.on_progress(self._taken, self.size)

    def again(self) -> Iterator[bytes] | None:
        """The bytes of the last attempt once more; None for a source that is large, or may take long to read."""
        if len(self._last) == self.size:
            return iter((self._last,))
        is_near = self._version is not None or isinstance(self.file, io.BytesIO)
        return self._read() if is_near and self.size <= LARGEST_READ_AGAIN else None

    def _read(self) -> Iterator[bytes]:
        with _reading(self.name):
            self.file.seek(self.start)
        left = self.size
        while left > 0:
            with _reading(self.name):
                chunk = _as_bytes(self.file.read(min(CHUNK, left)), self.name)
                left -= len(chunk)
                # Check before the last bytes are sent, so that a changed file never counts as uploaded.
                ended = not chunk or left < 0 or (left == 0 and self.file.read(1))
            if ended:
                raise TransferError(
                    f"{self.name} changed its size during the upload: upload it when it's complete"
                )
            if left == 0 and _version_of(self.file) != self._version:
                raise TransferError(
                    f"{self.name} was written to during the upload: upload it when it's complete"
                )
            yield chunk


@asynccontextmanager
async def opened(
    driver: IO, source: UploadSource, on_progress: Progress | None, still: Callable[[], object]
) -> AsyncGenerator[SourceBody]:
    """The source as a request body, open for the duration of the block.

    A source that can be read only once, or has no known size, is copied to a temporary file first, because a failed
    upload starts over. `still` is called while waiting for a pipe, and may raise.

    Raises:
        SourceNotFoundError: the file doesn't exist.
        TransferError: the source is a folder or a device, can't be read, or is empty.
        InputError: the source has an unsupported type, or is a file that is closed or not open for reading bytes.
    """
    with ExitStack() as stack:
        file, name, extent, version = _file_of(source, stack)
        if extent is None:
            with _reading(name):
                extent = _extent(file)
        if extent is None:
            copy = stack.enter_context(_temporary())
            await _copy(driver, file, copy, name, still)
            file, extent, version = copy, (0, copy.tell()), None
        start, size = extent
        if size <= 0:
            raise TransferError(f"{name} is empty: nothing to upload")
        version = version or _version_of(file)
        yield SourceBody(cast("BinaryIO", file), start, size, name, on_progress, version)


def _file_of(source: object, stack: ExitStack) -> tuple[Readable, str, _Extent | None, _Version | None]:
    """The source as a readable object, its name for messages, and its extent and version if they are known already."""
    if isinstance(source, bytes | bytearray | memoryview):
        with _reading("the buffer"):
            data = bytes(cast("bytes", source))
        return stack.enter_context(io.BytesIO(data)), "the bytes", (0, len(data)), None
    if isinstance(source, str | os.PathLike):
        path = _path(cast("str | os.PathLike[str] | os.PathLike[bytes]", source))
        path_file, status = _opened(path)
        version = _version(status)
        size = 0 if version is None else status.st_size
        return stack.enter_context(path_file), repr(str(path)), (0, size) if size else None, version
    if not callable(getattr(source, "read", None)):
        raise InputError(
            f"can't upload a {type(source).__name__}: pass a path, bytes or a file opened with 'rb'"
        )
    file = _blocking(source)
    with _reading("the open file"):
        if (first := _try_read(file)) is not None:
            _view(first, "the open file")
        if (mode := _mode(file)) is not None:
            _refuse_devices(mode, file, "the open file")
    return file, "the open file", None, None


def _path(source: str | os.PathLike[str] | os.PathLike[bytes]) -> Path:
    try:
        path = encodable(os.fsdecode(source))
    except UnicodeEncodeError as error:
        raise InputError(f"can't upload {source!r:.200}: {error}") from None
    except (TypeError, ValueError):
        raise InputError(f"can't upload {source!r:.200}: it isn't a path") from None
    if not path:
        raise InputError("can't upload the file '': the path is empty")
    # A `Path` made from a URL has one slash less.
    if (is_address(path) or path.lower().startswith(("http:/", "https:/"))) and not os.path.lexists(path):
        raise SourceNotFoundError(
            f"can't upload {without_query(path).partition('?')[0]!r:.200}: it is a URL, which a workflow takes as it is; or"
            " download it first"
        )
    return Path(path)


def _opened(path: Path) -> tuple[io.FileIO, os.stat_result]:
    """Opens a file by its path. Doesn't wait for the writer of a named pipe. Also returns the file's status."""
    name = repr(str(path))
    with _reading(name):
        try:
            found = path.stat()
            mode = found.st_mode
            _refuse_devices(mode, None, name)
            if sys.platform != "win32" and stat.S_ISFIFO(mode):
                return io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)), found
            return io.FileIO(path), found
        except FileNotFoundError:
            hint = "; ~ isn't expanded: pass Path(…).expanduser()" if path.parts[:1] == ("~",) else ""
            raise SourceNotFoundError(
                f"there is no file {name} to upload (looked from {Path.cwd()}){hint}"
            ) from None


def _refuse_devices(mode: int, file: Readable | None, name: str) -> None:
    """Raises `TransferError` for folders, devices and sockets."""
    if stat.S_ISDIR(mode):
        reason = IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        raise TransferError(f"{name} is a folder: upload its files one by one") from reason
    terminal = stat.S_ISCHR(mode) and file is not None and os.isatty(cast("BinaryIO", file).fileno())
    socket = stat.S_ISSOCK(mode) and file is None
    if stat.S_ISBLK(mode) or socket or (stat.S_ISCHR(mode) and not terminal):
        raise TransferError(f"{name} is {kind(mode)}: only files and pipes can be uploaded")


def _blocking(source: object) -> Readable:
    """An object with a blocking `read`, such as the file inside Starlette's `UploadFile`."""
    if inspect.iscoroutinefunction(getattr(source, "read", None)):
        inner = getattr(source, "file", None)
        if not callable(getattr(inner, "read", None)) or inspect.iscoroutinefunction(getattr(inner, "read")):  # noqa: B009 - of an object of any type
            raise InputError(
                f"the read() of a {type(source).__name__} is asynchronous: await it, and upload the bytes"
            )
        return cast("Readable", inner)
    return cast("Readable", source)


def _try_read(file: Readable) -> object:
    """Reads 0 bytes, to find out the type that `read` returns."""
    try:
        return file.read(0)
    except TypeError:
        raise InputError(
            f"the read() of a {type(file).__name__} doesn't accept a number of bytes: upload what it returns"
        ) from None


def _status(file: Readable) -> os.stat_result | None:
    """The status of an open file; None for an object that isn't a file of the operating system."""
    try:
        return os.fstat(cast("BinaryIO", file).fileno())
    except (AttributeError, TypeError, ValueError, OSError):
        return None


def _mode(file: Readable) -> int | None:
    """The mode of an open file, or None like `_status`."""
    return None if (status := _status(file)) is None else status.st_mode


def _version_of(file: Readable) -> _Version | None:
    """What writing to a regular file changes, even if its size stays; None for anything else."""
    return None if (status := _status(file)) is None else _version(status)


def _version(status: os.stat_result) -> _Version | None:
    return (status.st_mtime_ns, status.st_size) if stat.S_ISREG(status.st_mode) else None


def _extent(file: Readable) -> _Extent | None:
    """The position of a file and the number of bytes after it; None if unknown, or if the file can't be read again.

    Kernel files, as in `/proc`, report a size of 0, or can't seek to their end.
    """
    seekable = getattr(file, "seekable", None)
    if callable(seekable) and not seekable():
        return None
    binary = cast("BinaryIO", file)
    try:
        start = cast("object", binary.tell())
    except (AttributeError, OSError, ValueError):
        return None
    if not isinstance(start, int):
        return None
    size = -1
    try:
        binary.seek(0, os.SEEK_END)
        size = binary.tell() - start
    except (TypeError, AttributeError, OSError, ValueError):
        pass
    try:
        binary.seek(start)
    except AttributeError:
        return None
    return (start, size) if size > 0 else None


@contextmanager
def _temporary() -> Generator[BinaryIO]:
    """A temporary file for the duration of the block."""
    try:
        # Unbuffered, because closing a buffered file would repeat a write that failed on a full disk.
        file = cast("BinaryIO", tempfile.TemporaryFile(buffering=0))  # noqa: SIM115 - closed below
    except OSError as error:
        raise _not_copied(error) from error
    with file:
        yield file


def _not_copied(error: OSError) -> TransferError:
    return TransferError(
        f"the source can't be copied to the folder for temporary files ({tempfile.gettempdir()!r}, see TMPDIR):"
        f" {error.strerror or error}"
    )


async def _copy(driver: IO, file: Readable, copy: BinaryIO, name: str, still: Callable[[], object]) -> None:
    """Copies the rest of a file in constant memory."""
    pipe = _Pipe(file)
    while True:
        with _reading(name):
            await pipe.ready(driver, still)
            chunk = pipe.read()
        if chunk is None:
            pipe.unwritten = False
            await pipe.pause(driver, still)
            continue
        data = _view(chunk, name)
        if not data:
            break
        pipe.unwritten = False
        try:
            while data:
                data = data[copy.write(data) :]
        except OSError as error:
            raise _not_copied(error) from error
    if pipe.unwritten:
        raise TransferError(f"{name} is a named pipe without a writer: start the writer first")
    if missing := _missing(file):
        raise TransferError(f"{name} ended {missing} bytes too early: the server closed the connection")


def _missing(file: Readable) -> int:
    """The bytes that are missing from an answer of `urllib` that has been read to its end, which raises no error."""
    module: Any = sys.modules.get("http.client")
    answer: Any = file
    return int(answer.length or 0) if module is not None and isinstance(answer, module.HTTPResponse) else 0


def _as_bytes(chunk: object, name: str) -> bytes:
    return chunk if isinstance(chunk, bytes) else bytes(_view(chunk, name))


def _view(chunk: object, name: str) -> memoryview:
    """What a `read` returned. Raises `InputError` unless it's bytes."""
    if isinstance(chunk, str):
        raise InputError("the file is open in text mode: open it with 'rb'")
    try:
        return memoryview(cast("bytes", chunk)).cast("B")
    except TypeError:
        raise InputError(f"{name} is read as {type(chunk).__name__}, not as bytes") from None


class _Pipe:
    """Reads a file to its end, waiting for the writer if it is a pipe."""

    def __init__(self, file: Readable) -> None:
        self._read = file.read
        self._descriptor: int | None = None
        self._blocking: bool = True
        mode = _mode(file)
        if sys.platform != "win32" and mode is not None and stat.S_ISFIFO(mode):
            self._descriptor = cast("BinaryIO", file).fileno()
            self._blocking = os.get_blocking(self._descriptor)
            if self._blocking:
                # `read1` is a single system call. (A non-blocking pipe can't distinguish "nothing yet" from the end.)
                self._read = getattr(file, "read1", file.read)
        self._pause = _SHORTEST_PAUSE
        self.unwritten: bool = False
        """Whether a named pipe has no writer."""

    async def ready(self, driver: IO, still: Callable[[], object]) -> None:
        """Waits until there is data or the end of the file. A pipe that never had a writer has neither."""
        until = driver.now() + PATIENCE
        while not self._readable():
            if driver.now() > until and not self._blocking:
                self.unwritten = True  # unless data arrives after all
                return
            await self.pause(driver, still)

    def _readable(self) -> bool:
        if sys.platform != "win32" and self._descriptor is not None:
            import select  # only pipes need it

            poll = select.poll()
            poll.register(self._descriptor, select.POLLIN)
            return bool(poll.poll(0))
        return True

    def read(self) -> Any:
        """The next bytes; None if no data is available yet."""
        chunk = self._read(CHUNK)
        if chunk is not None:
            self._pause = _SHORTEST_PAUSE
        return chunk

    async def pause(self, driver: IO, still: Callable[[], object]) -> None:
        """Pauses before the next check."""
        still()
        await driver.sleep(self._pause)
        self._pause = min(_LONGEST_PAUSE, self._pause * 2)


@contextmanager
def _reading(name: str) -> Generator[None]:
    """Converts errors of reading to errors of this package."""
    try:
        yield
    except MusicAiError:
        raise
    except io.UnsupportedOperation:
        raise InputError(f"{name} isn't open for reading: open it with 'rb'") from None
    except OSError as error:
        if error.errno == errno.EBADF:
            raise InputError(f"{name} isn't open for reading: open it with 'rb'") from None
        raise TransferError(f"{name} can't be read: {error.strerror or error}") from error
    except (ValueError, BufferError) as error:  # a closed file, or an invalid path
        raise InputError(f"{name} can't be read: {error}") from None
    except Exception as error:  # of the caller's object, such as `http.client.IncompleteRead`
        raise TransferError(f"{name} can't be read: {type(error).__name__}: {error}") from error
