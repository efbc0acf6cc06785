"""What can be uploaded: a path, bytes or an open binary file, as a body that can be read again for every attempt."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from musicai_sdk._core.arguments import Progress, UploadSource
from musicai_sdk.errors import InputError, SourceNotFoundError, TransferError

CHUNK = 1024 * 1024
"""Bytes read at a time: 64 KB costs 1.7 times the CPU, and more than 1 MB gains nothing."""


class SourceBody:
    """A source as a request body; see `musicai_sdk._io.Body`."""

    def __init__(self, file: BinaryIO, size: int, name: str, on_progress: Progress | None) -> None:
        self.size = size
        self._file = file
        self._start = file.tell()
        self._name = name
        self._on_progress = on_progress

    def chunks(self) -> Iterator[bytes]:
        """The bytes from the start, exactly `size` of them, or a `TransferError` before the last ones are out."""
        self._file.seek(self._start)
        sent = 0
        while sent < self.size:
            chunk = self._file.read(min(CHUNK, self.size - sent))
            sent += len(chunk)
            # Looked at before the last bytes leave: a file that changed is never uploaded as if it were whole.
            if not chunk or (sent == self.size and self._file.read(1)):
                raise TransferError(
                    f"{self._name} changed its size while it was uploaded: upload it when it's complete"
                )
            yield chunk
            if self._on_progress is not None:
                self._on_progress(sent, self.size)


@contextmanager
def opened(source: UploadSource, on_progress: Progress | None) -> Generator[SourceBody]:
    """The source as a body, open for the time of the upload.

    Raises:
        SourceNotFoundError: there is no such file.
        TransferError: it is a folder, can't be read, or is empty.
        InputError: it is none of the accepted kinds, or a file opened in text mode.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        yield _body(io.BytesIO(source), "the bytes", on_progress)
    elif isinstance(source, str | os.PathLike):
        path = Path(source)
        try:
            file: BinaryIO = path.open("rb")
        except FileNotFoundError:
            raise SourceNotFoundError(
                f"there is no file {str(path)!r} to upload (looked from {Path.cwd()})"
            ) from None
        except IsADirectoryError:
            raise TransferError(f"{str(path)!r} is a folder: upload its files one by one") from None
        except OSError as error:
            raise TransferError(f"{str(path)!r} can't be read: {error.strerror}") from None
        with file, _repeatable(file) as body:
            yield _body(body, repr(str(path)), on_progress)
    elif hasattr(cast("object", source), "read"):
        with _repeatable(source) as file:
            yield _body(file, "the open file", on_progress)
    else:
        raise InputError(
            f"can't upload a {type(source).__name__}: give a path, bytes or a file opened with 'rb'"
        )


def _body(file: BinaryIO, name: str, on_progress: Progress | None) -> SourceBody:
    start = file.tell()
    size = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    if size <= 0:
        raise TransferError(f"{name} is empty: nothing to upload")
    return SourceBody(file, size, name, on_progress)


@contextmanager
def _repeatable(file: BinaryIO) -> Generator[BinaryIO]:
    """The file itself, or for a pipe a temporary copy: an upload that fails has to begin again."""
    if isinstance(file.read(0), str):
        raise InputError("the file is open in text mode: open it with 'rb'")
    if file.seekable():
        yield file
        return
    with tempfile.TemporaryFile() as copy:
        while chunk := file.read(CHUNK):
            copy.write(chunk)
        copy.seek(0)
        yield cast("BinaryIO", copy)
