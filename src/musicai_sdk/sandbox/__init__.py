"""The Music.AI API on your own machine.

```python
from musicai_sdk.sandbox import Sandbox

with Sandbox() as sandbox, sandbox.client() as client:
    ...
```

or, from a shell, `python -m musicai_sdk.sandbox`, which prints the environment variables that point any
client at it, or, in pytest, the fixtures of `musicai_sdk.testing`. It needs the extra:
`pip install "musicai-sdk[sandbox]"`. At the address without `/v1` there is a dashboard: jobs, their audio and chords,
what was requested, and switches for faults; only for this machine's own browser.

Modelled:
    All eight operations under `/v1` and `/api`: keys and applications, uploads, jobs, filters and pages,
    workflows. The life of a job: QUEUED until the plan has a slot, STARTED, then SUCCEEDED or FAILED: when its work
    is done, at the first look, after a time on the sandbox's clock, or after some polls (`Sandbox.transition`).
    Uploads, downloads and results at signed URLs that are bound to one method and one object and expire on
    the sandbox's clock, with ranges and hashes. The plan's retention of files. Custom storage (`copyResultsTo`) by PUT.
    Errors in the service's shape.

Approximate:
    What the service does without saying so: the wording and `code` of errors, the order of lists (newest
    first), the largest `size` (1000), 404 for an unknown workflow, a job that FAILED with BAD_INPUT when its
    custom storage refuses. A deleted job's outcome is dropped, and its result files are gone. How results are
    computed: see `musicai_sdk.sandbox.engine`. `GET /workflow` lists the built-in templates too; whether the
    service does is unknown.

Not modelled:
    Prices and credits, limits on requests, batches made by the API (there are none;
    `Sandbox.put_in_batch` stands in for the dashboard), and workflows nobody has registered.

For tests there are `Sandbox.workflow` to register your own workflow over decoded audio, `Sandbox.faults` to make
requests and jobs go wrong on the wire (`musicai_sdk.sandbox.faults.options.FaultOptions` lists how; `Sandbox.refusing` refuses
connections), `Sandbox.clock` to let time pass, `Sandbox.requests` to see what was asked, and `Sandbox.reset` to begin
anew. A process of its own is told the same by `--fault`, or over HTTP:

    POST   /__sandbox__/faults   {"route": "POST /job", "status": 503, "nth": 2}, or {"text": "POST /job status=503"}
    GET    /__sandbox__/faults   the faults, each with an id; DELETE all, or /__sandbox__/faults/{id}
    POST   /__sandbox__/clock    {"advance": 3600}
    POST   /__sandbox__/reset    {}
    GET    /__sandbox__/requests
    GET    /__sandbox__/quirks   PUT {"page_limit": 50}

How a service may be odd without being broken is in `Quirks`: `Sandbox(quirks=Quirks(page_limit=50))`, on the command
line `--quirk page_limit=50`.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musicai_sdk.sandbox.faults.quirks import Quirks
    from musicai_sdk.sandbox.sandbox import Sandbox

__all__ = ["Quirks", "Sandbox"]

_EXTRA = ("google_crc32c", "numpy", "soundfile", "starlette", "trustme", "uvicorn")


def __getattr__(name: str) -> object:
    if name == "Quirks":
        from musicai_sdk.sandbox.faults.quirks import Quirks

        return Quirks
    if name != "Sandbox":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    missing = [module for module in _EXTRA if find_spec(module) is None]
    if missing:
        raise ImportError(f'the sandbox needs {", ".join(missing)}: pip install "musicai-sdk[sandbox]"')
    from musicai_sdk.sandbox.sandbox import Sandbox

    return Sandbox
