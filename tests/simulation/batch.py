"""One seed of a batch: its runs on a real ledger, killed and restarted until every track is done."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from asyncio import CancelledError
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from typing_extensions import override

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk._io import Request, ResponseStream, Signal
from musicai_sdk._io.asynchronous import AsyncIO
from musicai_sdk.batch import Batch, Input, JobAttempt, open_ledger
from musicai_sdk.batch.ledger.files import LEDGER
from musicai_sdk.errors import MusicAiError
from simulation.conditions import Conditions
from simulation.conditions import drawn as drawn_conditions
from simulation.core import Report
from simulation.io import FAULTS, LATENCY, Answer, Fault, Network, SimulatedIO
from simulation.loop import Clocks, Fate, Killed, SimulatedLoop
from simulation.studio import Studio
from simulation.world import Flag, NeverEndsError, World, seeded

T = TypeVar("T")

RUNS = 6
"""The most runs of a batch while faults occur."""
CALM_RUNS = 3
"""The most further runs without faults."""
_SHM = Path("/dev/shm")
_KEY = "27803abe-ec15-4f74-9e8a-18a99627e9b0"
_LATE: tuple[Fault, ...] = ("late",) * 8
"""The other faults of worlds with late POSTs, which are the worst case for a batch."""
SAFE = ("verified", "deleted")


@dataclass(frozen=True)
class Plan:
    """The settings that all runs of a seed share."""

    files: int
    urls: int
    twins: bool
    """Whether two of the files are equal."""
    grace: float
    in_flight: int
    max_attempts: int
    upload_lifetime: float
    poll_interval: float
    keep_jobs: bool
    retry_failed: float
    """The share of the runs with this option."""
    retry_uncertain: float
    clock_steps: float
    """The share of the runs before which the clock is changed."""
    restarts: float
    """The share of the runs before which the computer is restarted."""
    max_jobs: int | None
    """The limits of all runs except the last ones without faults."""
    max_minutes: int | None

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return self.max_jobs is not None or self.max_minutes is not None


def drawn(draw: random.Random, limits: random.Random) -> tuple[Conditions, Plan]:
    """Returns the conditions and the plan of a seed. The limits are drawn apart, so that older seeds keep their meaning."""
    conditions = drawn_conditions(draw)
    # `settle` and `gap` are those of single calls; a batch has its grace period instead.
    slowest = conditions.slowest
    grace = slowest if draw.random() < 0.75 else draw.uniform(0, slowest)
    conditions = replace(
        conditions,
        settle=grace,
        gap=0.0,
        network=replace(conditions.network, faults=FAULTS + _LATE * (conditions.network.latest > 0)),
        kills=draw.choice((0.3, 0.6, 0.9)),
        cancels=draw.choice((0.0, 0.2)),
    )
    return conditions, Plan(
        files=draw.randint(1, 3),
        urls=draw.choice((0, 0, 1)),
        twins=draw.random() < 0.2,
        grace=grace,
        in_flight=draw.choice((1, 2, 10)),
        max_attempts=draw.choice((1, 2, 3)),
        upload_lifetime=draw.choice((3600.0, 3600.0, 2.0)),
        poll_interval=draw.choice((2.0, 10.0)),
        keep_jobs=draw.random() < 0.1,
        retry_failed=draw.choice((0.0, 0.5)),
        retry_uncertain=draw.choice((0.0, 0.0, 0.0, 0.3)),
        clock_steps=draw.choice((0.0, 0.5)),
        restarts=draw.choice((0.0, 0.3)),
        max_jobs=limits.choice((None, None, None, None, 0, 1, 1, 2, 2, 3)),
        max_minutes=limits.choice((None,) * 6 + (2, 4)),
    )


def run(seed: int, *, traced: bool = False) -> Report:
    """Runs a seed. The outcome depends only on the seed."""
    folder = Path(tempfile.mkdtemp(prefix="musicai-", dir=_SHM if _SHM.is_dir() else None))
    try:
        with seeded(seed):
            return _Seed(seed, folder, traced=traced).run()
    finally:
        shutil.rmtree(folder)


class _Seed:
    def __init__(self, seed: int, folder: Path, *, traced: bool) -> None:
        self._world = World(seed, traced=traced)
        self._draw = self._world.random
        self._conditions, self._plan = drawn(self._draw, random.Random(f"{seed}/limits"))
        conditions = self._conditions
        self._out = folder / "out"
        self._studio = Studio(
            self._world, conditions.quirks, conditions.traffic, conditions.job_seconds, conditions.failing,
            out=self._out,
        )  # fmt: skip
        self._clocks = Clocks(self._world)
        self._network = conditions.network
        self._inputs = self._made(folder / "songs")
        self._wrong = list[str]()
        self._done = False
        """Whether the latest run reports that all tracks have their results."""
        self._waiting = 0
        """The number of inputs that the latest run left because of a limit."""
        self._world.note("seed", str(self._plan))

    def run(self) -> Report:
        world, draw = self._world, self._draw
        with self._clocks.running():
            for number in range(draw.randint(1, RUNS)):
                self._run(f"run {number}", self._fate())
                self._between()
            world.advance()
            self._studio.calm = True
            self._network = Network()
            if self._plan.limited:
                self._run("limited calm run", Fate(), calm=True)
                world.advance()
                self._check_limits()
            for number in range(CALM_RUNS):
                self._run(f"calm run {number}", Fate(), calm=True, retry_failed=number > 0, limited=False)
                world.advance()
                if self._done:
                    break
            self._check()
        paid = Counter(order.content for order in self._studio.orders)
        return Report(
            seed=world.seed,
            violations=self._studio.wrong + self._wrong,
            conditions=self._conditions,
            inside=self._inside,
            paid=sum(paid.values()),
            duplicates=max(
                0, sum(paid.values()) - len(paid) - sum(each.fails for each in self._studio.orders)
            ),
            seconds=world.now,
            trace=world.trace or [],
        )

    @property
    def _inside(self) -> bool:
        """Whether the service lists every job in time. It need not return the key."""
        return self._conditions.slowest <= self._plan.grace

    def _made(self, songs: Path) -> list[Input]:
        songs.mkdir()
        inputs = list[Input]()
        for number in range(self._plan.files + self._plan.twins):
            path = songs / f"song-{number}.wav"
            content = b"RIFF....WAVE song %d" % min(number, self._plan.files - 1)
            path.write_bytes(content)
            inputs.append(Input(str(path), audio_seconds=60 * _minutes(content)))
        for number in range(self._plan.urls):
            url = f"https://songs.example/{number}.wav"
            inputs.append(Input(url, audio_seconds=60 * _minutes(url.encode())))
        return inputs

    def _fate(self) -> Fate:
        draw = self._draw
        if draw.random() >= self._conditions.kills:
            return Fate()
        # Mostly early, because late kills occur anyway.
        match draw.choice(("step", "before", "after", "post")):
            case "post":
                return Fate(post=draw.randint(1, 8))
            case "step":
                return Fate(step=int(2 ** draw.uniform(0, 9)))
            case "before":
                return Fate(before=int(2 ** draw.uniform(0, 6)))
            case _:
                return Fate(after=int(2 ** draw.uniform(0, 6)))

    def _between(self) -> None:
        world, draw = self._world, self._draw
        world.advance(world.now + draw.choice((0.0, draw.uniform(0, 1), draw.uniform(0, 60))))
        if draw.random() < self._plan.clock_steps:
            self._clocks.step(draw)
        if draw.random() < self._plan.restarts:
            self._clocks.restart(draw)

    def _run(
        self, name: str, fate: Fate, *, calm: bool = False, retry_failed: bool = False, limited: bool = True
    ) -> None:
        world, draw, plan = self._world, self._draw, self._plan
        world.note(name, f"begins, {fate}")
        loop = SimulatedLoop(world, fate)

        def connect() -> AsyncMusicAiClient:
            client = AsyncMusicAiClient(_KEY, base_url="https://h/v1")
            client._session.io = LoopIO(loop, world, name, self._studio, self._network)
            return client

        batch = Batch(
            "acme", self._inputs, self._out, input_name="file", connect=connect,
            in_flight=plan.in_flight, max_attempts=plan.max_attempts, upload_lifetime=plan.upload_lifetime,
            grace=plan.grace, poll_interval=plan.poll_interval, keep_jobs=plan.keep_jobs,
            retry_failed=retry_failed or (draw.random() < plan.retry_failed and not calm),
            retry_uncertain=draw.random() < plan.retry_uncertain and not calm,
            max_jobs=plan.max_jobs if limited else None,
            max_minutes=plan.max_minutes if limited else None,
            on_event=lambda event: world.note(name, f"{event.kind} {event.source or ''} {event.message}"),
        )  # fmt: skip
        if not calm and draw.random() < self._conditions.cancels:
            end = draw.choice((batch.drain, batch.stop))
            world.at(world.now + draw.choice((draw.uniform(0, 1), draw.uniform(0, 30))), end)
        try:
            report = loop.run_until_complete(batch.run_async())
            self._done, self._waiting = report.ok, report.progress.waiting
            world.note(name, "returned")
        except Killed:
            world.note(name, "killed")
            self._undone(loop)
            return
        except (MusicAiError, CancelledError) as error:
            world.note(name, f"raised {error!r}")
            if calm:
                self._wrong.append(f"{name} raised {error!r}")
        except NeverEndsError as error:
            self._wrong.append(f"{name} never ends: {error}")
            self._undone(loop)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is
            self._wrong.append(f"{name} raised {error!r}")
        self._wrong += [f"{name} left {task!r}" for task in asyncio.all_tasks(loop)]
        self._wrong += [f"{name} raised {error!r}, which nobody retrieved" for error in loop.errors]
        loop.close()

    def _undone(self, loop: SimulatedLoop) -> None:
        """Closes the files of a killed program, as the system does, and restores the disk to that moment."""
        before = _files(self._out)
        loop.abandon()
        after = _files(self._out)
        for path in after.keys() - before.keys():
            path.unlink()
        for path, content in before.items():
            if after.get(path) != content:
                # In place, so that it remains the same file.
                path.write_bytes(content)

    def _check_limits(self) -> None:
        """Checks that neither the attempts in the ledger nor the paid jobs exceed a limit."""
        plan, orders = self._plan, self._studio.orders
        with open_ledger(self._out / LEDGER) as view:
            cost = view.cost()
        paid = sum(_minutes(order.content) for order in orders)
        for what, figure, limit in (
            ("jobs in the ledger", cost.jobs, plan.max_jobs),
            ("minutes in the ledger", cost.minutes, plan.max_minutes),
            ("jobs", len(orders) if self._inside else 0, plan.max_jobs),
            ("minutes", paid if self._inside else 0, plan.max_minutes),
        ):
            if limit is not None and figure > limit:
                self._wrong.append(f"{figure} {what} were paid for, and the limit was {limit}")
        if self._waiting and plan.max_minutes is None and cost.jobs < (plan.max_jobs or 0):
            self._wrong.append(f"{self._waiting} inputs wait, although {cost.jobs} jobs are below the limit")
        self._world.note("limits", f"{cost}, {self._waiting} inputs wait")

    def _check(self) -> None:
        studio = self._studio
        with open_ledger(self._out / LEDGER) as view:
            attempts = list(view.attempts())
            tracks = [track for track, _ in view.tracks()]
        self._check_payments(attempts)
        failed = {order.content for order in studio.orders if order.fails}
        paid = {order.key for order in studio.orders}
        for track in tracks:
            if track.state in SAFE:
                if missing := studio.missing(track.job_id or ""):
                    self._wrong.append(f"{track.source} counts as done without {missing}")
            elif track.state == "uncertain" and track.idempotency_key not in paid:
                pass  # a run that lived on has lost the answer of a POST: it is sent again only when asked to
            elif self._inside and self._conditions.echoed and not failed:
                self._wrong.append(
                    f"{track.source} is {track.state} in the end: {track.error_code} {track.error_message}"
                )

    def _check_payments(self, attempts: Sequence[JobAttempt]) -> None:
        orders = self._studio.orders
        by_key = {attempt.idempotency_key: attempt for attempt in attempts}
        known = {attempt.job_id for attempt in attempts}
        for content in dict.fromkeys(order.content for order in orders):
            jobs = [order for order in orders if order.content == content]
            rows = [each for order in jobs if (each := by_key.get(order.key)) is not None]
            tracks = {row.track for row in rows}
            asked = sum(row.track in tracks and row.reason == "retry_uncertain" for row in attempts)
            allowed = 1 + sum(order.fails for order in jobs) + asked
            if self._inside and len(jobs) > allowed:
                self._wrong.append(
                    f"{len(jobs)} jobs were paid for {content!r}: {[job.id[:8] for job in jobs]}"
                )
        for order in orders:
            if order.key not in by_key:
                self._wrong.append(f"job {order.id} was paid for, and the ledger has no attempt {order.key}")
            elif self._inside and self._conditions.echoed and order.id not in known:
                self._wrong.append(f"job {order.id} was paid for, and the ledger doesn't know its id")


def _minutes(content: bytes) -> int:
    """The length of an input's audio."""
    return content[-1] % 3 + 1


