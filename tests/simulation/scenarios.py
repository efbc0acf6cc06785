"""The actions of careful callers, which restart killed or failed programs, and record the results of their calls."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from musicai_sdk import CustomWorkflow
from musicai_sdk._core.session import Session
from musicai_sdk._core.settings import read_settings
from musicai_sdk._io.secret import Secret
from musicai_sdk.errors import JobFailedError, MusicAiError, NotFoundError, WaitTimeoutError
from musicai_sdk.models.job import Job
from musicai_sdk.resources.jobs import AsyncJobs
from simulation.conditions import Conditions
from simulation.io import Network, SimulatedIO
from simulation.service import Service
from simulation.world import End, Process, World

T = TypeVar("T")

WORKFLOW = CustomWorkflow("acme", {"file": "https://songs.example/a.wav"})
ATTEMPTS = 4
"""The number of attempts before a caller gives up."""
_SETTINGS = read_settings(
    api_key=Secret("27803abe-ec15-4f74-9e8a-18a99627e9b0"), base_url="https://h/v1", user_agent=None, timeout=60.0,
    max_retries=3, poll_interval=2.0, names_by_output=True, allow_http=False,
)  # fmt: skip


@dataclass
class Simulation:
    """One world, and the results of its callers' calls."""

    world: World
    service: Service
    conditions: Conditions
    programs: list[Process[Any]] = field(default_factory=list[Process[Any]])
    returned: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Ids that calls returned or named in an error, by the caller's key."""
    errors: list[BaseException] = field(default_factory=list[BaseException])
    """What calls raised."""
    keys: list[str] = field(default_factory=list[str])
    """The keys of callers who gave one."""
    killed_alone: set[str] = field(default_factory=set[str])
    """Names of jobs whose programs were killed while only they knew the key."""
    asked_to_delete: set[str] = field(default_factory=set[str])
    """Ids that callers want deleted."""
    wrong: list[str] = field(default_factory=list[str])
    """Violations that a caller saw."""

    async def program(
        self, name: str, work: Callable[[AsyncJobs], Coroutine[Any, Any, T]], *, calm: bool = False
    ) -> End[T]:
        """Runs a program with its own client until it ends, fails or is killed.

        Args:
            name: Its name in the trace.
            work: Its work with its client.
            calm: Whether it is neither killed nor cancelled.
        """
        draw, conditions = self.world.random, self.conditions
        network = Network() if calm else conditions.network
        fate = 1.0 if calm else draw.random()
        killed = fate < conditions.kills
        cancelled = not killed and fate < conditions.kills + conditions.cancels
        step = draw.randint(1, 30)
        # Anywhere, or at the worst moment.
        dies_paying = killed and draw.random() < 0.5

        def begin(process: Process[T]) -> Coroutine[Any, Any, T]:
            io = SimulatedIO(
                process,
                self.service,
                network,
                on_post=process.strike_next if dies_paying else lambda: None,
            )
            return work(AsyncJobs(Session(_SETTINGS, io)))

        process = Process(
            self.world,
            name,
            begin,
            kill_at=step if killed and not dies_paying else None,
            cancel_at=step if cancelled else None,
        )
        self.programs.append(process)
        end = await process.ended()
        if end.error is not None:
            self.errors.append(end.error)
            if end.how == "raised" and not isinstance(end.error, MusicAiError):
                self.wrong.append(f"{name} raised {end.error!r}")
            elif conditions.quiet and not isinstance(end.error, JobFailedError | WaitTimeoutError):
                self.wrong.append(f"{name} raised {end.error!r}, and nothing went wrong")
        return end

    async def pause(self) -> None:
        """Waits until the caller restarts."""
        await self.world.sleep(self.conditions.gap + self.world.random.uniform(0, 1))

    def tell(self, key: str, job_id: str) -> None:
        """Records that a caller got the id of a job."""
        self.returned.setdefault(key, set()).add(job_id)

    def settling(self) -> dict[str, Any]:
        """The `settle=` of a call."""
        return {"settle": self.conditions.settle}


async def create(sim: Simulation, key: str) -> str | None:
    """Creates a job under the caller's key, in as many programs as necessary."""
    sim.keys.append(key)

    async def work(jobs: AsyncJobs) -> str:
        # Some programs retry themselves, with the same client.
        for tries_left in reversed(range(sim.world.random.choice((1, 1, 3)))):
            try:
                made = await jobs.create(WORKFLOW, idempotency_key=key, **sim.settling())
            except MusicAiError as error:
                sim.errors.append(error)
                if not tries_left:
                    raise
                await sim.pause()
            else:
                return made.id
        raise AssertionError

    for attempt in range(ATTEMPTS):
        end = await sim.program(f"{key}#{attempt}", work)
        if end.value is not None:
            sim.tell(key, end.value)
            return end.value
        await sim.pause()
    return None


async def create_without_key(sim: Simulation, name: str) -> str | None:
    """Creates a job once, and searches for it if its answer was lost."""
    end = await sim.program(name, lambda jobs: jobs.create(WORKFLOW, name=name))
    if end.value is not None:
        assert end.value.idempotency_key is not None
        sim.tell(end.value.idempotency_key, end.value.id)
        return end.value.id
    if end.how == "killed":
        sim.killed_alone.add(name)
    return None


