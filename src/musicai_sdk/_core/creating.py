"""Creating jobs: paid for once. A create whose answer was lost is looked for, never sent again."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any, cast

from musicai_sdk._core.arguments import NewJob
from musicai_sdk._core.deadlines import before_create, within
from musicai_sdk._core.idempotency import alone, checked_key, fingerprints
from musicai_sdk._core.listing import PAGE_SIZE, JobPages
from musicai_sdk._core.operations import CREATE_JOB
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.own_storage import upload_urls
from musicai_sdk._core.retrying import may_have_acted
from musicai_sdk._core.session import Session, encoded
from musicai_sdk._core.uploading import upload
from musicai_sdk._io.record import logger
from musicai_sdk.errors import CreateUncertainError, InputError, MusicAiError
from musicai_sdk.models.job import IDEMPOTENCY_KEY, REQUEST_DIGEST, Job, JobRef
from musicai_sdk.models.result import R, output_names, wire_name_of
from musicai_sdk.workflows.base import Workflow, resolved_params
from musicai_sdk.workflows.inputs import check_local_files

LOOK_FOR = 5.0
"""For how many seconds a create whose answer was lost is looked for in the list of jobs."""
LOOK_EVERY = 1.0


async def create(
    session: Session,
    workflow: Workflow[R],
    new: NewJob,
    options: RequestOptions,
    deadline: float | None = None,
) -> JobRef[R]:
    """Uploads the local inputs of a workflow and creates a job on it, if it can do so before a time of `io.now()`.

    The POST itself is never cut short by that: its answer is what says which job was paid for.
    """
    if not isinstance(cast("object", workflow), Workflow):
        raise InputError(
            f"not a workflow: {workflow!r:.100}; give an instance such as GenerateChords(input_url=…), or"
            f" CustomWorkflow(slug, params)"
        )
    if not isinstance(cast("object", new.metadata), Mapping | None):
        raise InputError(f"metadata must be a mapping of names to JSON values, not {new.metadata!r:.100}")
    key = checked_key(new.idempotency_key)
    async with alone(session, key, deadline):
        return await _create(session, workflow, new, key, options, deadline)


async def _create(
    session: Session,
    workflow: Workflow[R],
    new: NewJob,
    key: str,
    options: RequestOptions,
    deadline: float | None,
) -> JobRef[R]:
    # First of all: without credentials for the caller's storage nothing is uploaded, and nothing paid.
    targets = destinations(workflow, await upload_urls(session, new.copy_results_to, workflow, key))
    check_payload(workflow, new, targets)
    metadata = {**(new.metadata or {}), IDEMPOTENCY_KEY: key}
    if new.idempotency_key is not None:
        digests = fingerprints(workflow.slug, resolved_params(workflow), targets)
        metadata[REQUEST_DIGEST] = digests[0]
        with before_create(session, deadline):
            early = within(session, options, deadline)
            made = await _made_before(session, metadata, digests, early) if new.recover else None
        if made is not None:
            return JobRef(made.id, workflow.result_type, key)
    with before_create(session, deadline):
        params = await _uploaded(session, workflow, options, deadline)
    payload = {
        "name": new.name if new.name is not None else workflow.slug.rpartition("/")[2],
        "workflow": workflow.slug,
        "params": params,
        "metadata": metadata,
    }
    if new.copy_results_to is not None:
        payload["copyResultsTo"] = targets
    sent = session.io.now()
    try:
        job_id = await _post(session, payload, key, options, deadline, recover=new.recover)
    except MusicAiError:
        raise
    except BaseException as error:  # cancelled, or interrupted by Ctrl-C
        error.add_note(f"a job may have been created meanwhile: client.jobs.find({key!r}) looks for it")
        raise
    session.durations.created(job_id, workflow.slug, sent)
    return JobRef(job_id, workflow.result_type, key)


async def _post(
    session: Session,
    payload: Mapping[str, Any],
    key: str,
    options: RequestOptions,
    deadline: float | None,
    *,
    recover: bool,
) -> str:
    """Creates the job and returns its id, also when the answer is lost but the job is there."""
    try:
        return (await session.call(CREATE_JOB, payload=payload, options=options, deadline=deadline)).id
    except MusicAiError as error:
        if not may_have_acted(error):
            raise
        if not recover:
            raise _uncertain(key, error, "and was not looked for") from error
        return (await _recovered(session, key, error, options)).id


def check_payload(workflow: Workflow[Any], new: NewJob, targets: Mapping[str, str]) -> None:
    """What can be wrong is found before anything is uploaded."""
    for name, url in targets.items():
        if not isinstance(cast("object", url), str) or not url.startswith(("https://", "http://")):
            raise InputError(f"copy_results_to[{name!r}] must be an upload URL")
    params = resolved_params(workflow)
    check_local_files(params)
    values = {name: None if isinstance(value, os.PathLike) else value for name, value in params.items()}
    encoded({"name": new.name, "params": values, "metadata": dict(new.metadata or {})})


def destinations(workflow: Workflow[Any], copy_results_to: Mapping[str, str]) -> dict[str, str]:
    """Upload URLs by wire name, from URLs by field names or wire names; `InputError` names what isn't an output.

    A workflow whose class declares no outputs takes every name.
    """
    declared = output_names(workflow.result_type)
    if not declared:
        return dict(copy_results_to)
    found: dict[str, str] = {}
    for name, url in copy_results_to.items():
        wire_name = wire_name_of(workflow.result_type, name)
        if wire_name is None or wire_name in found:
            problem = "names an output twice" if wire_name else "isn't an output"
            names = (f"{field} ({wire!r})" if wire != field else field for field, wire in declared.items())
            raise InputError(
                f"copy_results_to[{name!r}] {problem}: {type(workflow).__name__} gives {', '.join(names)}"
            )
        found[wire_name] = url
    return found


async def _uploaded(
    session: Session, workflow: Workflow[Any], options: RequestOptions, deadline: float | None
) -> dict[str, Any]:
    """The parameters with every local file replaced by the URL of its upload; the same file is sent once."""
    params = resolved_params(workflow)
    urls = dict[str, str]()
    for name, value in params.items():
        if isinstance(value, os.PathLike):
            path = os.fspath(cast("os.PathLike[str]", value))
            if path not in urls:
                urls[path] = (await upload(session, path, None, options, deadline)).url
            params[name] = urls[path]
    return params


async def _made_before(
    session: Session, metadata: Mapping[str, Any], digests: Collection[str], options: RequestOptions
) -> Job[Any] | None:
    """The job that the caller's token stands for already; the token of another request is an error."""
    job = await find(session, metadata[IDEMPOTENCY_KEY], options)
    if job is not None and (job.raw_metadata or {}).get(REQUEST_DIGEST) not in digests:
        raise InputError(
            f"idempotency_key {metadata[IDEMPOTENCY_KEY]!r} belongs to job {job.id} already, which was created with"
            f" another workflow or other parameters: use a key of its own for every job"
        )
    return job


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
    raise _uncertain(key, error, f"and no such job was listed within {LOOK_FOR:g} s") from error


def _uncertain(key: str, error: MusicAiError, looked: str) -> CreateUncertainError:
    return CreateUncertainError(
        f"the answer to POST /job was lost ({error}) {looked}. It was not sent again, because it may exist and cost"
        f" money: look later with client.jobs.find({key!r}), and create it anew only if that stays None",
        idempotency_key=key,
    )


async def find(session: Session, key: str, options: RequestOptions) -> Job[Any] | None:
    """The job that was created under a token, if the service lists it.

    Pages are counted from the newest job, so whatever is deleted during the walk moves others to pages that were
    read already: what isn't found on several pages is looked for once more.
    """
    for _ in range(2):
        pages = JobPages(session, {}, PAGE_SIZE, options)
        walked = 0
        while (page := await pages.next()) is not None:
            walked += 1
            for job in page:
                if job.idempotency_key == key:
                    return job
        if walked < 2:
            break
    return None
