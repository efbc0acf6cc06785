"""Inputs that are objects in a bucket: told apart by their version, and read by the service itself.

In the ledger an object is `s3://bucket/key?etag=…&size=…&modified=…`; a URL that the service can read is signed when
a job is created, because signatures expire.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, unquote

from musicai_sdk.batch.inputs.folder import wanted
from musicai_sdk.batch.inputs.kinds import Folder, Input, Inputs, Rejected, stem
from musicai_sdk.batch.ledger.ledger import InputRow
from musicai_sdk.errors import InputError
from musicai_sdk.storage import Bucket, StoredObject
from musicai_sdk.storage.objects import split_url

_VERSION = re.compile(r"\?etag=([^&]*)&size=(\d+)&modified=(\d+)$")
_NONE: dict[str, Any] = {}


class Buckets:
    """The buckets that a run knows, with their options; any other one has its options from the environment."""

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
                continue  # results of earlier runs are no inputs
            found = True
            yield (
                Input(_located(each), _NONE, stem(each.name))
                if each.size
                else Rejected(_located(each), "it is empty")
            )
        if not found:
            raise InputError(
                f"there is nothing to process in {bucket.url!r}: no {glob or 'audio or video files'}"
            )

    def located(self, source: str) -> str:
        """An object with its version, which is looked up unless it is known.

        Raises:
            ObjectNotFoundError: it isn't there.
            StorageError: the bucket can't be read.
        """
        if _VERSION.search(source):
            return source
        bucket, name = self._object(source)
        return _located(bucket.find(name))

    def signed(self, url: str) -> str:
        """A URL under which the service can read an object, good from now on.

        Raises:
            StorageError: no credentials.
        """
        bucket, name = self._object(_plain(url))
        return str(bucket.input(name))

    def _object(self, url: str) -> tuple[Bucket, str]:
        bucket = self._holding(url)
        return bucket, url.removeprefix(f"{bucket.url}/")

    def _below(self, url: str) -> Bucket:
        url = url.rstrip("/")
        bucket = self._holding(url)
        return bucket.below(url[len(bucket.url) :])

    def _holding(self, url: str) -> Bucket:
        """The known bucket that the URL is in, else one that the environment sets up."""
        for bucket in self._known:
            if url == bucket.url or url.startswith(f"{bucket.url}/"):
                return bucket
        self._known.append(Bucket(split_url(url)[0]))
        return self._known[-1]


def known_buckets(inputs: Inputs) -> tuple[Bucket, ...]:
    """The buckets among the inputs that were given as such, and not by an iterator."""
    sources: Iterable[object] = inputs if isinstance(inputs, list | tuple) else (inputs,)
    places = (each.path if isinstance(each, Folder) else each for each in sources)
    return tuple(each for each in places if isinstance(each, Bucket))


def identify_object(given: InputRow) -> InputRow:
    """The input with what stands for its content: equal objects, by ETag and size, are one track."""
    url = given.url or ""
    found = _VERSION.search(url)
    if found is None:
        raise InputError(f"not an object with its version: {url}")
    etag, size, modified = found.groups()
    given.source = url[: found.start()]
    given.content = f"object:{etag}:{size}" if etag else f"object:{given.source}:{modified}:{size}"
    # With this an object that was replaced isn't taken for the one that an earlier run knew. The time of change alone
    # would do that for one that is replaced within a second: S3 knows no less.
    version = hashlib.sha256(found.group().encode()).digest()
    given.mtime_ns = int.from_bytes(version[:7], "big")
    return given


def _located(each: StoredObject) -> str:
    path = each.url.replace("%", "%25").replace("?", "%3F").replace("#", "%23")
    modified = int(each.modified.timestamp() * 1_000_000) * 1000
    return f"{path}?etag={quote(each.etag or '', safe='')}&size={each.size}&modified={modified}"


def _plain(url: str) -> str:
    """The URL of an object as its bucket has it."""
    path = _VERSION.sub("", url)
    return unquote(path) if path != url else url
