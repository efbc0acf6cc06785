"""`client.jobs.run`: creates a job and waits for it, with one deadline."""

from __future__ import annotations

from musicai_sdk._core.arguments import NewJob, OnUpdate
from musicai_sdk._core.create import create
from musicai_sdk._core.deadline import deadline_of
from musicai_sdk._core.interruption import job_note, note_interruption
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.session import Session
from musicai_sdk._core.wait import wait
from musicai_sdk.models.job import Job
from musicai_sdk.models.result import R
from musicai_sdk.workflows.base import Workflow


async def run(
    session: Session,
    workflow: Workflow[R],
    new: NewJob,
    timeout: float | None,
    on_update: OnUpdate | None,
    options: RequestOptions,
) -> Job[R]:
    """Uploads, creates and waits. `timeout` starts here and covers all three."""
    since = session.io.now()
    created = await create(session, workflow, new, options, deadline_of(session, timeout, since))
    with note_interruption(job_note(created.id), jobs=[created.id]):
        job: Job[R] = await wait(session, created, timeout, on_update, options, since=since)
    job.raise_for_failure()
    return job
