"""Inputs that are objects in a bucket: identified by their version, and read by the service itself.

In the ledger an object is `s3://bucket/key?etag=…&size=…&modified=…`. The URL for the service is signed when a job is
created, because signatures expire.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote

from musicai_sdk.batch.inputs.folder import wanted
from musicai_sdk.batch.inputs.kinds import NO_PARAMS, Folder, Input, Inputs, Rejected, stem
from musicai_sdk.batch.inputs.row import InputRow
from musicai_sdk.errors import InputError
from musicai_sdk.storage import Bucket, StoredObject
from musicai_sdk.storage.objects import split_url

_VERSION = re.compile(r"\?etag=([^&]*)&size=(\d+)&modified=(\d+)$")


class Buckets:
    """The buckets that were passed to a run, with their options; the environment configures all others."""

    def __init__(self, known: Iterable[Bucket] = (), results: Bucket | None = None) -> None:
        self._known = sorted(known, key=lambda bucket: len(bucket.url), reverse=True)
        self._results = f"{results.url}/" if results is not None else None

    @property
    def take_results(self) -> bool:
        """Whether the results go to a bucket."""
        return self._results is not None

    def folder(self, folder: Folder | Bucket) -> Iterator[Input | Rejected]:
        """The objects below a prefix that count as inputs.

        Raises:
            InputError: there are none.
            StorageError: the bucket can't be listed.
        """
        where, glob = (folder, None) if isinstance(folder, Bucket) else (folder.path, folder.glob)
        recursive = isinstance(folder, Bucket) or folder.recursive
        bucket = where if isinstance(where, Bucket) else self._below(os.fspath(where))
        found = False
        for each in bucket.objects():
            hidden = any(part[:1] == "." for part in each.name.split("/"))
            if hidden or not wanted(each.name, glob) or ("/" in each.name and not recursive):
                continue
            if self._results is not None and each.url.startswith(self._results):
                continue  # results of earlier runs aren't inputs
            found = True
            source = _with_version(each)
            yield Input(source, NO_PARAMS, stem(each.name)) if each.size else Rejected(source, "it is empty")
        if not found:
            raise InputError(
                f"there is nothing to process in {bucket.url!r}: no {glob or 'audio or video files'}"
            )

    def with_version(self, source: str) -> str:
        """An object's URL with its version, which is looked up unless the URL has it.

        Raises:
            ObjectNotFoundError: the object doesn't exist.
            StorageError: the bucket can't be read.
        """
        if _VERSION.search(source):
            return source
        bucket, name = self._object(source)
        return _with_version(bucket.find(name))

    def signed(self, url: str) -> str:
        """A URL that the service can read, valid from now on.

        Raises:
            StorageError: there are no credentials.
        """
        path = _VERSION.sub("", url)
        bucket, name = self._object(unquote(path) if path != url else url)
        return str(bucket.input(name))

    def _object(self, url: str) -> tuple[Bucket, str]:
        bucket = self._holding(url)
        return bucket, url.removeprefix(f"{bucket.url}/")

    def _below(self, url: str) -> Bucket:
        url = url.rstrip("/")
        bucket = self._holding(url)
        return bucket.below(url[len(bucket.url) :])

    def _holding(self, url: str) -> Bucket:
        """The known bucket that contains the URL, or else one that the environment configures."""
        for bucket in self._known:
            if url == bucket.url or url.startswith(f"{bucket.url}/"):
                return bucket
        self._known.append(Bucket(split_url(url)[0]))
        return self._known[-1]


def known_buckets(inputs: Inputs) -> tuple[Bucket, ...]:
    """The `Bucket` objects among the inputs, except those that an iterator would yield."""
    sources: Iterable[object] = inputs if isinstance(inputs, list | tuple) else (inputs,)
    places = (each.path if isinstance(each, Folder) else each for each in sources)
    return tuple(each for each in places if isinstance(each, Bucket))


def identify_object(item: InputRow) -> InputRow:
    """Fills in the content of an object: objects with equal ETag and size are one track."""
    url = item.url or ""
    found = _VERSION.search(url)
    if found is None:
        raise InputError(f"not an object with its version: {url}")
    etag, size, modified = found.groups()
    item.source = url[: found.start()]
    item.content = f"object:{etag}:{size}" if etag else f"object:{item.source}:{modified}:{size}"
    # Distinguishes a replaced object from the one that an earlier run saw. The modification time isn't enough: on S3, it
    # has a resolution of one second.
    version = hashlib.sha256(found.group().encode()).digest()
    item.mtime_ns = int.from_bytes(version[:7], "big")
    return item


def _with_version(each: StoredObject) -> str:
    path = each.url.replace("%", "%25").replace("?", "%3F").replace("#", "%23")
    modified = int(each.modified.timestamp() * 1_000_000) * 1000
    return f"{path}?etag={quote(each.etag or '', safe='')}&size={each.size}&modified={modified}"
