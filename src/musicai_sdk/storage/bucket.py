"""`Bucket`: results go there and come from there, and so may inputs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from typing_extensions import override

from musicai_sdk.errors import InputError, SourceNotFoundError, TransferError
from musicai_sdk.models.job import Job
from musicai_sdk.models.outputs import CUSTOM_STORAGE, FileUrl
from musicai_sdk.models.result import R, wire_name_of
from musicai_sdk.models.result_files import result_files, with_files
from musicai_sdk.storage.errors import ObjectNotFoundError
from musicai_sdk.storage.objects import StoredObject, checked_path, split_url
from musicai_sdk.storage.opening import SIGN, open_store, portable, told_as
from musicai_sdk.storage.outputs import (
    content_type_of,
    declared_files,
    extension_of,
    found_among,
    object_name,
)
from musicai_sdk.workflows.base import Workflow

if TYPE_CHECKING:
    from obstore import ObjectMeta

DEFAULT_LIFETIME = 12 * 3600.0
"""For how many seconds a signed URL is good: a day's queue at noon, and not for ever."""
LONGEST_LIFETIME = 7 * 24 * 3600.0
"""S3 and Google sign for a week at most."""
_PARTS = 4
"""Parts of a large file that are uploaded at the same time, 5 MiB each: what an upload needs of memory."""
_LISTED = 1000
"""Objects in one page of a listing: what the storages give at most."""


