"""`client.files`: uploads, downloads, and typed JSON outputs."""

from __future__ import annotations

import os
from typing import TypeVar

from typing_extensions import Unpack

from musicai_sdk import _core
from musicai_sdk._core.arguments import Progress, UploadSource
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.session import Session
from musicai_sdk.models.files import DownloadedFile, UploadedFile
from musicai_sdk.models.outputs import JsonOutput
from musicai_sdk.resources.method_arguments import callback, name_of, shown
from musicai_sdk.resources.method_calls import Resource

T = TypeVar("T")


class AsyncFiles(Resource, place="client.files"):
    """Uploads and downloads, in constant memory."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def upload(
        self,
        source: UploadSource,
        *,
        on_progress: Progress | None = None,
        progress: bool | None = False,
        **options: Unpack[RequestOptions],
    ) -> UploadedFile:
        """Uploads a file to the service's temporary storage.

        Every attempt requests a new signed URL and reads the source from its start.

        Args:
            source: A local path, bytes, a file opened in binary mode (read from its position), or any object with a
                `read` method. A source that can be read only once, such as a pipe, is first copied to a temporary file.
            on_progress: Called with (bytes sent, total bytes); starts over with a new attempt.
            progress: Whether to show the upload on standard error: a bar by `rich` (extra `cli`), else plain lines. None
                shows it in a terminal or a notebook.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            The uploaded file; pass it or its `url` to a workflow input. `size` is in bytes. The URL expires; the
            service doesn't say when.

        Raises:
            SourceNotFoundError: the file doesn't exist.
            InputError: `source` is of another type, a closed file, or a file that isn't open for reading bytes.
            TransferError: `source` is a folder, a device, or an empty or unreadable file; the file changed during the
                upload; or the storage refused the upload.
            ConnectionFailedError: the service or its storage can't be reached.
        """
        with shown(progress) as display:
            follow = display.file(name_of(source), callback("on_progress", on_progress))
            return await _core.upload.upload(self._session, source, follow, options)

    async def download(
        self,
        url: str,
        destination: str | os.PathLike[str],
        *,
        on_progress: Progress | None = None,
        progress: bool | None = False,
        connections: int = 1,
        **options: Unpack[RequestOptions],
    ) -> DownloadedFile:
        """Downloads a URL to a file.

        Writes to `<destination>.part`, and renames that file once a length, a digest or the marked end of the transfer
        shows that it is complete. A later call, also in another process, resumes an incomplete part. Never sends the
        API key.

        Args:
            url: An output's URL, or any other `https://` or `http://` URL.
            destination: The file's path. Missing folders are created. An existing file is replaced and its permissions
                are kept. If the path is a symbolic link, the link's target is replaced.
            on_progress: Called with (bytes received, total bytes or None); starts over with a new attempt.
            progress: Whether to show the download, as in `upload`.
            connections: The most connections to use for this file, 1 to 16. More than one helps only where the server
                limits the speed of each connection, and requires a server that supports ranges and sends a strong ETag;
                otherwise one connection is used. Each connection takes 8 MB of memory.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            The file's `path`, and its `size` in bytes.

        Raises:
            TransferError: the storage refused the download, or `destination` can't be written, isn't a regular file, or
                is in use by another download.
            IntegrityError: after all attempts, the file is incomplete, or may be.
            InputError: the URL isn't a web address, the destination isn't a path, or `connections` is out of range.
        """
        with shown(progress) as display:
            follow = display.file(name_of(destination), callback("on_progress", on_progress))
            return await _core.download.download(
                self._session, url, destination, follow, options, connections=connections
            )

    async def read(self, output: JsonOutput[T], **options: Unpack[RequestOptions]) -> T:
        """Downloads a JSON output and returns it as the type that its workflow declares.

        ```python
        chords = await client.files.read(job.result.chords)   # list[Chord]
        ```

        Args:
            output: A JSON file output of a job's `result`. Wrap any other URL, such as one of `job.outputs`:
                `JsonFile[list[Chord]](url)`. A plain URL is read as untyped JSON, but type checkers reject it.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            ResponseError: the content doesn't fit the type; the error names the field and has the body.
            TransferError: the storage refused the download.
            InputError: `output` isn't a URL, such as an output in your own storage, or the file is a recording instead
                of JSON.
        """
        value: T = await _core.json_output.read(self._session, output, options)
        return value
