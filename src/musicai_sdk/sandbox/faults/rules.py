"""The faults of a sandbox, and which requests get them. `http.middleware` applies them."""

from __future__ import annotations

import random
import re
import threading
from collections import deque
from typing import TYPE_CHECKING

from musicai_sdk.sandbox.faults.options import JOB_OPTIONS, checked

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from musicai_sdk.sandbox.faults.options import FaultOptions

_API_PREFIX = re.compile(r"/(?:v1|api)(?=/)")


class Fault:
    """One rule, as given to `Faults.add`."""

    def __init__(self, number: int, route: str, options: FaultOptions, seed: str) -> None:
        self.id: str = str(number)
        """The id among the faults of its sandbox."""
        self.route: str = route
        """Method and path."""
        self.options: FaultOptions = options
        """The options."""
        self.calls: int = 0
        """How many requests the route has matched."""
        self.hits: int = 0
        """How many of those got the fault."""
        self._times = options.get("times", 1 if "nth" in options else None)
        # A seed asks for predictable draws; nothing about them is secret.
        self.random: random.Random = random.Random(seed)  # noqa: S311
        """Draws for this fault alone, the same in every run with an equal seed."""
        parts = re.split(r"(\*|\{[^/{}]*\})", route)
        regex = "".join(
            ".*" if part == "*" else "[^/]+" if index % 2 else re.escape(part)
            for index, part in enumerate(parts)
        )
        self._pattern = re.compile(regex, re.DOTALL)

    def matches(self, request: str) -> bool:
        """Counts a request (method and path) if the route matches; returns whether it gets the fault."""
        if not self._pattern.fullmatch(request):
            return False
        self.calls += 1
        if self.calls < self.options.get("nth", 1) or (self._times is not None and self.hits >= self._times):
            return False
        probability = self.options.get("probability", 1.0)
        return probability >= 1 or self.random.random() < probability

    @property
    def is_of_job(self) -> bool:
        """Whether the fault affects the created job, not the request."""
        return any(name in self.options for name in JOB_OPTIONS)


class Faults:
    """The faults of a sandbox.

    Args:
        seed: Equal seeds give equal draws for faults with a probability; None for the same as 0.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._seed = seed or 0
        self._lock = threading.Lock()
        self._faults = deque[Fault]()
        self._number = 0

    def add(self, route: str, **options: Unpack[FaultOptions]) -> Fault:
        """Adds a fault. Of several that match a request, the first one added applies.

        Args:
            route: Method and path, such as `POST /job` (both `/v1/job` and `/api/job`), `GET /job/{id}` or
                `PUT /moises-sandbox/*` (uploads) or `GET /cdn/*` (results). `*` stands for any text, `{name}` for one part
                of a path.
            **options: When it applies, and what it is: see `musicai_sdk.sandbox.faults.options.FaultOptions`.

        Returns:
            The fault; `hits` counts how often it was applied.

        Raises:
            ValueError: the arguments are invalid, alone or together.
        """
        if not re.fullmatch(r"(\*|[A-Z]+) (\*|/.*)", route):
            raise ValueError(f"a route has the form 'POST /job' or '* *'; got {route!r}")
        options = checked(route, options)
        with self._lock:
            self._number += 1
            seed = f"{options.get('seed', self._seed)}/{self._number}"
            fault = Fault(self._number, route, options, seed)
            self._faults.append(fault)
        return fault

    def active(self) -> list[Fault]:
        """Returns the current faults."""
        with self._lock:
            return list(self._faults)

    def remove(self, fault_id: str) -> bool:
        """Removes one fault; returns False if there is none with this id."""
        with self._lock:
            found = [fault for fault in self._faults if fault.id == fault_id]
            for fault in found:
                self._faults.remove(fault)
            return bool(found)

    def clear(self) -> None:
        """Removes all faults. The next ones get the draws of the first ones."""
        with self._lock:
            self._faults.clear()
            self._number = 0

    def pick(self, method: str, path: str) -> Fault | None:
        """Counts a request for every fault that matches it, and returns the one to apply."""
        request = f"{method} {_API_PREFIX.sub('', path, count=1)}"
        with self._lock:
            matching = [fault for fault in self._faults if fault.matches(request)]
            if matching:
                matching[0].hits += 1
            return matching[0] if matching else None
