"""UUIDs, at random or always the same ones."""

from __future__ import annotations

import random
import threading
import uuid


class Ids:
    """Draws ids shaped as version 4 UUIDs, which is what the service uses (source: official clients and documentation).

    Args:
        seed: Equal seeds give equal ids; None for ids nobody can foresee.
    """

    def __init__(self, seed: str | None) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self.start_over()

    def start_over(self) -> None:
        """Begins again with the first id, if there is a seed."""
        # Foreseeable ids are what a seed is for; nothing is secret about them.
        self._random = random.SystemRandom() if self._seed is None else random.Random(self._seed)  # noqa: S311

    def __call__(self) -> str:
        """Returns the next id, in lower case."""
        with self._lock:
            return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
