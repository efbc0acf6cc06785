"""A driver whose clock only advances when a task sleeps, so that waits take no real time."""

from __future__ import annotations

from typing_extensions import override

from musicai_sdk._io.blocking import BlockingIO


class SimulatedTime(BlockingIO):
    """Has no network: for logic that only waits and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.time: float = 1000.0
        self.slept = list[float]()

    @override
    def now(self) -> float:
        return self.time

    @override
    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
