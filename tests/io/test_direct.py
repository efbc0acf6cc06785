"""Bodies that are read directly from a socket."""

from __future__ import annotations

import socket

import httpx
import pytest

from musicai_sdk._io.direct import DirectBody


@pytest.mark.parametrize("own", [None, 60.0, 0.0])
def test_the_time_without_data_is_limited(own: float | None) -> None:
    """Whatever timeout the socket has: the caller's client may have opened it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(own)
        body = DirectBody(iter([b"head"]), ours, 10)
        body.timeout = 0.05
        theirs.sendall(b"abc")
        assert body.read() == b"head"
        assert body.read() == b"abc"
        with pytest.raises(httpx.ReadTimeout):
            body.read()
        theirs.close()
        with pytest.raises(httpx.RemoteProtocolError, match="closed with 3 bytes missing"):
            body.read()
