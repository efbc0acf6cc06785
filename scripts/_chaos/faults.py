"""The faults: every kind that the sandbox supports and a client can recover from, on every route."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Kinds: TypeAlias = dict[str, dict[str, Any]]
"""The sandbox's options for each fault, by its name in the table."""

_ANYWHERE: Kinds = {
    "latency": {"delay": 0.25},
    "429, Retry-After in seconds": {"retry_after": 0},
    "429, Retry-After as a date": {"retry_after_date": 1},
    "500": {"status": 500},
    "502 with a page": {"status": 502, "body": "<html>Bad gateway</html>"},
    "504 of a gateway, acted on": {"status": 504, "body": "<html>Gateway timeout</html>", "acted": True},
    "503, Retry-After": {"status": 503, "headers": {"Retry-After": "1"}},
    "302 to a signed URL": {"redirect": f"http://127.0.0.1:9/other?Signature={'5e' * 32}"},
    "connection reset, not acted on": {"reset": "before"},
    "connection reset, acted on": {"reset": "after"},
    "no answer ever, not acted on": {"hang": "before"},
    "no answer ever, acted on": {"hang": "after"},
    "connections refused for 0.2 s": {"refuse": 0.2},
    "answer cut short, acted on": {"truncate": 5},
    "length too large, acted on": {"length": 7},
    "answer that is no HTTP": {"garble": "head"},
    "compressed unasked": {"compress": "gzip"},
}
_JSON: Kinds = {
    "a page in place of JSON": {"body": "<html>Sign in</html>"},
    "length too small, acted on": {"length": -3},
}
"""Without garbled JSON, which no client can detect without a digest: TLS prevents it."""
_JOBS: Kinds = {
    "job that takes longer": {"job_seconds": 0.7},
    "job that ends as FAILED": {"job_error": "INTERNAL_ERROR"},
}
_RESULTS: Kinds = {
    "length too small": {"length": -3},
    "bytes garbled": {"garble": "body"},
    "digest of other bytes": {"checksum": "wrong"},
    "bytes that trickle": {"drip": 2_000},
    "broken off in the middle": {"truncate": 700},
    "URL expired": {"expire": True},
    "URL expires midway": {"expire": True, "truncate": 700},
}
ROUTES: Mapping[str, Kinds] = {
    "GET /upload": _ANYWHERE | _JSON,
    "PUT /moises-sandbox/*": _ANYWHERE | {"URL expired": {"expire": True}},
    "POST /job": _ANYWHERE | _JSON | _JOBS,
    "GET /job": _ANYWHERE | _JSON,
    "GET /job/{id}": _ANYWHERE | _JSON,
    "GET /job/{id}/status": _ANYWHERE | _JSON,
    "GET /cdn/*": _ANYWHERE | _RESULTS,
    "DELETE /job/{id}": _ANYWHERE | _JSON,
}
"""All requests of a client, each in exactly one route. The service itself fetches uploads by `GET /moises-sandbox/*`; if
that fails, the job ends as FAILED."""


def rules(share: float, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and rules for the sandbox: on every route that share of requests gets a fault, each kind equally often."""
    for route, kinds in ROUTES.items():
        each = share / len(kinds)
        for number, (name, options) in enumerate(kinds.items()):
            # Each rule decides independently and the first match applies, so later rules see only the remaining requests.
            probability = each / (1 - number * each)
            yield name, {"route": route, **options, "probability": probability, "seed": seed}
