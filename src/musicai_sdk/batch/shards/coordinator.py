"""A run on many machines: shards of the inputs, each a task for any `concurrent.futures.Executor`."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk._files import write_text
from musicai_sdk.batch.engine.scheduler import Scheduler
from musicai_sdk.batch.errors import LedgerError
from musicai_sdk.batch.events import Event, Progress, ProgressTracker
from musicai_sdk.batch.inputs.prefetch import identify_file
from musicai_sdk.batch.ledger.ledger import InputRow, Ledger
from musicai_sdk.batch.ledger.states import State
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.batch.results.folders import Fits, always, room_in
from musicai_sdk.batch.shards.transfer import merge, queued, remove_shard, shard_files, shard_folder
from musicai_sdk.errors import MusicAiError

PATIENCE = 60.0
"""For how many seconds a shard waits for its ledger: the worker that had it may be dying."""
TELL_EVERY = 0.5
RESUBMISSIONS = 2
"""How often a shard whose task was lost is given out again, beyond what the executor does itself."""
_DRAIN = "drain"
"""The file beside the shards that asks all of them to come to an end."""


def run_shard(path: str, settings: RunOptions) -> None:
    """Works on one shard until all its tracks are through; what a worker runs.

    Safe to run again after its worker died: the shard's ledger says where it stood, and its lock keeps a
    second worker out for as long as the first one lives. The key comes from `MUSIC_AI_API_KEY` in the
    worker's environment.

    Args:
        path: The shard's ledger, on a disk that the worker shares with whoever made it.
        settings: How it is done, with the shard's part of the jobs in flight.

    Raises:
        ConfigurationError: the worker's environment has no key.
        LedgerLockedError: another worker is still on this shard.
        LedgerError: it isn't there: the worker doesn't share that disk, or somebody removed it.
    """
    asyncio.run(_run_shard(Path(path), settings))


async def _run_shard(path: Path, settings: RunOptions) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(transfer_threads(settings)))
    fits = room_in(settings.out, settings.bucket)
    ledger = await asyncio.to_thread(
        _opened, path, settings.slug, settings.wire_input, patience=PATIENCE, fits=fits, run=settings.run
    )
    try:
        given = await asyncio.to_thread(_begin, ledger, settings)
        allow_http = (settings.base_url or "").startswith("http://")
        with path.with_name(path.name + ".events").open("a", encoding="utf-8") as events:

            def tell(event: Event) -> None:
                events.write(json.dumps(event.to_dict()) + "\n")

            async with AsyncMusicAiClient(base_url=settings.base_url, allow_http=allow_http) as client:
                runner = Scheduler(ledger, settings, lambda: map(identify_file, given), client, tell)
                run = asyncio.create_task(runner.run())
                try:
                    while not run.done():
                        if (path.parent / _DRAIN).exists():
                            runner.drain()
                        await asyncio.wait({run}, timeout=TELL_EVERY)
                        with suppress(OSError):  # for a display only: the work goes on without it
                            events.flush()
                            _write_progress(path, runner.tracker.snapshot())
                    await run
                finally:
                    run.cancel()
                    await asyncio.wait({run})
    finally:
        ledger.close()


def _begin(ledger: Ledger, settings: RunOptions) -> list[InputRow]:
    """Begins to work on a shard; returns its inputs."""
    ledger.use()
    if settings.base_url:
        with ledger.transaction():
            # Whoever began the run has compared these with the main ledger; the worker's key must lead to the same.
            ledger.keep_account(settings.base_url, settings.application)
    return queued(ledger)


def _opened(
    path: Path, slug: str, input_name: str, *, patience: float, fits: Fits = always, run: str = ""
) -> Ledger:
    """A shard's ledger. Never makes a missing one: an empty one would look finished."""
    if not path.is_file():
        raise LedgerError(
            f"there is no ledger {str(path)!r}: shards need a disk that the workers share with whoever began the run"
        )
    return Ledger(path, slug, input_name, alone=True, patience=patience, fits=fits, run=run)


def transfer_threads(settings: RunOptions) -> int:
    """Threads for everything that blocks: uploads, the outputs of each download, digests, the ledger."""
    return settings.uploads + 4 * settings.downloads + 8


def _write_progress(path: Path, progress: Progress) -> None:
    target = path.with_name(path.name + ".progress")
    write_text(target, json.dumps(asdict(progress)), durable=False)


