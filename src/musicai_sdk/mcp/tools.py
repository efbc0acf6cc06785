"""The tools: their names, descriptions and implementations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from musicai_sdk import AsyncMusicAiClient, Workflow, workflows
from musicai_sdk.errors import NotFoundError, WaitTimeoutError
from musicai_sdk.mcp import answers
from musicai_sdk.mcp.addresses import Addresses
from musicai_sdk.mcp.errors import ToolError
from musicai_sdk.mcp.job_creator import JobCreator, order_of
from musicai_sdk.mcp.results import job_answer, read_beats, read_chords, read_lyrics, read_output
from musicai_sdk.mcp.roots import Roots
from musicai_sdk.mcp.shared_tasks import SharedTasks
from musicai_sdk.mcp.state import State
from musicai_sdk.models import Job
from musicai_sdk.models.result import output_names
from musicai_sdk.models.result_files import result_files
from musicai_sdk.workflows import templates

_MARKS = "tool"
"""The attribute of a method that makes it a tool."""
M = TypeVar("M", bound=Callable[..., Awaitable[answers.Model]])


def _tool(title: str, *, changes: bool = False) -> Callable[[M], M]:
    """Makes a method a tool: its docstring is the description for agents, its annotations are the schemas.

    Args:
        title: The name for people.
        changes: Whether the tool creates a job or writes files.
    """

    def mark(method: M) -> M:
        setattr(method, _MARKS, {"title": title, "changes": changes})
        return method

    return mark


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool of the protocol."""

    name: str
    """The name in the protocol."""
    title: str
    """The name for people."""
    description: str
    """The description for agents."""
    arguments: type[answers.Model]
    """The type of its arguments."""
    answer: type[answers.Model]
    """The type of its answer."""
    run: Callable[[Any], Awaitable[answers.Model]]
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
    addresses: Addresses
    """The hosts to download from."""
    state: State
    """The record of paid requests."""
    creator: JobCreator
    """Creates jobs."""
    tasks: SharedTasks
    """The running transfers and creations."""
    patience: float
    """Seconds after which `process` and `download_results` return while their work continues."""

    def tools(self) -> Iterator[Tool]:
        """Yields all tools."""
        for name, method in vars(type(self)).items():
            marks = getattr(method, _MARKS, None)
            if marks is not None:
                types = get_type_hints(method)
                answer, [arguments] = types.pop("return"), types.values()
                description = " ".join((method.__doc__ or "").split())
                run = getattr(self, name)
                yield Tool(
                    name, description=description, arguments=arguments, answer=answer, run=run, **marks
                )

    @_tool("List workflows")
    async def list_workflows(self, _: answers.NoArguments) -> answers.Workflows:
        """Lists the workflows that process takes. Costs nothing."""
        known = {entry.slug: entry for entry in _templates()}
        listed = [
            answers.WorkflowEntry(
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
        return answers.Workflows(workflows=[*listed, *(known[slug] for slug in known if slug not in slugs)])

    @_tool("Process a recording", changes=True)
    async def process(self, arguments: answers.ProcessArguments) -> answers.JobAnswer:
        """Runs a workflow on an audio or video file, or on the URL of one.

        THIS COSTS MONEY, once: the same content with the same workflow and parameters always returns the same job, so
        repeat the call whenever an answer was lost. Returns the job's id at once; follow it with get_job.
        """
        order = order_of(arguments.workflow, arguments.input, arguments.input_name, arguments.params)
        created = await self.tasks.join(
            order, lambda: self.creator.create(order, arguments.params), self.patience
        )
        if created is None:
            return answers.JobAnswer(
                job_id=None,
                status="CREATING",
                finished=False,
                workflow=arguments.workflow,
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

    @_tool("Follow a job")
    async def get_job(self, arguments: answers.JobArguments) -> answers.JobAnswer:
        """Returns a job's status and, once it has succeeded, its outputs. Costs nothing."""
        if arguments.wait_seconds:
            try:
                return job_answer(
                    await self.client.jobs.wait(arguments.job_id, timeout=arguments.wait_seconds)
                )
            except WaitTimeoutError:
                pass
        return job_answer(await self.client.jobs.get(arguments.job_id))

    @_tool("Read chords")
    async def read_chords(self, arguments: answers.ReadArguments) -> answers.Chords:
        """Reads the chords that a job has recognised. Costs nothing."""
        return await read_chords(self.client, self.addresses, arguments)

    @_tool("Read beats")
    async def read_beats(self, arguments: answers.ReadArguments) -> answers.Beats:
        """Reads the beats that a job has recognised. Costs nothing."""
        return await read_beats(self.client, self.addresses, arguments)

    @_tool("Read lyrics")
    async def read_lyrics(self, arguments: answers.ReadLyricsArguments) -> answers.Lyrics:
        """Reads the lyrics that a job has transcribed or aligned. Costs nothing."""
        return await read_lyrics(self.client, self.addresses, arguments)

    @_tool("Read an output")
    async def read_output(self, arguments: answers.ReadOutputArguments) -> answers.OutputContent:
        """Reads any output of a job that is JSON or a plain value, in full detail. Costs nothing."""
        return await read_output(self.client, self.addresses, arguments)

    @_tool("Download results", changes=True)
    async def download_results(self, arguments: answers.DownloadArguments) -> answers.Downloaded:
        """Downloads all results of a job, recordings included, into a folder named after the job in an allowed folder.

        Replaces only what an earlier download of this job left there. Costs nothing.
        """
        job = _typed(await self.client.jobs.get(arguments.job_id))
        job.raise_for_success()
        self.addresses.check_outputs(str(each.value) for each in result_files(job.raw_result))
        folder = self.roots.folder_for(arguments.folder, job.id)
        done = await self.tasks.join(
            ("download", str(folder)), lambda: self.client.jobs.download(job, folder), self.patience
        )
        if done is None:
            return answers.Downloaded(
                job_id=job.id,
                status="DOWNLOADING",
                folder=str(folder),
                files=[],
                missing=[],
                next_step="Repeat the same call to wait for the download.",
            )
        files = [
            answers.DownloadedOutput(output=name, path=str(each.path), bytes=each.size)
            for name, each in done.files.items()
        ]
        return answers.Downloaded(
            job_id=job.id,
            status="DONE",
            folder=str(folder),
            files=files,
            missing=list(done.missing),
            next_step=f"{done.manifest} has the whole result, plain values included.",
        )

    @_tool("Show the limits")
    async def get_limits(self, _: answers.NoArguments) -> answers.Limits:
        """Returns how many jobs may still be created, and which folders may be used. Costs nothing."""
        used = self.state.used()
        return answers.Limits(
            max_jobs=self.creator.max_jobs,
            jobs_created=used,
            jobs_left=max(0, self.creator.max_jobs - used),
            roots=list(map(str, self.roots.folders)),
        )


def _templates() -> Iterator[answers.WorkflowEntry]:
    """The workflows that accounts usually have."""
    for kind in _template_classes():
        doc = (kind.__doc__ or "").strip().splitlines()
        yield answers.WorkflowEntry(
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