class Bucket:
    """A bucket, or what is below a prefix of it. See `musicai_sdk.storage`.

    Making one sends nothing. Its own methods block: in a coroutine, call them with `asyncio.to_thread`. Clients of
    both colours do that themselves. It may be used from any number of threads.
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
            url: `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`; the prefix may be missing.
            expires: Seconds for which a signed URL is good, up to a week. The service writes a result when the job
                ends, so this covers upload, queue and processing.
            allow_http: Lets an `endpoint` without TLS that isn't on this machine pass.
            **options: Options of the storage as obstore has them: `endpoint`, `region`, `account_name`,
                `credential_provider`, `client_options`, … What is left out comes from the environment.

        Raises:
            InputError: the URL isn't a bucket's, or `expires` is out of range.
            ConfigurationError: obstore isn't installed, or an option can't be right.
        """
        self._root, self._prefix = split_url(url)
        self.expires: float = _checked_lifetime(expires)
        """For how many seconds its signed URLs are good."""
        self._options = options
        self._allow_http = allow_http
        self._store = open_store(self._root, options, allow_http=allow_http)
        self._outputs: dict[str, str] | None = None
        self._folder: str | None = None

    @property
    def url(self) -> str:
        """Where it is, such as `s3://bucket/prefix`."""
        return f"{self._root}/{self._prefix}" if self._prefix else self._root

    @property
    def takes_uploads(self) -> bool:
        """Whether a plain PUT to a signed URL is enough to write there; False on Azure, see `musicai_sdk.storage`."""
        return not self._root.startswith("az://")

    @property
    def named_outputs(self) -> Mapping[str, str] | None:
        """What `for_outputs` was given, with extensions; None when it wasn't used."""
        return self._outputs

    def for_outputs(self, outputs: Iterable[str] | Mapping[str, str]) -> Self:
        """The same bucket for these outputs only; a job's other outputs stay in the service's storage.

        Args:
            outputs: Their names, on the wire or as fields of the result's class; or names with the extension that
                each object gets: `{"Vocals": ".wav"}`.

        Raises:
            InputError: there are none, or an extension isn't like `.wav`.
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
        return self._but(_outputs=named)

    def in_folder(self, folder: str) -> Self:
        """The same bucket with the results of one job in a folder of your choice, not in one named by its token.

        Use it for one job only: the results of another one would replace them.

        Args:
            folder: A path below the prefix, such as `albums/blue/01`.

        Raises:
            InputError: it can't be a path in a bucket.
        """
        if not (path := checked_path(folder)):
            raise InputError("in_folder takes a path below the prefix, such as 'albums/blue/01'")
        return self._but(_folder=path)

    def below(self, path: str) -> Self:
        """The same bucket from a longer prefix on: `Bucket("s3://music").below("albums")` is `s3://music/albums`.

        Args:
            path: What the prefix is longer by; an empty one changes nothing.

        Raises:
            InputError: it can't be a path in a bucket.
        """
        return self._but(_prefix=self._key(path))

    def upload_urls(self, workflow: Workflow[Any], token: str) -> dict[str, str]:
        """Signed URLs to PUT the outputs of a job that is about to be created to: what `client.jobs.create` asks for.

        Args:
            workflow: What the job will run: its class declares the outputs, unless `for_outputs` named them.
            token: The job's idempotency key, which names the folder.

        Returns:
            URLs by wire name. They are secrets.

        Raises:
            InputError: the outputs aren't known, or it is an Azure container.
            StorageError: no credentials.
        """
        if not self.takes_uploads:
            raise InputError(
                f"results can't be copied to {self.url}: Azure refuses uploads without a header x-ms-blob-type, which"
                " the service isn't known to send. Download them and use bucket.upload(…); musicai_sdk.batch does so"
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
        """What became of a job's outputs that are `CUSTOM_STORAGE`: the objects in this bucket, by output.

        One list request. Any process that has the job finds them: their folder is named by the idempotency key in
        the job's metadata, unless `in_folder` said otherwise.

        Args:
            job: A job that has succeeded.

        Raises:
            JobNotFinishedError: it hasn't succeeded yet.
            JobFailedError: it failed.
            ObjectNotFoundError: an output isn't there; the text names it.
            InputError: the job has no idempotency key, because it was created otherwise.
        """
        job.raise_for_success()
        files = result_files(job.raw_result)
        stored = [each.name for each in files if each.value is CUSTOM_STORAGE]
        if not stored:
            return {}
        folder = self._folder_of(job.idempotency_key)
        # Only the folder's own: what is in folders below it is somebody else's.
        objects = {
            each.name.rpartition("/")[2]: each
            for each in self._listed(folder)
            if each.name.rpartition("/")[0] == folder
        }
        everything = {*(job.raw_result or {}), *(each.name for each in files)}
        found = dict[str, StoredObject]()
        for output in stored:
            name = found_among(objects, output, everything - {output}, job.result_type)
            if name is None:
                raise ObjectNotFoundError(
                    f"output {output!r} of job {job.id} isn't in {self._url(folder)}: it was copied elsewhere, or"
                    " deleted since",
                    url=self._url(f"{folder}/{object_name(output)}"),
                )
            found[output] = objects[name]
        return found

    def resolve(self, job: Job[R]) -> Job[R]:
        """The same job with signed URLs (GET) in place of `CUSTOM_STORAGE`: its outputs work like any others.

        ```python
        job = bucket.resolve(job)
        client.files.read(job.result.chords)
        ```

        Args:
            job: A job that has succeeded.

        Raises:
            ObjectNotFoundError: an output isn't there; the text names it.
            StorageError: the bucket can't be listed.
        """
        urls = {output: url for output, (_, url) in self._fetchable(job).items()}
        paths = {each.path: urls[each.name] for each in result_files(job.raw_result) if each.name in urls}
        return job.model_copy(update={"raw_result": with_files(job.raw_result or {}, paths)})

    def download_urls(self, job: Job[Any]) -> dict[str, tuple[str, str]]:
        """Signed URLs (GET) of a job's outputs in this bucket, each with an extension: what `jobs.download` asks for.

        The extension is the object's, else the one of the content type that the service gave it.

        Args:
            job: A job that has succeeded.

        Raises:
            ObjectNotFoundError: an output isn't there; the text names it.
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
        """A signed URL (GET) of an object, for a workflow's input: nothing passes through this machine.

        Args:
            name: Its key, relative to the bucket's prefix; whether it is there isn't looked up.
            expires: Seconds for which it is good; as the bucket was set up when left out. The service reads it when
                the job starts.

        Raises:
            InputError: it can't be the name of an object, or `expires` is out of range.
            StorageError: no credentials.
        """
        lifetime = self.expires if expires is None else _checked_lifetime(expires)
        return FileUrl(self._signed("GET", [name], lifetime)[0])

    def objects(self, glob: str | None = None) -> Iterator[StoredObject]:
        """The objects below the prefix, fetched a page at a time.

        Args:
            glob: Which ones, such as `*.mp3`, or `live/*.wav` for a path; all when left out.

        Raises:
            StorageError: the bucket can't be listed.
        """
        for each in self._listed(""):
            if glob is None or fnmatch(each.name if "/" in glob else each.name.rpartition("/")[2], glob):
                yield each

    def find(self, name: str) -> StoredObject:
        """One object.

        Args:
            name: Its key, relative to the bucket's prefix.

        Raises:
            ObjectNotFoundError: it isn't there.
            StorageError: the bucket can't be read.
        """
        with told_as("look up", self._url(name)):
            return self._described(self._store.head(self._key(name)))

    def upload(self, name: str, source: str | os.PathLike[str] | bytes) -> StoredObject:
        """Writes an object, in constant memory; it is there as a whole or not at all.

        Args:
            name: Its key, relative to the bucket's prefix; an object that has it already is replaced.
            source: A local file, or the bytes themselves.

        Raises:
            SourceNotFoundError: there is no such file.
            TransferError: it can't be read.
            StorageError: the bucket refused it.
        """
        data = source if isinstance(source, bytes) else _readable(Path(source))
        kind = content_type_of(name)
        with told_as("write", self._url(name)):
            self._store.put(
                self._key(name),
                data,
                attributes={"Content-Type": kind} if kind else None,
                max_concurrency=_PARTS,
            )
        return self.find(name)

    @override
    def __repr__(self) -> str:
        # Not the options: they may be secrets.
        return f"{type(self).__name__}({self.url!r})"

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """Buckets pickle without credentials: who unpickles one reads them from its own environment."""
        settings = (self.expires, self._allow_http, portable(self._options), self._outputs, self._folder)
        return _remade, (type(self), self.url, *settings)

    def __copy__(self) -> Self:
        """A copy stays in this process, and keeps the credentials."""
        return self._but()

    def __deepcopy__(self, _memo: object) -> Self:
        return self._but()

    def _but(self, **changes: object) -> Self:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, **changes)
        return other

    def _folder_of(self, token: str | None) -> str:
        if self._folder is not None:
            return self._folder
        if token is None:
            raise InputError(
                "the job has no idempotency key in its metadata, so it isn't known where its results are: it was not"
                " created with copy_results_to=Bucket(…)"
            )
        return object_name(token)

    def _key(self, name: str) -> str:
        """The whole key of a name."""
        path = checked_path(name)
        return f"{self._prefix}/{path}" if self._prefix and path else self._prefix or path

    def _url(self, name: str) -> str:
        return f"{self._root}/{self._key(name)}".rstrip("/")

    def _signed(self, method: str, names: Iterable[str], lifetime: float) -> list[str]:
        import obstore

        keys = [self._key(name) for name in names]
        if not keys:
            return []
        with told_as(SIGN, self.url):
            return [
                *obstore.sign(
                    self._store, "PUT" if method == "PUT" else "GET", keys, timedelta(seconds=lifetime)
                )
            ]

    def _fetchable(self, job: Job[Any]) -> dict[str, tuple[StoredObject, str]]:
        objects = self.outputs(job)
        urls = self._signed("GET", [each.name for each in objects.values()], self.expires)
        return {output: (each, url) for (output, each), url in zip(objects.items(), urls, strict=True)}

    def _listed(self, folder: str) -> Iterator[StoredObject]:
        with told_as("list", self._url(folder)):
            # Its stubs know of Arrow tables too, whose package isn't there.
            pages: Iterator[Sequence[ObjectMeta]] = iter(
                cast("Any", self._store).list(self._key(folder) or None, chunk_size=_LISTED)
            )
        while True:
            with told_as("list", self._url(folder)):
                page = next(pages, None)
            if page is None:
                return
            yield from map(self._described, page)

    def _content_type(self, name: str) -> str | None:
        with told_as("look up", self._url(name)):
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


def _remade(
    kind: type[Bucket],
    url: str,
    expires: float,
    allow_http: bool,  # noqa: FBT001 - pickle has no names
    options: dict[str, object],
    outputs: dict[str, str] | None,
    folder: str | None,
) -> Bucket:
    """An unpickled bucket."""
    bucket = kind(url, expires=expires, allow_http=allow_http, **options)
    if outputs is not None:
        bucket = bucket.for_outputs(outputs)
    return bucket if folder is None else bucket.in_folder(folder)


def _readable(path: Path) -> Path:
    try:
        if path.is_dir():
            raise TransferError(f"{str(path)!r} is a folder: upload its files one by one")
        path.open("rb").close()
    except FileNotFoundError:
        raise SourceNotFoundError(f"there is no file {str(path)!r} to upload") from None
    except OSError as error:
        raise TransferError(f"{str(path)!r} can't be read: {error.strerror}") from None
    return path


def _checked_lifetime(seconds: float) -> float:
    if not 1 <= seconds <= LONGEST_LIFETIME:
        raise InputError(
            f"expires must be from 1 second to a week ({LONGEST_LIFETIME:g} seconds), which is the longest that"
            f" storages sign for, not {seconds!r}"
        )
    return seconds
