"""Creating jobs: paid for once. A create whose answer was lost is looked for, never sent again."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from musicai_sdk._core.listing import JobPages
from musicai_sdk._core.operations import CREATE_JOB
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.session import Session, encoded
from musicai_sdk._core.uploading import upload
from musicai_sdk._io.record import logger
from musicai_sdk.errors import (
    ConnectionFailedError,
    CreateUncertainError,
    InputError,
    MusicAiError,
    ResponseError,
    ServerError,
)
from musicai_sdk.models.job import IDEMPOTENCY_KEY, Job, JobRef
from musicai_sdk.models.result import R
from musicai_sdk.workflows.base import Workflow, file_url, is_file_input

LOOK_FOR = 5.0
"""For how many seconds a create whose answer was lost is looked for in the list of jobs."""
LOOK_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class NewJob:
    """What is asked for, apart from the workflow."""

    name: str | None
    metadata: Mapping[str, Any] | None
    copy_results_to: Mapping[str, str] | None
    idempotency_key: str | None


async def create(session: Session, workflow: Workflow[R], new: NewJob, options: RequestOptions) -> JobRef[R]:
    """Uploads the local inputs of a workflow and creates a job on it."""
    if not isinstance(cast("object", workflow), Workflow):
        raise InputError(
            f"not a workflow: {workflow!r:.100}; give an instance such as GenerateChords(input_url=…), or"
            f" CustomWorkflow(slug, params)"
        )
    key = checked_idempotency_key(new.idempotency_key)
    check_payload(workflow, new)
    params = await _uploaded(session, workflow, options)
    payload = {
        "name": new.name if new.name is not None else workflow.slug.rpartition("/")[2],
        "workflow": workflow.slug,
        "params": params,
        "metadata": {**(new.metadata or {}), IDEMPOTENCY_KEY: key},
    }
    if new.copy_results_to is not None:
        payload["copyResultsTo"] = dict(new.copy_results_to)
    try:
        created = await session.call(CREATE_JOB, payload=payload, options=options)
    except (ConnectionFailedError, ServerError, ResponseError) as error:
        if isinstance(error, ConnectionFailedError) and not error.sent:
            raise
        return JobRef((await _recovered(session, key, error, options)).id, workflow.result_type, key)
    return JobRef(created.id, workflow.result_type, key)


def checked_idempotency_key(key: str | None) -> str:
    """The caller's token, or a new one."""
    if key is None:
        return str(uuid.uuid4())
    if not isinstance(cast("object", key), str) or not key.strip() or len(key) > 255:
        raise InputError("idempotency_key must be a string of 1 to 255 characters")
    return key


def check_payload(workflow: Workflow[Any], new: NewJob) -> None:
    """What can be wrong is found before anything is uploaded."""
    for name, url in (new.copy_results_to or {}).items():
        if not isinstance(cast("object", url), str) or not url.startswith(("https://", "http://")):
            raise InputError(f"copy_results_to[{name!r}] must be an upload URL")
    values = {
        name: None if file_url(value) or isinstance(value, os.PathLike) else value
        for name, value in workflow.to_params().items()
    }
    encoded({"name": new.name, "params": values, "metadata": dict(new.metadata or {})})


async def _uploaded(session: Session, workflow: Workflow[Any], options: RequestOptions) -> dict[str, Any]:
    """The parameters with every local file replaced by the URL of its upload; the same file is sent once."""
    params = dict[str, Any]()
    urls = dict[str, str]()
    for name, value in workflow.to_params().items():
        url = file_url(value)
        if url is None and (
            isinstance(value, os.PathLike) or (isinstance(value, str) and is_file_input(workflow, name))
        ):
            path = os.fspath(cast("str | os.PathLike[str]", value))
            if path not in urls:
                urls[path] = (await upload(session, path, None, options)).url
            url = urls[path]
        params[name] = value if url is None else url
    return params


async def _recovered(session: Session, key: str, error: MusicAiError, options: RequestOptions) -> Job[Any]:
    """The job that a create made although its answer was lost."""
    logger.info("create: the answer was lost (%s); looking for the job", error)
    until = session.io.now() + LOOK_FOR
    while True:
        try:
            job = await find(session, key, options)
        except MusicAiError as failure:
            logger.info("create: can't list jobs (%s)", failure)
            job = None
        if job is not None:
            return job
        if session.io.now() >= until:
            break
        await session.io.sleep(LOOK_EVERY)
    raise CreateUncertainError(
        f"the answer to POST /job was lost ({error}) and no such job was listed within {LOOK_FOR:g} s. It was not sent"
        f" again, because it may exist and cost money: look later with client.jobs.find({key!r}), and create it anew"
        f" only if that stays None",
        idempotency_key=key,
    ) from error


async def find(session: Session, key: str, options: RequestOptions) -> Job[Any] | None:
    """The job that was created under a token, if the service lists it."""
    pages = JobPages(session, {}, 100, options)
    while (page := await pages.next()) is not None:
        for job in page:
            if job.idempotency_key == key:
                return job
    return None
