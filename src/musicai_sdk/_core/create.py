"""Creates jobs, and pays for each once: after a lost answer, it searches for the job and never repeats the POST."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from musicai_sdk._core.arguments import NewJob, ProgressOf
from musicai_sdk._core.deadline import before_create, still_time, within
from musicai_sdk._core.idempotency import checked_key, exclusive, fingerprints
from musicai_sdk._core.interruption import note_interruption
from musicai_sdk._core.jobs import get, note_created
from musicai_sdk._core.lists import JobPages
from musicai_sdk._core.operations import CREATE_JOB
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.result_storage import upload_urls
from musicai_sdk._core.retry import may_have_acted
from musicai_sdk._core.session import Session, encoded
from musicai_sdk._core.upload import upload
from musicai_sdk._io.record import logger
from musicai_sdk._job_search import Wanted, search
from musicai_sdk._text import safe_repr
from musicai_sdk.errors import (
    ConnectionFailedError,
    CreateTimeoutError,
    CreateUncertainError,
    InputError,
    MusicAiError,
)
from musicai_sdk.models.job import REQUEST_DIGEST, Job, JobRef, own_entry
from musicai_sdk.models.job_key import key_entries
from musicai_sdk.models.outputs import URL_SCHEMES
from musicai_sdk.models.result import R, output_names, wire_name_of
from musicai_sdk.workflows.base import CustomWorkflow, Workflow, resolved_params
from musicai_sdk.workflows.inputs import check_local_files

LOOK_FOR = 5.0
"""Seconds for which to search the list of jobs after a lost answer."""
LOOK_EVERY = 0.5
"""Seconds between the first two searches. Later pauses are longer."""
LONGEST_PAUSE = 5.0
SETTLE = 5.0
"""The age of the process in seconds from which an unlisted key counts as absent, unless the caller sets `settle`."""


def workflow_of(method: str, *given: object) -> Workflow[Any]:
    """The workflow that the positional arguments of `client.jobs.create` or `client.jobs.run` name.

    Raises:
        InputError: the arguments name no workflow; the text shows the right call.
    """
    match given:
        case [Workflow() as workflow]:
            found: Workflow[Any] = workflow
            return found
        case [str(slug), Mapping()] if method == "run":
            return CustomWorkflow(slug, cast("Mapping[str, Any]", given[1]))
        case _:
            raise wrong_workflow(method, *given)


def wrong_workflow(method: str, *given: object) -> InputError:
    """The error of arguments that name no workflow; the text shows the right call."""
    call = f"client.jobs.{method}"
    match given:
        case [Workflow(), *_]:
            problem = f"takes one workflow, and everything else by name: {call}(workflow, name=…)"
        case [str(), *_]:  # perhaps a name before the slug, as in `add_job`
            texts = [each for each in given if isinstance(each, str)]
            slug = next((each for each in texts if each.startswith("music-ai/")), texts[-1])
            texts.remove(slug)
            params = [safe_repr(cast("object", each)) for each in given if isinstance(each, Mapping)] or [
                "{…}"
            ]
            named = f", name={safe_repr(texts[0])}" if texts else ""
            problem = f"takes a workflow: {call}(CustomWorkflow({safe_repr(slug)}, {params[0]}){named})"
        case [type() as kind, *_] if issubclass(kind, Workflow):
            problem = f"takes an instance of {kind.__name__}: {call}({kind.__name__}(…))"
        case _:
            what = f", not {type(given[0]).__name__}" if given else ""
            problem = (
                f"takes a workflow{what}: {call}(GenerateChords(input_url=…)), or"
                f" {call}(CustomWorkflow(slug, params))"
            )
    return InputError(f"{call} {problem}")


async def create(
    session: Session,
    workflow: Workflow[R],
    new: NewJob,
    options: RequestOptions,
    deadline: float | None = None,
) -> JobRef[R]:
    """Uploads a workflow's local inputs and creates the job, before the deadline (a time of `io.now()`).

    The deadline never interrupts the POST, because only its answer identifies the paid job.
    """
    if not isinstance(cast("object", new.metadata), Mapping | None):
        raise InputError(f"metadata must be a mapping of names to JSON values, not {new.metadata!r:.100}")
    key = checked_key(new.idempotency_key)
    async with exclusive(session, key, deadline):
        return await _create(session, workflow, new, key, options, deadline)


async def _create(
    session: Session,
    workflow: Workflow[R],
    new: NewJob,
    key: str,
    options: RequestOptions,
    deadline: float | None,
) -> JobRef[R]:
    # First: without credentials for the caller's storage, nothing may be uploaded or paid.
    targets = destinations(workflow, await upload_urls(session, new.copy_results_to, workflow, key))
    given = resolved_params(workflow)
    check_payload(given, new, targets)
    called = session.io.now()
    metadata = {**(new.metadata or {}), **key_entries(key)}
    wanted = Wanted(key, workflow.slug, params=_remote_params(given))
    if new.idempotency_key is not None:
        digests = fingerprints(workflow.slug, given, targets)
        metadata[REQUEST_DIGEST] = digests[0]
        if new.recover:
            with before_create(session, deadline):
                early = within(session, options, deadline)
                until = _settled(session, key, new.settle, called)
                made = await _made_before(session, wanted, digests, until, early, deadline)
            if made is not None:
                return JobRef(made.id, workflow.result_type, key)
    with before_create(session, deadline):
        params = await _uploaded(session, given, options, deadline, new.progress_of)
    payload = {
        "name": new.name if new.name is not None else workflow.slug.rpartition("/")[2],
        "workflow": workflow.slug,
        "params": params,
        "metadata": metadata,
    }
    if new.copy_results_to is not None:
        payload["copyResultsTo"] = targets
    sent = session.io.now()
    with note_interruption(f"a job may have been created: client.jobs.find({key!r}) searches for it"):
        job_id = await _post(session, payload, wanted, options, deadline, recover=new.recover)
    session.durations.created(job_id, workflow.slug, sent)
    return JobRef(job_id, workflow.result_type, key)


async def _post(
    session: Session,
    payload: Mapping[str, Any],
    wanted: Wanted,
    options: RequestOptions,
    deadline: float | None,
    *,
    recover: bool,
) -> str:
    """Creates the job and returns its id; after a lost answer, the id of the job found in the list.

    If no answer arrives, for example because of an interruption, the key stays in `session.lost`.
    """
    lost = session.lost
    lost_before = wanted.key in lost
    lost.add(wanted.key)
    try:
        job_id = (await session.call(CREATE_JOB, payload=payload, options=options, deadline=deadline)).id
        # Names and URLs tell jobs apart whose keys the service doesn't show.
        note_created(
            session, job_id, replace(wanted, name=payload["name"], params=_remote_urls(payload["params"]))
        )
    except MusicAiError as error:
        if not may_have_acted(error):
            if not lost_before:
                lost.discard(wanted.key)
            if isinstance(error, ConnectionFailedError):
                still_time(session, deadline)  # perhaps the deadline cut the wait for a connection
            raise
        if not recover:
            raise _uncertain(
                wanted.key, f"the answer to POST /job was lost ({error}), and recover=False skips the search"
            ) from error
        job_id = (await _recovered(session, wanted, error, options)).id
    lost.discard(wanted.key)
    return job_id


def _settled(session: Session, key: str, settle: float | None, called: float) -> float:
    """The time of `io.now()` from which an unlisted key counts as absent.

    Without `settle`, that is some time after the last POST that may have been sent with it: by this process, or by an
    earlier one that ended when this one began.
    """
    if settle is None:
        sent = session.lost.sent_at(key)
        return max(called, (session.began if sent is None else sent) + SETTLE)
    if (
        isinstance(settle, bool)
        or not isinstance(cast("object", settle), int | float)
        or not 0 <= settle < math.inf
    ):
        raise InputError(f"settle must be 0 or more seconds, not {settle!r:.100}")
    return called + settle


def check_payload(params: Mapping[str, Any], new: NewJob, targets: Mapping[str, str]) -> None:
    """Raises `InputError` for a request that can't be sent, before anything is uploaded."""
    for name, url in targets.items():
        if not isinstance(cast("object", url), str) or not url.startswith(URL_SCHEMES):
            raise InputError(f"copy_results_to[{name!r}] must be an upload URL")
    check_local_files(params)
    values = {name: None if isinstance(value, os.PathLike) else value for name, value in params.items()}
    encoded({"name": new.name, "params": values, "metadata": dict(new.metadata or {})})


