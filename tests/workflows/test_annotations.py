"""Annotations as text: the types of a class are found wherever the class is declared."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Sequence
from enum import IntEnum
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from musicai_sdk import MusicAiClient, Workflow
from musicai_sdk.errors import InputError
from musicai_sdk.sandbox import Sandbox

if TYPE_CHECKING:  # as linters require for names that only annotations use
    from decimal import Decimal

    from musicai_sdk import FileInput, UploadedFile


class OnlyForCheckers(Workflow, slug="sdk-test"):
    file: FileInput
    other: UploadedFile | None = None


class Unreadable(Workflow, slug="acme-mastering"):
    file: FileInput
    gain: Decimal | None = None


def uploads(sandbox: Sandbox) -> int:
    return sum(entry.path.endswith("/upload") for entry in sandbox.requests)


def test_imported_for_type_checkers_only(client: MusicAiClient, sandbox: Sandbox, song: Path) -> None:
    job = client.jobs.run(OnlyForCheckers(file=str(song)))
    assert (job.succeeded, uploads(sandbox)) == (True, 1)
    with pytest.raises(InputError, match="other can't be 'https://h/a'"):
        OnlyForCheckers(file="https://h/a", other="https://h/a")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_declared_in_a_function(client: MusicAiClient, sandbox: Sandbox, song: Path) -> None:
    from musicai_sdk import FileInput as Input

    class Level(IntEnum):
        LOUD = 3

    class Other:
        class Mastering(Workflow, slug="sdk-test"):
            file: Input
            level: Level | None = None

    job = client.jobs.run(Other.Mastering(file=str(song), level=Level.LOUD))
    assert (job.succeeded, uploads(sandbox)) == (True, 1)
    assert (job["workflowParams"] or {})["level"] == 3
    with pytest.raises(InputError, match="level can't be 'loud'"):
        Other.Mastering(file="https://h/a", level="loud")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_declared_below_classes_of_other_modules() -> None:
    from decimal import Decimal as Number

    class Rounded(OnlyForCheckers):
        @override
        def __init_subclass__(cls, *, slug: str | None = None, places: int = 0) -> None:
            super().__init_subclass__(slug=slug)
            cls.slug += f"-{places}"

        gain: Number | None = None

    def inner() -> type[Rounded]:
        from fractions import Fraction as Number

        class Mastering(Rounded, slug="acme", places=2):
            key: Number

        return Mastering

    made: Any = inner()
    assert made(file="https://h/a", gain=Number(1), key=Fraction(1)).slug == "acme-2"
    with pytest.raises(InputError, match=r"gain can't be Fraction.*, key can't be Decimal"):
        made(file="https://h/a", gain=Fraction(1), key=Number(1))


def test_an_unreadable_annotation_says_what_to_do() -> None:
    class Below(Unreadable): ...

    for kind in (Unreadable, Below):
        with pytest.raises(InputError) as caught:
            kind(file="https://h/a")
        assert str(caught.value) == (
            f"{kind.__name__}: the annotation of gain can't be read at run time:"
            " define Decimal before the class, and import it outside `if TYPE_CHECKING:`"
        )


TEXTS = """
import datetime
from typing import Optional
from musicai_sdk import Workflow

FileInput = int

class Own(Workflow, slug="own"):
    file: "FileInput"
    date: "datetime.date | None" = None
    datetime: "datetime.datetime | None" = None

class Misspelt(Workflow, slug="own"):
    date: "datetime.dat"

def declare():
    class Local: ...
    class Mastering(Workflow, slug="own"):
        many: list["Local"]
        one: Optional["Local"] = None
    return Local, Mastering
"""


def test_names_of_the_module_take_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "workflows_as_text.py").write_text(TEXTS)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    module: Any = import_module("workflows_as_text")
    assert module.Own(file=3).to_params() == {"file": 3}
    with pytest.raises(InputError, match=r"file can't be 'a\.wav'"):
        module.Own(file="a.wav")
    with pytest.raises(InputError, match=r"annotation of date can't be read .*: .* no attribute 'dat'"):
        module.Misspelt(date=None)
    local, mastering = module.declare()
    made = mastering(many=[local()], one=local())
    with pytest.raises(InputError, match="one can't be 3"):
        mastering(many=made.many, one=3)
    del sys.modules["workflows_as_text"]


def test_a_class_is_freed_with_its_function() -> None:
    class Unused: ...

    def declare() -> Sequence[weakref.ref[Any]]:
        class Kind: ...

        unused, named = Unused(), Kind

        class Mastering(Workflow, slug="acme-mastering"):
            kind: Kind

        Mastering(kind=named())
        return weakref.ref(unused), weakref.ref(Mastering), weakref.ref(named)

    unused, *rest = declare()
    assert unused() is None, "the class keeps only the names in its annotations"
    for _ in range(2):  # the data stored for a class is freed with it
        gc.collect()
    assert [each() for each in rest] == [None, None]
