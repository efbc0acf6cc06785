"""The logic of the client, written once as coroutines that await nothing but `musicai_sdk._io.IO`.

Its modules are loaded when they are first used: a program that only looks at jobs never loads the transfers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musicai_sdk._core import creating as creating
    from musicai_sdk._core import downloading as downloading
    from musicai_sdk._core import fetching as fetching
    from musicai_sdk._core import legacy as legacy
    from musicai_sdk._core import listing as listing
    from musicai_sdk._core import reading as reading
    from musicai_sdk._core import results as results
    from musicai_sdk._core import running as running
    from musicai_sdk._core import uploading as uploading
    from musicai_sdk._core import waiting as waiting
else:

    def __getattr__(name: str) -> object:
        """Loads a module of this package."""
        if name.startswith("__"):
            raise AttributeError(name)
        return import_module(f"{__name__}.{name}")
