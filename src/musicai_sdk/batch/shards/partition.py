"""Distributes the inputs of a run over its shards: equal contents to the same shard, finished inputs to none."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from musicai_sdk.batch.engine.triage import finished_keys, triage
from musicai_sdk.batch.events import Event, ProgressTracker
from musicai_sdk.batch.inputs.content import sample
from musicai_sdk.batch.inputs.kinds import Rejected
from musicai_sdk.batch.inputs.prefetch import Prefetcher
from musicai_sdk.batch.inputs.row import Candidate, InputRow
from musicai_sdk.batch.ledger.files import shard_folder
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.batch.results.presence import ResultCheck
from musicai_sdk.batch.shards.transfer import queue
from musicai_sdk.batch.text import redacted


@dataclass(eq=False)
class Partition:
    """Writes the ledgers of the shards, with their inputs and tracks."""

    main: Ledger
    options: RunOptions
    shards: int
    """The number of shards."""
    tracker: ProgressTracker
    results: ResultCheck
    on_event: Callable[[Event], object]
    _open: dict[int, Ledger] = field(default_factory=dict[int, Ledger], init=False)

    async def run(
        self, items: Callable[[], Iterator[Candidate | None]], draining: Callable[[], bool]
    ) -> None:
        """Distributes all inputs, and unfinished tracks of earlier runs. A drain leaves the other inputs for a later run."""
        prefetcher = Prefetcher(items)
        try:
            with self.main.transaction():
                self.main.begin()
            self._hand_out([], self.main.unfinished(self.options))
            while not draining() and (chunk := await prefetcher.next()):
                await asyncio.to_thread(self._distribute, chunk)
            self.tracker.complete = not draining()
        finally:
            prefetcher.stop()
            for ledger in self._open.values():
                ledger.close()

    def _distribute(self, chunk: list[Candidate]) -> None:
        """Distributes one chunk; runs in a thread."""
        items = [item for item in chunk if isinstance(item, InputRow)]
        refused = [each for each in chunk if isinstance(each, Rejected)]
        # Most inputs of a resumed run are known, and only a write costs an fsync.
        if (new := self.main.recall(items)) or refused:
            with self.main.transaction():
                self.main.admit(new)
                for each in refused:
                    self._reject(each)
        finished = finished_keys(items, self.options)
        missing = self.results.missing(self.main.stored_files(finished))
        found = triage(items, finished, missing, self.options, self.results)
        todo = list[InputRow]()
        for item in found.todo:
            try:
                sample(item)
            except OSError as error:
                with self.main.transaction():
                    self._reject(Rejected(item.source, f"it can't be read: {error.strerror}"))
            else:
                todo.append(item)
        if found.skipped:
            self.tracker.known += found.skipped
            self.tracker.skip(found.skipped, found.missing)
            self.on_event(Event("skipped", count=found.skipped))
        self._hand_out(todo, [])

    def _hand_out(self, items: list[InputRow], tracks: list[Track]) -> None:
        """Queues inputs and tracks in the shards of their contents."""
        items_of, tracks_of = defaultdict[int, list[InputRow]](list), defaultdict[int, list[Track]](list)
        for item in items:
            items_of[self._shard(item.sample)].append(item)
        for track in tracks:
            tracks_of[self._shard(track.sample)].append(track)
        for number in sorted({*items_of, *tracks_of}):
            if number not in self._open:
                path = shard_folder(self.main.path) / f"{number:04}.sqlite3"
                self._open[number] = Ledger(path, self.main.slug, self.main.input_name, alone=True)
            queue(self._open[number], self.main, items_of[number], tracks_of[number])

    def _shard(self, sample: str | None) -> int:
        return int(sample or "0", 16) % self.shards

    def _reject(self, item: Rejected) -> None:
        self.main.reject(item.source, item.reason)
        self.tracker.rejected += 1
        self.on_event(Event("rejected", redacted(item.source), message=item.reason))
