"""Simulated time, and programs that run in it until they end, are cancelled or are killed."""

from __future__ import annotations

import heapq
import logging
import random
import uuid
from asyncio import CancelledError
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass
from math import inf
from typing import Any, Generic, Literal, TypeAlias, TypeVar

T = TypeVar("T")

Ending: TypeAlias = Literal["returned", "raised", "killed", "cancelled"]

_LOGGER = logging.getLogger("musicai_sdk")
MOST_EVENTS = 200_000
"""The number of events after which a world counts as endless. Ordinary ones have a few hundred."""


class NeverEndsError(Exception):
    """The simulation doesn't end."""


class Pause:
    """A suspension of a coroutine in a world: until a time, until a flag is raised, or whichever comes first."""

    __slots__ = ("flag", "until")

    def __init__(self, until: float | None = None, flag: Flag | None = None) -> None:
        self.until = until
        self.flag = flag

    def __await__(self) -> Generator[Pause, None, None]:
        yield self


class Flag:
    """Wakes its waiters, once."""

    __slots__ = ("raised", "waiting")

    def __init__(self) -> None:
        self.raised = False
        self.waiting: list[Callable[[], None]] = []

    def raise_(self) -> None:
        """Wakes all present and future waiters."""
        self.raised = True
        waiting, self.waiting = self.waiting, []
        for wake in waiting:
            wake()


@dataclass(frozen=True, slots=True)
class End(Generic[T]):
    """How a program ended."""

    how: Ending
    value: T | None = None
    """Its return value."""
    error: BaseException | None = None
    """The exception that it raised, also after a cancellation."""


