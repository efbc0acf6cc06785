"""The sockets that a driver has open: who waits at a silent one, in another thread, can only be freed through it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from typing import Any
from weakref import WeakSet

from musicai_sdk._io.cancelling import opened, shut


class OpenSockets:
    """The sockets of a driver's connections, as long as these have them."""

    def __init__(self) -> None:
        self._sockets = WeakSet[socket.socket]()
        self._lock = threading.Lock()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Takes note of a connection: httpx calls it so, as a request's extension `trace`."""
        found = opened(event, info)
        if isinstance(found, socket.socket):
            with self._lock:
                self._sockets.add(found)

    def shut(self) -> None:
        """Ends all reading and writing; it fails, in the threads that wait for it, as if the other side was gone."""
        with self._lock:
            sockets = list(self._sockets)
        for each in sockets:
            shut(each)
