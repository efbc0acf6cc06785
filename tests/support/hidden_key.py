"""The texts that error reports make of an error, to check that they don't contain the API key."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, cast

KEY = f"guarded-{0x0F3A}-key"  # split, because tracebacks quote source lines
_TESTS = str(Path(__file__).parents[1])


def shown(error: BaseException) -> Iterator[str]:
    """The texts that error reports make of an error: of all local variables, by `repr`, and texts as they are."""
    seen = set[int]()
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        left += each.__cause__, each.__context__
        yield f"{each!r} {each} {vars(each)!r}"
        below = each.__traceback__
        while below is not None and _in_tests(below.tb_frame):  # the tests have the key in their variables
            below = below.tb_next
        yield from traceback.TracebackException(type(each), each, below, capture_locals=True).format()
        for frame, _ in traceback.walk_tb(each.__traceback__):
            if not _in_tests(frame):
                yield f"{frame.f_code.co_qualname}: {flat(dict(frame.f_locals))}"


def _in_tests(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_TESTS)


def flat(value: object) -> str:
    """A value as Sentry sends it."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return " ".join(f"{name}={flat(each)}" for name, each in cast("Mapping[str, object]", value).items())
    if isinstance(value, list | tuple):
        return " ".join(map(flat, cast("Sequence[Any]", value)))
    return repr(value)


def assert_hidden(error: BaseException) -> None:
    for text in shown(error):
        assert KEY not in text
