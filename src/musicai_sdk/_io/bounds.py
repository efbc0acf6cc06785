"""How long one exchange may take: as a whole, or from one sign of life to the next.

A timeout of the HTTP library begins anew with each byte, so that a server that drips holds a call for ever. Here every
single wait for the network is cut to what is left of the exchange.
"""

from __future__ import annotations

from contextvars import ContextVar
from math import inf

from musicai_sdk._io import clock
from musicai_sdk._io.protocol import Request


class Bounds:
    """The limits of one exchange; times are those of `clock.now()`.

    The API's are small: `Request.timeout` is for the whole of each. With a storage whole files are exchanged: there it
    limits each silence of a body, and the wait for the head of the answer, which begins when the request is sent.
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
        """Whether the time of the exchange, and not that of a silence, is what has ended a wait."""

    def left(self) -> float:
        """Seconds until the next wait has to end; `inf` when only its own silence ends it.

        The time of the whole begins with the first question, not while others have all connections.
        """
        if self._whole:
            self._whole = False
            self._until = min(self._until, clock.now() + self._whole_timeout)
        until = min(self._until, self._head_until)
        return inf if until == inf else until - clock.now()

    def sent(self) -> None:
        """Some of the request was sent: now the head of the answer has its time."""
        if self._heads:
            self._head_until = clock.now() + self._timeout

    def answered(self) -> None:
        """The head of the answer is here."""
        self._head_until = inf


current: ContextVar[Bounds | None] = ContextVar("musicai_sdk_bounds", default=None)
"""Those of the exchange that this code belongs to; None where the HTTP library works for somebody else."""


def cut(timeout: float | None) -> float | None:
    """A timeout of the HTTP library, cut to what is left of the exchange.

    Raises:
        TimeoutError: nothing is left.
    """
    bounds = current.get()
    if bounds is None:
        return timeout
    left = bounds.left()
    bounds.over = left < (inf if timeout is None else timeout)
    if not bounds.over:
        return timeout
    if left <= 0:
        raise TimeoutError("the time of the exchange is over")
    return left
