"""An event loop in simulated time: its timers, the service and its worker threads' functions are events of one world."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from asyncio import events
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass
from math import inf
from typing import Any, TypeVar, TypeVarTuple, Unpack

from typing_extensions import override

from simulation.world import NeverEndsError, World

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

EPOCH = 1_700_000_000
"""The value of `time.time` at the beginning of a world."""
MOST_STEPS = 100_000
"""The number of rounds after which a loop counts as endless. Ordinary ones have a few hundred."""
_INPUTS = "musicai-inputs"
"""The name of the batch's thread that reads the inputs."""
_SLOWEST = 0.02
"""The most seconds that a function takes in a worker thread."""
_CLOSES = 50


class Killed(BaseException):
    """The program is killed here: none of its code runs any more."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Where a program is killed: at whichever of these comes first. None: never."""

    step: int | None = None
    """In this round of the loop, at an await."""
    before: int | None = None
    """Before this function of a worker thread, such as a commit of the ledger."""
    after: int | None = None
    """After this function, before its result is delivered."""
    post: int | None = None
    """This number of rounds after it has sent a paid request, see `SimulatedLoop.posted`."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """The event loop of one program.

    Functions for threads run between two rounds of the loop, because only their order relative to the loop's own code
    matters. Only the thread that reads the inputs is real; the loop waits for its end.

    Args:
        world: The world in which the program runs.
        fate: Where the program is killed.
    """

    def __init__(self, world: World, fate: Fate) -> None:
        super().__init__()
        self._ready: deque[asyncio.Handle]
        """The callbacks that the base class runs in the next round."""
        self.dead = False
        self.errors = list[BaseException]()
        """Errors that were never retrieved."""
        self._world = world
        self._fate = fate
        self._selector = self
        self._steps = self._functions = 0
        self._last: int | None = None
        self._busy = dict[Executor, float]()
        self._from_threads = list[Callable[[], object]]()
        self._guard = threading.Lock()
        self.set_exception_handler(self._unretrieved)

    @override
    def time(self) -> float:
        return self._world.now

    def select(self, timeout: float | None) -> list[Any]:
        """Lets time pass until the loop has something to do; the base class calls it in each round.

        Raises:
            Killed: The program is killed in this round.
            NeverEndsError: No event is left to wait for, or the events never end.
        """
        self._steps += 1
        if self._steps in (self._fate.step, self._last):
            raise Killed
        if self._steps > MOST_STEPS:
            raise NeverEndsError(f"{MOST_STEPS} rounds, and it is {self._world.now:.0f} s")
        self._wait_for_threads()
        until = inf if timeout is None else self._world.now + timeout
        if self._ready:
            until = self._world.now
            self._world.advance(until)
        else:
            self._world.advance(until, stop=lambda: bool(self._ready))
        if until == inf and not self._ready:
            raise NeverEndsError("it waits for something that never comes")
        return []

    def posted(self) -> None:
        """A paid request is on its way."""
        if self._fate.post is not None and self._last is None:
            self._last = self._steps + self._fate.post

    def _process_events(self, event_list: list[Any]) -> None:
        """There are no sockets."""

    def _write_to_self(self) -> None:
        """Nobody sleeps in `select`."""

    def _wait_for_threads(self) -> None:
        for thread in threading.enumerate():
            if thread.name == _INPUTS:
                thread.join()
        with self._guard:
            calls, self._from_threads = self._from_threads, []
        for call in calls:
            call()

    @override
    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """As usual, but calls from threads wait for the next round, so that their order is reproducible."""
        if self.dead:  # the remains of a killed program would clean up
            return asyncio.Handle(callback, args, self, context)
        if threading.current_thread() is threading.main_thread():
            return self.call_soon(callback, *args, context=context)
        with self._guard:
            self._from_threads.append(lambda: self.call_soon(callback, *args, context=context))
        return asyncio.Handle(callback, args, self, context)

    @override
    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Calls a function a little later. A given executor has one thread, which runs its functions one by one."""
        future: asyncio.Future[Any] = self.create_future()
        begin = self._world.now if executor is None else max(self._world.now, self._busy.get(executor, 0.0))
        end = begin + self._world.random.uniform(0, _SLOWEST)
        if executor is not None:
            self._busy[executor] = end
        self._world.at(end, lambda: self._call(future, func, args))
        return future

    def _call(self, future: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
        if self.dead:
            return
        self._functions += 1
        if self._functions == self._fate.before:
            self._kill()
            return
        result, error = None, None
        events._set_running_loop(None)  # as in a thread
        try:
            result = func(*args)
        except Exception as raised:  # noqa: BLE001 - goes to who waits
            error = raised
        finally:
            events._set_running_loop(self if self.is_running() else None)
        if self._functions == self._fate.after:
            self._kill()
            return
        if not future.done() and not self.is_closed():
            future.set_result(result) if error is None else future.set_exception(error)

    def _kill(self) -> None:
        """Kills the program. If only one of its threads is left, raises nothing."""
        if self.is_running():
            raise Killed
        self.dead = True

    def abandon(self) -> None:
        """Discards all tasks. Their cleanup runs until it waits; the caller must undo its changes to files."""
        self.dead = True
        events._set_running_loop(self)
        try:
            closed = set[asyncio.Task[Any]]()
            # Cleanup may start new tasks, which would warn that they were never awaited.
            while tasks := asyncio.all_tasks(self) - closed:
                for task in sorted(tasks, key=lambda each: each.get_name()):
                    self._close(task)
                closed |= tasks
        finally:
            events._set_running_loop(None)
        self.close()

    @staticmethod
    def _close(task: asyncio.Task[Any]) -> None:
        task._log_destroy_pending = False  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
        for _ in range(_CLOSES):
            try:
                task.get_coro().close()  # pyright: ignore[reportOptionalMemberAccess]
            except RuntimeError:
                continue  # its cleanup tried to wait
            except BaseException:  # noqa: BLE001 - the program is dead
                pass
            break

    def _unretrieved(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None and not self.dead:
            self.errors.append(error)


class Clocks:
    """The clocks of the computer on which the programs of a world run, in place of Python's."""

    def __init__(self, world: World) -> None:
        self.ahead = 0.0
        """The error of `time.time` in seconds."""
        self.up = 1000.0
        """The value of `time.monotonic` at the beginning."""
        self._world = world

    def step(self, draw: random.Random) -> None:
        """Changes the clock, as a user may do."""
        self.ahead += draw.choice((-1, 1)) * draw.choice((1.0, 60.0, 86400.0)) * draw.random()

    def restart(self, draw: random.Random) -> None:
        """Restarts the computer."""
        self.up = draw.uniform(0, 100) - self._world.now

    @contextmanager
    def running(self) -> Generator[None]:
        """Replaces Python's clocks."""
        told, monotonic = time.time, time.monotonic
        time.time = lambda: EPOCH + self._world.now + self.ahead
        time.monotonic = lambda: self._world.now + self.up
        try:
            yield
        finally:
            time.time, time.monotonic = told, monotonic