def _files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@dataclass
class _Program:
    name: str
    world: World

    async def gather(self, tasks: Sequence[Callable[[], Coroutine[Any, Any, T]]], limit: int) -> list[T]:
        """As `AsyncIO` does it, which needs nothing but asyncio for it."""
        return await AsyncIO.gather(cast("AsyncIO", self), tasks, limit)


class LoopIO(SimulatedIO):
    """The driver of a program that has an event loop."""

    def __init__(
        self, loop: SimulatedLoop, world: World, name: str, studio: Studio, network: Network
    ) -> None:
        super().__init__(_Program(name, world), studio, network)
        self._loop = loop
        self._studio = studio

    @override
    async def open(self, request: Request) -> ResponseStream:
        if self._loop.dead:
            raise Killed
        if request.body is not None and not isinstance(request.body, bytes):
            # A sent request arrives complete, whatever happens to the program and its files meanwhile.
            request = replace(request, body=b"".join(bytes(chunk) for chunk in request.body.chunks()))
        if request.method == "POST":
            self._loop.posted()
        answer = await super().open(request)
        if request.channel == "storage" and isinstance(answer, Answer):
            return _Slow(answer, self)
        return answer

    @override
    def _act(self, request: Request) -> Answer:
        return self._studio.store(request) if request.channel == "storage" else super()._act(request)

    @override
    async def _pause(self, until: float | None = None, flag: Flag | None = None) -> None:
        future = self._loop.create_future()

        def wake() -> None:
            if not future.done() and not self._loop.dead and not self._loop.is_closed():
                future.set_result(None)

        if flag is not None and flag.raised:
            return
        if flag is not None:
            flag.waiting.append(wake)
        if until is not None:
            self._world.at(until, wake)
        await future

    async def on_its_way(self) -> None:
        """Waits until a piece of an answer arrives."""
        await self._pause(self._world.now + self._world.random.uniform(*LATENCY))

    @override
    def signal(self) -> Signal:
        return _LoopSignal()


class _Slow(Answer):
    """An answer that arrives in two pieces, or breaks off after the first one."""

    def __init__(self, answer: Answer, io: LoopIO) -> None:
        super().__init__(answer.status, answer.body, answer.headers, cut=answer.cut)
        self._io = io
        half = len(answer.body) // 2
        self._pieces = [piece for piece in (answer.body[:half], answer.body[half:]) if piece]

    @override
    async def read(self) -> bytes:
        """As the protocol says."""
        await self._io.on_its_way()
        if self.cut and len(self._pieces) < 2:
            return await super().read()
        return self._pieces.pop(0) if self._pieces else b""


class _LoopSignal:
    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()
