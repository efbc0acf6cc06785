"""`Batch`: a run, as its caller uses it."""

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

from typing_extensions import override

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk._progress import is_wanted
from musicai_sdk.batch.budget import Amount, Price, budget
from musicai_sdk.batch.engine.account import Account
from musicai_sdk.batch.engine.failures import RunFailed
from musicai_sdk.batch.engine.scheduler import Scheduler
from musicai_sdk.batch.errors import ShardsFailedError
from musicai_sdk.batch.events import Event, Progress, ProgressTracker, summed
from musicai_sdk.batch.inputs.bucket import Buckets, known_buckets
from musicai_sdk.batch.inputs.candidates import read_candidates
from musicai_sdk.batch.inputs.kinds import Inputs, Watch
from musicai_sdk.batch.inputs.workflow import WorkflowTemplate
from musicai_sdk.batch.ledger.claim import Claim
from musicai_sdk.batch.ledger.files import LEDGER, shard_files
from musicai_sdk.batch.ledger.group_commit import GroupCommit
from musicai_sdk.batch.ledger.ledger import Journal, Ledger
from musicai_sdk.batch.ledger.shown import html, summary
from musicai_sdk.batch.ledger.view import Report
from musicai_sdk.batch.options import RunOptions, check_option
from musicai_sdk.batch.own_loop import run_in_thread
from musicai_sdk.batch.progress import Display, display_for_people
from musicai_sdk.batch.progress.totals import ProgressWithTotal
from musicai_sdk.batch.results.destination import bucket_of
from musicai_sdk.batch.results.folders import room_in
from musicai_sdk.batch.results.ownership import claim_output
from musicai_sdk.batch.results.presence import Damage, ResultCheck, missing_advice
from musicai_sdk.batch.shards.coordinator import Shards
from musicai_sdk.batch.shards.partition import Partition
from musicai_sdk.batch.shards.transfer import merge_all_shards
from musicai_sdk.batch.shards.worker import run_shard
from musicai_sdk.batch.signals import on_signal
from musicai_sdk.errors import InputError
from musicai_sdk.storage import Bucket
from musicai_sdk.workflows import Workflow

P = ParamSpec("P")


