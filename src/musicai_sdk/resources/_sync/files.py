# Generated from src/musicai_sdk/resources/files.py by scripts/generate: edit that file.
"""`client.files`: bytes to the service and back."""

from __future__ import annotations

import os
from typing import TypeVar

from typing_extensions import Unpack

from musicai_sdk import _core
from musicai_sdk._core.arguments import Progress, UploadSource
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.session import Session
from musicai_sdk._io import run_sync
from musicai_sdk.models.files import DownloadedFile, UploadedFile
from musicai_sdk.models.outputs import JsonOutput

T = TypeVar("T")


class Files:
    """Uploads and downloads, in constant memory."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def upload(
        self, source: UploadSource, *, on_progress: Progress | None = None, **options: Unpack[RequestOptions]
    ) -> UploadedFile:
        """Sends a file to the service's temporary storage.

        Every attempt uses a fresh signed URL and reads the source from its start.

        Args:
            source: A local path, bytes, or a file opened in binary mode (read from where it stands), or anything else
                with a `read`. What can be read only once, such as a pipe, is copied to a temporary file first.
            on_progress: Called with (bytes sent, bytes in all); it starts again with a new attempt.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            Its `url` is what a workflow input takes, its `size` is in bytes. The URL expires; the service doesn't
            say when.

        Raises:
            SourceNotFoundError: there is no such file.
            InputError: none of the kinds above, a closed file, or one that isn't open for reading bytes.
            TransferError: a folder, a device, an empty or unreadable file, a file that changed meanwhile, or a refusal.
            ConnectionFailedError: the service or its storage can't be reached.
        """
        return run_sync(_core.upload.upload(self._session, source, on_progress, options))

    def download(
        self,
        url: str,
        destination: str | os.PathLike[str],
        *,
        on_progress: Progress | None = None,
        **options: Unpack[RequestOptions],
    ) -> DownloadedFile:
        """Downloads a URL to a file.

        The bytes go to `<destination>.part` first, which gets its final name once it is whole: a length, a digest or
        the marked end of the transfer says that. A part that was left behind is resumed, by another process too. The
        API key is never sent there.

        Args:
            url: An output's URL, or any other `https://` or `http://` URL.
            destination: The file's path; the folders above it are made. An existing file is replaced and its
                permissions stay; of a symbolic link the file that it points at is replaced.
            on_progress: Called with (bytes received, bytes in all or None); it starts again with a new attempt.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            The `path`, and its `size` in bytes.

        Raises:
            TransferError: the storage refused, or the destination can't be written: it is no regular file, or in use
                by another download.
            IntegrityError: what arrived was not whole, or can't be known to be, also not on the last attempt.
            InputError: the URL is not a web address, or the destination not a path.
        """
        return run_sync(_core.download.download(self._session, url, destination, on_progress, options))

    def read(self, output: JsonOutput[T], **options: Unpack[RequestOptions]) -> T:
        """Reads a JSON output as the type that its workflow declares.

        ```python
        chords = client.files.read(job.result.chords)   # list[Chord]
        ```

        Args:
            output: A JSON file output of a job's `result`. Around any other URL, such as one of `job.outputs`, goes
                `JsonFile(url, list[Chord])`; a URL alone is read as plain JSON, and type checkers object.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            ResponseError: the content doesn't fit the type; names the field and keeps the body.
            TransferError: the storage refused.
            InputError: it isn't a URL, as with an output in your own storage; or it is a recording, not JSON.
        """
        value: T = run_sync(_core.json_output.read(self._session, output, options))
        return value
