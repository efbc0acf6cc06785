"""Checks of a downloaded file's kind: a login page or an error document may come with status 200."""

from __future__ import annotations

import codecs
import json
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pydantic_core import from_json

from musicai_sdk._containers import boxes, chunks
from musicai_sdk._core.denials import is_error, text_of
from musicai_sdk._text import without_query
from musicai_sdk.errors import IntegrityError
from musicai_sdk.models.outputs import file_name_in

_MEDIA_NAMES = (
    ".aac .aif .aiff .amr .au .caf .flac .m4a .m4b .mid .midi .mp2 .mp3 .mp4 .oga .ogg .opus .wav "
    ".wave .weba .wma .avi .mkv .mov .m4v .mpeg .mpg .webm .wmv .zip"
)
_MEDIA, _PAGES = frozenset(_MEDIA_NAMES.split()), frozenset({".htm", ".html", ".xhtml"})
"""Extensions of recordings, and of web pages."""
_TEXT_NAMES = ".xml .musicxml .svg .txt .lrc .srt .vtt .ass .csv .tsv .md"
_TEXTS = frozenset(_TEXT_NAMES.split())
"""Extensions of texts that may contain markup."""
_HEAD = 1024
ERROR_SIZE = 64 * 1024
"""The most bytes of a server's error."""
_LARGEST_PARSED = 16 * 1024 * 1024
"""The most bytes of JSON to check by parsing. In a larger file, only the first and last characters are checked."""
_UNKNOWN_SIZE = 0x7FFF0000
"""The size from which a number in a header means that the size wasn't known."""
_MARKUP = re.compile(rb"<[A-Za-z!?]")
_PAGE = re.compile(rb"<(!doctype\s+html|html|head|body|!--|\?xml|error\b)", re.IGNORECASE)
_HTML = re.compile(
    rb"<(title|meta|link|script|noscript|style|base|div|span|form|center|table|h[1-6]|p|a|br|hr|img|iframe|main|section"
    rb"|header|nav)\b",
    re.IGNORECASE,
)
_ERROR_XML = re.compile(rb"(<\?xml[^>]*>\s*)?<error\b", re.IGNORECASE)
_WHOLE_PAGE = re.compile(
    rb"(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<(!doctype\s+html\b|html\b[^>]*>\s*<)", re.IGNORECASE | re.DOTALL
)
_MARKUP_TYPES = re.compile(r"text/html|(application|text)/(.*\+)?(xml|json)")
_RECORDING = re.compile(
    rb"RIFF|RF64|FORM|fLaC|OggS|ID3|MThd|caff|\.snd|#!AMR|\x1aE\xdf\xa3|0&\xb2u|\xff[\xe0-\xff]|.{4}ftyp|PK",
    re.DOTALL,
)
"""The first bytes of recordings, MIDI files and archives."""
_ANOTHER_KIND = re.compile(rb"\x89PNG|GIF8|\xff\xd8\xff|%PDF-")
_GZIP = b"\x1f\x8b"
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
    json_kinds: frozenset[type] | None = None
    """The kinds of JSON values that the output's type allows; None if it isn't declared as JSON."""

    @classmethod
    def of(
        cls, url: str, target: Path, *, output: bool, json_kinds: frozenset[type] | None = None
    ) -> Expected:
        """The expected kind of a URL's file."""
        extensions = {file_name_in(url).suffix.lower(), target.suffix.lower()} - {""}
        return cls(without_query(url), frozenset(extensions), output, json_kinds)


def check_content(file: BinaryIO, size: int, headers: Mapping[str, str], expected: Expected) -> None:
    """Checks that the contents of a complete file fit its name.

    A recording must not be a page, an error document, another text or a picture, nor empty or shorter than its header
    says; JSON must be JSON and no server's error, and in an output a value, of the declared kind if one is declared; an
    output must not be a web page unless its name says so, nor an error document.

    Raises:
        IntegrityError: the contents don't fit.
    """
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    problem = _problem(file, size, content_type, expected)
    if problem is not None:
        raise IntegrityError(f"the data from {expected.url} {problem}, and wasn't kept", url=expected.url)


def refuse_empty(size: int, expected: Expected) -> None:
    """Checks that an output isn't an empty recording. A retry would only get it again.

    Raises:
        IntegrityError: it is one.
    """
    if size == 0 and expected.output and not expected.extensions.isdisjoint(_MEDIA):
        raise IntegrityError(f"the data from {expected.url} is empty, and wasn't kept", url=expected.url)


def refuse_error(content: bytes | bytearray, url: str) -> None:
    """Raises `IntegrityError` if the content of a JSON file is a server's error. Larger documents than `ERROR_SIZE` aren't."""
    if len(content) <= ERROR_SIZE and content.removeprefix(_BOM).lstrip()[:1] == b"{":
        value = _parsed(bytes(content))
        if is_error(value):
            raise IntegrityError(f"the data from {url} is an error document, not a result", url=url)


def _problem(file: BinaryIO, size: int, content_type: str, expected: Expected) -> str | None:
    is_json = ".json" in expected.extensions or expected.json_kinds is not None
    is_media = expected.json_kinds is None and not expected.extensions.isdisjoint(_MEDIA)
    if not (is_media or is_json) and (not expected.output or not expected.extensions.isdisjoint(_PAGES)):
        return None
    file.seek(0)
    head = file.read(_HEAD)
    if is_media:
        return _not_media(file, size, head, content_type)
    if is_json:
        return _not_json(file, size, head, content_type, expected)
    text = text_of(head)
    may_be_json = text[:1] in (b"{", b"[") or head.startswith(_GZIP)
    if _ERROR_XML.match(text) or (may_be_json and len(head) == size and is_error(_parsed(head))):
        return f"is an error document, not a file{_declared(content_type)}"
    if not expected.extensions.isdisjoint(_TEXTS):
        is_page = bool(_WHOLE_PAGE.match(text))
    else:
        is_html = content_type in ("text/html", "application/xhtml+xml")
        is_page = bool(_PAGE.match(text) or (is_html and _HTML.match(text)))
    return f"is a web page, not a file{_declared(content_type)}" if is_page else None


