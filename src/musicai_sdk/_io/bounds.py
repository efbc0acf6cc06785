"""Time limits of an exchange: for the whole exchange, or for each time without data.

The HTTP library's timeouts restart with each byte, so a server that sends single bytes could delay a call forever. This
module limits every wait for the network to the time left for the exchange.
"""

from __future__ import annotations

from contextvars import ContextVar
from math import inf

from musicai_sdk._io import clock
from musicai_sdk._io.protocol import Body, Request
from musicai_sdk._io.secret import Secret


class Bounds:
    """The limits of one exchange, with times of `clock.now()`.

    For the API, `Request.timeout` limits the whole exchange. For a storage, which transfers files, it limits each time
    without data, the wait for the head of the answer after the request was sent, and the rest of the answer to an
    upload.
    """

    __slots__ = (
        "_body",
        "_heads",
        "_rest_until",
        "_timeout",
        "_until",
        "_uploads",
        "_whole",
        "_whole_timeout",
        "over",
        "secret",
    )

    def __init__(self, request: Request) -> None:
        self.secret: Secret | None = request.secret
        """The key, which the libraries' log lines may quote."""
        self._body: Body | None = None if isinstance(request.body, bytes) else request.body
        self._timeout = inf if request.timeout is None else request.timeout
        self._whole = request.channel == "api"
        self._whole_timeout = self._timeout + (request.connect_timeout or 0)
        self._heads = not self._whole and self._timeout != inf
        self._uploads = self._heads and request.method == "PUT"
        self._until = inf if request.left is None else clock.now() + request.left
        self._rest_until = inf
        """When the head of a storage's answer, the rest of the answer to an upload, or the next bytes of a download must
        have arrived."""
        self.over = False
        """Whether a wait ended because of the limit of the whole exchange."""

    def left(self) -> float:
        """Seconds until the next wait must end; `inf` if only its own timeout limits it.

        The time of the exchange starts at the first call, so it excludes the wait for a free connection.
        """
        if self._whole:
            self._whole = False
            self._until = min(self._until, clock.now() + self._whole_timeout)
        until = min(self._until, self._rest_until)
        return inf if until == inf else until - clock.now()

    def sent(self) -> None:
        """Notes that a part of the request was sent, which starts the time for the head of the answer."""
        if self._heads:
            self._rest_until = clock.now() + self._timeout

    def broke(self) -> None:
        """Notes that the connection refused a part of the request: httpcore ignores that, and reads the answer."""
        if self._body is not None:
            self._body.broke()

    def answered(self) -> None:
        """Notes that the head of the answer has arrived.

        After an upload, the rest is short, and `Request.timeout` limits it as a whole.
        """
        self._rest_until = clock.now() + self._timeout if self._uploads else inf

    def reading(self) -> None:
        """Notes that the next bytes of a download are awaited. What only surrounds them, such as trailers, isn't data."""
        if self._heads and not self._uploads:
            self._rest_until = clock.now() + self._timeout


current: ContextVar[Bounds | None] = ContextVar("musicai_sdk_bounds", default=None)
"""The limits of the current exchange; None if other code uses the HTTP library."""


def broke() -> None:
    """Calls `broke` of the current exchange."""
    if (bounds := current.get()) is not None:
        bounds.broke()


def cut(timeout: float | None) -> float | None:
    """Limits a timeout of the HTTP library to the time left for the exchange.

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
