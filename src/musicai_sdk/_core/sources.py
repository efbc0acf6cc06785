"""What can be uploaded: a path, bytes or a binary file, as a body that can be read again for every attempt."""

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
from pathlib import Path
from typing import Any, BinaryIO, cast

from musicai_sdk._core.arguments import Progress, Readable, UploadSource
from musicai_sdk._files import kind
from musicai_sdk._io import IO
from musicai_sdk._names import encodable
from musicai_sdk.errors import InputError, MusicAiError, SourceNotFoundError, TransferError

CHUNK = 1024 * 1024
"""Bytes read at a time: 64 KB costs 1.7 times the CPU, and more than 1 MB gains nothing."""
PATIENCE = 5.0
"""For how many seconds a named pipe waits for somebody who writes to it."""
_SHORTEST_NAP, _LONGEST_NAP = 0.001, 0.1
"""Seconds between looks at a pipe that has nothing to read: they double."""


class SourceBody:
    """A source as a request body; see `musicai_sdk._io.Body`."""

    def __init__(
        self, file: BinaryIO, start: int, size: int, name: str, on_progress: Progress | None
    ) -> None:
        self.size = size
        self._file = file
        self._start = start
        self._name = name
        self._on_progress = on_progress

    def chunks(self) -> Iterator[bytes]:
        """The bytes from the start, exactly `size` of them, or a `TransferError` before the last ones are out."""
        with _reading(self._name):
            self._file.seek(self._start)
        sent = 0
        while sent < self.size:
            with _reading(self._name):
                chunk = self._file.read(min(CHUNK, self.size - sent))
                sent += len(chunk)
                # Looked at before the last bytes leave: a file that changed is never uploaded as if it were whole.
                changed = not chunk or (sent == self.size and self._file.read(1))
            if changed:
                raise TransferError(
                    f"{self._name} changed its size while it was uploaded: upload it when it's complete"
                )
            yield bytes(chunk)
            if self._on_progress is not None:
                self._on_progress(sent, self.size)


@asynccontextmanager
async def opened(
    driver: IO, source: UploadSource, on_progress: Progress | None, still: Callable[[], object]
) -> AsyncGenerator[SourceBody]:
    """The source as a body, open for the time of the upload.

    What can be read only once, or has no size, is copied to a temporary file first: an upload that fails begins again.
    `still` is called while a pipe is waited for, and may raise.

    Raises:
        SourceNotFoundError: there is no such file.
        TransferError: it is a folder or a device, can't be read, or is empty.
        InputError: it is none of the accepted kinds, or a file that is closed or not open for reading bytes.
    """
    with ExitStack() as stack:
        file, name = _file_of(source, stack)
        with _reading(name):
            extent = _extent(file)
        if extent is None:
            copy = stack.enter_context(_temporary())
            await _copy(driver, file, copy, name, still)
            file, extent = copy, (0, copy.tell())
        start, size = extent
        if size <= 0:
            raise TransferError(f"{name} is empty: nothing to upload")
        yield SourceBody(cast("BinaryIO", file), start, size, name, on_progress)


def _file_of(source: object, stack: ExitStack) -> tuple[Readable, str]:
    """The source as something to read from, and its name for messages."""
    if isinstance(source, bytes | bytearray | memoryview):
        with _reading("the buffer"):
            return stack.enter_context(io.BytesIO(bytes(cast("bytes", source)))), "the bytes"
    if isinstance(source, str | os.PathLike):
        path = _path(cast("str | os.PathLike[str] | os.PathLike[bytes]", source))
        return stack.enter_context(_opened(path)), repr(str(path))
    if not callable(getattr(source, "read", None)):
        raise InputError(
            f"can't upload a {type(source).__name__}: give a path, bytes or a file opened with 'rb'"
        )
    file = _blocking(source)
    with _reading("the open file"):
        first = _try_read(file)
        if isinstance(first, str):
            raise InputError("the file is open in text mode: open it with 'rb'")
        if (mode := _mode(file)) is not None:
            _refuse_devices(mode, file, "the open file")
    return file, "the open file"


def _path(source: str | os.PathLike[str] | os.PathLike[bytes]) -> Path:
    try:
        path = encodable(os.fsdecode(source))
    except UnicodeEncodeError as error:
        raise InputError(f"can't upload {source!r:.200}: {error}") from None
    except (TypeError, ValueError):
        raise InputError(f"can't upload {source!r:.200}: it isn't a path") from None
    if not path:
        raise InputError("can't upload the file '': the path is empty")
    return Path(path)


def _opened(path: Path) -> BinaryIO:
    """A file by its path. A named pipe is opened without waiting for whoever writes to it."""
    name = repr(str(path))
    with _reading(name):
        try:
            mode = path.stat().st_mode
            _refuse_devices(mode, None, name)
            if not stat.S_ISFIFO(mode):
                return path.open("rb")
            return cast("BinaryIO", io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)))
        except FileNotFoundError:
            raise SourceNotFoundError(
                f"there is no file {name} to upload (looked from {Path.cwd()})"
            ) from None


def _refuse_devices(mode: int, file: Readable | None, name: str) -> None:
    """What has no end, or no beginning that could be read again, and isn't meant by anybody."""
    if stat.S_ISDIR(mode):
        raise TransferError(f"{name} is a folder: upload its files one by one")
    terminal = stat.S_ISCHR(mode) and file is not None and os.isatty(cast("BinaryIO", file).fileno())
    socket = stat.S_ISSOCK(mode) and file is None
    if stat.S_ISBLK(mode) or socket or (stat.S_ISCHR(mode) and not terminal):
        raise TransferError(f"{name} is {kind(mode)}: only files and pipes can be uploaded")