async def run(sim: Simulation, key: str) -> None:
    """Runs a job under the caller's key until it has a result or has failed."""
    sim.keys.append(key)
    timeout = sim.world.random.choice((None, 30.0, 300.0))
    for attempt in range(ATTEMPTS):
        end = await sim.program(
            f"{key}#{attempt}",
            lambda jobs: jobs.run(WORKFLOW, idempotency_key=key, timeout=timeout, **sim.settling()),
        )
        if end.value is not None:
            sim.tell(key, end.value.id)
            _check(sim, end.value, end.value.id)
            return
        if isinstance(end.error, JobFailedError | WaitTimeoutError):
            sim.tell(key, end.error.job_id)
            if isinstance(end.error, JobFailedError):
                return
        await sim.pause()


async def follow(sim: Simulation, key: str) -> None:
    """Creates a job, waits for it, and deletes it."""
    job_id = await create(sim, key)
    if job_id is None:
        return
    timeout = sim.world.random.choice((None, 3.0, 60.0))
    for attempt in range(ATTEMPTS):
        waited = await sim.program(f"wait {key}#{attempt}", lambda jobs: jobs.wait(job_id, timeout=timeout))
        if waited.value is not None:
            _check(sim, waited.value, job_id)
            break
        await sim.pause()
    sim.asked_to_delete.add(job_id)
    for attempt in range(ATTEMPTS):
        deleted = await sim.program(f"delete {key}#{attempt}", lambda jobs: jobs.delete(job_id))
        gone = deleted.how == "returned" or isinstance(deleted.error, NotFoundError)
        if gone and job_id in sim.service.jobs:
            sim.wrong.append(f"job {job_id} was said to be deleted and is there")
        if gone:
            return
        await sim.pause()


async def wait_all(sim: Simulation, key: str) -> None:
    """Creates some jobs, and waits for all of them with one call."""
    ids = list[str]()
    for number in range(sim.world.random.randint(2, 3)):
        job_id = await create(sim, f"{key}.{number}")
        if job_id is not None:
            ids.append(job_id)
    for attempt in range(ATTEMPTS):
        end = await sim.program(f"wait {key}#{attempt}", lambda jobs: jobs.wait_all(ids))
        if end.value is not None:
            if [job.id for job in end.value] != ids:
                sim.wrong.append(f"wait_all returned other jobs than {ids}")
            for job, job_id in zip(end.value, ids, strict=False):
                _check(sim, job, job_id)
            return
        await sim.pause()


async def find(sim: Simulation, key: str) -> None:
    """Creates a job, and searches for it while the service is busy."""
    job_id = await create(sim, key)
    await sim.world.sleep(sim.conditions.slowest)
    for attempt in range(4):
        end = await sim.program(f"find {key}#{attempt}", lambda jobs: jobs.find(key))
        if end.how == "returned" and job_id is not None and sim.conditions.echoed:
            if end.value is None:
                sim.wrong.append(f"find({key!r}) returned None, and the job is listed")
            elif end.value.id not in {paid.id for paid in sim.service.paid if paid.key == key}:
                sim.wrong.append(f"find({key!r}) returned another job")


async def look_first(sim: Simulation, key: str) -> None:
    """Creates a job under a key, and searches for it after every failure before it retries."""
    sim.keys.append(key)
    for attempt in range(ATTEMPTS):
        made = await sim.program(
            f"{key}#{attempt}", lambda jobs: jobs.create(WORKFLOW, idempotency_key=key, **sim.settling())
        )
        await sim.pause()
        found = await sim.program(f"find {key}#{attempt}", lambda jobs: jobs.find(key, **sim.settling()))
        paid = {paid.id for paid in sim.service.paid if paid.key == key}
        for end in (made, found):
            if end.value is not None:
                sim.tell(key, end.value.id)
                if end.value.id not in paid:
                    sim.wrong.append(f"job {end.value.id} was returned for {key!r}, which has {paid}")
        absent = found.how == "returned" and found.value is None
        if absent and paid and sim.conditions.inside():
            sim.wrong.append(f"find({key!r}) returned None, and {paid} was paid for")
        if made.value is not None or found.value is not None:
            return


async def create_some_without_key(sim: Simulation, key: str) -> None:
    """Creates two jobs, one after the other, without keys."""
    for number in range(2):
        await create_without_key(sim, f"{key}.{number}")


async def only_create(sim: Simulation, key: str) -> None:
    """Creates a job and forgets it."""
    await create(sim, key)


SCENARIOS: tuple[Callable[[Simulation, str], Coroutine[Any, Any, None]], ...] = (
    *(only_create, only_create, create_some_without_key),
    *(run, follow, wait_all, find, look_first),
)


def _check(sim: Simulation, job: Job[Any], job_id: str) -> None:
    """Checks a job that a call returned as finished."""
    if job.id != job_id or not job.done:
        sim.wrong.append(f"{job.id} ({job.status}) was returned for {job_id} as if it had ended")
    if job.succeeded and job.raw_result != {"bpm": "64"}:
        sim.wrong.append(f"job {job_id} was returned with the result {job.raw_result!r}")
