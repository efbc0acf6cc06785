"""The Music.AI API on your own machine.

```python
from musicai_sdk.sandbox import Sandbox

with Sandbox() as sandbox, sandbox.client() as client:
    ...
```

From a shell, `python -m musicai_sdk.sandbox` prints the environment variables that point any client at it. In pytest,
`musicai_sdk.testing` has fixtures. The sandbox needs an extra: `pip install "musicai-sdk[sandbox]"`. At its address
without `/v1` is a dashboard with the jobs, their audio and chords, the requests, and switches for faults; only a browser
on the same machine can open it.

Modelled:
    All eight operations under `/v1` and `/api`: keys and applications, uploads, jobs, filters and pages, workflows. The
    life of a job: QUEUED until the plan has a free slot, STARTED, then SUCCEEDED or FAILED: when its work is done, at
    the first poll, after a time on the sandbox's clock, or after some polls (`Sandbox.transition`). Uploads, downloads
    and results at signed URLs, with ranges and hashes. The plan's retention of files. Custom storage
    (`copyResultsTo`) by PUT. Errors in the service's shape.

Approximate:
    What the service does without documenting it: the wording and `code` of errors, the order of lists (newest first),
    the largest `size` (1000), 404 for an unknown workflow, FAILED with BAD_INPUT when custom storage refuses a file.
    Deleting a job drops its outcome and its files. `GET /workflow` lists the built-in templates too; whether the
    service does is unknown. `musicai_sdk.sandbox.engine` says how results are computed.

Not modelled:
    Prices and credits, limits on requests, the creation of batches (the API has no operation for it;
    `Sandbox.put_in_batch` stands in for the dashboard), and workflows that nobody has registered.

What was captured of the service, and what the sandbox does (`tests/sandbox/test_sandbox_as_captured.py` checks each):

    =============================================  ============================================================
    captured                                       sandbox
    =============================================  ============================================================
    upload at `<bucket>/developer-portal/<uuid>`   the same; the bucket is `moises-sandbox`
    Google V4 URLs, `X-Goog-SignedHeaders=host`    the same six parameters; HMAC-SHA256 in place of RSA
    uploads' URLs live 24 h, results' 6.9 days     the same; `Sandbox(url_ttl=...)` sets another life
    result at `<bucket>/orchestrator/<uuid>/       the same; the bucket is `cdn`
    <uuid>/<job name>--<output>.<ext>`
    expired: 400 `ExpiredToken`                    the same
    stored URLs, repeated by a later GET           signed for every GET; `Quirks(repeat_urls=True)` repeats them
    `metadata` is `{}` when none was sent          the same
    no `error` field (2024; documented since)      null; `Quirks(no_error_field=True)` leaves it out
    `result` of a job under way: null or `{}`      null; `Quirks(no_result="empty")` gives `{}`
    first chord where the music starts             the same
    sevenths and slash basses                      major and minor sevenths, basses that are notes of the chord
    degrees in minor count from its tonic          the same
    bars wherever there are several segments       the same; without a beat, chords' changes set the bars
    no equal neighbours, two decimals              the same
    tempo as text                                  the same
    =============================================  ============================================================

For tests there are `Sandbox.workflow` to register your own workflow over decoded audio, `Sandbox.faults` to break
requests and jobs (`musicai_sdk.sandbox.faults.options.FaultOptions` lists how), `Sandbox.refusing` to refuse
connections, `Sandbox.quirks` for a service with odd but valid behaviour, `Sandbox.clock` to let time pass,
`Sandbox.requests` to see what was requested, and `Sandbox.reset` to start over. A sandbox in a process of its own takes
`--fault` and `--quirk`, or the same over HTTP:

    POST   /__sandbox__/faults   {"route": "POST /job", "status": 503, "nth": 2}, or {"text": "POST /job status=503"}
    GET    /__sandbox__/faults   the faults, each with an id; DELETE all, or /__sandbox__/faults/{id}
    GET    /__sandbox__/quirks   PUT {"page_limit": 50}
    POST   /__sandbox__/clock    {"advance": 3600}
    POST   /__sandbox__/reset    {}
    GET    /__sandbox__/requests

The rooms: `http` (server, middleware, admin endpoint) passes requests to `api` (operations, queue, work on jobs) and
`storage` (objects and signed URLs); `engine` computes results; `faults` says what goes wrong; `database` keeps
everything; `dashboard` shows it. `lifecycle` builds them, and `parts` is what they share. Nothing here uses the client's
logic: only `Sandbox.client` imports the client, and the rest of the package never imports the sandbox, except
`musicai_sdk.testing` and the command line.
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
