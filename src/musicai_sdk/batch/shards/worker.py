"""The task of a worker: one shard."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk._files import write_text
from musicai_sdk.batch.engine.scheduler import Scheduler
from musicai_sdk.batch.events import Event
from musicai_sdk.batch.inputs.candidates import identify
from musicai_sdk.batch.inputs.row import InputRow
from musicai_sdk.batch.ledger.files import beside
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.batch.results.folders import room_in
from musicai_sdk.batch.shards.transfer import DRAIN, open_shard, queued

_REPORT_EVERY = 0.5


def run_shard(path: str, options: RunOptions) -> None:
    """Works on one shard until all its tracks are finished.

    It can be repeated after a worker died: the shard's ledger has the state, and its lock excludes a second worker while
    the first one runs. The key comes from `MUSIC_AI_API_KEY` in the worker's environment.

    Args:
        path: The shard's ledger, on a disk that the worker shares with the process that began the run.
        options: The run's options, with the shard's part of the jobs in flight.

    Raises:
        ConfigurationError: the worker's environment has no key.
        LedgerLockedError: another worker still holds the shard.
        LedgerError: the ledger doesn't exist: the worker doesn't share that disk, or the ledger was removed.
    """
    asyncio.run(_run_shard(Path(path), options))


async def _run_shard(path: Path, options: RunOptions) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(options.transfer_threads))
    fits = room_in(options.out, options.bucket)
    ledger = await asyncio.to_thread(
        open_shard, path, options.slug, options.wire_input, fits=fits, run=options.run, budget=options.budget
    )
    try:
        items = await asyncio.to_thread(_begin, ledger, options)
        allow_http = (options.base_url or "").startswith("http://")
        with beside(path, ".events").open("a", encoding="utf-8") as events:

            def on_event(event: Event) -> None:
                events.write(json.dumps(event.to_dict()) + "\n")

            async with AsyncMusicAiClient(base_url=options.base_url, allow_http=allow_http) as client:
                scheduler = Scheduler(ledger, options, lambda: map(identify, items), client, on_event)
                run = asyncio.create_task(scheduler.run())
                try:
                    while not run.done():
                        if (path.parent / DRAIN).exists():
                            scheduler.drain()
                        await asyncio.wait({run}, timeout=_REPORT_EVERY)
                        with suppress(OSError):  # the progress is only for display
                            events.flush()
                            progress = json.dumps(asdict(scheduler.tracker.snapshot()))
                            write_text(beside(path, ".progress"), progress, durable=False)
                    await run
                finally:
                    run.cancel()
                    await asyncio.wait({run})
    finally:
        ledger.close()


def _begin(ledger: Ledger, options: RunOptions) -> list[InputRow]:
    """Begins to use a shard's ledger; returns its inputs."""
    ledger.use()
    if options.base_url:
        with ledger.transaction():
            # The run compared these with the main ledger; the worker's key must lead to the same account.
            ledger.keep_account(options.base_url, options.application)
    return queued(ledger)