class World:
    """A clock and the scheduled events.

    Args:
        seed: Determines all random choices.
        traced: Whether to keep the trace.
    """

    def __init__(self, seed: int, *, traced: bool = False) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.now = 0.0
        self.trace: list[str] | None = [] if traced else None
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Schedules a function. Functions that are due at the same time run in the order of these calls."""
        self._number += 1
        heapq.heappush(self._events, (max(moment, self.now), self._number, action))

    def run(self) -> None:
        """Runs all events.

        Raises:
            NeverEndsError: The events never end.
        """
        most = self._number + MOST_EVENTS
        while self._events:
            if self._number > most:
                raise NeverEndsError(f"{MOST_EVENTS} events, and it is {self.now:.0f} s")
            self.now, _, action = heapq.heappop(self._events)
            action()

    def advance(self, until: float = inf, stop: Callable[[], bool] = lambda: False) -> None:
        """Runs all events up to a time, which is then the current time, or until stopped."""
        while self._events and self._events[0][0] <= until:
            self.now, _, action = heapq.heappop(self._events)
            action()
            if stop():
                return
        if until != inf:
            self.now = max(self.now, until)

    def chance(self, probability: float) -> bool:
        """Returns True with a probability."""
        return probability > 0 and self.random.random() < probability

    def note(self, who: str, what: str) -> None:
        """Adds a line to the trace."""
        if self.trace is not None:
            self.trace.append(f"{self.now:10.3f}  {who:12} {what}")

    async def sleep(self, seconds: float) -> None:
        """Lets time pass."""
        await Pause(self.now + seconds)


class Process(Generic[T]):
    """A program with its tasks. It starts when it is created.

    Args:
        world: The world in which it runs.
        name: Its name in the trace.
        work: Its work.
        kill_at: The number of the suspension at which it is killed (none of its code runs any more, not even `finally`).
        cancel_at: The same for a cancellation, after which it can clean up.
    """

    def __init__(
        self,
        world: World,
        name: str,
        work: Callable[[Process[T]], Coroutine[Any, Any, T]],
        *,
        kill_at: int | None = None,
        cancel_at: int | None = None,
    ) -> None:
        self.world = world
        self.name = name
        self.end: End[T] | None = None
        self._ended = Flag()
        self._kill_at = kill_at
        self._cancel_at = cancel_at
        self._suspensions = 0
        self._tasks = list[_Task]()
        self._main = self.task(work(self), self._returned, self._raised)

    def task(
        self,
        coroutine: Coroutine[Any, Any, Any],
        returned: Callable[[Any], None],
        raised: Callable[[BaseException], None],
    ) -> _Task:
        """Starts a task of this program."""
        task = _Task(self, coroutine, returned, raised)
        self._tasks.append(task)
        self.world.at(self.world.now, task.step)
        return task

    async def ended(self) -> End[T]:
        """Waits until it has ended."""
        if self.end is None:
            await Pause(flag=self._ended)
        assert self.end is not None
        return self.end

    async def gather(self, tasks: Sequence[Callable[[], Coroutine[Any, Any, Any]]], limit: int) -> list[Any]:
        """Runs tasks, at most `limit` at once; as `IO.gather`."""
        results: list[Any] = [None] * len(tasks)
        errors = list[BaseException]()
        begun, running = 0, list[_Task]()
        while begun < len(tasks) or running:
            while begun < len(tasks) and len(running) < limit and not errors:
                running.append(self._gathered(begun, tasks[begun], results, errors))
                begun += 1
            if not running:
                break
            changed = Flag()
            for task in running:
                task.changed = changed
            try:
                await Pause(flag=changed)
            except BaseException:  # cancelled
                for task in running:
                    task.drop()
                raise
            running = [task for task in running if not task.over]
        if errors:
            raise errors[0]
        return results

    def _gathered(
        self,
        index: int,
        begin: Callable[[], Coroutine[Any, Any, Any]],
        results: list[Any],
        errors: list[BaseException],
    ) -> _Task:
        def returned(value: Any) -> None:
            results[index] = value

        return self.task(begin(), returned, errors.append)

    def strike_next(self) -> None:
        """Kills the program at its next suspension."""
        self._kill_at = self._suspensions + 1

    def suspended(self) -> bool:
        """Counts a suspension. Returns False if the program is killed there."""
        self._suspensions += 1
        if self._suspensions == self._kill_at:
            self._over(End("killed"))
            return False
        if self._suspensions == self._cancel_at:
            self.world.at(self.world.now, self._cancel)
        return True

    def close(self) -> None:
        """Discards the rest of the program, once its world is no longer needed."""
        for task in self._tasks:
            task.drop()

    def _cancel(self) -> None:
        if self.end is None:
            self._main.step(CancelledError())

    def _returned(self, value: T) -> None:
        self._over(End("returned", value=value))

    def _raised(self, error: BaseException) -> None:
        self._over(End("cancelled" if isinstance(error, CancelledError) else "raised", error=error))

    def _over(self, end: End[T]) -> None:
        if self.end is None:
            self.end = end
            shown = f": {type(end.error).__name__}: {end.error}" if end.error else ""
            self.world.note(self.name, f"{end.how}{shown}")
            self._ended.raise_()


class _Task:
    """One coroutine of a program."""

    def __init__(
        self,
        process: Process[Any],
        coroutine: Coroutine[Any, Any, Any],
        returned: Callable[[Any], None],
        raised: Callable[[BaseException], None],
    ) -> None:
        self.over = False
        self.changed: Flag | None = None
        """Raised when the task has ended."""
        self._process = process
        self._coroutine = coroutine
        self._context = copy_context()
        """Its own context, as each thread and each asyncio task has one."""
        self._returned = returned
        self._raised = raised
        self._steps = 0

    def step(self, error: BaseException | None = None) -> None:
        """Continues to the next suspension, or to the end."""
        if self.over or self._process.end is not None:
            return
        self._steps += 1
        try:
            pause: Pause = (
                self._context.run(self._coroutine.throw, error)
                if error
                else self._context.run(self._coroutine.send, None)
            )
        except StopIteration as end:
            self._finish(self._returned, end.value)
        except BaseException as failure:  # noqa: BLE001 - passed to whoever started the task
            self._finish(self._raised, failure)
        else:
            if self._process.suspended():
                self._resume_after(pause)

    def drop(self) -> None:
        """Ends the task at its current suspension."""
        self.over = True
        with suppress(RuntimeError):  # Its cleanup tried to wait.
            self._context.run(self._coroutine.close)

    def _resume_after(self, pause: Pause) -> None:
        steps = self._steps

        def resume() -> None:
            if steps == self._steps:  # The other of the two hasn't woken it.
                self.step()

        world = self._process.world
        if pause.flag is not None and pause.flag.raised:
            world.at(world.now, resume)
            return
        if pause.flag is not None:
            pause.flag.waiting.append(lambda: world.at(world.now, resume))
        if pause.until is not None:
            world.at(pause.until, resume)

    def _finish(self, tell: Callable[[Any], None], outcome: Any) -> None:
        self.over = True
        tell(outcome)
        if self.changed is not None:
            self.changed.raise_()


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """Makes the client's jitter and generated keys depend on a seed too, and silences its log."""
    state, make_id, logged = random.getstate(), uuid.uuid4, _LOGGER.disabled
    handlers = list(_LOGGER.handlers)
    ids = random.Random(f"ids of {seed}")
    random.seed(seed)
    uuid.uuid4 = lambda: uuid.UUID(int=ids.getrandbits(128), version=4)
    _LOGGER.disabled = True
    try:
        yield
    finally:
        _LOGGER.disabled = logged
        _LOGGER.handlers[:] = (
            handlers  # a killed program leaves a reference that would keep its whole world alive
        )
        uuid.uuid4 = make_id
        random.setstate(state)
