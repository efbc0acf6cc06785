# Generated from src/musicai_sdk/resources/files.py by scripts/generate: edit that file.
"""`client.files`: uploads, downloads, and typed JSON outputs."""

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
        """Uploads a file to the service's temporary storage.

        Every attempt requests a new signed URL and reads the source from its start.

        Args:
            source: A local path, bytes, a file opened in binary mode (read from its position), or any object with a
                `read` method. A source that can be read only once, such as a pipe, is copied to a temporary file first.
            on_progress: Called with (bytes sent, total bytes); starts over with a new attempt.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            The uploaded file; pass it or its `url` to a workflow input. `size` is in bytes. The URL expires; the
            service doesn't say when.

        Raises:
            SourceNotFoundError: there is no such file.
            InputError: not one of these kinds, a closed file, or one that isn't open for reading bytes.
            TransferError: a folder, a device, an empty or unreadable file, a file that changed during the upload, or
                the storage refused.
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

        Writes to `<destination>.part` and renames that file when it is complete, as shown by a length, a digest or the
        marked end of the transfer. A later call resumes an incomplete part, in another process too. Never sends the
        API key.

        Args:
            url: An output's URL, or any other `https://` or `http://` URL.
            destination: The file's path; missing folders are created. Replaces an existing file and keeps its
                permissions; behind a symbolic link, replaces the file that it points to.
            on_progress: Called with (bytes received, total bytes or None); starts over with a new attempt.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            The `path`, and its `size` in bytes.

        Raises:
            TransferError: the storage refused, or the destination can't be written, isn't a regular file, or is in
                use by another download.
            IntegrityError: even the last attempt got an incomplete file, or one that may be incomplete.
            InputError: the URL isn't a web address, or the destination isn't a path.
        """
        return run_sync(_core.download.download(self._session, url, destination, on_progress, options))

    def read(self, output: JsonOutput[T], **options: Unpack[RequestOptions]) -> T:
        """Downloads a JSON output and returns it as the type that its workflow declares.

        ```python
        chords = client.files.read(job.result.chords)   # list[Chord]
        ```

        Args:
            output: A JSON file output of a job's `result`. Wrap any other URL, such as one of `job.outputs`:
                `JsonFile[list[Chord]](url)`. A plain URL is read as untyped JSON, and type checkers object to it.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            ResponseError: the content doesn't fit the type; the error names the field and has the body.
            TransferError: the storage refused.
            InputError: not a URL, as for an output in your own storage; or a recording instead of JSON.
        """
        value: T = run_sync(_core.json_output.read(self._session, output, options))
        return value
