"""Parsers of headers accept any text of a server, and never raise."""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st

from musicai_sdk._core.checksums import Check, announced
from musicai_sdk._core.content import _length, content_range
from musicai_sdk._core.object_version import Version, validator
from musicai_sdk._core.resume import Partial
from musicai_sdk._core.retry import LONGEST_RETRY_AFTER, delay, parse_retry_after
from musicai_sdk.errors import RateLimitError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATIN = st.text(st.characters(max_codepoint=255))
"""The characters of headers."""
DATES = st.builds(
    "{} {} {} {} {}".format,
    st.sampled_from(["Fri,", "Mon,", "", "x"]),
    st.integers(-1, 40) | st.just("٣"),
    st.sampled_from(["Jan", "Foo", "1"]) | st.integers(),
    st.integers(-1, 99_999),
    st.from_regex(r"\d{1,3}(:\d{0,3}){0,3} ([A-Z]{0,5}|[-+]\d{0,30})", fullmatch=True),
)
"""Texts that resemble dates."""
DIGITS = st.from_regex(r"[0-9]{1,40}", fullmatch=True) | st.sampled_from(["9" * 400, "9" * 5_000])


@given(st.integers(0, 10**9), st.text(" \t", max_size=3))
def test_retry_after_in_seconds(seconds: int, spaces: str) -> None:
    assert parse_retry_after(f"{spaces}{seconds}{spaces}", NOW) == seconds


@given(st.integers(-(10**6), 10**9), st.integers(-23, 23))
def test_retry_after_as_a_date(seconds: int, zone: int) -> None:
    moment = NOW + timedelta(seconds=seconds)
    assert parse_retry_after(format_datetime(moment, usegmt=True), NOW) == max(0, seconds)
    local = moment.replace(tzinfo=UTC) + timedelta(hours=zone)
    text = local.strftime("%d %b %Y %H:%M:%S ") + f"{'+' if zone >= 0 else '-'}{abs(zone):02}00"
    assert parse_retry_after(text, NOW) == max(0, seconds)


@given(LATIN | st.text() | DATES | DIGITS)
@example("Fri, 02 Jan 2026 03:04:15 +99999999999999999999")
@example("9" * 5000)
def test_retry_after_accepts_any_text(header: str) -> None:
    seconds = parse_retry_after(header, NOW)
    assert seconds is None or (seconds >= 0 and not math.isnan(seconds))
    error = RateLimitError("slow down", status=429, message="slow down")
    error.retry_after = seconds
    if seconds is not None and seconds <= LONGEST_RETRY_AFTER:
        assert seconds <= delay(error, 1) <= seconds * 1.25 + 0.5


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 10**15))
def test_content_range(start: int, more: int, rest: int) -> None:
    last, size = start + more, start + more + 1 + rest
    for spelling in ("bytes {}-{}/{}", "Bytes {}-{}/{}", "bytes={}-{}/{}", " bytes  {} - {} / {} "):
        assert content_range({"content-range": spelling.format(start, last, size)}) == (start, last, size)
    assert content_range({"content-range": f"bytes {start}-{last}/{last}"}) is None
    assert content_range({"content-range": f"bytes {last + 1}-{start}/{size}"}) is None
    assert content_range({"content-range": f"bytes {start}-{last}/{size}, bytes 0-0/1"}) is None
    assert content_range({"content-range": f" bytes {start}-{last}/* "}) is None
    assert content_range({"content-range": f"bytes */{size}"}) is None


@given(LATIN | st.builds("bytes {}-{}/{}".format, LATIN | DIGITS, LATIN | DIGITS, LATIN | DIGITS))
@example(f"bytes 0-1/{'9' * 5000}")
@example("bytes 0-1/²")
def test_content_range_accepts_any_text(header: str) -> None:
    found = content_range({"content-range": header})
    assert found is None or 0 <= found.first <= found.last < found.size


@given(LATIN | st.from_regex(r"[0-9]{1,20}", fullmatch=True))  # the HTTP library refuses longer ones
@example("²")
def test_content_length_accepts_any_text(header: str) -> None:
    size = _length({"content-length": header})
    assert size is None or (size >= 0 and str(size) == header.lstrip("0").rjust(1, "0"))


@given(
    st.dictionaries(
        st.sampled_from(["x-goog-hash", "content-md5", "etag", "last-modified", "date"]), LATIN | DATES
    )
)
def test_digests_and_versions_accept_any_text(headers: dict[str, str]) -> None:
    for digest in announced(headers).values():
        assert digest
    check = Check(announced(headers))
    check.update(b"123")
    assert check.passed() in (True, False)
    tag = validator(headers)
    assert tag is None or not tag.startswith("W/")


NUMBERS = st.integers() | st.integers(0, 60) | st.floats() | DIGITS


@settings(max_examples=100)
@given(
    st.binary(max_size=60),
    st.text()
    | st.sampled_from(['{"validator": "x", "size": 9, "digests": {}}', "[]", "1", "null"])
    | st.builds(
        '{{"version": {{"validator": "x", "size": {}, "digests": {}, "marks": {{}}}}, "source": "{}", "length": {},'
        ' "crc32": {}}}'.format,
        NUMBERS,
        st.sampled_from(["{}", "[]", "1", "[[1, 2]]", '"ab"', '{"md5": "m"}']),
        st.sampled_from(["", hashlib.sha256().hexdigest()]),
        NUMBERS,
        NUMBERS,
    ),
)
def test_a_note_accepts_any_content(part: bytes, note: str) -> None:
    with TemporaryDirectory() as folder:
        Path(folder, "song.wav.part").write_bytes(part)
        Path(folder, "song.wav.part-of").write_text(note, encoding="utf-8", errors="replace")
        with Partial(Path(folder, "song.wav")) as partial:
            offset, version = partial.resumable()
        assert (version is None) == (offset == 0)
        assert version is None or 0 < offset <= min(len(part), version.size - 1)


@settings(max_examples=40)
@given(st.integers(0, 40), st.integers(1, 40))
def test_at_most_all_but_one_byte_is_kept(size: int, whole: int) -> None:
    with TemporaryDirectory() as folder:
        version = Version('"a"', whole, {"md5": "m"})
        expected = min(size, whole - 1)
        for _ in range(2):
            with Partial(Path(folder, "song.wav")) as partial:
                partial.begin(0, bytes)
                partial.write(bytes(size))
                partial.describe(version)
                assert partial.resumable() == ((expected, version) if expected else (0, None))
