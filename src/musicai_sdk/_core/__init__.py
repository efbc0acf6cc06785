"""The logic of the client, written once as coroutines that await nothing but `musicai_sdk._io.IO`.

`client.jobs.run(workflow)` goes through these modules:

1. `run` computes the deadline; `create` validates the workflow and metadata, and `idempotency` the key.
2. `upload` opens each local input (`sources`), requests a signed URL, and sends the file.
3. `create` posts the job. `session` builds the request from an `operations` entry and the call's `options`, `retry`
   repeats it if that is safe, and `responses` reads the answer or raises its error.
4. If the answer is lost, `create` searches the list (`lists`, `pagination`, `musicai_sdk._job_search`) for the job.
   Until the job is found, `lost_keys` keeps its key from being sent again.
5. `wait` joins the client's `poller`, which fetches states through `job_states`; `durations` delays the first poll.

Then `job_files` downloads the results: `download` writes through `resume`, `ranges` uses several connections if asked,
`content` and `checksums` check the bytes, `object_version` keeps those of two versions apart, and `file_kinds` rejects web
pages. `denials` finds answers that contradict their status. `legacy` has the code for the 1.0 methods.
To add an endpoint, see `operations`.

Only `resources`, `client.py`, `_doctor.py`, `_preload.py` and the package's `__init__.py` import this room. Modules are loaded at first use: a program
that only looks at jobs never loads the transfers.
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
        """Loads a module at first use."""
        if name.startswith("__"):
            raise AttributeError(name)
        return import_module(f"{__name__}.{name}")
