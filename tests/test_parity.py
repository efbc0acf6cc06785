"""Both colours have the same names, signatures and documentation: they are written twice, so they are compared."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, get_overloads, overload

import pytest

from musicai_sdk import AsyncMusicAiClient, MusicAiClient
from musicai_sdk.resources import (
    Applications,
    AsyncApplications,
    AsyncFiles,
    AsyncJobList,
    AsyncJobs,
    AsyncWorkflows,
    Files,
    JobList,
    Jobs,
    Workflows,
)

SPECIAL = {"__enter__": "__aenter__", "__exit__": "__aexit__", "__iter__": "__aiter__"}
"""The special methods that have another name in the asynchronous colour."""
ALSO_ASYNCHRONOUS = {"__await__"}
"""Special methods that only the asynchronous colour can have."""
NEITHER = {"base_url", "get_headers", "record"}
"""What isn't awaited in either colour: no I/O."""
LAZY = NEITHER | {"list"}
"""The same for jobs: I/O begins with the iteration."""

PAIRS: list[tuple[type, type, set[str]]] = [
    (MusicAiClient, AsyncMusicAiClient, NEITHER),
    (Jobs, AsyncJobs, LAZY),
    (Files, AsyncFiles, NEITHER),
    (Workflows, AsyncWorkflows, NEITHER),
    (Applications, AsyncApplications, NEITHER),
    (JobList, AsyncJobList, NEITHER | {"pages"}),
]
OWN_EXAMPLES = {MusicAiClient, JobList}
"""Where the documentation of the class itself shows how its colour is used; its first sentence must agree still."""


def differences(sync: type, asynchronous: type, plain: set[str], *, own_example: bool = False) -> list[str]:
    """What differs between two colours apart from the colour."""
    found = _different("documentation", _class_doc(sync, own_example), _class_doc(asynchronous, own_example))
    found += _different("attributes", _attributes(sync), _attributes(asynchronous))
    ours, theirs = _members(sync), _members(asynchronous)
    expected = {SPECIAL.get(name, name) for name in ours}
    found += [f"{name}: only in {sync.__name__}" for name in sorted(expected - theirs.keys())]
    extra = theirs.keys() - expected - ALSO_ASYNCHRONOUS
    found += [f"{name}: only in {asynchronous.__name__}" for name in sorted(extra)]
    for name, member in ours.items():
        twin = theirs.get(SPECIAL.get(name, name))
        if twin is not None:
            found += [f"{name}: {problem}" for problem in _compared(member, twin, awaited=name not in plain)]
    return found


def _compared(member: Any, twin: Any, *, awaited: bool) -> Iterator[str]:
    if isinstance(member, property) and isinstance(twin, property):
        yield from _different("documentation", member.__doc__, twin.__doc__)
        yield from _different("setter", member.fset is None, twin.fset is None)
        yield from _signatures_compared(member.fget, twin.fget)
        return
    if not (inspect.isfunction(member) and inspect.isfunction(twin)):
        yield f"{member!r} and {twin!r} can't be compared"
        return
    yield from _different("documentation", member.__doc__, twin.__doc__)
    yield from _signatures_compared(member, twin)
    overloads, twins = get_overloads(member), get_overloads(twin)
    yield from _different("number of overloads", len(overloads), len(twins))
    for number, (one, other) in enumerate(zip(overloads, twins, strict=False)):
        for problem in _signatures_compared(one, other):
            yield f"overload {number}: {problem}"
    suspends = awaited and member.__name__ not in {"__init__", "__iter__"}
    for kind, function, awaitable in [
        *(("sync", function, False) for function in (member, *overloads)),
        *(("async", function, suspends) for function in (twin, *twins)),
    ]:
        if inspect.iscoroutinefunction(function) != awaitable:
            yield f"the {kind} one must {'' if awaitable else 'not '}be a coroutine function"


def _signatures_compared(member: Any, twin: Any) -> Iterator[str]:
    mine, other = inspect.signature(member), inspect.signature(twin)
    yield from _different("parameters", _parameters(mine), _parameters(other))
    yield from _different("return", _colourless(mine.return_annotation), _colourless(other.return_annotation))


def _parameters(signature: inspect.Signature) -> list[tuple[str, str, str, str]]:
    return [
        (each.name, each.kind.description, _colourless(each.annotation), repr(each.default))
        for each in signature.parameters.values()
    ]


def _colourless(annotation: Any) -> str:
    """`AsyncJobs`, `httpx.AsyncClient` and `AsyncIterator[…]` are those of the other colour without `Async`."""
    text = annotation if isinstance(annotation, str) else repr(annotation)
    return re.sub(r"\bAsync(?=[A-Z])", "", text)


