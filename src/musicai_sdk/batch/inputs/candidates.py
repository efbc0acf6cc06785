"""Prepares inputs for the ledger: identifies them, and converts their parameters to wire names; or rejects them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast

from musicai_sdk._text import formerly_without_signature, without_queries, without_signature
from musicai_sdk.batch.inputs.bucket import Buckets, identify_object
from musicai_sdk.batch.inputs.kinds import Input, Inputs, Rejected, is_object, is_url, name_of
from musicai_sdk.batch.inputs.reader import read_inputs
from musicai_sdk.batch.inputs.row import Candidate, InputRow
from musicai_sdk.batch.inputs.workflow import WorkflowTemplate
from musicai_sdk.batch.text import redacted, storable
from musicai_sdk.errors import InputError
from musicai_sdk.storage import ObjectNotFoundError
from musicai_sdk.workflows.inputs import is_address, web_address

_REPAIR = "repair it, and save a manifest as UTF-8"
_LONGEST = 1e9
"""The longest plausible audio, in seconds. A larger number is a mistake."""
_LATEST = 2**63
"""The first modification time, in nanoseconds since 1970, that SQLite can't store. A broken clock or disk
may cause such times."""


def read_candidates(
    inputs: Inputs, out: Path, template: WorkflowTemplate, buckets: Buckets | None = None
) -> Iterator[Candidate | None]:
    """Every input with its identity, parameters, size and modification time, or the reason why it can't be processed.

    Yields None when nothing new has arrived for a moment, so that the reader can stop then.
    """
    buckets = buckets or Buckets()
    for item in read_inputs(inputs, out, buckets):
        if isinstance(item, Rejected):
            yield _rejected(item.source, item.reason)
        else:
            yield _candidate(item, template, buckets) if item is not None else None


def identity(url: str) -> str:
    """Identifies the content behind a URL: the URL without its signature, which differs every time, and its password.

    Only complete signatures of known kinds are removed, so two songs never count as one. A song whose URL has an unknown
    kind of signature counts as a new song each time, and is paid for again.

    Raises:
        InputError: it isn't a valid URL.
    """
    try:
        return without_signature(url)
    except ValueError:  # whose text may contain the password
        raise InputError("it isn't a valid URL") from None


def _candidate(item: Input, template: WorkflowTemplate, buckets: Buckets) -> Candidate:
    try:
        params, length = template.wire_params(item.params), _milliseconds(item.audio_seconds)
        _check_text(item, params)
        source = item.source
        if ":" in source:  # most paths have none, and need no closer look
            source = source.strip() if is_address(source) else source
            if is_object(source):
                name = item.name or name_of(source)
                return identify(InputRow(source, params, name, buckets.with_version(source), audio_ms=length))
            if (url := web_address(source)) is not None:
                known, legacy = identity(url), formerly_without_signature(url)
                row = InputRow(known, params, item.name or "", url, audio_ms=length)
                row.legacy_source = legacy if legacy != known else None
                return identify(row)
        if not source or source.isspace():
            return Rejected(source, "it is empty: pass a path, a URL or an object in a bucket")
        found = identify(InputRow(_absolute(source), params, item.name or "", audio_ms=length))
    except RecursionError:
        return _rejected(item.source, "its parameters are nested too deeply")
    except (InputError, ObjectNotFoundError, ValueError) as error:
        return _rejected(item.source, str(error))
    # Show a URL of an unknown scheme as it was passed, not as the path that was made from it.
    if isinstance(found, Rejected) and "://" in item.source:
        return _rejected(item.source, found.reason)
    return found


def identify(item: InputRow) -> Candidate:
    """Fills in what identifies an input: the content of a remote one, size and modification time of a file."""
    if item.url is not None:
        if is_object(item.url):
            return identify_object(item)
        item.content = f"url:{item.source}"
        return item
    try:
        found = os.stat(item.source)  # noqa: PTH116 - a hundred thousand times
    except OSError as error:
        return Rejected(item.source, f"it can't be read: {error.strerror}")
    if not stat.S_ISREG(found.st_mode):
        return Rejected(item.source, "not a regular file")
    if not found.st_size:
        return Rejected(item.source, "it is empty")
    if not -_LATEST <= found.st_mtime_ns < _LATEST:
        return Rejected(item.source, "its modification time is out of range: set it, as `touch` does")
    item.size, item.mtime_ns = found.st_size, found.st_mtime_ns
    return item


def _rejected(source: str, reason: str) -> Rejected:
    """A rejection that is safe to show and to store."""
    return Rejected(storable(redacted(source)), storable(without_queries(reason)))


def _milliseconds(seconds: object) -> int | None:
    if seconds is None:
        return None
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < _LONGEST
    if not number:
        raise InputError(f"its audio_seconds must be a number of seconds above 0, not {seconds!r:.50}")
    return max(1, round(cast("float", seconds) * 1000))


def _check_text(item: Input, params: str) -> None:
    """Checks that no text contains a lone surrogate, which stands for an undecodable byte: SQLite can't store it."""
    if item.source.isascii() and params.isascii() and (item.name or "").isascii():
        return
    what = "address" if is_url(item.source) or is_object(item.source) else "name"
    how = _REPAIR if what == "address" else "rename it"
    if what == "name":
        with suppress(UnicodeError):
            os.fsencode(item.source).decode()
            how = "the locale knows only ASCII, so set LC_ALL=C.UTF-8 or PYTHONUTF8=1"
    texts = (
        (item.source, f"its {what} isn't valid text: {how}"),
        (params, f"its parameters aren't valid text: {_REPAIR}"),
        (item.name or "", f"the name for its results isn't valid text: {_REPAIR}"),
    )
    for text, message in texts:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InputError(message) from None


def _absolute(path: str) -> str:
    # Symbolic links stay. Most paths come from a folder and are absolute already; on Windows a path that begins with
    # a slash lacks its drive.
    plain = os.name == "posix" and path.startswith("/") and "/." not in path and "//" not in path
    return path if plain else os.path.abspath(path)  # noqa: PTH100
