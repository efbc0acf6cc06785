"""Waits for non-blocking sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from musicai_sdk._io.sockets import is_ready, receive, send, shut


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected sockets, the first of them non-blocking."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0)
        yield ours, theirs


Pair = tuple[socket.socket, socket.socket]


@pytest.mark.parametrize("seconds", [30.0, 1e12, None])
def test_data_that_comes_later_is_received(pair: Pair, seconds: float | None) -> None:
    ours, theirs = pair
    threading.Timer(0.05, theirs.sendall, [b"late"]).start()
    assert receive(ours, partial(ours.recv, 10), seconds) == b"late"


@pytest.mark.parametrize("seconds", [0.05, 0.0, -1.0])
def test_a_wait_for_data_ends_in_time(pair: Pair, seconds: float) -> None:
    ours, theirs = pair
    with pytest.raises(TimeoutError):
        receive(ours, partial(ours.recv, 10), seconds)
    theirs.sendall(b"x")
    assert receive(ours, partial(ours.recv, 10), seconds) == b"x"


def test_the_end_of_a_connection_is_received(pair: Pair) -> None:
    ours, theirs = pair
    theirs.close()
    assert receive(ours, partial(ours.recv, 10), 30) == b""


def test_a_full_socket_is_written_when_it_has_space(pair: Pair) -> None:
    ours, theirs = pair
    data = memoryview(b"x" * 1024 * 1024)

    def fill() -> None:
        while True:
            send(ours, partial(ours.send, data), 0.05)

    with pytest.raises(TimeoutError):
        fill()
    reader = threading.Timer(0.05, theirs.recv, [len(data)])
    reader.start()
    assert send(ours, partial(ours.send, data[:1]), 30) == 1
    reader.join()
    theirs.close()
    with pytest.raises(ConnectionError):
        send(ours, partial(ours.send, data), 30)


def test_another_thread_frees_a_wait(pair: Pair) -> None:
    ours, _ = pair
    threading.Timer(0.05, shut, [ours]).start()
    assert receive(ours, partial(ours.recv, 10), 30) == b""


def test_a_closed_socket_is_never_waited_for(pair: Pair) -> None:
    ours, _ = pair
    ours.close()
    assert is_ready(ours.fileno(), 30)
    with pytest.raises(OSError, match="descriptor"):
        receive(ours, partial(ours.recv, 10), 30)
