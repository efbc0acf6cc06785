"""The sockets of one client. Only through its socket can a thread that waits for a silent server be freed."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from weakref import WeakSet


class OpenSockets:
    """The sockets of a client's connections, as weak references."""

    def __init__(self) -> None:
        self._sockets = WeakSet[socket.socket]()
        self._lock = threading.Lock()

    def add(self, connection: socket.socket) -> None:
        """Adds a connection."""
        with self._lock:
            self._sockets.add(connection)

    def close(self) -> None:
        """Closes the sockets in this process. Connections shared with another process stay open there."""
        for each in self._sockets:
            each.close()

    def shut(self) -> None:
        """Calls `shut` for every connection."""
        with self._lock:
            sockets = list(self._sockets)
        for each in sockets:
            shut(each)


def shut(connection: socket.socket) -> None:
    """Makes reads and writes fail, also in threads that are waiting, as if the other side had closed the connection."""
    with suppress(OSError):  # the socket was closed meanwhile
        # The `shutdown` method of a TLS socket turns it into a plain socket, which would then read ciphertext.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