def destinations(workflow: Workflow[Any], copy_results_to: Mapping[str, str]) -> dict[str, str]:
    """Upload URLs by wire name, from URLs by field name or wire name.

    A workflow whose class declares no outputs accepts every name.

    Raises:
        InputError: a name isn't an output.
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
                f"copy_results_to[{name!r}] {problem}: {type(workflow).__name__} has {', '.join(names)}"
            )
        found[wire_name] = url
    return found


async def _uploaded(
    session: Session,
    given: Mapping[str, Any],
    options: RequestOptions,
    deadline: float | None,
    progress_of: ProgressOf,
) -> dict[str, Any]:
    """The parameters with local files replaced by the URLs of their uploads; each file is uploaded once."""
    params = dict(given)
    urls = dict[str, str]()
    for name, value in given.items():
        if isinstance(value, os.PathLike):
            path = os.fspath(cast("os.PathLike[str]", value))
            if path not in urls:
                urls[path] = (
                    await upload(session, path, progress_of(Path(path).name), options, deadline)
                ).url
            params[name] = urls[path]
    return params


def _remote_params(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that are the same in every request: all except local files, which get new upload URLs."""
    return {name: value for name, value in given.items() if not isinstance(value, os.PathLike)}


def _remote_urls(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if isinstance(value, str) and "://" in value}