def _attributes(cls: type) -> dict[str, str]:
    annotations: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        annotations |= inspect.get_annotations(base)
    return {name: _colourless(value) for name, value in annotations.items() if not name.startswith("_")}


def _members(cls: type) -> dict[str, Any]:
    """The public members and the special methods, inherited ones included."""
    own = [base for base in cls.__mro__ if base is not object]
    names = {name for base in own for name in vars(base)}
    special = {"__init__", *SPECIAL, *SPECIAL.values(), *ALSO_ASYNCHRONOUS}
    public = sorted(name for name in names if name in special or not name.startswith("_"))
    return {name: inspect.getattr_static(cls, name) for name in public}


def _class_doc(cls: type, own_example: bool) -> str | None:
    doc = re.sub(r"\b[Aa]synchronous\b", "synchronous", cls.__doc__ or "")
    return doc.split(".")[0] if own_example else doc


def _different(what: str, mine: object, other: object) -> list[str]:
    return [] if mine == other else [f"{what}: {mine!r} != {other!r}"]


@pytest.mark.parametrize(
    ("sync", "asynchronous", "plain"), PAIRS, ids=lambda value: getattr(value, "__name__", "")
)
def test_both_colours_are_the_same(sync: type, asynchronous: type, plain: set[str]) -> None:
    found = differences(sync, asynchronous, plain, own_example=sync in OWN_EXAMPLES)
    assert not found, "\n".join(found)
    assert sync.__doc__
    assert asynchronous.__doc__


def test_every_room_is_compared() -> None:
    members: dict[str, object] = vars(MusicAiClient("key"))
    rooms = {type(member).__name__ for member in members.values() if hasattr(member, "_session")}
    assert rooms == {"Jobs", "Files", "Workflows", "Applications"}
    assert rooms < {sync.__name__ for sync, _, _ in PAIRS}


class Left:
    """Does something."""

    size: int

    def same(self, a: int, *, b: str = "x") -> list[int]:
        """Is the same."""
        return [a]

    @overload
    def twice(self, a: int) -> int: ...
    @overload
    def twice(self, a: str) -> str: ...
    def twice(self, a: int | str) -> int | str:
        """Has overloads."""
        return a

    def __iter__(self) -> Iterator[int]:
        """Gives numbers."""
        return iter(())


class AsyncLeft:
    """Does something."""

    size: int

    async def same(self, a: int, *, b: str = "x") -> list[int]:
        """Is the same."""
        return [a]

    @overload
    async def twice(self, a: int) -> int: ...
    @overload
    async def twice(self, a: str) -> str: ...
    async def twice(self, a: int | str) -> int | str:
        """Has overloads."""
        return a

    async def __aiter__(self) -> AsyncIterator[int]:
        """Gives numbers."""
        yield 1


class Drifted:
    """Does something else."""

    size: str

    async def same(self, a: int, c: str = "y") -> list[str]:
        """Is the same, or not."""
        return [c]

    def twice(self, a: int | str) -> int | str:
        """Has overloads."""
        return a

    async def more(self) -> None:
        """Is new."""


def test_the_comparison_accepts_equal_colours() -> None:
    assert differences(Left, AsyncLeft, NEITHER) == []


def test_the_comparison_finds_every_drift() -> None:
    found = "\n".join(differences(Left, Drifted, NEITHER))
    for problem in (
        "documentation: 'Does something.' != 'Does something else.'",
        "attributes: {'size': 'int'} != {'size': 'str'}",
        "same: documentation: 'Is the same.' != 'Is the same, or not.'",
        """('b', 'keyword-only', 'str', "'x'")] != """,
        """('c', 'positional or keyword', 'str', "'y'")]""",
        "same: return: 'list[int]' != 'list[str]'",
        "twice: number of overloads: 2 != 0",
        "twice: the async one must be a coroutine function",
        "__aiter__: only in Left",
        "more: only in Drifted",
    ):
        assert problem in found


@pytest.mark.parametrize("name", ["same", "twice"])
def test_the_comparison_finds_a_missing_method(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(AsyncLeft, name)
    assert differences(Left, AsyncLeft, NEITHER) == [f"{name}: only in Left"]


def test_the_comparison_finds_a_drifted_overload(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = get_overloads(AsyncLeft.twice)
    monkeypatch.setattr(first, "__annotations__", {"a": "int", "return": "float"})
    found = differences(Left, AsyncLeft, NEITHER)
    assert found == ["twice: overload 0: return: 'int' != 'float'"]
    assert second.__annotations__["return"] == "str"


def test_the_comparison_finds_what_is_awaited_by_mistake() -> None:
    assert differences(Left, AsyncLeft, {"same"}) == [
        "same: the async one must not be a coroutine function",
    ]
