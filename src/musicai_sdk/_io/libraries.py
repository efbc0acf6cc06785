"""The two HTTP libraries: httpx, and its successor httpx2. Only this module knows how they differ.

This package's own connections use httpx. The caller's client may also come from httpx2, which has the same methods but
its own classes, as has httpcore2, the library below it. A program with such a client has already loaded httpx2, so this
module never imports it. (After `httpx2.alias_httpx()`, only httpx2 exists, under both names.)
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeVar

import httpx

S = TypeVar("S")

if TYPE_CHECKING:
    import httpx2

    Client: TypeAlias = httpx.Client | httpx2.Client
    """A blocking client of either library."""
    AsyncClient: TypeAlias = httpx.AsyncClient | httpx2.AsyncClient
    """An asynchronous client of either library."""
else:
    # For `typing.get_type_hints`, which needs names that exist.
    Client, AsyncClient = httpx.Client, httpx.AsyncClient

_CORE = (".connection", ".http11", ".http2", ".proxy", ".socks")
_LOGGERS = {
    "anyio": (),
    "h11": (),
    "h2": (),
    "hpack": (".hpack", ".table"),
    "httpcore": _CORE,
    "httpcore2": _CORE,
    "httpx": ("",),
    "httpx2": ("",),
    "hyperframe": (),
    "socksio": (),
}
"""The known loggers of each module. Some modules are first imported by the request that they then log."""
MODULES = frozenset(_LOGGERS)
"""The top-level modules of both libraries and of their dependencies."""


def loggers() -> Iterator[logging.Logger]:
    """The loggers of these modules: the known ones, and those that exist by now."""
    known = [f"{module}{part}" for module, parts in _LOGGERS.items() for part in parts]
    for name in {*known, *logging.root.manager.loggerDict}:
        if module_of(name) in MODULES:
            yield logging.getLogger(name)


def module_of(name: str) -> str:
    """The top-level module of a dotted name."""
    return name.partition(".")[0]


def _loaded(name: Literal["httpx", "httpcore"]) -> list[Any]:
    """The modules of this library and its successor that the program has loaded."""
    return [module for each in (name, f"{name}2") if (module := sys.modules.get(each)) is not None]


def is_client(value: object, kind: Literal["Client", "AsyncClient"]) -> bool:
    """Whether a value is a client of either library."""
    return isinstance(value, tuple(getattr(library, kind) for library in _loaded("httpx")))


def authentication() -> tuple[type, ...]:
    """The classes that set the `Authorization` of every request."""
    names = ("BasicAuth", "DigestAuth", "NetRCAuth")
    return tuple(getattr(library, name) for library in _loaded("httpx") for name in names)


def is_url(value: object) -> bool:
    """Whether a value is a URL of either library."""
    return isinstance(value, tuple(library.URL for library in _loaded("httpx")))


def as_httpx(error: BaseException) -> httpx.HTTPError | httpx.InvalidURL | None:
    """Converts an error of either library to the httpx error of the same name. Returns None for any other error.

    Some hosts and texts that can't be encoded are refused by Python's codecs instead of the libraries.
    """
    if isinstance(error, httpx.HTTPError | httpx.InvalidURL):
        return error
    if isinstance(error, UnicodeError) and not isinstance(error, UnicodeDecodeError):
        return httpx.InvalidURL(type(error).__name__)
    for each in type(error).__mro__:
        known = getattr(httpx, each.__name__, None) if module_of(each.__module__) == "httpx2" else None
        if isinstance(known, type) and issubclass(known, httpx.HTTPError | httpx.InvalidURL):
            return known(str(error))
    return None


@cache
def stream_type(body: type[S], module: str) -> type[S]:
    """A subclass of `body` that the library of this module accepts as the stream of a request, blocking or asynchronous."""
    library: Any = sys.modules[module_of(module)]
    return type(body.__name__, (body, library.SyncByteStream, library.AsyncByteStream), {})


class Core(NamedTuple):
    """The library that defines a network backend."""

    module: ModuleType
    """httpcore or httpcore2."""
    asynchronous: bool
    """Whether the backend is asynchronous."""


def core_of(backend: object) -> Core | None:
    """The library that defines a network backend; None if it is another object."""
    for core in _loaded("httpcore"):
        if isinstance(backend, core.NetworkBackend):
            return Core(core, asynchronous=False)
        if isinstance(backend, core.AsyncNetworkBackend):
            return Core(core, asynchronous=True)
    return None
