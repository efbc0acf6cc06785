"""Infers the workflows of an account from its finished jobs."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicai_sdk.codegen.builtin import builtin_workflows
from musicai_sdk.codegen.contents import recognised
from musicai_sdk.codegen.emit import Style
from musicai_sdk.codegen.files import checked_module, read_folder, write_descriptions, write_module, writing
from musicai_sdk.codegen.infer import infer_inputs, infer_outputs, widest
from musicai_sdk.codegen.merge import OWN_JOBS, merged
from musicai_sdk.codegen.names import class_name, class_names
from musicai_sdk.codegen.schema import WorkflowSchema
from musicai_sdk.errors import MusicAiError
from musicai_sdk.models import FileUrl, Job, JsonFile, WorkflowInfo, WorkflowReference
from musicai_sdk.models.outputs import file_name_in

if TYPE_CHECKING:
    from musicai_sdk.client import AsyncMusicAiClient, MusicAiClient

SAMPLES = 3
"""The most files of an output to read until one is recognised."""


def discover(
    client: MusicAiClient,
    folder: str | os.PathLike[str],
    *,
    max_jobs: int = 2000,
    style: Style | None = None,
) -> list[WorkflowSchema]:
    """Infers the inputs and outputs of the account's workflows, and writes typed classes for them.

    It pages through the workflows and the succeeded jobs, and reads a few small JSON results to recognise chords,
    beats, lyrics and sections. It costs nothing, downloads no audio and changes nothing in the account. Descriptions that
    are already in the folder are merged: edited names and descriptions stay, new fields are added, and fields that no
    job has any more are marked as gone. A slug that the package knows starts from the built-in description.

    Args:
        client: The account's client.
        folder: The package to write: one JSON file per workflow, and `__init__.py` with the classes.
        max_jobs: The most jobs to read, the newest first.
        style: The style of the module.

    Returns:
        The descriptions that were written, in the order of their slugs. `unseen` marks those without a finished job. If
        `learned` is False too, nothing is known, and the class has neither inputs nor outputs.

    Raises:
        InputError: the folder can't be imported as a package or written to, or has an `__init__.py` that wasn't generated,
            files of another kind, or a malformed description.
        AuthenticationError: the key is wrong.
    """
    survey = _Survey(Path(folder), max_jobs)
    survey.add_workflows(client.workflows.list())
    for job in client.jobs.list(status=["SUCCEEDED"]):
        if not survey.add_job(job):
            break
    while (file := survey.next_file()) is not None:
        try:
            survey.add_content(client.files.read(file))
        except MusicAiError:
            survey.add_content(None)
    return survey.write(style)


async def discover_async(
    client: AsyncMusicAiClient,
    folder: str | os.PathLike[str],
    *,
    max_jobs: int = 2000,
    style: Style | None = None,
) -> list[WorkflowSchema]:
    """`discover` with an asynchronous client.

    Args:
        client: The account's client.
        folder: As in `discover`.
        max_jobs: As in `discover`.
        style: As in `discover`.

    Returns:
        The descriptions that were written, in the order of their slugs.

    Raises:
        InputError: as in `discover`.
        AuthenticationError: the key is wrong.
    """
    survey = _Survey(Path(folder), max_jobs)
    survey.add_workflows(await client.workflows.list())
    async for job in client.jobs.list(status=["SUCCEEDED"]):
        if not survey.add_job(job):
            break
    while (file := survey.next_file()) is not None:
        try:
            survey.add_content(await client.files.read(file))
        except MusicAiError:
            survey.add_content(None)
    return survey.write(style)


class _Survey:
    """The state of a discovery. It sends no requests itself, so that the sync and the async function share it."""

    def __init__(self, folder: Path, max_jobs: int) -> None:
        with writing(folder):
            checked_module(folder)
        self._folder = folder
        self._known = {workflow.slug: workflow for workflow in read_folder(folder).values()}
        self._listed: dict[str, WorkflowInfo] = {}
        self._slugs: dict[str, str] = {}
        self._left = max_jobs
        self._jobs: dict[str, list[Job[Any]]] = {}
        self._samples: list[tuple[str, str, FileUrl]] | None = None
        self._asked: tuple[str, str] = ("", "")
        self._contents: dict[tuple[str, str], set[str]] = {}

    def add_workflows(self, workflows: Sequence[WorkflowInfo]) -> None:
        """Adds the workflows that the account lists."""
        self._listed = {workflow.slug: workflow for workflow in workflows}
        self._slugs = {workflow.id: workflow.slug for workflow in workflows if workflow.id}
        self._jobs = {slug: [] for slug in self._listed}

    def add_job(self, job: Job[Any]) -> bool:
        """Adds a job; returns False if no more are needed."""
        slug = job.workflow
        if isinstance(slug, WorkflowReference):  # as older answers have it
            slug = self._slugs.get(slug.id or "")
        if slug and self._left > 0:
            self._jobs.setdefault(slug, []).append(job)
        self._left -= 1
        return self._left > 0

    def next_file(self) -> JsonFile[Any] | None:
        """Returns the next file to read, if there is one."""
        if self._samples is None:
            self._samples = list(self._json_files())
        while self._samples:
            slug, name, url = self._samples.pop(0)
            if not self._contents.get((slug, name)):
                self._asked = (slug, name)
                return JsonFile[Any](url)
        return None

    def add_content(self, content: object) -> None:
        """Adds the content of the file that `next_file` returned; None if it couldn't be read."""
        shape = None if content is None else recognised(content)
        if shape is not None:
            self._contents.setdefault(self._asked, set()).add(shape)

    def write(self, style: Style | None) -> list[WorkflowSchema]:
        """Writes the descriptions and the module; returns the descriptions."""
        found = {slug: self._described(slug, jobs) for slug, jobs in self._jobs.items()}
        result = [merged(self._start(slug), new) for slug, new in found.items()]
        result += [
            old.model_copy(update={"gone": True}) for slug, old in self._known.items() if slug not in found
        ]
        result = _classes_named(result)
        with writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_descriptions(self._folder, result)
        write_module(self._folder, style)
        return result

    def _start(self, slug: str) -> WorkflowSchema | None:
        """Returns what is known of a workflow before the account's jobs are read.

        That is the description in the folder, if there is one. The built-in description stands in for a missing one,
        and fills one that has neither inputs nor outputs.
        """
        known, builtin = self._known.get(slug), builtin_workflows().get(slug)
        if known is None or builtin is None or known.learned:
            return known or builtin
        fields = ("inputs", "outputs", "confidence", "source", "unseen")
        return known.model_copy(update={field: getattr(builtin, field) for field in fields})

    def _json_files(self) -> list[tuple[str, str, FileUrl]]:
        found: dict[tuple[str, str], list[FileUrl]] = {}
        for slug, jobs in self._jobs.items():
            for job in jobs:
                for name, value in job.outputs.items():
                    if isinstance(value, FileUrl) and file_name_in(value).suffix.lower() == ".json":
                        found.setdefault((slug, name), []).append(value)
        return [(*key, url) for key, urls in found.items() for url in urls[:SAMPLES]]

    def _described(self, slug: str, jobs: Sequence[Job[Any]]) -> WorkflowSchema:
        info = self._listed.get(slug)
        contents = {name: widest(found) for (of, name), found in self._contents.items() if of == slug}
        return WorkflowSchema(
            slug=slug,
            title=(info.name or "") if info else "",
            description=(info.description or "") if info else "",
            inputs=tuple(infer_inputs(jobs)),
            outputs=tuple(infer_outputs(jobs, contents)),
            source=OWN_JOBS if jobs else "",
            unseen=not jobs,
        )


def _classes_named(workflows: Sequence[WorkflowSchema]) -> list[WorkflowSchema]:
    """Returns the descriptions with the names of their classes, which stay the same from now on.

    The class of a workflow with a generated slug (`untitled-workflow-ab12cd`) is named after its title.
    """
    workflows = sorted(workflows, key=lambda workflow: workflow.slug)
    stand_ins = {
        workflow.slug: workflow.title
        for workflow in workflows
        if re.fullmatch(r"untitled-workflow-[0-9a-f]+", workflow.slug)
        and not workflow.title.lower().startswith("untitled")
        and class_name(workflow.title) != "Workflow"
    }
    names = class_names(workflows, stand_ins)
    return [workflow.model_copy(update={"class_name": names[workflow.slug]}) for workflow in workflows]
