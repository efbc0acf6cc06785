"""Runs shards on a `concurrent.futures.Executor`, perhaps on other machines: each shard is one task."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

from musicai_sdk.batch.budget import Cost, changed, explained
from musicai_sdk.batch.errors import LedgerError
from musicai_sdk.batch.events import Event, Progress, ProgressTracker
from musicai_sdk.batch.ledger.files import beside, shard_files, shard_folder
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.batch.ledger.states import SAFE, State
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.batch.shards.transfer import (
    DRAIN,
    merge_shard,
    open_shard,
    queued,
    remove_folder,
)
from musicai_sdk.errors import MusicAiError

RESUBMISSIONS = 2
"""How often a lost task is submitted again, in addition to what the executor does itself."""
_READ_EVERY = 0.5


@dataclass(eq=False)
class Shards:
    """The shards of one run."""

    main: Ledger
    """The main ledger."""
    options: RunOptions
    executor: Executor
    """Runs the tasks."""
    on_event: Callable[[Event], object]
    """Called with the events of all shards."""
    task: Callable[[str, RunOptions], None]
    """Works on one shard; see `worker.run_shard`."""
    progress: dict[Path, Progress] = field(default_factory=dict[Path, Progress], init=False)
    """The latest progress of each shard; before its first report, the tracks that it got."""
    _error: Exception | None = field(default=None, init=False)
    _work: dict[Path, int] = field(default_factory=dict[Path, int], init=False)
    """The number of inputs and unfinished tracks that each shard got."""
    _given: dict[Path, Cost] = field(default_factory=dict[Path, Cost], init=False)
    """The cost of each shard's tracks when the run began."""
    _spent: dict[Path, Cost] = field(default_factory=dict[Path, Cost], init=False)
    """Their cost by now."""
    _read_bytes: Counter[Path] = field(default_factory=Counter[Path], init=False)
    """The number of bytes read of each shard's event file."""

    def drain(self) -> None:
        """Asks all shards to drain."""
        with suppress(OSError):  # the shards were merged or removed
            (shard_folder(self.main.path) / DRAIN).touch()

    def count(self) -> Counter[State]:
        """The number of tracks in the shards, by state. Blocks."""
        counts = Counter[State]()
        for path in shard_files(self.main.path):
            shard = open_shard(path, self.main.slug, self.main.input_name)
            try:
                states = shard.counts()
                self.progress[path] = ProgressTracker(states, complete=True).snapshot()
                self._given[path] = self._spent[path] = shard.cost()
                self._work[path] = len(queued(shard)) + sum(
                    count for state, count in states.items() if state not in SAFE
                )
            finally:
                shard.close()
            counts.update(self.progress[path].states)
        return counts

    async def run(self) -> list[str]:
        """Runs the shards, and merges them into the main ledger when they have ended.

        Returns:
            A message for each shard whose task was lost.

        Raises:
            Exception: the observer of the events raised it. The shards were drained.
        """
        paths = shard_files(self.main.path)
        shares = _shares(self.options.in_flight, len(paths))
        whole = sum(self._work.values()) or 1
        options = [
            replace(self._with_part(path, Fraction(self._work[path], whole)), in_flight=share)
            for path, share in zip(paths, shares, strict=True)
        ]
        work = [asyncio.create_task(self._submit(*each)) for each in zip(paths, options, strict=True)]
        watching = asyncio.create_task(self._watch(paths))
        try:
            results = await asyncio.gather(*work, return_exceptions=True)
            if self.options.budget.limited and not any(results):
                (results[0],) = await asyncio.gather(self._spend_rest(paths), return_exceptions=True)
        except asyncio.CancelledError:
            self.drain()  # workers can't be stopped, only asked to drain
            raise
        finally:
            watching.cancel()
            await asyncio.gather(watching, *work, return_exceptions=True)
        problems = list[str]()
        for path, result in zip(paths, results, strict=True):
            try:
                # Merge failed shards too: the main ledger must record what they paid for.
                await asyncio.to_thread(self._merge, path)
            except LedgerError:
                # If the shard was removed or moved, its worker has raised the better error.
                if isinstance(result, LedgerError):
                    raise result  # noqa: B904 - it keeps its own cause
                raise
            if isinstance(result, BaseException):
                problems.append(f"{path.name}: {type(result).__name__}: {result}")
        remove_folder(shard_folder(self.main.path))
        if reached := next((each.budget for each in self.progress.values() if each.budget), ""):
            self._report(Event("budget", message=explained(reached)))
        first = next((result for result in results if isinstance(result, MusicAiError)), self._error)
        if first is not None:
            raise first
        return problems

    async def _submit(self, path: Path, options: RunOptions) -> None:
        for left in range(RESUBMISSIONS, -1, -1):
            future = self.executor.submit(self.task, str(path), options)
            try:
                await asyncio.wrap_future(future)
            except (MusicAiError, BrokenExecutor):
                raise
            except Exception as error:
                if not left:
                    raise
                message = f"{path.name} was lost ({error}); it is submitted again"
                self._report(Event("warning", message=message))
            else:
                return

    def _with_part(self, path: Path, share: Fraction) -> RunOptions:
        """The run's options with a shard's part of what is left of the budget.

        A shard counts the POSTs in its own ledger. So the shards together never exceed the budget of the run, however
        often one is lost and submitted again.
        """
        own = self._spent[path]
        total = self.main.cost()
        for each, cost in self._spent.items():
            total = changed(total, before=self._given[each], after=cost)
        return replace(self.options, budget=self.options.budget.part(share, own, total))

    async def _spend_rest(self, paths: Sequence[Path]) -> None:
        """Gives the shards that have spent their parts everything that is left, one after another."""
        for path in paths:
            self._spent[path] = await asyncio.to_thread(self._cost_of, path)
        for path in paths:
            self._read(path)
            if self.progress[path].budget and not (path.parent / DRAIN).exists():
                await self._submit(path, self._with_part(path, Fraction(1)))
                self._spent[path] = await asyncio.to_thread(self._cost_of, path)

    def _cost_of(self, path: Path) -> Cost:
        shard = open_shard(path, self.main.slug, self.main.input_name)
        try:
            return shard.cost()
        finally:
            shard.close()

    async def _watch(self, paths: list[Path]) -> None:
        while True:
            await asyncio.sleep(_READ_EVERY)
            for path in paths:
                self._read(path)

    def _read(self, path: Path) -> None:
        """Reads the progress and the new events of a shard, as far as they have arrived."""
        with suppress(OSError, ValueError):
            progress: dict[str, Any] = json.loads(beside(path, ".progress").read_text("utf-8"))
            self.progress[path] = Progress(**(progress | {"active": cast("Any", ())}))
        with suppress(OSError), beside(path, ".events").open("rb") as file:
            file.seek(self._read_bytes[path])
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._read_bytes[path] += len(line)
                with suppress(ValueError, TypeError):
                    event = Event(**json.loads(line))
                    # That a shard has spent its part says nothing about the run.
                    if event.kind != "budget" or event.source:
                        self._report(event)

    def _report(self, event: Event) -> None:
        """Reports an event. If its observer raises an error, the run ends once all paid work is merged."""
        try:
            self.on_event(event)
        except Exception as error:  # noqa: BLE001 - `run` raises it
            if self._error is None:
                self._error = error
                self.drain()

    def _merge(self, path: Path) -> None:
        self._read(path)
        end = ProgressTracker(merge_shard(path, self.main)).snapshot()
        # Its latest progress may be lost; the ledger has the final states.
        self.progress[path] = replace(self.progress[path], states=end.states, failed=end.failed)


def _shares(in_flight: int, shards: int) -> list[int]:
    return [
        max(1, in_flight // shards + (1 if number < in_flight % shards else 0)) for number in range(shards)
    ]