class Batch:
    """One run over many inputs. See `musicai_sdk.batch` for its guarantees.

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
        progress: bool | None = None,
        adopt: bool = False,
        max_jobs: int | None = None,
        max_minutes: Amount | None = None,
        max_cost: Amount | None = None,
        prices: Mapping[str | type[Workflow[Any]], Price] | None = None,
    ) -> None:
        """Checks the arguments. Nothing is sent, and no file is created.

        Args:
            workflow: A workflow class, or a slug.
            inputs: Paths, folders, URLs, manifests, or an iterable of them; see `Inputs`.
            out: The folder for results, or a `musicai_sdk.storage.Bucket` or its URL. Each input gets a folder in it.
            ledger: The ledger's file; `.musicai-batch.sqlite3` in the output folder when left out. Required if results go
                to a bucket: a run that doesn't find the ledger of the previous run pays for everything again.
            input_name: The parameter that takes each input: a field of the class, or the wire name with a slug.
            params: Parameters of all inputs, by field with a class, by wire name with a slug.
            in_flight: Jobs that the service queues or processes at a time: the limit of the plan, or a few more.
            uploads: Parallel uploads in each process.
            downloads: Tracks whose results are downloaded in parallel, in each process.
            keep_jobs: Whether jobs stay at the service. Otherwise each is deleted when its results are verified.
            retry_failed: Whether tracks that failed in earlier runs are tried again, even where that is paid again, as
                for a failed job. Results that couldn't be fetched are fetched again by every run.
            retry_uncertain: Whether a POST whose answer was lost is sent again if its job isn't listed after `grace`.
            max_attempts: How often a step is tried in this run while the failure may pass, in addition to the client's
                own retries.
            upload_lifetime: Seconds after which a file is uploaded again before a job is created for it.
            grace: Seconds during which the service may not list a new job yet. A job whose answer was lost counts as
                not created only after this time.
            job_timeout: Seconds to wait for one job; None waits without limit.
            poll_interval: The longest pause between two polls, in seconds.
            connect: Creates the client, for a proxy or certificates of your own; `AsyncMusicAiClient()` when left out.
            executor: Runs the inputs in shards on its workers; in this process when left out.
            shards: The number of shards; this machine's number of cores when left out. At most `in_flight`.
            on_event: Called with every event, on the thread of the event loop: with `run` and `batch.run` a thread of
                their own, which has a copy of the caller's context variables. It should be quick. An exception drains
                the run, and is raised at the end.
            progress: Whether to show the run on standard error: with bars by `rich` (extra `cli`), else as plain lines.
                None shows it in a terminal or a notebook.
            adopt: Whether to continue although the ledger may lack earlier work: to begin a new ledger where the output
                folder holds results, which stay as they are, or to use an older copy, whose tracks without a known job
                then count as uncertain. Otherwise such a run is refused, because it could pay again.
            max_jobs: The most jobs that this ledger may pay for, over all its runs, not only this one. Every recorded POST
                counts, including those of killed runs, retries and lost answers, unless the service refused it. A POST
                that it provably never received counts as one with its repetition. A run that reaches the limit completes
                the jobs under way and leaves the other inputs waiting: run again with a higher number. None sets no
                limit; 0 pays for nothing more.
            max_minutes: The same for the minutes of audio in those jobs. An input whose length can't be read waits,
                unless `Input` or its manifest has `audio_seconds`.
            max_cost: The same for what those jobs cost by `prices`, in their currency.
            prices: Your price of each workflow, by class or slug: `Price(per_minute=0.05)` or `Price(per_job=0.10)`.
                Only for reports and `max_cost`; the package knows no prices.

        Raises:
            InputError: an argument is invalid.
        """
        check_option("adopt", adopt, "bool")
        check_option("shards", shards, "int | None")
        check_option("job_timeout", job_timeout, "float | None")
        for name, call in {"connect": connect, "on_event": on_event}.items():
            if call is not None and not callable(cast("object", call)):
                raise InputError(f"{name} must be a function, not {call!r:.100}")
        if executor is not None and not callable(getattr(executor, "submit", None)):
            raise InputError(f"executor must be a concurrent.futures.Executor, not {executor!r:.100}")
        template = WorkflowTemplate(workflow, input_name, {} if params is None else params)
        self.bucket: Bucket | None = bucket_of(out, workflow)
        if self.bucket is not None and ledger is None:
            raise InputError(
                f"results in {self.bucket.url} need ledger=…: a file on this machine, which records what is paid and"
                " done"
            )
        if self.bucket is not None and self.bucket.named_outputs and (job_timeout or 0) > self.bucket.expires:
            raise InputError(
                f"job_timeout={job_timeout:g} exceeds the lifetime of the bucket's signed upload URLs:"
                f" pass Bucket(…, expires={job_timeout:g}), or a shorter timeout"
            )
        # With a bucket, other files of a run, such as its report, are beside the ledger.
        local = Path(ledger or "").absolute().parent if self.bucket is not None else Path(cast("str", out))
        self.out: Path = local.absolute()
        self.ledger: Path = Path(ledger).absolute() if ledger is not None else self.out / LEDGER
        self._options = RunOptions(
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
            adopt=adopt,
            max_attempts=max_attempts,
            upload_lifetime=upload_lifetime,
            grace=grace,
            job_timeout=job_timeout,
            poll_interval=poll_interval,
            budget=budget(template.slug, max_jobs, max_minutes, max_cost, prices),
        )
        if executor is not None and connect is not None:
            raise InputError(
                "connect= can't be combined with an executor: workers create clients from their own environment"
            )
        if executor is not None and isinstance(inputs, Watch):
            raise InputError(
                "an executor needs all inputs before it starts, but a Watch has no end: pass a Folder"
            )
        if self.out.exists() and not self.out.is_dir():
            raise InputError(f"{str(self.out)!r} is a file: the results need a folder")
        buckets = Buckets(self._options.inputs, self.bucket)
        self._items = lambda: read_candidates(inputs, self.out, template, buckets)
        self._connect = connect or AsyncMusicAiClient
        self._executor = executor
        self._shards = min(shards or os.cpu_count() or 1, in_flight)
        self._display = Display()
        self._shows, self._inputs = is_wanted(progress), inputs
        self._on_own_event = on_event
        self._tracker = ProgressTracker({})
        self._results = ResultCheck(self.out, self.bucket)
        self._parts: Shards | None = None
        self._drain: Callable[[], object] = _ignore
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._draining = False

    @override
    def __repr__(self) -> str:
        return f"<Batch {self._options.slug!r}: {summary(self.progress)}; ledger {str(self.ledger)!r}>"

    def _repr_html_(self) -> str:
        """The run in a notebook, with its figures now."""
        places: dict[str, object] = {"ledger": str(self.ledger)}
        places["results"] = self.bucket.url if self.bucket is not None else str(self.out)
        return html(self._options.slug, self.progress, places)

    def run(self) -> Report:
        """Runs the batch on an event loop in a thread of its own, so it also works inside a running loop, as in a notebook.

        The first Ctrl-C (in a notebook "interrupt kernel") drains it; the second one stops it.

        Returns:
            How the run ended. Failed tracks raise nothing: see `Report.failures`.

        Raises:
            InputError: the inputs can't be read.
            LedgerError: the ledger belongs to another workflow, another process runs it, or it can't be used.
            AuthenticationError: the key is wrong.
            ShardsFailedError: workers of the executor were lost.
            KeyboardInterrupt: Ctrl-C twice. The next run continues.
        """

        async def with_threads() -> Report:
            threads = ThreadPoolExecutor(
                self._options.transfer_threads, thread_name_prefix="musicai-transfer"
            )
            asyncio.get_running_loop().set_default_executor(threads)
            return await self.run_async()

        with on_signal(signal.SIGINT, lambda: self.stop() if self._draining else self.drain()):
            try:
                return run_in_thread(with_threads, self.stop)
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None

    async def run_async(self) -> Report:
        """Runs the batch on the running event loop. `drain` is like one Ctrl-C, cancelling the task like two.

        Raises:
            InputError: the inputs can't be read.
            LedgerError: the ledger belongs to another workflow, another process runs it, or it can't be used.
            AuthenticationError: the key is wrong.
            ShardsFailedError: workers of the executor were lost.
        """
        if self._shows:
            self._display = display_for_people(final=True)
            figures = ProgressWithTotal(lambda: self.progress, self._inputs, self.bucket or self.out)
            self._display.follow(figures, self.drain)
        with self._display:
            return await self._run_to_end()

    async def _run_to_end(self) -> Report:
        """Runs the batch while its display is open."""
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        options = self._options = replace(self._options, run=uuid.uuid4().hex)
        claim = Claim(self.ledger, self.out, self.bucket, adopt=options.adopt)
        try:
            async with self._connect() as client:
                ledger = Ledger(
                    self.ledger,
                    options.slug,
                    options.wire_input,
                    out=self.out,
                    fits=room_in(self.out, self.bucket),
                    run=options.run,
                    budget=options.budget,
                    may_create=claim.check_new,
                )
                try:
                    damaged = await self._run(ledger, claim, client)
                finally:
                    self._drain = _ignore
                    ledger.close()
                    claim.close()
        finally:
            self._loop = self._task = None
        if missing := self.progress.missing:
            self._warn(missing_advice(missing, self.ledger, next(iter(damaged), None)))
        self._on_event(Event("ended", message=str(self.ledger)))
        return Report(self.ledger, self.out, self.progress, self.bucket, damaged, options.run)

    async def _run(self, ledger: Ledger, claim: Claim, client: AsyncMusicAiClient) -> tuple[Damage, ...]:
        """Runs an open ledger; returns the tracks whose results are missing."""
        await asyncio.to_thread(claim_output, ledger, self.bucket, self.out, claim)
        await asyncio.to_thread(merge_all_shards, ledger)
        if self.bucket is not None:
            # Detects a missing bucket before anything is paid.
            await asyncio.to_thread(next, self.bucket.objects(), None)
        self._tracker.states = await asyncio.to_thread(ledger.counts)
        self._on_event(Event("started", message=str(self.ledger)))
        if self._executor is not None:
            await self._run_shards(ledger, client, self._executor)
        else:
            observer = None if self._on_own_event is None and not self._shows else self._on_event
            scheduler = Scheduler(ledger, self._options, self._items, client, observer)
            self._tracker, self._results = scheduler.tracker, scheduler.results
            self._drain = scheduler.drain
            if not self._draining:
                await scheduler.run()
        return self._results.damaged(await asyncio.to_thread(ledger.places, list(self._results.reasons)))

    def drain(self) -> None:
        """Ends the run early, from any thread: nothing new is begun, POSTs and downloads under way are completed."""
        self._draining = True
        if (loop := self._loop) is not None:
            with suppress(RuntimeError):  # the loop was just closed
                loop.call_soon_threadsafe(self._drain)

    def stop(self) -> None:
        """Ends the run at once, from any thread: transfers are interrupted. The next run continues."""
        self._draining = True  # in case the run hasn't begun
        loop, task = self._loop, self._task
        if loop is not None and task is not None:
            with suppress(RuntimeError):  # the loop was just closed
                loop.call_soon_threadsafe(task.cancel)

    @property
    def progress(self) -> Progress:
        """The progress of the run. It may be read from any thread, as often as a display needs it."""
        own = self._tracker.snapshot()
        return summed(own, [*self._parts.progress.values()]) if self._parts is not None else own

    async def _run_shards(self, ledger: Ledger, client: AsyncMusicAiClient, executor: Executor) -> None:
        options = self._options
        partition = Partition(ledger, options, self._shards, self._tracker, self._results, self._on_event)
        await partition.run(self._items, lambda: self._draining)
        if not shard_files(ledger.path):
            return
        application = await self._application(ledger, client)
        options = replace(options, base_url=client.base_url, application=application)
        self._parts = shards = Shards(ledger, options, executor, self._on_event, run_shard)
        # From now on the shards count the tracks that they were given.
        given = await asyncio.to_thread(shards.count)
        self._tracker.states = dict(Counter(self._tracker.states) - given)
        self._drain = shards.drain
        if self._draining:
            shards.drain()
        problems = await shards.run()
        self._tracker.draining = self._draining
        if problems:
            raise ShardsFailedError(
                f"{len(problems)} shard{'s' * (len(problems) > 1)} failed. The ledger has their finished work; start the same run again to continue."
                f" {'; '.join(problems)}"
            )

    async def _application(self, ledger: Ledger, client: AsyncMusicAiClient) -> str | None:
        """The application of the run's key, which must be the ledger's."""
        journal: Journal = GroupCommit(ledger, _ignore)
        account = Account(client, journal, self._options.max_attempts, self._warn)
        try:
            await account.check()
        except RunFailed as error:
            raise (error.__cause__ or error)  # noqa: B904 - it keeps its own cause
        finally:
            await account.close()
            await journal.close()
        return ledger.account()[1]

    def _on_event(self, event: Event) -> None:
        self._display(event)
        if self._on_own_event is not None:
            self._on_own_event(event)

    def _warn(self, text: str) -> None:
        self._on_event(Event("warning", message=text))


def _ignore(*_arguments: object) -> None:
    """Does nothing."""


def _arguments_of(batch: Callable[P, Batch]) -> Callable[[Callable[..., Report]], Callable[P, Report]]:
    """Gives a function the arguments of `Batch`, for readers and type checkers alike."""

    def decorate(function: Callable[..., Report]) -> Callable[P, Report]:
        # Every function takes this attribute; the type of callables doesn't say so.
        untyped: Any = function
        untyped.__signature__ = inspect.signature(batch).replace(return_annotation="Report")
        return cast("Callable[P, Report]", function)

    return decorate


@_arguments_of(Batch)
def run(*arguments: Any, **options: Any) -> Report:
    """Runs a batch to its end: `Batch(workflow, inputs, out, …).run()`, with the same arguments."""
    return Batch(*arguments, **options).run()
