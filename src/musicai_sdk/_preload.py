"""Loads what the client otherwise loads at first use, for programs that may be short of file descriptors later."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from musicai_sdk import _core
from musicai_sdk._core.checksums import crc32c_class


@cache
def load_all() -> None:
    """Loads the client's logic and the library for crc32c, where it is installed."""
    for module in iter_modules(_core.__path__):
        import_module(f"{_core.__name__}.{module.name}")
    crc32c_class()
