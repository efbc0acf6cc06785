"""Checks of a downloaded file's kind: a login page or an error document may come with status 200."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydantic_core import from_json

from musicai_sdk._text import without_query
from musicai_sdk.errors import IntegrityError
from musicai_sdk.models.files import DownloadedFile
from musicai_sdk.models.outputs import file_name_in

_MEDIA_NAMES = (
    ".aac .aif .aiff .amr .au .caf .flac .m4a .m4b .mid .midi .mp2 .mp3 .mp4 .oga .ogg .opus .wav "
    ".wave .weba .wma .avi .mkv .mov .m4v .mpeg .mpg .webm .wmv .zip"
)
_TEXT_NAMES = ".htm .html .xhtml .xml .musicxml .svg .txt .lrc .srt .vtt .ass .csv .tsv .md"
_MEDIA, _TEXT = frozenset(_MEDIA_NAMES.split()), frozenset(_TEXT_NAMES.split())
"""Extensions of recordings, and of files that may be web pages or parts of web pages."""
_HEAD = 1024
_LARGEST_PARSED = 16 * 1024 * 1024
"""The most bytes of JSON to check by parsing. In a larger file, only the first and last characters are checked."""
_MARKUP = re.compile(rb"<[A-Za-z!?]")
_PAGE = re.compile(rb"<(!doctype\s+html|html|head|body|!--|\?xml|error\b)", re.IGNORECASE)
_RECORDING = re.compile(
    rb"RIFF|RF64|FORM|fLaC|OggS|ID3|MThd|caff|\.snd|#!AMR|\x1aE\xdf\xa3|0&\xb2u|\xff[\xe0-\xff]|.{4}ftyp|PK",
    re.DOTALL,
)
"""The first bytes of recordings, MIDI files and archives."""
_ANOTHER_KIND = re.compile(rb"\x89PNG|GIF8|\xff\xd8\xff|%PDF-")
_BLANK = b" \t\r\n\0"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected kind of a download."""

    url: str
    extensions: frozenset[str]
    """The extensions of the URL and the target, in lower case."""
    output: bool
    """Whether the download is an output of a job. Any other file may be a web page, unless its name has a known
    extension."""

    @classmethod
    def of(cls, url: str, target: Path, *, output: bool) -> Expected:
        """The expected kind of a URL's file."""
        extensions = {file_name_in(url).suffix.lower(), target.suffix.lower()} - {""}
        return cls(without_query(url), frozenset(extensions), output)


def check_content(file: BinaryIO, size: int, headers: Mapping[str, str], expected: Expected) -> None:
    """Checks that the contents of a complete file fit its name.

    A recording must not be a page, an error document or a picture; JSON must be JSON; an output must not be a web page
    unless its name says so. Other texts aren't checked.

    Raises:
        IntegrityError: the contents don't fit.
    """
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    problem = _problem(file, size, content_type, expected)
    if problem is not None:
        raise IntegrityError(f"the data from {expected.url} {problem}, and wasn't kept", url=expected.url)


def refuse_empty(file: DownloadedFile, url: str) -> DownloadedFile:
    """Returns the file, unless it is an empty recording, which is removed. A retry would only get it again.

    Raises:
        IntegrityError: the recording is empty.
    """
    if file.size:
        return file
    expected = Expected.of(url, file.path, output=True)
    if expected.extensions.isdisjoint(_MEDIA):
        return file
    file.path.unlink(missing_ok=True)
    raise IntegrityError(f"the data from {expected.url} is empty, and wasn't kept", url=expected.url)


def _problem(file: BinaryIO, size: int, content_type: str, expected: Expected) -> str | None:
    is_media, is_json = not expected.extensions.isdisjoint(_MEDIA), ".json" in expected.extensions
    if not (is_media or is_json) and (not expected.output or not expected.extensions.isdisjoint(_TEXT)):
        return None
    file.seek(0)
    head = file.read(_HEAD)
    if is_media:
        return _not_media(file, size, head, content_type)
    if is_json:
        return None if _is_json(file, size, head) else f"isn't JSON{_declared(content_type)}"
    is_page = _PAGE.match(head.removeprefix(_BOM).lstrip(_BLANK))
    return f"is a web page, not a file{_declared(content_type)}" if is_page else None


def _not_media(file: BinaryIO, size: int, head: bytes, content_type: str) -> str | None:
    if not head:
        return None  # see `refuse_empty`
    text = head.removeprefix(_BOM).lstrip(_BLANK)
    if _MARKUP.match(text):
        return f"is a web page or an error document, not a recording{_declared(content_type)}"
    if _ANOTHER_KIND.match(head):
        return f"is a picture or a document, not a recording{_declared(content_type)}"
    if text[:1] in (b"{", b"[") and _is_json(file, size, head):
        return f"is JSON, not a recording{_declared(content_type)}"
    textual = re.fullmatch(r"text/html|(application|text)/((xhtml\+)?xml|json)", content_type)
    return f"isn't a recording{_declared(content_type)}" if textual and not _RECORDING.match(head) else None


def _is_json(file: BinaryIO, size: int, head: bytes) -> bool:
    if len(head) == size:
        return _parses(head)
    if size <= _LARGEST_PARSED:
        file.seek(0)
        return _parses(file.read())
    file.seek(size - _HEAD)
    tail = file.read()
    # A list or an object: no other JSON value is that large.
    return head.removeprefix(_BOM).lstrip()[:1] + tail.rstrip()[-1:] in (b"[]", b"{}")


def _parses(data: bytes) -> bool:
    if data.startswith(b"\x1f\x8b"):
        return True  # the storage doesn't announce the coding
    try:
        from_json(data.removeprefix(_BOM))
    except ValueError:
        try:
            json.loads(data)  # slower, but accepts more: lone surrogates, UTF-16, deep nesting
        except RecursionError:
            return True
        except ValueError:
            return False
    return True


def _declared(content_type: str) -> str:
    return f" ({content_type})" if content_type else ""
