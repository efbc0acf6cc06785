"""The version of a stored object, as the headers of answers show it: whether two answers are parts of one version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from musicai_sdk._core.checksums import Check
from musicai_sdk._core.retry import parse_http_date

_SETTLED = 60.0
"""The least seconds between an object's modification and the answer's `Date` for the former to identify the version.

An object may change again within the same second. RFC 9110 (8.8.2.2) demands one second if both times are of one clock,
which a client can't know; its predecessor, RFC 7232, demanded a minute.
"""


@dataclass(frozen=True)
class Version:
    """The version of the object to which a part belongs."""

    validator: str
    """The value for `If-Range`: the strong ETag, or else the modification time."""
    size: int
    """The size of the whole object in bytes."""
    digests: Mapping[str, str] = field(default_factory=dict[str, str])
    """The digests of the whole object by algorithm, in base64."""
    marks: Mapping[str, str] = field(default_factory=dict[str, str])
    """The headers that a change of the object would change, by name; see `marks_of`."""

    @property
    def is_checked(self) -> bool:
        """Whether the digest of the whole object will be checked, so that it also proves the bytes of an earlier call."""
        return Check(self.digests).algorithm != "none"


def validator(headers: Mapping[str, str]) -> str | None:
    """The validator of an answer's version.

    Not a weak ETag or a recent modification time, which two versions may share, so that their parts could be mixed.
    """
    etag = headers.get("etag", "")
    if etag.startswith('"'):
        return etag
    modified, date = headers.get("last-modified", ""), headers.get("date", "")
    if not modified or not date:
        return None
    then, now = parse_http_date(modified), parse_http_date(date)
    is_settled = then is not None and now is not None and (now - then).total_seconds() >= _SETTLED
    return modified if is_settled else None


def marks_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that differ between two versions of an object.

    Beside a strong ETag, the modification time says nothing: the machines of one service may differ in it.
    """
    names = ["etag", "x-goog-generation", "x-amz-version-id"]
    if not headers.get("etag", "").startswith('"'):
        names.append("last-modified")
    return {name: headers[name] for name in names if headers.get(name)}


def is_of(headers: Mapping[str, str], version: Version) -> bool:
    """Whether a partial answer is certainly of this version. Needed because some servers ignore `If-Range`.

    The answer must repeat the validator, and mustn't contradict any other header of the version. A weak ETag can't
    confirm a version, but a different one proves that the object has changed.
    """
    name = "etag" if version.validator.startswith('"') else "last-modified"
    known = {**version.marks, name: version.validator}
    found = marks_of(headers)
    return found.get(name) == version.validator and all(known.get(each) == found[each] for each in found)