def _blocking(source: object) -> Readable:
    """Something whose `read` can be called, such as the file inside of Starlette's `UploadFile`."""
    if inspect.iscoroutinefunction(getattr(source, "read", None)):
        inner = getattr(source, "file", None)
        if not callable(getattr(inner, "read", None)) or inspect.iscoroutinefunction(getattr(inner, "read")):  # noqa: B009 - of an object of any type
            raise InputError(
                f"the read() of a {type(source).__name__} has to be awaited: await it, and upload the bytes"
            )
        return cast("Readable", inner)
    return cast("Readable", source)


def _try_read(file: Readable) -> object:
    """Reads nothing, which shows what `read` gives."""
    try:
        return file.read(0)
    except TypeError:
        raise InputError(
            f"the read() of a {type(file).__name__} doesn't take a number of bytes: upload what it returns"
        ) from None


def _mode(file: Readable) -> int | None:
    """What the system says about an open file; None for one that isn't the system's."""
    try:
        return os.fstat(cast("BinaryIO", file).fileno()).st_mode
    except (AttributeError, TypeError, ValueError, OSError):
        return None


def _extent(file: Readable) -> tuple[int, int] | None:
    """Where the file stands and how many bytes follow; None where that isn't known, or it can't be read again.

    Files of the kernel's, as in `/proc`, say that they have no bytes, or can't seek to their end.
    """
    seekable = getattr(file, "seekable", None)
    if callable(seekable) and not seekable():
        return None
    binary = cast("BinaryIO", file)
    try:
        start = binary.tell()
    except (AttributeError, OSError, ValueError):
        return None
    size = -1
    try:
        binary.seek(0, os.SEEK_END)
        size = binary.tell() - start
    except (AttributeError, OSError, ValueError):
        pass
    try:
        binary.seek(start)
    except AttributeError:
        return None
    return (start, size) if size > 0 else None


@contextmanager
def _temporary() -> Generator[io.FileIO]:
    """A temporary file, which is gone afterwards."""
    try:
        # Not buffered: what a full disk didn't take would be written once more when the file is closed.
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed below
    except OSError as error:
        raise _not_copied(error) from error
    with file:
        yield file


def _not_copied(error: OSError) -> TransferError:
    return TransferError(
        f"what is to be uploaded can't be copied to the folder for temporary files ({tempfile.gettempdir()!r}, see"
        f" TMPDIR): {error.strerror or error}"
    )


async def _copy(driver: IO, file: Readable, copy: io.FileIO, name: str, still: Callable[[], object]) -> None:
    """Copies what is left of a file, in constant memory."""
    pipe = _Pipe(file)
    while True:
        with _reading(name):
            await pipe.ready(driver, still)
            chunk = pipe.read()
        if chunk is None:
            pipe.unwritten = False
            await pipe.nap(driver, still)
            continue
        if isinstance(chunk, str):
            raise InputError("the file is open in text mode: open it with 'rb'")
        try:
            data = memoryview(chunk).cast("B")
        except TypeError:
            raise InputError(f"{name} is read as {type(chunk).__name__}, not as bytes") from None
        if not data:
            break
        pipe.unwritten = False
        try:
            while data:
                data = data[copy.write(data) :]
        except OSError as error:
            raise _not_copied(error) from error
    if pipe.unwritten:
        raise TransferError(f"{name} is a named pipe that nobody writes to: begin with its writer")


class _Pipe:
    """Something to read to its end, which may have to wait for whoever writes to it."""

    def __init__(self, file: Readable) -> None:
        self._read = file.read
        self._descriptor: int | None = None
        mode = _mode(file)
        if mode is not None and stat.S_ISFIFO(mode) and sys.platform != "win32":
            self._descriptor = cast("BinaryIO", file).fileno()
            if os.get_blocking(self._descriptor):
                # One call to the system, which doesn't wait. Without blocking it can't tell "nothing yet" from the end.
                self._read = getattr(file, "read1", file.read)
        self._nap = _SHORTEST_NAP
        self.unwritten: bool = False
        """Whether nobody has opened a named pipe for writing."""

    async def ready(self, driver: IO, still: Callable[[], object]) -> None:
        """Waits until there is something to read, or the end; a pipe without a writer has none."""
        if self._descriptor is None:
            return
        until = driver.now() + PATIENCE
        while not self._readable():
            if driver.now() > until and not os.get_blocking(self._descriptor):
                self.unwritten = True  # unless reading shows that there is a writer
                return
            await self.nap(driver, still)

    def _readable(self) -> bool:
        import select  # only pipes need it

        poll = select.poll()
        poll.register(self._descriptor or 0, select.POLLIN)
        return bool(poll.poll(0))

    def read(self) -> Any:
        """The next bytes; None if there are none yet."""
        chunk = self._read(CHUNK)
        if chunk is not None:
            self._nap = _SHORTEST_NAP
        return chunk

    async def nap(self, driver: IO, still: Callable[[], object]) -> None:
        """Waits a little."""
        still()
        await driver.sleep(self._nap)
        self._nap = min(_LONGEST_NAP, self._nap * 2)


@contextmanager
def _reading(name: str) -> Generator[None]:
    """What the system and Python say of reading becomes one of our errors."""
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
    except (ValueError, BufferError) as error:  # closed, a null character, no character of the file system's
        raise InputError(f"{name} can't be read: {error}") from None
