"""File inputs of workflows: which parameters are files, and which values the service can read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from musicai_sdk._text import safe_repr, without_query
from musicai_sdk.errors import InputError
from musicai_sdk.models.files import UploadedFile
from musicai_sdk.models.outputs import FileUrl

WEB_SCHEMES = ("https", "http")
"""The schemes of URLs from which the service can read inputs."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?=\S)")
"""At least two characters: a single letter is a Windows drive."""
_NO_HOST = re.compile(r"[\s\"#%<>\\^`{|}]|\.\.|^\.|[^.]{64}")
"""What no host contains: forbidden characters, empty labels, and labels of more than 63 characters."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")

_BUCKET = "sign it with musicai_sdk.storage.Bucket('s3://bucket').input('key'), or use musicai_sdk.batch"
_ELSEWHERE = "download it, and pass the path"
_IN_MEMORY = "upload the bytes with client.files.upload(data), and pass the result"
_INSTEAD: Mapping[str, str] = {
    **dict.fromkeys(("s3", "gs", "az"), _BUCKET),
    **dict.fromkeys(("ftp", "ftps", "sftp", "scp", "smb"), _ELSEWHERE),
    **dict.fromkeys(("data", "blob"), _IN_MEMORY),
    "file": "pass the path itself, as pathlib.Path",
}
"""Advice for URLs that the service can't read, by scheme."""

_URL_NAME = re.compile(r".*ur[li][\s_-]*\d*", re.IGNORECASE)
_FILE_NAME = re.compile(
    r"(input|file|audio|video|song|track|music|recording|source|media|stem)s?[\s_-]*(file|audio|track)?[\s_-]*\d*",
    re.IGNORECASE,
)
_NO_INPUT = re.compile(
    r"callback|hook|notif|redirect|output|target|destination|upload|export|result|site|page|link",
    re.IGNORECASE,
)
"""Words in the names of parameters whose URL isn't an input."""


def is_address(text: str) -> bool:
    """Whether a string has the form of a URL and not of a local path: `https://…`, `s3://…`, `data:…`."""
    found = _SCHEME.match(text.lstrip())
    if found is None:
        return False
    scheme = found[1].lower()
    return scheme in WEB_SCHEMES or scheme in _INSTEAD or text.lstrip().startswith("//", found.end())


def web_address(text: str) -> str | None:
    """A string that is an `https://` or `http://` URL, without surrounding white space; None if it isn't a URL.

    Raises:
        InputError: the service can't read this URL; the text says what to pass instead.
    """
    if not is_address(text):
        return None
    url = text.strip()
    found = cast("re.Match[str]", _SCHEME.match(url))
    scheme = found[1].lower()
    if scheme not in WEB_SCHEMES:
        how = _INSTEAD.get(scheme, "pass a path or an https:// URL")
        shown = f"{scheme}:…" if _INSTEAD.get(scheme) == _IN_MEMORY else without_query(url)
        raise InputError(f"{shown:.200} can't be read by the service: {how}")
    if url.endswith("?…"):
        raise InputError(
            f"{without_query(url):.200} isn't a complete URL: it comes from a report or message, which leaves queries out"
        )
    if _CONTROL.search(url):
        raise InputError(
            f"{without_query(url)!r:.200} isn't a URL: it contains a line break or control character"
        )
    if not _has_host(url):
        raise InputError(
            f"{without_query(url):.200} isn't a complete URL: pass a URL such as https://host/path"
        )
    return url


def _has_host(url: str) -> bool:
    """Whether a URL names a host and a port to which a connection could be made. A job for any other URL would fail."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # brackets without an IPv6 address, or a port that is no number up to 65,535
        return False
    return bool(host) and port != 0 and (":" in host or _NO_HOST.search(host) is None)


def resolved(value: Any, name: str, *, declared: bool) -> Any:
    """The value of a parameter, ready to send: a remote file as a URL, a local one as a `Path`, all else unchanged.

    Args:
        value: The value given by the caller.
        name: The parameter's wire name.
        declared: Whether the workflow's class declares it as a file. Otherwise the name decides: `inputUrl`, `Input 1`
            and `file` are files. A string under any other name stays a string.

    Raises:
        InputError: the service can't read this file; the text says what to pass instead.
    """
    if isinstance(value, UploadedFile | FileUrl):
        return _url(value.url if isinstance(value, UploadedFile) else str(value))
    if isinstance(value, str):
        if declared:
            return web_address(value) or Path(_not_blank(value))
        if _is_url_name(name):
            return _url(value)
        if _FILE_NAME.fullmatch(name):
            return _readable(value)
    elif _is_url_name(name) or _FILE_NAME.fullmatch(name):
        for text in texts_in(value):
            web_address(text)
    return value


def check_local_files(params: Mapping[str, Any]) -> None:
    """Raises `InputError` for a path that can't be uploaded: a folder, or a URL given as a path."""
    for name, value in params.items():
        if not isinstance(value, os.PathLike):
            continue
        try:
            path = os.fsdecode(cast("os.PathLike[str]", value))
        except TypeError:
            shown = safe_repr(cast("object", value))
            raise InputError(f"{name} can't be {shown:.100}: it isn't a path") from None
        # Unlike pathlib, these return False for unreadable paths, for which the upload has a better error.
        if os.path.isdir(path):  # noqa: PTH112
            raise InputError(f"{name} can't be {path!r}: it is a folder; pass a file")
        if path.lower().startswith(("http:", "https:")) and not os.path.exists(path):  # noqa: PTH110
            raise InputError(f"{name} can't be {without_query(path)!r}: pass URLs as strings, not as paths")


def _is_url_name(name: str) -> bool:
    return _URL_NAME.fullmatch(name) is not None and _NO_INPUT.search(name) is None


def _url(text: str) -> str:
    """The value of a parameter that must be a URL."""
    url = web_address(_not_blank(text))
    if url is None:
        raise InputError(
            f"{safe_repr(text):.100} isn't a URL: a job with it would fail, and still cost money. To upload a local"
            " file, pass pathlib.Path(…)"
        )
    return url


def _readable(text: str) -> str:
    """The value of a parameter that may be a file: a local path must not be sent as a string."""
    url = web_address(_not_blank(text))
    if url is None and len(text) < 4096 and "\0" not in text and os.path.exists(text):  # noqa: PTH110
        raise InputError(f"{text!r:.100} is a local file: wrap it in pathlib.Path(…) to upload it")
    return url or text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise InputError("it is empty: pass a path or an https:// URL, or omit it")
    return text


def texts_in(value: object) -> Iterator[str]:
    """The strings in a value of nested lists and objects."""
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, Mapping):
            pending.extend(cast("Mapping[object, object]", each).values())
        elif isinstance(each, list | tuple):
            pending.extend(cast("list[object]", each))
