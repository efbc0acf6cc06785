"""The logic of the client, written once as coroutines that await nothing but `musicai_sdk._io.IO`.

Its modules are loaded when they are first used: a program that only looks at jobs never loads the transfers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musicai_sdk._core import create as create
    from musicai_sdk._core import download as download
    from musicai_sdk._core import job_files as job_files
    from musicai_sdk._core import jobs as jobs
    from musicai_sdk._core import json_output as json_output
    from musicai_sdk._core import legacy as legacy
    from musicai_sdk._core import lists as lists
    from musicai_sdk._core import run as run
    from musicai_sdk._core import upload as upload
    from musicai_sdk._core import wait as wait
else:

    def __getattr__(name: str) -> object:
        """Loads a module of this package."""
        if name.startswith("__"):
            raise AttributeError(name)
        return import_module(f"{__name__}.{name}")
