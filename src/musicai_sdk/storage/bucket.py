"""`Bucket`: a place for results and inputs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from typing_extensions import override

from musicai_sdk.errors import InputError, SourceNotFoundError, TransferError
from musicai_sdk.models.job import Job
from musicai_sdk.models.outputs import CUSTOM_STORAGE, FileUrl
from musicai_sdk.models.result import R, wire_name_of
from musicai_sdk.models.result_files import result_files, with_files
from musicai_sdk.storage.errors import ObjectNotFoundError
from musicai_sdk.storage.objects import StoredObject, checked_path, split_url
from musicai_sdk.storage.outputs import (
    content_type_of,
    declared_files,
    extension_of,
    object_name,
    object_of,
)
from musicai_sdk.storage.store import SIGN, open_store, portable, translate_errors
from musicai_sdk.workflows.base import Workflow

if TYPE_CHECKING:
    from obstore import ObjectMeta

DEFAULT_LIFETIME = 12 * 3600.0
"""Seconds for which a signed URL is valid."""
LONGEST_LIFETIME = 7 * 24 * 3600.0
"""The limit of S3 and Google, a week."""
_PARTS = 4
"""Parts of a large file that are uploaded at the same time, 5 MiB each, and held in memory."""
_LISTED = 1000
"""Objects per page of a listing, the limit of the storages."""


class Bucket:
    """A bucket, or the part of it below a prefix. See `musicai_sdk.storage`.

    Creating one sends nothing. Its methods block: in a coroutine, call them with `asyncio.to_thread`, as the
    asynchronous client does. It is thread-safe.
    """

    def __init__(
        self,
        url: str,
        *,
        expires: float = DEFAULT_LIFETIME,
        allow_http: bool = False,
        **options: object,
    ) -> None:
        """Checks the arguments; nothing is sent.

        Args:
            url: `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`; the prefix is optional.
            expires: Seconds for which a signed URL is valid, up to a week. The service writes a result when the job
                ends, so this must cover upload, queue and processing.
            allow_http: Accepts an `endpoint` without TLS on another machine.
            **options: Options of obstore: `endpoint`, `region`, `account_name`, `credential_provider`,
                `client_options`, … By default they come from the environment.

        Raises:
            InputError: the URL isn't a bucket's, or `expires` is out of range.
            ConfigurationError: obstore isn't installed, or an option is invalid.
        """
        self._root, self._prefix = split_url(url)
        self.expires: float = _checked_lifetime(expires)
        """Seconds for which its signed URLs are valid."""
        self._options = options
        self._allow_http = allow_http
        self._store = open_store(self._root, options, allow_http=allow_http)
        self._outputs: dict[str, str] | None = None
        self._folder: str | None = None

    @property
    def url(self) -> str:
        """The address, such as `s3://bucket/prefix`."""
        return f"{self._root}/{self._prefix}" if self._prefix else self._root

    @property
    def takes_uploads(self) -> bool:
        """Whether a plain PUT to a signed URL writes an object; False on Azure, see `musicai_sdk.storage`."""
        return not self._root.startswith("az://")

    @property
    def named_outputs(self) -> Mapping[str, str] | None:
        """The outputs chosen by `for_outputs`, with extensions; None if all declared outputs go to the bucket."""
        return self._outputs

    def for_outputs(self, outputs: Iterable[str] | Mapping[str, str]) -> Self:
        """The same bucket, only for these outputs; a job's other outputs stay in the service's storage.

        Args:
            outputs: Wire names or field names of outputs, or a mapping of names to the extensions of the objects:
                `{"Vocals": ".wav"}`.

        Raises:
            InputError: there are no names, or an extension isn't like `.wav`.
        """
        named = (
            dict(cast("Mapping[str, str]", outputs))
            if isinstance(outputs, Mapping)
            else dict.fromkeys(outputs, "")
        )
        if isinstance(outputs, str) or not named:
            raise InputError("for_outputs takes the names of outputs, such as ['Vocals', 'Drums']")
        for name, extension in named.items():
            if extension and extension_of(f"x{extension}", None) != extension:
                raise InputError(f"the extension of {name!r} must be like '.wav', not {extension!r}")
        return self._with(_outputs=named)

    def in_folder(self, folder: str) -> Self:
        """The same bucket with your own folder for the results of one job, in place of one named by its token.

        Use each folder for one job only: the results of another job would replace them.

        Args:
            folder: A path below the prefix, such as `albums/blue/01`.

        Raises:
            InputError: it is an invalid path.
        """
        if not (path := checked_path(folder)):
            raise InputError("in_folder takes a path below the prefix, such as 'albums/blue/01'")
        return self._with(_folder=path)

    def below(self, path: str) -> Self:
        """The same bucket with a longer prefix: `Bucket("s3://music").below("albums")` is `s3://music/albums`.

        Args:
            path: The addition to the prefix, possibly empty.

        Raises:
            InputError: it is an invalid path.
        """
        return self._with(_prefix=self._key(path))

    def upload_urls(self, workflow: Workflow[Any], token: str) -> dict[str, str]:
        """Signed URLs (PUT) for the outputs of a new job. `client.jobs.create` calls this.

        Args:
            workflow: The workflow; its class declares the outputs, unless `for_outputs` names them.
            token: The job's idempotency key, which is the name of the folder.

        Returns:
            URLs by wire name. Treat them as secrets.

        Raises:
            InputError: the outputs are unknown, or it is an Azure container.
            StorageError: there are no credentials.
        """
        if not self.takes_uploads:
            raise InputError(
                f"results can't be copied to {self.url}: Azure refuses uploads without a header x-ms-blob-type, which"
                " the service isn't known to send. Download them and use bucket.upload(…), or use musicai_sdk.batch"
            )
        named = self._outputs or declared_files(workflow.result_type)
        if not named:
            raise InputError(
                f"{type(workflow).__name__} declares no file outputs: name them, as in"
                " copy_results_to=bucket.for_outputs(['Vocals', 'Drums'])"
            )
        wire = {wire_name_of(workflow.result_type, name) or name: end for name, end in named.items()}
        folder = self._folder_of(token)
        names = [f"{folder}/{object_name(name)}{extension}" for name, extension in wire.items()]
        return dict(zip(wire, self._signed("PUT", names, self.expires), strict=True))

    def outputs(self, job: Job[Any]) -> dict[str, StoredObject]:
        """The objects in this bucket for a job's outputs that are `CUSTOM_STORAGE`, by output.

        This is one list request, and works in any process that has the job: the folder is the idempotency key in the
        job's metadata, unless `in_folder` chose another.

        Args:
            job: A job that has succeeded.

        Raises:
            JobNotFinishedError: it hasn't succeeded yet.
            JobFailedError: it failed.
            ObjectNotFoundError: an output is missing; the text names it.
            InputError: the job has no idempotency key, because another client created it.
        """
        job.raise_for_success()
        files = result_files(job.raw_result)
        stored = [each.name for each in files if each.value is CUSTOM_STORAGE]
        if not stored:
            return {}
        folder = self._folder_of(job.idempotency_key)
        # Without subfolders, which belong to other jobs.
        objects = {
            each.name.rpartition("/")[2]: each
            for each in self._listed(folder)
            if each.name.rpartition("/")[0] == folder
        }
        everything = {*(job.raw_result or {}), *(each.name for each in files)}
        found = dict[str, StoredObject]()
        for output in stored:
            name = object_of(objects, output, everything - {output}, job.result_type)
            if name is None:
                raise ObjectNotFoundError(
                    f"output {output!r} of job {job.id} isn't in {self._url(folder)}: it was copied elsewhere, or"
                    " deleted",
                    url=self._url(f"{folder}/{object_name(output)}"),
                )
            found[output] = objects[name]
        return found

    def resolve(self, job: Job[R]) -> Job[R]:
        """The same job with signed URLs (GET) in place of `CUSTOM_STORAGE`, so that its outputs can be read.

        ```python
        job = bucket.resolve(job)
        client.files.read(job.result.chords)
        ```

        Args:
            job: A job that has succeeded.

        Raises:
            ObjectNotFoundError: an output is missing; the text names it.
            StorageError: the bucket can't be listed.
        """
        urls = {output: url for output, (_, url) in self._fetchable(job).items()}
        paths = {each.path: urls[each.name] for each in result_files(job.raw_result) if each.name in urls}
        return job.model_copy(update={"raw_result": with_files(job.raw_result or {}, paths)})

    def download_urls(self, job: Job[Any]) -> dict[str, tuple[str, str]]:
        """Signed URLs (GET) and extensions of a job's outputs in this bucket. `client.jobs.download` calls this.

        The extension is that of the object, or else that of its content type.

        Args:
            job: A job that has succeeded.

        Raises:
            ObjectNotFoundError: an output is missing; the text names it.
            StorageError: the bucket can't be read.
        """
        return {
            output: (
                url,
                extension_of(each.name, None) or extension_of(each.name, self._content_type(each.name)),
            )
            for output, (each, url) in self._fetchable(job).items()
        }

    def input(self, name: str, *, expires: float | None = None) -> FileUrl:
        """A signed URL (GET) of an object, for a workflow's input: no audio passes through this machine.

        Args:
            name: The key, relative to the bucket's prefix. The object need not exist yet.
            expires: Seconds for which the URL is valid; by default as in the bucket's settings. The service reads the
                input when the job starts.

        Raises:
            InputError: the name is invalid, or `expires` is out of range.
            StorageError: there are no credentials.
        """
        lifetime = self.expires if expires is None else _checked_lifetime(expires)
        return FileUrl(self._signed("GET", [name], lifetime)[0])

    def objects(self, glob: str | None = None) -> Iterator[StoredObject]:
        """The objects below the prefix, fetched page by page.

        Args:
            glob: A pattern for names, such as `*.mp3`, or for paths, such as `live/*.wav`; all objects by default.

        Raises:
            StorageError: the bucket can't be listed.
        """
        for each in self._listed(""):
            if glob is None or fnmatch(each.name if "/" in glob else each.name.rpartition("/")[2], glob):
                yield each

    def find(self, name: str) -> StoredObject:
        """Looks up one object.

        Args:
            name: The key, relative to the bucket's prefix.

        Raises:
            ObjectNotFoundError: it doesn't exist.
            StorageError: the bucket can't be read.
        """
        with translate_errors("look up", self._url(name)):
            return self._described(self._store.head(self._key(name)))

    def upload(self, name: str, source: str | os.PathLike[str] | bytes) -> StoredObject:
        """Writes an object atomically, in constant memory.

        Args:
            name: The key, relative to the bucket's prefix; an existing object is replaced.
            source: The path of a local file, or bytes.

        Raises:
            SourceNotFoundError: there is no such file.
            TransferError: the file can't be read.
            StorageError: the bucket refused the upload.
        """
        data = source if isinstance(source, bytes) else _readable(Path(source))
        kind = content_type_of(name)
        with translate_errors("write", self._url(name)):
            self._store.put(
                self._key(name),
                data,
                attributes={"Content-Type": kind} if kind else None,
                max_concurrency=_PARTS,
            )
        return self.find(name)

    @override
    def __repr__(self) -> str:
        # Without the options, which may be secrets.
        return f"{type(self).__name__}({self.url!r})"

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """Buckets are pickled without credentials: the process that unpickles one reads its environment."""
        settings: dict[str, Any] = {
            "expires": self.expires,
            "allow_http": self._allow_http,
            **portable(self._options),
        }
        chosen = {"_outputs": self._outputs, "_folder": self._folder}
        return partial(type(self), **settings), (self.url,), chosen

    def __copy__(self) -> Self:
        """A copy in the same process keeps the credentials."""
        return self._with()

    def __deepcopy__(self, _memo: object) -> Self:
        return self._with()

    def _with(self, **changes: object) -> Self:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, **changes)
        return other

    def _folder_of(self, token: str | None) -> str:
        if self._folder is not None:
            return self._folder
        if token is None:
            raise InputError(
                "the job has no idempotency key in its metadata, so the folder of its results is unknown: it was not"
                " created with copy_results_to=Bucket(…)"
            )
        return object_name(token)

    def _key(self, name: str) -> str:
        """The full key of a name."""
        path = checked_path(name)
        return f"{self._prefix}/{path}" if self._prefix and path else self._prefix or path

    def _url(self, name: str) -> str:
        return f"{self._root}/{self._key(name)}".rstrip("/")

    def _signed(self, method: Literal["GET", "PUT"], names: Iterable[str], lifetime: float) -> list[str]:
        import obstore

        keys = [self._key(name) for name in names]
        if not keys:
            return []
        with translate_errors(SIGN, self.url):
            return [*obstore.sign(self._store, method, keys, timedelta(seconds=lifetime))]

    def _fetchable(self, job: Job[Any]) -> dict[str, tuple[StoredObject, str]]:
        objects = self.outputs(job)
        urls = self._signed("GET", [each.name for each in objects.values()], self.expires)
        return {output: (each, url) for (output, each), url in zip(objects.items(), urls, strict=True)}

    def _listed(self, folder: str) -> Iterator[StoredObject]:
        with translate_errors("list", self._url(folder)):
            # Its stubs also allow Arrow tables, whose package isn't installed.
            pages: Iterator[Sequence[ObjectMeta]] = iter(
                cast("Any", self._store).list(self._key(folder) or None, chunk_size=_LISTED)
            )
        while True:
            with translate_errors("list", self._url(folder)):
                page = next(pages, None)
            if page is None:
                return
            yield from map(self._described, page)

    def _content_type(self, name: str) -> str | None:
        with translate_errors("look up", self._url(name)):
            return self._store.get(self._key(name), options={"head": True}).attributes.get("Content-Type")

    def _described(self, meta: ObjectMeta) -> StoredObject:
        key = meta["path"]
        return StoredObject(
            name=key.removeprefix(f"{self._prefix}/") if self._prefix else key,
            url=f"{self._root}/{key}",
            size=meta["size"],
            etag=(meta["e_tag"] or "").removeprefix("W/").strip('"') or None,
            modified=meta["last_modified"],
        )


def _readable(path: Path) -> Path:
    try:
        if path.is_dir():
            raise TransferError(f"{str(path)!r} is a folder: upload its files separately")
        path.open("rb").close()
    except FileNotFoundError:
        raise SourceNotFoundError(f"there is no file {str(path)!r} to upload") from None
    except OSError as error:
        raise TransferError(f"{str(path)!r} can't be read: {error.strerror}") from None
    return path


def _checked_lifetime(seconds: float) -> float:
    if not 1 <= seconds <= LONGEST_LIFETIME:
        raise InputError(
            f"expires must be from 1 second to a week ({LONGEST_LIFETIME:g} seconds), the limit of"
            f" the storages, not {seconds!r}"
        )
    return seconds
