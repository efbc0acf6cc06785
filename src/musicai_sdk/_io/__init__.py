"""The two drivers of the logic. No other room of the client imports the HTTP library.

`musicai_sdk._core` consists of coroutines over the small protocol `IO`. `AsyncIO` implements it on an event loop.
`BlockingIO` implements it without ever suspending, so that `run_sync` can run a coroutine to its end with one
`send(None)`, without an event loop. `AsyncIO` has its own module, so that a synchronous program doesn't load asyncio.

One exchange: `open` of a driver takes a transport from its `pool` (which asks `proxies` and `tls`), and waits at the
`gate`. `http` builds the request, `connection_assignment` chooses its connection, and `network` or `loop_network` limits
every wait by `bounds`. `record` logs the exchange, and `http.ErrorTranslation` turns httpx's errors into those of this
package. `codings` decodes bodies. `libraries` knows how httpx and httpx2 differ. `threads`, `cancelling` and
`sockets` serve transfers in threads.

This room imports only `errors` and `_text`. Only `_core`, `resources`, `client.py`, `_credentials.py`, `_doctor.py`
and the package's `__init__.py` import it.
"""

from __future__ import annotations

from musicai_sdk._io.blocking import BlockingIO, run_sync, run_sync_each
from musicai_sdk._io.cancelling import cancellation
from musicai_sdk._io.gate import polling
from musicai_sdk._io.protocol import IO, Body, Request, Response, ResponseStream, Signal, rest, send, whole
from musicai_sdk._io.record import Exchange, recording, request_id

__all__ = [
    "IO",
    "BlockingIO",
    "Body",
    "Exchange",
    "Request",
    "Response",
    "ResponseStream",
    "Signal",
    "cancellation",
    "polling",
    "recording",
    "request_id",
    "rest",
    "run_sync",
    "run_sync_each",
    "send",
    "whole",
]
