"""Time limits of an exchange: for the whole, or for each silence.

The HTTP library's timeouts restart with each byte, so a server that sends single bytes could hold a call forever. Here
every wait for the network is cut to the time left for the exchange.
"""

from __future__ import annotations

from contextvars import ContextVar
from math import inf

from musicai_sdk._io import clock
from musicai_sdk._io.protocol import Request


class Bounds:
    """The limits of one exchange, with times of `clock.now()`.

    With the API, `Request.timeout` limits the whole exchange. With a storage, which transfers files, it limits each
    silence, and the wait for the head of the answer after the request was sent.
    """

    __slots__ = ("_head_until", "_heads", "_timeout", "_until", "_whole", "_whole_timeout", "over")

    def __init__(self, request: Request) -> None:
        self._timeout = inf if request.timeout is None else request.timeout
        self._whole = request.channel == "api"
        self._whole_timeout = self._timeout + (request.connect_timeout or 0)
        self._heads = not self._whole and self._timeout != inf
        self._until = inf if request.left is None else clock.now() + request.left
        self._head_until = inf
        self.over = False
        """Whether the limit of the exchange, and not that of a silence, ended a wait."""

    def left(self) -> float:
        """Seconds until the next wait must end; `inf` if only its own silence limits it.

        The time of the exchange starts with the first call, not while waiting for a free connection.
        """
        if self._whole:
            self._whole = False
            self._until = min(self._until, clock.now() + self._whole_timeout)
        until = min(self._until, self._head_until)
        return inf if until == inf else until - clock.now()

    def sent(self) -> None:
        """Notes that a part of the request was sent: the time for the head of the answer starts."""
        if self._heads:
            self._head_until = clock.now() + self._timeout

    def answered(self) -> None:
        """Notes that the head of the answer has arrived."""
        self._head_until = inf


current: ContextVar[Bounds | None] = ContextVar("musicai_sdk_bounds", default=None)
"""The limits of the current exchange; None if the HTTP library works for other code."""


def cut(timeout: float | None) -> float | None:
    """A timeout of the HTTP library, cut to the time left for the exchange.

    Raises:
        TimeoutError: no time is left.
    """
    bounds = current.get()
    if bounds is None:
        return timeout
    left = bounds.left()
    bounds.over = left < (inf if timeout is None else timeout)
    if not bounds.over:
        return timeout
    if left <= 0:
        raise TimeoutError("the time of the exchange is up")
    return left
