"""Every public name with its signature, as text. A change in it may break programs that use the package."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, cast, get_overloads

MODULES = (
    *(
        "musicai_sdk",
        "musicai_sdk.errors",
        "musicai_sdk.models",
        "musicai_sdk.workflows",
        "musicai_sdk.resources",
    ),
    *("musicai_sdk.batch", "musicai_sdk.storage", "musicai_sdk.sandbox", "musicai_sdk.codegen"),
    "musicai_sdk.mcp",
    *("musicai_sdk.compat", "musicai_sdk.compat.utils", "musicai_sdk.music", "musicai_sdk.testing"),
)
HEADER = """\
# The public surface: every name with its signature. Written by scripts/generate; scripts/check compares it.
# Removing or changing a line breaks programs that use the package.
"""
SPECIAL = {
    "__init__",
    "__call__",
    "__iter__",
    "__aiter__",
    "__await__",
    "__enter__",
    "__aenter__",
    "__getitem__",
}


def surface() -> str:
    """The listing of all public modules."""
    parts = [HEADER]
    for name in MODULES:
        module = import_module(name)
        parts.append(f"\n[{name}]\n")
        parts += [
            f"{line}\n" for public in _names(module) for line in _member(public, getattr(module, public), "")
        ]
    return "".join(parts)


def _names(module: ModuleType) -> list[str]:
    listed: list[str] | None = getattr(module, "__all__", None)
    if listed is not None:
        return sorted(listed)
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    )


def _member(name: str, value: Any, indent: str) -> Iterator[str]:
    if inspect.isclass(value):
        bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
        yield f"{indent}class {name}{f'({bases})' if bases else ''}"
        yield from _class(value, indent + "    ")
    elif isinstance(value, property):
        yield f"{indent}{name}: {_returned(value)}{'' if value.fset is None else ' (can be set)'}"
    elif isinstance(value, staticmethod | classmethod):
        function: Any = value.__func__  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - any function
        yield from _member(name, function, indent)
    elif inspect.isfunction(value):
        word = "async def" if inspect.iscoroutinefunction(value) else "def"
        for function in get_overloads(value) or [value]:
            yield f"{indent}{word} {name}{_signature(function)}"
    else:
        yield f"{indent}{name}"


def _class(cls: type, indent: str) -> Iterator[str]:
    ours = [base for base in cls.__mro__ if base.__module__.startswith("musicai_sdk")]
    # Members of a listed base aren't repeated.
    own = [base for base in ours if base is cls or base.__name__.startswith("_") or base.__name__ in HIDDEN]
    annotations: dict[str, Any] = {}
    members: dict[str, Any] = {}
    for base in reversed(own):
        annotations |= inspect.get_annotations(base)
        members |= {name: inspect.getattr_static(base, name) for name in vars(base)}
    for name in sorted(annotations):
        if not name.startswith("_"):
            yield f"{indent}{name}: {_annotation(annotations[name])}"
    modelled = any(base.__name__ == "BaseModel" for base in cls.__mro__)
    for name in sorted(members):
        value: Any = members[name]
        callable_ = inspect.isfunction(value) or isinstance(value, property | staticmethod | classmethod)
        home: str = getattr(cast("object", value), "__module__", "musicai_sdk")
        public = not name.startswith("_") or (name in SPECIAL and not (modelled and name == "__init__"))
        if callable_ and public and home.startswith("musicai_sdk"):
            yield from _member(name, value, indent)


HIDDEN = {"ClientSettings", "LegacyMethods", "AsyncLegacyMethods"}
"""Bases without a listing of their own: their members are listed with the subclass."""


def _signature(function: Any) -> str:
    signature = inspect.signature(function)
    parts = list[str]()
    keywords = False
    stars: dict[object, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    for each in signature.parameters.values():
        if each.kind is each.KEYWORD_ONLY and not keywords:
            parts.append("*")
        keywords = keywords or each.kind in (each.KEYWORD_ONLY, each.VAR_POSITIONAL)
        annotation = "" if each.annotation is each.empty else f": {_annotation(each.annotation)}"
        default = "" if each.default is each.empty else f" = {_default(each.default)}"
        parts.append(f"{stars.get(each.kind, '')}{each.name}{annotation}{default}")
    return f"({', '.join(parts)}) -> {_annotation(signature.return_annotation)}"


def _default(value: object) -> str:
    return value.__name__ if isinstance(value, type) else re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def _annotation(value: object) -> str:
    """An annotation without the names of modules."""
    text = value if isinstance(value, str) else repr(value)
    return re.sub(r"\b(?:[a-z_0-9]+\.)+(?=[A-Z_a-z])", "", text)


def _returned(value: property) -> str:
    return _annotation(inspect.signature(value.fget).return_annotation) if value.fget is not None else ""