async def _made_before(
    session: Session,
    wanted: Wanted,
    digests: Collection[str],
    until: float,
    options: RequestOptions,
    deadline: float | None,
) -> Job[Any] | None:
    """The existing job with the caller's key; None if certainly no job has it.

    Raises:
        InputError: the key belongs to another request.
        CreateUncertainError: whether a job has the key is unknown.
    """
    key = wanted.key
    try:
        job = await _search(session, wanted, until, options, deadline)
    except CreateUncertainError as error:
        raise CreateUncertainError(
            f"{error}. Nothing was sent: look in the dashboard, and pass recover=False to create the job if it isn't"
            f" there",
            idempotency_key=key,
        ) from error.__cause__
    if job is None:
        if key in session.lost:
            raise CreateUncertainError(
                f"this client has sent a POST /job with the key {key!r} and got no answer, and no such job is listed."
                f" It may still appear, so nothing was sent again. Pass recover=False to pay for another one",
                idempotency_key=key,
            )
        return None
    session.lost.discard(key)
    digest = own_entry(job.raw_metadata, REQUEST_DIGEST)
    # The service may truncate metadata.
    if digest is not None and not any(each.startswith(digest) for each in digests):
        raise InputError(
            f"idempotency_key {key!r} already belongs to job {job.id}, which was created with another workflow or other"
            f" parameters: use a different key for every job"
        )
    return job


async def _recovered(
    session: Session, wanted: Wanted, error: MusicAiError, options: RequestOptions
) -> Job[Any]:
    """Searches for the job of a create whose answer was lost. Takes at most `LOOK_FOR` and one exchange."""
    logger.info("create: the answer was lost (%s); searching for the job", error)
    reason = f"no such job was listed within {LOOK_FOR:g} s"
    until, longest = session.io.now() + LOOK_FOR, session.timeout(options)
    deadline = None if longest is None else until + longest
    try:
        job = await _search(session, wanted, until, options, deadline, patient=True)
    except CreateTimeoutError:
        job, reason = None, "the list of jobs couldn't be read in time"
    except CreateUncertainError as unproven:
        job, reason = None, str(unproven)
    if job is not None:
        return job
    raise _uncertain(wanted.key, f"the answer to POST /job was lost ({error}), and {reason}") from error


def _uncertain(key: str, what: str) -> CreateUncertainError:
    return CreateUncertainError(
        f"{what}. It was not sent again, because the job may exist and cost money: before you create it again, try"
        f" client.jobs.find({key!r}) later, and look in the dashboard",
        idempotency_key=key,
    )


async def find(
    session: Session,
    key: str,
    options: RequestOptions,
    *,
    workflow: Workflow[Any] | None = None,
    settle: float = 0.0,
) -> Job[Any] | None:
    """The job that was created under a key; None if certainly no job has it.

    Raises:
        CreateUncertainError: no such job is listed, but it may exist.
    """
    called = session.io.now()
    wanted = Wanted(checked_key(key or ""))
    if workflow is not None:
        wanted = Wanted(wanted.key, workflow.slug, params=_remote_params(resolved_params(workflow)))
    job = await _search(session, wanted, _settled(session, key, settle, called), options, None)
    if job is not None:
        session.lost.discard(key)
    return job


async def _search(
    session: Session,
    wanted: Wanted,
    until: float,
    options: RequestOptions,
    deadline: float | None,
    *,
    patient: bool = False,
) -> Job[Any] | None:
    """Searches for a job repeatedly until a time of `io.now()`.

    Only a search that begins after this time proves absence.

    Args:
        session: The client's session.
        wanted: The job to search for.
        until: The time before which a search can't prove absence.
        options: Per-call settings.
        deadline: The time of `io.now()` at which the caller's time is up.
        patient: Whether to search again, instead of raising the error, if the list can't be read before `until`.
    """
    pause = LOOK_EVERY
    while True:
        last = session.io.now() >= until
        why = ""
        try:
            result = await search(
                lambda size: JobPages(session, {}, size, options, deadline=deadline),
                lambda job_id: get(session, job_id, None, options, deadline),
                [wanted],
                echoes=session.echoes,
                thorough=last,
            )
        except MusicAiError as failure:
            if not patient:
                raise
            logger.info("create: listing jobs failed (%s)", failure)
            why = f"jobs can't be listed ({failure})"
        else:
            session.echoes = result.echoes
            if wanted.key in result.found:
                return result.found[wanted.key]
            why = result.unknown.get(wanted.key, "")
        if last:
            if why:
                raise CreateUncertainError(
                    f"it isn't known whether a job with the key {wanted.key!r} exists: {why}",
                    idempotency_key=wanted.key,
                )
            return None
        still_time(session, deadline)
        await session.io.sleep(max(0.0, min(pause, until - session.io.now())))
        pause = min(pause * 1.6, LONGEST_PAUSE)
