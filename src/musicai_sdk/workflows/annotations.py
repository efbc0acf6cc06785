"""What the annotations of a workflow class stand for: text, under `from __future__ import annotations`, until it is read.

The names in such a text are looked up where the class is declared: in its function, in its module, then in the class.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterator, Mapping
from inspect import currentframe
from typing import Any, ForwardRef, cast, get_args, get_type_hints

from musicai_sdk.errors import InputError

_LOCAL_NAMES = "__local_names__"
"""The attribute of a class that holds them."""
_NAME = re.compile(r"[^\W\d]\w*")


def keep_local_names(declared: type) -> None:
    """Keeps the names in a dataclass's annotations that only the function has in which it is declared.

    To be called while the class is being made: afterwards that function may have ended. Only these names are kept,
    because everything else in the function would live as long as the class.
    """
    function, in_function, _ = declared.__qualname__.rpartition(".<locals>.")
    names = set[str]()
    if in_function:
        for field in dataclasses.fields(cast("Any", declared)):
            for text in _texts(field.type):
                names.update(_NAME.findall(text))
    frame = currentframe() if names else None
    # Not so many steps up: a class that overrides `__init_subclass__`, or a metaclass, may stand between.
    while frame is not None:
        if frame.f_code.co_qualname == function and frame.f_globals.get("__name__") == declared.__module__:
            found = frame.f_locals
            setattr(declared, _LOCAL_NAMES, {name: found[name] for name in names if name in found})
            return
        frame = frame.f_back


def type_hints(declared: type, fallback: Mapping[str, Any]) -> dict[str, Any]:
    """The types of a dataclass's fields.

    Args:
        declared: The class.
        fallback: Names that are known even where they are only imported for type checkers.

    Raises:
        InputError: an annotation can't be read.
    """
    hints = dict[str, Any]()
    for field in dataclasses.fields(cast("Any", declared)):
        owner = _owner(declared, field)
        # The module before the class, as `typing` has it: in `date: date | None = None` the class's own is the default.
        around = {
            **fallback,
            **{each.__name__: each for each in getattr(owner, "__type_params__", ())},
            **vars(owner),
            **getattr(sys.modules.get(owner.__module__), "__dict__", {}),
        }
        local = vars(owner).get(_LOCAL_NAMES, {})
        read = type("Annotated", (), {"__annotations__": {field.name: field.type}})
        try:
            hints |= get_type_hints(read, around, local, include_extras=True)
        except (NameError, AttributeError, SyntaxError, TypeError) as error:
            why = f"{error}"
            if isinstance(error, NameError):
                why = f"define {error.name} before the class, and import it outside `if TYPE_CHECKING:`"
            raise InputError(
                f"{declared.__name__}: the annotation of {field.name} can't be read at run time: {why}"
            ) from None
    return hints


def _owner(declared: type, field: dataclasses.Field[Any]) -> type:
    """The class that declares a field: the ones below it share it."""
    return next(
        each
        for each in reversed(declared.__mro__)
        if each.__dict__.get("__dataclass_fields__", {}).get(field.name) is field
    )


def _texts(annotation: object) -> Iterator[str]:
    """The text of an annotation, or what is text in it: `list["Local"]`."""
    if isinstance(annotation, str):
        yield annotation
    elif isinstance(annotation, ForwardRef):
        yield annotation.__forward_arg__
    else:
        for each in get_args(annotation):
            yield from _texts(each)
