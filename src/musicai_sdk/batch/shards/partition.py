"""The inputs of a run, dealt out to shards: equal contents to the same one, and what is done to none."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator

from musicai_sdk.batch.engine.decide import Stands, decide
from musicai_sdk.batch.events import Event, ProgressTracker, redacted
from musicai_sdk.batch.inputs.kinds import Rejected
from musicai_sdk.batch.inputs.prefetch import Candidate, Prefetcher, sample
from musicai_sdk.batch.ledger.ledger import InputRow, Ledger
from musicai_sdk.batch.ledger.states import SAFE
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.batch.results.vanished import ResultCheck
from musicai_sdk.batch.shards.transfer import queue, shard_folder


async def partition(
    main: Ledger,
    settings: RunOptions,
    items: Callable[[], Iterator[Candidate | None]],
    shards: int,
    tracker: ProgressTracker,
    tell: Callable[[Event], object],
    draining: Callable[[], bool],
    results: ResultCheck,
) -> None:
    """Writes the ledgers of the shards, with all that they are to do; what comes after a drain waits for a later run."""
    partitioner = _Partitioner(main, settings, shards, tracker, tell, results)
    feed = Prefetcher(items)
    try:
        with main.transaction():
            main.begin()
        resumed = list(main.unfinished(settings))
        partitioner.hand_out([], resumed)
        while not draining() and (chunk := await feed.next()):
            await asyncio.to_thread(partitioner.partition, chunk)
        tracker.complete = not draining()
    finally:
        feed.stop()
        partitioner.close()


class _Partitioner:
    def __init__(
        self,
        main: Ledger,
        settings: RunOptions,
        shards: int,
        tracker: ProgressTracker,
        tell: Callable[[Event], object],
        results: ResultCheck,
    ) -> None:
        self._results = results
        self._main = main
        self._settings = settings
        self._shards = shards
        self._tracker = tracker
        self._tell = tell
        self._open = dict[int, Ledger]()

    def close(self) -> None:
        for ledger in self._open.values():
            ledger.close()

    def partition(self, chunk: list[Candidate]) -> None:
        """Deals out one chunk; runs in a thread."""
        met = [item for item in chunk if isinstance(item, InputRow)]
        with self._main.transaction():
            self._main.admit(met)
            for item in chunk:
                if isinstance(item, Rejected):
                    self._reject(item)
        done = {given.key for given in met if given.key and self._is_done(given)}
        vanished = self._results.vanished(self._main.recorded(done))
        todo, skipped, missing = list[InputRow](), 0, 0
        for given in met:
            # Results whose job was kept can be fetched again, by the shard.
            fetched_again = given.state == "verified" and self._settings.retry_failed
            if given.key in done and not (given.key in vanished and fetched_again):
                skipped += 1
                if given.key in vanished:
                    missing += 1
                    self._results.note(given.key, vanished)
                continue
            try:
                sample(given)
            except OSError as error:
                with self._main.transaction():
                    self._reject(Rejected(given.source, f"it can't be read: {error.strerror}"))
                continue
            todo.append(given)
        if skipped:
            self._tracker.known += skipped
            self._tracker.skip(skipped, missing)
            self._tell(Event("skipped", count=skipped))
        self.hand_out(todo, [])

    def _is_done(self, given: InputRow) -> bool:
        # Of others the shard decides, which has the whole track.
        state = given.state
        return state in SAFE and decide(Stands(state), self._settings, in_inputs=True) == "skip"

    def hand_out(self, todo: list[InputRow], tracks: list[Track]) -> None:
        """Queues inputs, and tracks whatever the inputs are, in the shards that their contents belong to."""
        inputs_of, tracks_of = defaultdict[int, list[InputRow]](list), defaultdict[int, list[Track]](list)
        for given in todo:
            inputs_of[self._shard(given.sample)].append(given)
        for track in tracks:
            tracks_of[self._shard(track.sample)].append(track)
        for number in sorted({*inputs_of, *tracks_of}):
            if number not in self._open:
                path = shard_folder(self._main.path) / f"{number:04}.sqlite3"
                self._open[number] = Ledger(path, self._main.slug, self._main.input_name, alone=True)
            queue(self._open[number], self._main, inputs_of[number], tracks_of[number])

    def _shard(self, of: str | None) -> int:
        return int(of or "0", 16) % self._shards

    def _reject(self, item: Rejected) -> None:
        self._main.reject(item.source, item.reason)
        self._tracker.rejected += 1
        self._tell(Event("rejected", redacted(item.source), message=item.reason))
