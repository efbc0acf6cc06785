"""The tools: their names, descriptions and implementations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from musicai_sdk import AsyncMusicAiClient, Workflow, workflows
from musicai_sdk.errors import NotFoundError, WaitTimeoutError
from musicai_sdk.mcp.answers import (
    Beats,
    Chords,
    DownloadArguments,
    Downloaded,
    DownloadedOutput,
    JobAnswer,
    JobArguments,
    Limits,
    Lyrics,
    Model,
    NoArguments,
    OutputContent,
    ProcessArguments,
    ReadArguments,
    ReadLyricsArguments,
    ReadOutputArguments,
    WorkflowEntry,
    Workflows,
)
from musicai_sdk.mcp.errors import ToolError
from musicai_sdk.mcp.paying import Paying, order_of
from musicai_sdk.mcp.results import job_answer, read_beats, read_chords, read_lyrics, read_output
from musicai_sdk.mcp.roots import Roots
from musicai_sdk.mcp.running import Running
from musicai_sdk.mcp.state import State
from musicai_sdk.models import Job, JobFiles
from musicai_sdk.models.result import output_names
from musicai_sdk.workflows import templates

A = TypeVar("A", bound=Model)


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool of the protocol."""

    name: str
    """The name in the protocol."""
    title: str
    """The name for people."""
    description: str
    """The description for agents."""
    arguments: type[Model]
    """The type of its arguments."""
    answer: type[Model]
    """The type of its answer."""
    run: Callable[[Any], Awaitable[Model]]
    """Runs the tool with arguments of that type."""
    changes: bool = False
    """Whether the tool creates a job or writes files."""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The tools of one server."""

    client: AsyncMusicAiClient
    """The client of the service."""
    roots: Roots
    """The allowed folders."""
    state: State
    """The record of paid requests."""
    paying: Paying
    """Creates jobs."""
    running: Running
    """The running transfers and creations."""
    patience: float
    """Seconds after which `process` and `download_results` return while their work continues."""

    def tools(self) -> Iterator[Tool]:
        """Yields all tools."""
        yield _tool(
            "list_workflows",
            "List workflows",
            "Lists the workflows that process takes. Costs nothing.",
            (NoArguments, Workflows),
            self.list_workflows,
        )
        yield _tool(
            "process",
            "Process a recording",
            "Runs a workflow on an audio or video file, or on the URL of one. THIS COSTS MONEY, once: the same content"
            " with the same workflow and parameters always gives the same job, so repeat the call whenever an answer"
            " was lost. Returns the job's id at once; follow it with get_job.",
            (ProcessArguments, JobAnswer),
            self.process,
            changes=True,
        )
        yield _tool(
            "get_job",
            "Follow a job",
            "Gives a job's status and, once it has succeeded, its outputs. Costs nothing.",
            (JobArguments, JobAnswer),
            self.get_job,
        )
        yield _tool(
            "read_chords",
            "Read chords",
            "Reads the chords that a job has recognised. Costs nothing.",
            (ReadArguments, Chords),
            self.read_chords,
        )
        yield _tool(
            "read_beats",
            "Read beats",
            "Reads the beats that a job has recognised. Costs nothing.",
            (ReadArguments, Beats),
            self.read_beats,
        )
        yield _tool(
            "read_lyrics",
            "Read lyrics",
            "Reads the lyrics that a job has transcribed or aligned. Costs nothing.",
            (ReadLyricsArguments, Lyrics),
            self.read_lyrics,
        )
        yield _tool(
            "read_output",
            "Read an output",
            "Reads any output of a job that is JSON or a plain value, in full detail. Costs nothing.",
            (ReadOutputArguments, OutputContent),
            self.read_output,
        )
        yield _tool(
            "download_results",
            "Download results",
            "Downloads all results of a job, recordings included, into a folder named after the job inside an allowed"
            " folder. Replaces only what an earlier download of this job left there. Costs nothing.",
            (DownloadArguments, Downloaded),
            self.download_results,
            changes=True,
        )
        yield _tool(
            "get_limits",
            "Show the limits",
            "Tells how many jobs may still be created, and which folders may be used. Costs nothing.",
            (NoArguments, Limits),
            self.get_limits,
        )

    async def list_workflows(self, _: NoArguments) -> Workflows:
        """Lists the account's workflows, and the templates that the account doesn't list."""
        known = {entry.slug: entry for entry in _templates()}
        listed = [
            WorkflowEntry(
                slug=each.slug,
                name=each.name,
                description=each.description or getattr(known.get(each.slug), "description", None),
                origin="account",
                inputs=getattr(known.get(each.slug), "inputs", None),
                outputs=getattr(known.get(each.slug), "outputs", None),
            )
            for each in await self.client.workflows.list()
        ]
        slugs = {each.slug for each in listed}
        return Workflows(workflows=[*listed, *(known[slug] for slug in known if slug not in slugs)])

    async def process(self, asked: ProcessArguments) -> JobAnswer:
        """Returns the job of a request: a new one, or the one that an earlier call created."""
        order = order_of(asked.workflow, asked.input, asked.input_name, asked.params)
        created = await self.running.join(
            order, lambda: self.paying.create(order, asked.params), self.patience
        )
        if created is None:
            return JobAnswer(
                job_id=None,
                status="CREATING",
                finished=False,
                workflow=asked.workflow,
                next_step="The input is being uploaded. Repeat the same call to wait for the job's id; it isn't paid twice.",
            )
        try:
            job = await self.client.jobs.get(created.job_id)
        except NotFoundError:
            raise ToolError(
                "job_gone",
                f"this request was paid for as job {created.job_id}, which was deleted since, with its results",
                "This server doesn't pay for it again. Ask the user: results may have been downloaded.",
            ) from None
        return job_answer(job, repeated=created.repeated)

    async def get_job(self, asked: JobArguments) -> JobAnswer:
        """Returns the current state of a job, after waiting for its end if the call asks for that."""
        if asked.wait_seconds:
            try:
                return job_answer(await self.client.jobs.wait(asked.job_id, timeout=asked.wait_seconds))
            except WaitTimeoutError:
                pass
        return job_answer(await self.client.jobs.get(asked.job_id))

    async def read_chords(self, asked: ReadArguments) -> Chords:
        """The chords of a job."""
        return await read_chords(self.client, await self.client.jobs.get(asked.job_id), asked)

    async def read_beats(self, asked: ReadArguments) -> Beats:
        """The beats of a job."""
        return await read_beats(self.client, await self.client.jobs.get(asked.job_id), asked)

    async def read_lyrics(self, asked: ReadLyricsArguments) -> Lyrics:
        """The lyrics of a job."""
        return await read_lyrics(self.client, await self.client.jobs.get(asked.job_id), asked)

    async def read_output(self, asked: ReadOutputArguments) -> OutputContent:
        """Any output of a job."""
        return await read_output(self.client, await self.client.jobs.get(asked.job_id), asked.output, asked)

    async def download_results(self, asked: DownloadArguments) -> Downloaded:
        """Downloads all results of a job to a folder."""
        job = _typed(await self.client.jobs.get(asked.job_id))
        job.raise_for_success()
        folder = self.roots.folder_for(asked.folder, job.id)
        done = await self.running.join(
            ("download", str(folder)), lambda: self._download(job, str(folder)), self.patience
        )
        if done is None:
            return Downloaded(
                job_id=job.id,
                status="DOWNLOADING",
                folder=str(folder),
                files=[],
                missing=[],
                next_step="Repeat the same call to wait for the download.",
            )
        files = [
            DownloadedOutput(output=name, path=str(each.path), bytes=each.size)
            for name, each in done.files.items()
        ]
        return Downloaded(
            job_id=job.id,
            status="DONE",
            folder=str(folder),
            files=files,
            missing=list(done.missing),
            next_step=f"{done.manifest} has the whole result, plain values included.",
        )

    async def _download(self, job: Job[Any], folder: str) -> JobFiles:
        return await self.client.jobs.download(job, folder)

    async def get_limits(self, _: NoArguments) -> Limits:
        """Returns the number of jobs left, and the allowed folders."""
        used = self.state.used()
        return Limits(
            max_jobs=self.paying.most,
            jobs_created=used,
            jobs_left=max(0, self.paying.most - used),
            roots=list(map(str, self.roots.folders)),
        )


def _tool(
    name: str,
    title: str,
    description: str,
    types: tuple[type[A], type[Model]],
    run: Callable[[A], Awaitable[Model]],
    *,
    changes: bool = False,
) -> Tool:
    return Tool(name, title, description, *types, run=run, changes=changes)


def _templates() -> Iterator[WorkflowEntry]:
    """The workflows that accounts usually have."""
    for kind in _template_classes():
        doc = (kind.__doc__ or "").strip().splitlines()
        yield WorkflowEntry(
            slug=kind.slug,
            description=doc[0] if doc else None,
            origin="template",
            inputs=["inputUrl"],
            outputs=list(output_names(kind.result_type).values()),
        )


def _template_classes() -> Iterator[type[Workflow[Any]]]:
    for name in templates.__all__:
        kind = getattr(workflows, name)
        if isinstance(kind, type) and issubclass(kind, Workflow):
            yield kind


def _typed(job: Job[Any]) -> Job[Any]:
    """The job with the result type of its workflow, if known, so that missing outputs are reported."""
    kinds = {kind.slug: kind.result_type for kind in _template_classes()}
    kind = kinds.get(job.workflow) if isinstance(job.workflow, str) else None
    return job if kind is None else job.with_result_type(kind)
