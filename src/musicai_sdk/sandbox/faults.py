"""Faults on request: which requests get one, and what it is. `wire` shows them."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

_API_PREFIX = re.compile(r"/(?:v1|api)(?=/)")


@dataclass
class Fault:
    """One rule, as given to `Faults.add`."""

    route: str
    nth: int | None
    times: int | None
    status: int | None
    headers: Mapping[str, str]
    body: bytes | None
    reset: Literal["before", "after"] | None
    delay: float
    truncate: int | None
    calls: int = 0
    """How many requests the route has matched."""
    hits: int = 0
    """How many of them got the fault."""
    _pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = re.split(r"(\*|\{[^/{}]*\})", self.route)
        regex = "".join(
            ".*" if part == "*" else "[^/]+" if index % 2 else re.escape(part)
            for index, part in enumerate(parts)
        )
        self._pattern = re.compile(regex, re.DOTALL)

    def meets(self, request: str) -> bool:
        """Counts a request, as method and path, if it is the route's; tells whether it gets the fault."""
        if not self._pattern.fullmatch(request):
            return False
        self.calls += 1
        return self.calls >= (self.nth or 1) and (self.times is None or self.hits < self.times)


class Faults:
    """The faults that a sandbox shall show."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(
        self,
        route: str,
        *,
        nth: int | None = None,
        times: int | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | Mapping[str, object] | Sequence[object] | None = None,
        reset: Literal["before", "after"] | None = None,
        delay: float = 0.0,
        truncate: int | None = None,
    ) -> Fault:
        """Makes requests go wrong. Where several faults fit a request, the one added first is shown.

        Args:
            route: Method and path, such as `POST /job` (both `/v1/job` and `/api/job`), `GET /job/{id}` or
                `PUT /moises-sandbox/*`. `*` stands for any text, `{name}` for one part of a path.
            nth: The first of the matching requests that gets the fault, counted from 1 and from now on.
            times: How many get it; unless told, one if `nth` is given, else all.
            status: Answers with this status instead of acting; the body is the API's error if none is given.
            headers: Headers of that answer; without `status` and `body`, headers put into the real answer.
            body: Answers with this instead of acting: text and bytes as they are, anything else as JSON.
            reset: `before`: the connection is reset, and the request not acted on; `after`: it is acted on,
                and then the connection is reset without an answer.
            delay: How long to wait before anything else, in seconds of real time.
            truncate: Sends only so many bytes of the body under its full Content-Length, and then closes.

        Returns:
            The fault; `hits` counts how often it was shown.

        Raises:
            ValueError: If the arguments make no sense, alone or together.
        """
        if not re.fullmatch(r"(\*|[A-Z]+) (\*|/.*)", route):
            raise ValueError(f"a route reads like 'POST /job' or '* *'; got {route!r}")
        if (nth is not None and nth < 1) or (times is not None and times < 1):
            raise ValueError("nth and times count from 1")
        if delay < 0 or (truncate is not None and truncate < 0):
            raise ValueError("delay and truncate are not negative")
        if reset and (status is not None or headers or body is not None or truncate is not None):
            raise ValueError("a reset leaves no answer that status, headers, body or truncate could apply to")
        if isinstance(body, str):
            body = body.encode()
        elif body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        fault = Fault(
            route=route,
            nth=nth,
            times=1 if times is None and nth is not None else times,
            status=status,
            headers=dict(headers or {}),
            body=body,
            reset=reset,
            delay=delay,
            truncate=truncate,
        )
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Ends all faults."""
        with self._lock:
            self._faults.clear()

    def pick(self, method: str, path: str) -> Fault | None:
        """Counts a request at every fault it fits, and returns the one to show."""
        request = f"{method} {_API_PREFIX.sub('', path, count=1)}"
        with self._lock:
            met = [fault for fault in self._faults if fault.meets(request)]
            if met:
                met[0].hits += 1
            return met[0] if met else None
