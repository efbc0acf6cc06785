"""UUIDs, random or reproducible."""

from __future__ import annotations

import random
import threading
import uuid


class Ids:
    """Generates version 4 UUIDs, as the service uses them (source: official clients and documentation).

    Args:
        seed: Equal seeds give equal ids; None for unpredictable ones.
    """

    def __init__(self, seed: str | None) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self.start_over()

    def start_over(self) -> None:
        """Restarts with the first id, if there is a seed."""
        # A seed asks for predictable ids; nothing about them is secret.
        self._random = random.SystemRandom() if self._seed is None else random.Random(self._seed)  # noqa: S311

    def __call__(self) -> str:
        """Returns the next id, in lower case."""
        with self._lock:
            return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