class Shards:
    """The shards of one run, from the side that gave them out."""

    def __init__(
        self, main: Ledger, settings: RunOptions, executor: Executor, tell: Callable[[Event], object]
    ) -> None:
        self.progress: dict[Path, Progress] = {}
        """What each shard told last; the tracks that it was given, until then."""
        self._main = main
        self._settings = settings
        self._executor = executor
        self._observer = tell
        self._error: Exception | None = None
        self._told = dict[Path, int]()

    def drain(self) -> None:
        """Asks all shards to begin nothing new."""
        with suppress(OSError):  # they are merged by now, or somebody removed them
            (shard_folder(self._main.path) / _DRAIN).touch()

    def count(self) -> Counter[State]:
        """How many tracks the shards were given, by state. Blocks."""
        given = Counter[State]()
        for path in shard_files(self._main.path):
            shard = _opened(path, self._main.slug, self._main.input_name, patience=PATIENCE)
            try:
                self.progress[path] = ProgressTracker(shard.counts(), complete=True).snapshot()
            finally:
                shard.close()
            given.update(self.progress[path].states)
        return given

    async def run(self) -> list[str]:
        """Runs the shards that were queued; each is merged into the main ledger as soon as it has ended.

        Returns:
            What became of shards whose tasks were lost, for a person; empty when none was.

        Raises:
            Exception: whatever the observer of the events raised; it drained the shards.
        """
        paths = shard_files(self._main.path)
        shares = _shares(self._settings.in_flight, len(paths))
        work = [
            asyncio.create_task(self._one(path, replace(self._settings, in_flight=share)))
            for path, share in zip(paths, shares, strict=True)
        ]
        watching = asyncio.create_task(self._watch(paths))
        try:
            results = await asyncio.gather(*work, return_exceptions=True)
        except asyncio.CancelledError:
            self.drain()  # the workers can't be stopped, but asked
            raise
        finally:
            watching.cancel()
            await asyncio.gather(watching, *work, return_exceptions=True)
        problems = list[str]()
        for path, result in zip(paths, results, strict=True):
            try:
                # Also of a shard that failed: what it has paid for is known from here on.
                await asyncio.to_thread(self._take, path)
            except LedgerError:
                # One that was removed or moved: its worker has said so first.
                if isinstance(result, LedgerError):
                    raise result  # noqa: B904 - it keeps its own cause
                raise
            if isinstance(result, BaseException):
                problems.append(f"{path.name}: {type(result).__name__}: {result}")
        _leave(shard_folder(self._main.path))
        first = next((result for result in results if isinstance(result, MusicAiError)), self._error)
        if first is not None:
            raise first
        return problems

    async def _one(self, path: Path, settings: RunOptions) -> None:
        for left in range(RESUBMISSIONS, -1, -1):
            future = self._executor.submit(run_shard, str(path), settings)
            try:
                await asyncio.wrap_future(future)
            except (MusicAiError, BrokenExecutor):
                raise
            except Exception as error:
                if not left:
                    raise
                self._tell(Event("warning", message=f"{path.name} was lost ({error}); it is given out again"))
            else:
                return

    async def _watch(self, paths: list[Path]) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY)
            for path in paths:
                self._read(path)

    def _read(self, path: Path) -> None:
        """What a shard has told since, as far as it has got here."""
        with suppress(OSError, ValueError):
            told: dict[str, Any] = json.loads(path.with_name(path.name + ".progress").read_text("utf-8"))
            self.progress[path] = Progress(**(told | {"active": cast("Any", ())}))
        with suppress(OSError), path.with_name(path.name + ".events").open("rb") as file:
            file.seek(self._told.get(path, 0))
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._told[path] = self._told.get(path, 0) + len(line)
                with suppress(ValueError, TypeError):
                    self._tell(Event(**json.loads(line)))

    def _tell(self, event: Event) -> None:
        """Tells an event; what its observer raises ends the run when everything that is paid for is taken over."""
        try:
            self._observer(event)
        except Exception as error:  # noqa: BLE001 - `run` raises it
            if self._error is None:
                self._error = error
                self.drain()

    def _take(self, path: Path) -> None:
        self._read(path)
        end = ProgressTracker(merge_shard(path, self._main, patience=PATIENCE)).snapshot()
        # What it told may have got lost; this is what it has done.
        self.progress[path] = replace(self.progress[path], states=end.states, failed=end.failed)


def merge_shard(path: Path, main: Ledger, *, patience: float) -> dict[State, int]:
    """Merges a shard into the main ledger and removes it.

    Returns:
        How many tracks it had in each state.

    Raises:
        LedgerLockedError: a worker is still on it.
    """
    shard = _opened(path, main.slug, main.input_name, patience=patience)
    try:
        merge(shard, main)
        counts = shard.counts()
    finally:
        shard.close()
    remove_shard(path)
    return counts


def merge_all_shards(main: Ledger) -> None:
    """Merges what a run that crashed has left. Workers of its that are still at it are asked to end.

    Raises:
        LedgerLockedError: one hasn't ended within `PATIENCE`.
    """
    folder = shard_folder(main.path)
    if not folder.exists():
        return
    (folder / _DRAIN).touch()
    for path in shard_files(main.path):
        merge_shard(path, main, patience=PATIENCE)
    _leave(folder)


def _leave(folder: Path) -> None:
    """Removes the folder of shards that are merged."""
    (folder / _DRAIN).unlink(missing_ok=True)
    with suppress(OSError):  # something of somebody else's is in it
        folder.rmdir()


def _shares(in_flight: int, shards: int) -> list[int]:
    return [
        max(1, in_flight // shards + (1 if number < in_flight % shards else 0)) for number in range(shards)
    ]
