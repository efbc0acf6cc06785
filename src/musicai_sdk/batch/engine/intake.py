"""The intake of inputs: looks them up in the ledger, skips the finished ones, and identifies the others by their content."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Sequence

from musicai_sdk.batch.engine.failures import short_of_files
from musicai_sdk.batch.engine.triage import Triage, finished_keys, triage
from musicai_sdk.batch.events import Event, ProgressTracker
from musicai_sdk.batch.inputs.content import read, sample
from musicai_sdk.batch.inputs.kinds import Rejected
from musicai_sdk.batch.inputs.row import Candidate, InputRow
from musicai_sdk.batch.ledger.ledger import Journal
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.batch.results.presence import ResultCheck
from musicai_sdk.batch.text import redacted
from musicai_sdk.errors import InputError

_HASHES = 2
"""The number of files to digest at the same time."""
_SMALL = 64 * 1024
"""The most bytes to digest without a thread, which would take longer to start than the digest."""
_PAUSE = 0.5
"""Seconds until a file is opened again that couldn't be because no file descriptor was free."""


class Intake:
    """Finds the tracks of a run's inputs."""

    def __init__(
        self,
        journal: Journal,
        options: RunOptions,
        tracker: ProgressTracker,
        results: ResultCheck,
        report: Callable[[Event], object],
    ) -> None:
        self._journal = journal
        self._options = options
        self._tracker = tracker
        self._results = results
        self._report = report
        self._hashes = asyncio.Semaphore(_HASHES)

    async def look_up(self, chunk: Sequence[Candidate], resumed: Container[str]) -> Triage:
        """Looks up inputs in the ledger, adds the new ones, and separates those that are done.

        Args:
            chunk: The inputs.
            resumed: The keys of the tracks that an earlier run began. None of them counts as done.
        """
        items = [item for item in chunk if isinstance(item, InputRow)]
        for item in chunk:
            if isinstance(item, Rejected):
                await self._reject(item.source, item.reason)
        # Most inputs of a resumed run are known, and only a write costs an fsync.
        if new := await self._journal.read(lambda ledger: ledger.recall(items)):
            await self._journal.write(lambda ledger: ledger.admit(new))
        self._tracker.known += len(items)
        finished = [key for key in finished_keys(items, self._options) if key not in resumed]
        return triage(items, finished, await self.missing(finished), self._options, self._results)

    async def identify(self, item: InputRow) -> tuple[Track, bool] | None:
        """The track of an input, and whether it is new; None if the input can't be read."""
        try:
            async with self._hashes:
                while True:
                    try:
                        if (item.size or 0) <= _SMALL:
                            read(item)
                        else:
                            await asyncio.to_thread(read, item)
                        break
                    except OSError as error:
                        if not short_of_files(error):
                            raise
                    await asyncio.sleep(_PAUSE)
        except (OSError, InputError) as error:
            self._tracker.known -= 1
            await self._reject(item.source, str(error))
            return None
        return await self._journal.write(lambda ledger: ledger.register(item))

    async def is_new(self, item: InputRow) -> bool:
        """Whether no track has an input's content, judging by a sample, because reading whole files takes long."""
        if item.key is not None:
            return False
        try:
            found = await asyncio.to_thread(sample, item)
        except OSError:
            return False  # it is rejected later
        return not await self._journal.read(lambda ledger: ledger.has_sample(found))

    async def missing(self, keys: Sequence[str]) -> dict[str, str]:
        """Returns those of the given finished tracks that lack their results, each with the reason."""
        if not keys:
            return {}
        files = await self._journal.read(lambda ledger: ledger.stored_files(keys))
        return await asyncio.to_thread(self._results.missing, files)

    async def _reject(self, source: str, reason: str) -> None:
        await self._journal.write(lambda ledger: ledger.reject(source, reason))
        self._tracker.rejected += 1
        self._report(Event("rejected", redacted(source), message=reason))
