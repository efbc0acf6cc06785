"""`Batch`: a run from the caller's side."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec, cast

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch.engine.account import Account
from musicai_sdk.batch.engine.scheduler import Scheduler
from musicai_sdk.batch.engine.steps import RunFailed
from musicai_sdk.batch.errors import ShardsFailedError
from musicai_sdk.batch.events import Event, Progress, ProgressTracker, summed
from musicai_sdk.batch.inputs.bucket import Buckets, known_buckets
from musicai_sdk.batch.inputs.kinds import Inputs, Watch
from musicai_sdk.batch.inputs.prefetch import read_candidates
from musicai_sdk.batch.inputs.workflow import WorkflowTemplate
from musicai_sdk.batch.ledger.claim import LEDGER, Claim
from musicai_sdk.batch.ledger.group_commit import GroupCommit
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.batch.ledger.view import Report
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.batch.results.destination import bucket_of, claim_output
from musicai_sdk.batch.results.folders import room_in
from musicai_sdk.batch.results.vanished import ResultCheck, advice
from musicai_sdk.batch.shards.coordinator import Shards, merge_all_shards, transfer_threads
from musicai_sdk.batch.shards.partition import partition
from musicai_sdk.batch.shards.transfer import shard_files
from musicai_sdk.batch.signals import on_signal
from musicai_sdk.errors import InputError
from musicai_sdk.storage import Bucket
from musicai_sdk.workflows import Workflow

P = ParamSpec("P")


class Batch:
    """One run over many inputs. See `musicai_sdk.batch` for what is guaranteed.

    ```python
    batch = Batch(GenerateChords, "songs", "out", in_flight=10)
    report = batch.run()
    ```
    """

    def __init__(
        self,
        workflow: type[Workflow[Any]] | str,
        inputs: Inputs,
        out: str | os.PathLike[str] | Bucket,
        *,
        ledger: str | os.PathLike[str] | None = None,
        input_name: str | None = None,
        params: Mapping[str, Any] | None = None,
        in_flight: int = 10,
        uploads: int = 4,
        downloads: int = 4,
        keep_jobs: bool = False,
        retry_failed: bool = False,
        retry_uncertain: bool = False,
        max_attempts: int = 3,
        upload_lifetime: float = 3600.0,
        grace: float = 10.0,
        job_timeout: float | None = 6 * 3600.0,
        poll_interval: float = 10.0,
        connect: Callable[[], AsyncMusicAiClient] | None = None,
        executor: Executor | None = None,
        shards: int | None = None,
        on_event: Callable[[Event], object] | None = None,
        adopt: bool = False,
    ) -> None:
        """Checks the arguments; nothing is sent and no file is made.

        Args:
            workflow: A workflow class, or a slug.
            inputs: Paths, folders, URLs, manifests, or an iterable of them; see `Inputs`.
            out: The folder for results, or a `musicai_sdk.storage.Bucket` or its URL; each input gets a folder in it.
            ledger: The ledger's file; `.musicai-batch.sqlite3` in the output folder when left out. Results in a
                bucket need one: a run that doesn't find the ledger of the one before pays for everything again.
            input_name: The parameter that takes each input: a field of the class, or the wire name with a
                slug.
            params: Parameters of all inputs, by field with a class, by wire name with a slug.
            in_flight: Jobs that are queued or processed by the service at a time: what the plan allows, or a
                few more.
            uploads: Uploads at a time, in each process.
            downloads: Tracks whose results are downloaded at a time, in each process.
            keep_jobs: Whether jobs stay at the service; otherwise each is deleted when its results are
                verified.
            retry_failed: Whether tracks that failed in earlier runs are tried again, also where that is paid
                anew, as for a job that failed. Results that couldn't be fetched are in every run. Results of earlier
                runs that aren't there any more are fetched again if their job was kept.
            retry_uncertain: Whether a POST whose answer was lost is sent again when its job isn't listed
                after `grace`.
            max_attempts: How often a track is tried in this run when the trouble may pass, beyond the
                client's retries.
            upload_lifetime: Seconds after which an upload isn't trusted any more for a new job.
            grace: Seconds for which a job is looked for whose POST may have been sent, before it counts as
                not sent.
            job_timeout: Seconds to wait for one job; None waits without end.
            poll_interval: The longest pause between two polls, in seconds.
            connect: Makes the client, for a proxy or certificates of your own; `AsyncMusicAiClient()` when
                left out.
            executor: Runs the inputs in shards on its workers; in this process when left out.
            shards: How many shards; as many as this machine has cores when left out. At most `in_flight`.
            on_event: Called with every event, on the thread that runs the batch. It should be quick. What it
                raises drains the run, and is raised at the end.
            adopt: Whether to go on although earlier work may be missing from the ledger: to begin a new one where the
                output folder holds results, which stay as they are, or to run an older copy, whose tracks without a known
                job then count as uncertain. Without it such a run is refused, because it could pay again.

        Raises:
            InputError: an argument can't be right.
        """
        template = WorkflowTemplate(workflow, input_name, params or {})
        self.bucket: Bucket | None = bucket_of(out, workflow)
        if self.bucket is not None and ledger is None:
            raise InputError(
                f"results in {self.bucket.url} need ledger=…: a file on this machine, by which later runs know what is"
                " paid for and done"
            )
        if self.bucket is not None and self.bucket.named_outputs and (job_timeout or 0) > self.bucket.expires:
            raise InputError(
                f"job_timeout={job_timeout:g} is longer than what the service can write to the bucket is signed for:"
                f" Bucket(…, expires={job_timeout:g}), or a shorter wait"
            )
        # What belongs to a run and isn't a result, such as its report, is beside the ledger then.
        local = Path(ledger or "").absolute().parent if self.bucket is not None else Path(cast("str", out))
        self.out: Path = local.absolute()
        self.ledger: Path = Path(ledger).absolute() if ledger is not None else self.out / LEDGER
        self._settings = RunOptions(
            slug=template.slug,
            wire_input=template.wire_input,
            declared=template.declared,
            out=str(self.out),
            bucket=self.bucket,
            inputs=known_buckets(inputs),
            in_flight=in_flight,
            uploads=uploads,
            downloads=downloads,
            keep_jobs=keep_jobs,
            retry_failed=retry_failed,
            retry_uncertain=retry_uncertain,
            max_attempts=max_attempts,
            upload_lifetime=upload_lifetime,
            grace=grace,
            job_timeout=job_timeout,
            poll_interval=poll_interval,
        )
        if executor is not None and connect is not None:
            raise InputError(
                "connect= is for this process: workers make their clients from their own environment"
            )
        if executor is not None and isinstance(inputs, Watch):
            raise InputError("a Watch has no end, and an executor gets its shards when all inputs are known")
        if self.out.exists() and not self.out.is_dir():
            raise InputError(f"{str(self.out)!r} is a file: the results need a folder")
        buckets = Buckets(self._settings.inputs, self.bucket)
        self._items = lambda: read_candidates(inputs, self.out, template, buckets)
        self._connect = connect or AsyncMusicAiClient
        self._adopt = adopt
        self._executor = executor
        self._shards = min(shards or os.cpu_count() or 1, in_flight)
        self._on_event = on_event or _nothing
        self._tracker = ProgressTracker({})
        self._results = ResultCheck(self.out, self.bucket)
        self._parts: Shards | None = None
        self._drain: Callable[[], object] = _nothing
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._draining = False

    def run(self) -> Report:
        """Runs it, on an event loop of its own. Ctrl-C once drains it; twice stops it.

        Returns:
            The figures. Tracks that failed raise nothing: see `Report.failures`.

        Raises:
            InputError: the inputs can't be read, or an event loop is running: `await run_async()` there.
            LedgerError: the ledger is another workflow's, another process runs it, or it can't be used.
            AuthenticationError: the key is wrong.
            ShardsFailedError: workers of the executor were lost.
            KeyboardInterrupt: Ctrl-C twice. The next run goes on from there.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise InputError("an event loop is running here: use `await Batch(…).run_async()`")

        async def main() -> Report:
            threads = ThreadPoolExecutor(
                transfer_threads(self._settings), thread_name_prefix="musicai-transfer"
            )
            asyncio.get_running_loop().set_default_executor(threads)
            return await self.run_async()

        with on_signal(signal.SIGINT, lambda: self.stop() if self._draining else self.drain()):
            try:
                return asyncio.run(main())
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None

    async def run_async(self) -> Report:
        """Runs it on the running event loop. Cancelling it is like Ctrl-C twice; `drain` is like once.

        Raises:
            InputError: the inputs can't be read.
            LedgerError: the ledger is another workflow's, another process runs it, or it can't be used.
            AuthenticationError: the key is wrong.
            ShardsFailedError: workers of the executor were lost.
        """
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._settings = replace(self._settings, run=uuid.uuid4().hex)
        try:
            return await self._run()
        finally:
            self._loop = self._task = None

    async def _run(self) -> Report:
        async with self._connect() as client:
            claim = Claim(self.ledger, self.out, self.bucket, adopt=self._adopt)
            ledger = Ledger(
                self.ledger,
                self._settings.slug,
                self._settings.wire_input,
                out=self.out,
                fits=room_in(self.out, self.bucket),
                run=self._settings.run,
                may_begin=claim.check_new,
            )
            try:
                await asyncio.to_thread(claim_output, ledger, self.bucket, self.out, claim)
                await asyncio.to_thread(merge_all_shards, ledger)
                if self.bucket is not None:
                    # A bucket that isn't there shows before anything is paid for.
                    await asyncio.to_thread(next, self.bucket.objects(), None)
                self._tracker.states = await asyncio.to_thread(ledger.counts)
                self._on_event(Event("started", message=str(self.ledger)))
                if self._executor is None:
                    await self._run_here(ledger, client)
                else:
                    await self._run_there(ledger, client, self._executor)
                damaged = tuple(await asyncio.to_thread(ledger.damaged, self._results))
            finally:
                self._drain = _nothing
                ledger.close()
                claim.close()
        if missing := self.progress.missing:
            self._on_event(Event("warning", message=advice(missing, self.ledger, next(iter(damaged), None))))
        self._on_event(Event("ended", message=str(self.ledger)))
        return Report(self.ledger, self.out, self.progress, self.bucket, damaged, self._settings.run)

    def drain(self) -> None:
        """Ends the run early, from any thread: nothing new is begun, running POSTs and downloads are finished."""
        self._draining = True
        if (loop := self._loop) is not None:
            with suppress(RuntimeError):  # it was closed just now
                loop.call_soon_threadsafe(self._drain)

    def stop(self) -> None:
        """Ends the run at once, from any thread: transfers are broken off. The next run goes on from there."""
        loop, task = self._loop, self._task
        if loop is not None and task is not None:
            with suppress(RuntimeError):  # it was closed just now
                loop.call_soon_threadsafe(task.cancel)

    @property
    def progress(self) -> Progress:
        """How far it is; may be read from any thread, as often as a display needs it."""
        own = self._tracker.snapshot()
        return summed(own, [*self._parts.progress.values()]) if self._parts is not None else own

    async def _run_here(self, ledger: Ledger, client: AsyncMusicAiClient) -> None:
        runner = Scheduler(ledger, self._settings, self._items, client, self._on_event)
        self._tracker, self._results = runner.tracker, runner.results
        self._drain = runner.drain
        if not self._draining:
            await runner.run()

    async def _account(self, ledger: Ledger, client: AsyncMusicAiClient) -> str | None:
        """The application that the run's key belongs to, which is the ledger's."""
        journal = GroupCommit(ledger, _nothing)
        account = Account(client, journal, self._settings.max_attempts, self._warn)
        try:
            await account.check()
        except RunFailed as error:
            raise (error.__cause__ or error)  # noqa: B904 - it keeps its own cause
        finally:
            await account.close()
            await journal.close()
        return ledger.account()[1]

    def _warn(self, text: str) -> None:
        self._on_event(Event("warning", message=text))

    async def _run_there(self, ledger: Ledger, client: AsyncMusicAiClient, executor: Executor) -> None:
        settings = replace(self._settings, base_url=client.base_url)
        await partition(
            ledger,
            settings,
            self._items,
            self._shards,
            self._tracker,
            self._on_event,
            lambda: self._draining,
            self._results,
        )
        if not shard_files(ledger.path):
            return
        settings = replace(settings, application=await self._account(ledger, client))
        shards = Shards(ledger, settings, executor, self._on_event)
        # The shards tell of the tracks that they were given; the others stay as they are.
        given = await asyncio.to_thread(shards.count)
        self._tracker.states = dict(Counter(self._tracker.states) - given)
        self._parts = shards
        self._drain = shards.drain
        if self._draining:
            shards.drain()
        problems = await shards.run()
        self._tracker.draining = self._draining
        if problems:
            raise ShardsFailedError(
                f"{len(problems)} shards were lost, and what they had done is in the ledger; the same run again"
                f" continues. {'; '.join(problems)}"
            )


def _nothing(*_arguments: object) -> None:
    """Does nothing."""


def _arguments_of(batch: Callable[P, Batch]) -> Callable[[Callable[..., Report]], Callable[P, Report]]:
    """Gives a function the arguments of `Batch`, to readers and type checkers alike."""

    def give(function: Callable[..., Report]) -> Callable[P, Report]:
        signature = inspect.signature(batch).replace(return_annotation="Report")
        # Any function may have one; the type of callables doesn't say so.
        anything: Any = function
        anything.__signature__ = signature
        return cast("Callable[P, Report]", function)

    return give


@_arguments_of(Batch)
def run(*arguments: Any, **options: Any) -> Report:
    """Runs a batch to its end: `Batch(workflow, inputs, out, …).run()`, with the same arguments."""
    return Batch(*arguments, **options).run()
