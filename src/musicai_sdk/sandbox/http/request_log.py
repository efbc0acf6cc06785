"""The log of requests, for tests."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope

_MOST_ENTRIES = 100_000
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
_SECRET_QUERY = re.compile(r"((?:^|&)[^=&]*(?:signature|token|credential|key)[^=&]*=)[^&]*", re.IGNORECASE)
_HIDDEN = "***"


@dataclass(frozen=True)
class JournalEntry:
    """One request. Keys and signatures are replaced by `***`."""

    method: str
    path: str
    query: str
    """The query string as it was sent, without the `?`."""
    status: int | None
    """The status of the answer; None if there was none."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], hash=False, repr=False)
    """The request's headers, by lower-case name."""


class RequestLog:
    """The last requests, at most 100,000, in the order of their answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[JournalEntry] = deque(maxlen=_MOST_ENTRIES)
        self.epoch: int = 0
        """The number of times the log was cleared. `add` ignores requests of earlier epochs."""

    def entries(self) -> list[JournalEntry]:
        """Returns the requests so far."""
        with self._lock:
            return list(self._entries)

    def clear(self) -> None:
        """Removes the requests so far."""
        with self._lock:
            self._entries.clear()
            self.epoch += 1

    def add(self, scope: Scope, status: int | None, epoch: int) -> None:
        """Adds a request.

        Args:
            scope: The request.
            status: The status of the answer; None if there was none.
            epoch: The log's epoch when the request arrived.
        """
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name = raw_name.decode("latin-1").lower()
            headers[name] = _HIDDEN if name in _SECRET_HEADERS else raw_value.decode("latin-1")
        query = _SECRET_QUERY.sub(rf"\g<1>{_HIDDEN}", scope["query_string"].decode("latin-1"))
        entry = JournalEntry(scope["method"], scope["path"], query, status, MappingProxyType(headers))
        with self._lock:
            if epoch == self.epoch:
                self._entries.append(entry)
