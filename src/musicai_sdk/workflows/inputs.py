"""File inputs of workflows: which parameters are files, and which values the service can read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from musicai_sdk._text import without_query
from musicai_sdk.errors import InputError
from musicai_sdk.models.files import UploadedFile
from musicai_sdk.models.outputs import FileUrl

WEB_SCHEMES = ("https", "http")
"""The schemes of URLs that the service fetches inputs from."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?=\S)")
"""At least two characters: a single letter is a drive of Windows."""
_HOST = re.compile(r"//(?:[^/?#@\s]*@)?[^/?#@:\s]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")

_BUCKET = "sign it, as in musicai_sdk.storage.Bucket('s3://bucket').input('key'); musicai_sdk.batch takes it as it is"
_ELSEWHERE = "download it, and give the path"
_IN_MEMORY = "upload the bytes: client.files.upload(data) returns what an input takes"
_INSTEAD: Mapping[str, str] = {
    **dict.fromkeys(("s3", "gs", "az"), _BUCKET),
    **dict.fromkeys(("ftp", "ftps", "sftp", "scp", "smb"), _ELSEWHERE),
    **dict.fromkeys(("data", "blob"), _IN_MEMORY),
    "file": "give the path itself, as pathlib.Path",
}
"""What to do with an address that the service can't read, by its scheme."""

_URL_NAME = re.compile(r".*ur[li][\s_-]*\d*", re.IGNORECASE)
_FILE_NAME = re.compile(
    r"(input|file|audio|video|song|track|music|recording|source|media|stem)s?[\s_-]*(file|audio|track)?[\s_-]*\d*",
    re.IGNORECASE,
)
_NO_INPUT = re.compile(
    r"callback|hook|notif|redirect|output|target|destination|upload|export|result|site|page|link",
    re.IGNORECASE,
)
"""In the name of a parameter that holds a URL: it isn't where an input is read."""


def is_address(text: str) -> bool:
    """Whether a text says itself that it isn't a local path: `https://…`, `s3://…`, `data:…`."""
    found = _SCHEME.match(text.lstrip())
    if found is None:
        return False
    scheme = found[1].lower()
    return scheme in WEB_SCHEMES or scheme in _INSTEAD or text.lstrip().startswith("//", found.end())


def web_address(text: str) -> str | None:
    """The `https://` or `http://` URL that a text is, without blanks around it; None if it isn't an address.

    Raises:
        InputError: it is an address that the service can't read; the text says what to give instead.
    """
    if not is_address(text):
        return None
    url = text.strip()
    found = cast("re.Match[str]", _SCHEME.match(url))
    scheme = found[1].lower()
    if scheme not in WEB_SCHEMES:
        how = _INSTEAD.get(scheme, "give a path or an https:// URL")
        shown = f"{scheme}:…" if _INSTEAD.get(scheme) == _IN_MEMORY else without_query(url)
        raise InputError(f"{shown:.200} can't be read by the service: {how}")
    if _HOST.match(url, found.end()) is None:
        raise InputError(f"{without_query(url):.200} isn't a complete URL: it is https://host/path")
    if _CONTROL.search(url):
        raise InputError(
            f"{without_query(url)!r:.200} isn't a URL: it has a line break or control character in it"
        )
    return url


def resolved(value: Any, name: str, *, declared: bool) -> Any:
    """The value of a parameter as it is sent: a remote file as its URL, a local one as a `Path`, all else unchanged.

    Args:
        value: As it was given.
        name: The parameter's wire name.
        declared: Whether the workflow's class says that it is a file. Otherwise the name may say so: `inputUrl`,
            `Input 1`, `file`. A text under any other name is a text, whatever it looks like.

    Raises:
        InputError: it is a file that the service can't read; the text says what to give instead.
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
        for text in _texts(value):
            web_address(text)
    return value


def check_local_files(params: Mapping[str, Any]) -> None:
    """Raises `InputError` for a path that can never be uploaded: that of a folder, or a URL as a path."""
    for name, value in params.items():
        if not isinstance(value, os.PathLike):
            continue
        path = os.fsdecode(cast("os.PathLike[str]", value))
        # Not pathlib's: these are False for what can't be looked at, and the upload says more.
        if os.path.isdir(path):  # noqa: PTH112
            raise InputError(f"{name} can't be {path!r}: it is a folder, give a file in it")
        if path.lower().startswith(("http:", "https:")) and not os.path.exists(path):  # noqa: PTH110
            raise InputError(f"{name} can't be {without_query(path)!r}: give a URL as text, not as a path")


def _is_url_name(name: str) -> bool:
    return _URL_NAME.fullmatch(name) is not None and _NO_INPUT.search(name) is None


def _url(text: str) -> str:
    """The URL that must be given here."""
    url = web_address(_not_blank(text))
    if url is None:
        raise InputError(
            f"{text!r:.100} is neither an https:// URL nor a pathlib.Path, which would be uploaded first: a job on it"
            " would fail, and cost"
        )
    return url


def _readable(text: str) -> str:
    """A text where a file may be meant: not the name of a local one, which would be sent as a text."""
    url = web_address(_not_blank(text))
    if url is None and len(text) < 4096 and "\0" not in text and os.path.exists(text):  # noqa: PTH110
        raise InputError(f"{text!r:.100} is on this machine: pathlib.Path(…) around it has it uploaded first")
    return url or text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise InputError("it is empty: give a path or an https:// URL, or leave it out")
    return text


def _texts(value: object) -> Iterator[str]:
    """The texts in a value of lists and objects."""
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, Mapping):
            pending.extend(cast("Mapping[object, object]", each).values())
        elif isinstance(each, list | tuple):
            pending.extend(cast("list[object]", each))
