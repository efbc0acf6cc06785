"""The sockets of one client: waits for them, and frees a thread that waits for a silent server."""

from __future__ import annotations

import math
import select
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar
from weakref import WeakSet

from musicai_sdk._io import clock

T = TypeVar("T")


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


def receive(
    connection: socket.socket, work: Callable[[], T], seconds: float | None, *, at_once: bool = False
) -> T:
    """Reads from a non-blocking socket with `work`, once data has arrived.

    Sockets with a timeout of their own take three system calls for each read and write. Each of them lets go of the
    interpreter, and in a program with many threads, getting it back costs more than the call.

    Args:
        connection: The socket.
        work: Reads from it.
        seconds: The longest wait; None for no limit.
        at_once: Whether data has probably arrived, as in the middle of a large body.

    Raises:
        TimeoutError: nothing arrived in time.
    """
    # TLS may hold data that has left the socket.
    at_once = at_once or isinstance(connection, ssl.SSLSocket)
    return _repeated(connection, work, seconds, writing=False, ready=at_once)


def send(connection: socket.socket, work: Callable[[], T], seconds: float | None) -> T:
    """Writes to a non-blocking socket with `work`, once it has space. Raises `TimeoutError` if it has none in time."""
    return _repeated(connection, work, seconds, writing=True, ready=True)


def _repeated(
    connection: socket.socket, work: Callable[[], T], seconds: float | None, *, writing: bool, ready: bool
) -> T:
    """Repeats `work` until the socket is ready for it. TLS may have to read before it can write, and vice versa."""
    until = math.inf if seconds is None else clock.now() + seconds
    while True:
        if not ready and not is_ready(connection.fileno(), until - clock.now(), writing=writing):
            raise TimeoutError("timed out")
        try:
            return work()
        except BlockingIOError:
            pass
        except ssl.SSLWantReadError:
            writing = False
        except ssl.SSLWantWriteError:
            writing = True
        ready = False


def is_ready(descriptor: int, seconds: float = 0.0, *, writing: bool = False) -> bool:
    """Whether a socket gets data, or space, within some seconds, or was closed."""
    if descriptor < 0:
        return True
    seconds = min(max(seconds, 0.0), _LONGEST)
    found: Sequence[object]
    if sys.platform == "win32":
        reads, writes = ([], [descriptor]) if writing else ([descriptor], [])
        # A connection that couldn't be made counts as an exception there.
        found = [each for ready in select.select(reads, writes, writes, seconds) for each in ready]
    else:
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT if writing else select.POLLIN)
        found = poll.poll(math.ceil(seconds * 1000))
    return bool(found)


_LONGEST = 1_000_000
"""The most seconds of one wait. `poll` counts milliseconds with 31 bits."""
