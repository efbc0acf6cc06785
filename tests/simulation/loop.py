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
"""What `time.time` says at the beginning of a world."""
MOST_STEPS = 100_000
"""After so many rounds a loop counts as one that never ends. Ordinary ones have a few hundred."""
_INPUTS = "musicai-inputs"
"""The name of the batch's thread that reads the inputs."""
_SLOWEST = 0.02
"""Seconds that a function takes at most in a worker thread."""
_CLOSES = 50


class Killed(BaseException):
    """The program is killed here: nothing of it runs any more."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Where a program is killed: at the first of these that it comes to. None: nowhere."""

    step: int | None = None
    """In that round of the loop: at an await."""
    before: int | None = None
    """Before that function of a worker thread, such as a commit of the ledger."""
    after: int | None = None
    """After it, and before anybody is told."""
    post: int | None = None
    """So many rounds after it has sent a paid request, see `SimulatedLoop.posted`."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """The event loop of one program.

    What it gives to a thread runs at once when its turn has come, between two rounds of the loop: of a thread's function
    and the loop's own code only the order matters. One thread is real, that of the inputs; the loop waits for its end.

    Args:
        world: Where it runs.
        fate: Where it is killed.
    """

    def __init__(self, world: World, fate: Fate) -> None:
        super().__init__()
        self._ready: deque[asyncio.Handle]
        """What the base class runs in the next round."""
        self.dead = False
        self.errors = list[BaseException]()
        """What nobody has retrieved."""
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
            NeverEndsError: Nothing can happen any more, or there is always more.
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
        """As usual; but what comes from a thread waits for the next round, so that its place doesn't depend on luck."""
        if self.dead:  # what is thrown away of a killed program would clean up
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
        """Calls it a little later. An executor that is given has one thread, which does one thing after the other."""
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
        """Kills the program. If only a thread of it is left, nobody needs to hear of that."""
        if self.is_running():
            raise Killed
        self.dead = True

    def abandon(self) -> None:
        """Throws away all tasks. Their cleanup runs, as far as it doesn't wait: what it does to files is to be undone."""
        self.dead = True
        events._set_running_loop(self)
        try:
            closed = set[asyncio.Task[Any]]()
            # Cleanup may begin new tasks, which would complain that nobody has ever awaited them.
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
                continue  # it wanted to wait for something
            except BaseException:  # noqa: BLE001 - nobody hears it
                pass
            break

    def _unretrieved(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None and not self.dead:
            self.errors.append(error)


class Clocks:
    """The clocks of the computer on which the programs of a world run, in the place of Python's."""

    def __init__(self, world: World) -> None:
        self.ahead = 0.0
        """By how many seconds `time.time` is wrong."""
        self.up = 1000.0
        """What `time.monotonic` said at the beginning."""
        self._world = world

    def step(self, draw: random.Random) -> None:
        """Sets the clock, as somebody may do."""
        self.ahead += draw.choice((-1, 1)) * draw.choice((1.0, 60.0, 86400.0)) * draw.random()

    def restart(self, draw: random.Random) -> None:
        """Starts the computer again."""
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
