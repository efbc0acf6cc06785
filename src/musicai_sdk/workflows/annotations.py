"""The types that the annotations of a workflow class name. Under `from __future__ import annotations` they are text.

Names in the text are looked up where the class is declared: in the function, in the module, then in the class.
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
"""The attribute of a class with these names."""
_NAME = re.compile(r"[^\W\d]\w*")


def keep_local_names(declared: type) -> None:
    """Stores the local variables of the declaring function that a dataclass's annotations use.

    Call it while the class is being created: the function may end afterwards. Only these variables are stored, so that
    everything else in the function can be freed.
    """
    function, in_function, _ = declared.__qualname__.rpartition(".<locals>.")
    names = set[str]()
    if in_function:
        for field in dataclasses.fields(cast("Any", declared)):
            for text in _texts(field.type):
                names.update(_NAME.findall(text))
    frame = currentframe() if names else None
    # The number of frames varies: an overridden `__init_subclass__` or a metaclass adds some.
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
        fallback: Names that are known even if the module imports them only for type checkers.

    Raises:
        InputError: an annotation can't be read.
    """
    hints = dict[str, Any]()
    for field in dataclasses.fields(cast("Any", declared)):
        owner = _owner(declared, field)
        # The module wins over the class, as in `typing`: in `date: date | None = None` the class attribute is the default.
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
    """The class that declares a field; its subclasses share the field."""
    return next(
        each
        for each in reversed(declared.__mro__)
        if each.__dict__.get("__dataclass_fields__", {}).get(field.name) is field
    )


def _texts(annotation: object) -> Iterator[str]:
    """The text of an annotation, or the text inside it, as in `list["Local"]`."""
    if isinstance(annotation, str):
        yield annotation
    elif isinstance(annotation, ForwardRef):
        yield annotation.__forward_arg__
    else:
        for each in get_args(annotation):
            yield from _texts(each)
