"""The two drivers, and the only place that knows the HTTP library.

The logic in `musicai_sdk._core` is written once, as coroutines over the small protocol `IO`. `AsyncIO` implements it on
an event loop; `BlockingIO` implements it without ever suspending, so that `run_sync` can run a coroutine to its end with
one `send(None)`: no event loop and no generated twin. `AsyncIO` is in its own module, so that a synchronous program
doesn't load asyncio.
"""

from __future__ import annotations

from musicai_sdk._io.blocking import BlockingIO, run_sync, run_sync_each
from musicai_sdk._io.cancelling import cancellation
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
    "recording",
    "request_id",
    "rest",
    "run_sync",
    "run_sync_each",
    "send",
    "whole",
]
