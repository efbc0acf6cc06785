"""The sockets of one client: a thread that waits at a silent one can only be freed through it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from weakref import WeakSet


class OpenSockets:
    """The sockets of a client's connections, for as long as these exist."""

    def __init__(self) -> None:
        self._sockets = WeakSet[socket.socket]()
        self._lock = threading.Lock()

    def add(self, connection: socket.socket) -> None:
        """Takes note of a connection."""
        with self._lock:
            self._sockets.add(connection)

    def close(self) -> None:
        """Closes this process's sides of them; connections that another process shares stay open there."""
        for each in self._sockets:
            each.close()

    def shut(self) -> None:
        """Makes all reading and writing fail, in the threads that wait for it too, as if the other side had gone."""
        with self._lock:
            sockets = list(self._sockets)
        for each in sockets:
            shut(each)


def shut(connection: socket.socket) -> None:
    """Makes reading and writing fail, in the threads that wait for it too, as if the other side had gone."""
    with suppress(OSError):  # it was closed meanwhile
        # A TLS socket's own `shutdown` makes it a plain one, which would read ciphertext on.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