def _is_printable(head: bytes) -> bool:
    try:
        # The last character may be cut.
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(each.isprintable() or each.isspace() for each in text)


def _not_media(file: BinaryIO, size: int, head: bytes, content_type: str) -> str | None:
    if not head:
        return None  # see `refuse_empty`
    text = text_of(head)
    if _MARKUP.match(text):
        return f"is a web page or an error document, not a recording{_declared(content_type)}"
    if _ANOTHER_KIND.match(head):
        return f"is a picture or a document, not a recording{_declared(content_type)}"
    if text[:1] in (b"{", b"[") and _read_json(file, size, head) is not _NO_JSON:
        return f"is JSON, not a recording{_declared(content_type)}"
    is_text = content_type.startswith("text/") and _is_printable(head)
    if (is_text or _MARKUP_TYPES.fullmatch(content_type)) and not _RECORDING.match(head):
        return f"isn't a recording{_declared(content_type)}"
    # Reading a small file again would cost as much as checking it.
    announced = _announced_size(BytesIO(head) if len(head) == size else file, size, head)
    if announced == 0:
        return "is the header of a recording without the recording"
    if announced is not None and size < announced:
        return f"is only the beginning of a recording: {size:,} of {announced:,} bytes"
    return None


def _announced_size(file: BinaryIO, size: int, head: bytes) -> int | None:
    """The size of a recording according to its headers; None if they don't agree on one, or for other formats.

    It is 0 if the file ends after its headers.

    A program that writes to a pipe can't know the size, and leaves zeros or the largest numbers in the headers.
    """
    if head[4:8] == b"ftyp":
        ends = [at + length for at, name, _, length in boxes(file, 0, size) if name in _BOXES_NEEDED]
        return max(ends, default=None)
    order, form, samples = _CHUNKS.get((head[:4], head[8:12]), ("", b"", b""))
    if not order:
        return None
    (whole,) = struct.unpack_from(f"{order}I", head, 4)
    is_described = False
    for at, name, length in chunks(file, order, head[8:12]):
        if name == samples:
            end = at + 8 + length
            if is_described and not length and size <= end:
                return 0
            return end if is_described and length and end <= whole + 8 < _UNKNOWN_SIZE else None
        is_described = is_described or name == form
    return None


_CHUNKS = {
    (b"RIFF", b"WAVE"): ("<", b"fmt ", b"data"),
    (b"FORM", b"AIFF"): (">", b"COMM", b"SSND"),
    (b"FORM", b"AIFC"): (">", b"COMM", b"SSND"),
}
"""The byte order of WAV and AIFF files, and the chunks with the format and the samples."""
_BOXES_NEEDED = (b"mdat", b"moov", b"moof")
"""The boxes of an MP4 file with samples or their index."""


def _not_json(file: BinaryIO, size: int, head: bytes, content_type: str, expected: Expected) -> str | None:
    value = _read_json(file, size, head)
    if value is _UNREAD:
        return None
    if value is _NO_JSON:
        return f"isn't JSON{_declared(content_type)}"
    if is_error(value):
        return f"is an error document, not a result{_declared(content_type)}"
    kinds = expected.json_kinds
    if kinds is not None and type(value) not in kinds:
        declared = " or ".join(sorted(_JSON_KINDS[kind] for kind in kinds))
        return f"is {_JSON_KINDS[type(value)]}, not {declared} as declared{_declared(content_type)}"
    if expected.output and kinds is None and isinstance(value, str | bool | None):
        return f"is {json.dumps(value)[:50]}, not a result{_declared(content_type)}"
    return None


_JSON_KINDS: Mapping[type, str] = {
    dict: "a JSON object",
    list: "a JSON array",
    str: "a JSON text",
    bool: "true or false",
    int: "a JSON number",
    float: "a JSON number",
    type(None): "null",
}
_NO_JSON, _UNREAD = object(), object()


def _read_json(file: BinaryIO, size: int, head: bytes) -> object:
    """The value of a JSON file; `_UNREAD` if it can't be read at once, `_NO_JSON` if it isn't JSON."""
    if len(head) == size:
        return _parsed(head)
    if size <= _LARGEST_PARSED:
        file.seek(0)
        return _parsed(file.read())
    file.seek(size - _HEAD)
    tail = file.read()
    # A list or an object: no other JSON value is that large.
    is_json = head.removeprefix(_BOM).lstrip()[:1] + tail.rstrip()[-1:] in (b"[]", b"{}")
    return _UNREAD if is_json else _NO_JSON


def _parsed(data: bytes) -> object:
    if data.startswith(_GZIP):  # the storage doesn't announce the coding
        unzipping = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            data = unzipping.decompress(data, _LARGEST_PARSED)
        except zlib.error:
            return _UNREAD
        if not unzipping.eof or data.startswith(_GZIP):
            return _UNREAD
    try:
        return from_json(data.removeprefix(_BOM))
    except ValueError:
        try:
            return json.loads(data)  # slower, but accepts more: lone surrogates, UTF-16, deep nesting
        except RecursionError:
            return _UNREAD
        except ValueError:
            return _NO_JSON


def _declared(content_type: str) -> str:
    return f" ({content_type})" if content_type else ""
