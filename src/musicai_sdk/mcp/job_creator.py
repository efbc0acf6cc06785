"""Creates jobs for an agent: pays for each request once, and for no more jobs than the user allowed."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from musicai_sdk import AsyncMusicAiClient, CustomWorkflow
from musicai_sdk._text import without_query
from musicai_sdk.batch.inputs.candidates import identity
from musicai_sdk.batch.inputs.kinds import name_of
from musicai_sdk.batch.ledger.track import canonical, track_key
from musicai_sdk.errors import CreateUncertainError, InputError, MusicAiError, NotFoundError
from musicai_sdk.mcp.addresses import Addresses
from musicai_sdk.mcp.errors import AGAIN, ToolError
from musicai_sdk.mcp.roots import Roots, copy_beneath
from musicai_sdk.mcp.state import Request, State
from musicai_sdk.workflows.inputs import web_address

SETTLE = 10.0
"""Seconds after which a POST with a lost answer must be listed if the service received it; like `grace` in `batch`."""
_LONGEST_NAME = 200
"""The most characters of a job's name."""
_SEARCH = 5.0
"""Seconds to search for the job of a lost answer before the call ends with an error."""


@dataclass(frozen=True, slots=True)
class Order:
    """A request of an agent to process an input."""

    workflow: str
    """The workflow's slug."""
    input: str
    """A path in an allowed folder, or a URL."""
    input_name: str
    """The parameter that takes the input."""
    params: str
    """The other parameters, as canonical JSON."""


@dataclass(frozen=True, slots=True)
class Created:
    """The job of an order."""

    job_id: str
    """The job's id."""
    repeated: bool
    """Whether the job existed before this call."""


@dataclass(eq=False)
class JobCreator:
    """Creates jobs, each order once."""

    client: AsyncMusicAiClient
    roots: Roots
    """The folders that may contain inputs."""
    state: State
    """The record of the requests that were paid before."""
    addresses: Addresses
    """The hosts that inputs may be on."""
    max_jobs: int
    """The most jobs to create in total."""
    _scope: str | None = field(default=None, init=False)
    _seen: dict[tuple[str, float], float] = field(default_factory=dict[tuple[str, float], float], init=False)
    """When this server first saw each request without an answer, by its key and `sent_at`."""

    async def create(self, order: Order, params: Mapping[str, Any]) -> Created:
        """Returns the job of an order: its existing job, or a new one."""
        if order.input_name in params:
            raise InputError(f"params has {order.input_name!r} too, which takes the input: name it once")
        self.addresses.check_inputs([order.input, params])
        try:
            url = web_address(order.input)
        except InputError:
            raise ToolError(
                "bad_input",
                f"{without_query(order.input)!r:.200} is neither a path nor a complete https:// URL",
                "Nothing was sent. Pass a path in an allowed folder, or an https:// URL.",
            ) from None
        if url is not None:
            return await self._once(order, params, f"url:{identity(url)}", url, name_of(url)[:_LONGEST_NAME])
        root, relative = self.roots.source(order.input)
        copy = self.state.copies / f"{os.urandom(8).hex()}{relative.suffix}"
        try:
            digest = await asyncio.to_thread(copy_beneath, root, relative, copy)
            return await self._once(order, params, f"sha256:{digest}", copy, relative.stem)
        finally:
            with suppress(OSError):  # Windows doesn't remove an open file; a later start will
                copy.unlink()

    async def _once(
        self, order: Order, params: Mapping[str, Any], content: str, source: str | Path, label: str
    ) -> Created:
        scope = await self._current_scope()
        key = f"mcp-{track_key(content, order.workflow, order.input_name, order.params)}"
        async with self.state.exclusive(key):
            known = self.state.get(scope, key)
            if known is not None and known.job_id is not None:
                return Created(known.job_id, repeated=True)
            # Checks the parameters, before anything is uploaded or counted.
            wanted = CustomWorkflow(order.workflow, {**params, order.input_name: source})
            settle = 0.0 if known is None else self._unsettled(key, known)
            job = await self.client.jobs.find(key, workflow=wanted, settle=settle)
            if job is not None:
                self.state.record_job(scope, key, order.workflow, label, job.id)
                return Created(job.id, repeated=True)
            if known is None and self.state.used() >= self.max_jobs:
                raise self._used_up()
            uploaded = source if isinstance(source, str) else await self.client.files.upload(source)
            if not self.state.reserve(scope, key, order.workflow, label, self.max_jobs):
                raise self._used_up()
            if (reserved := self.state.get(scope, key)) is not None:
                self._unsettled(key, reserved)
            workflow = CustomWorkflow(order.workflow, {**params, order.input_name: uploaded})
            try:
                # No recovery: the list was just searched for the key, and a lost answer is handled below.
                created = await self.client.jobs.create(
                    workflow, name=label, idempotency_key=key, recover=False
                )
                job_id = created.id
            except CreateUncertainError as uncertain:
                job_id = await self._lost(key, wanted, uncertain)
            except MusicAiError as error:
                if known is None:  # otherwise an earlier POST may still have created a job
                    self.state.release(scope, key)
                if isinstance(error, NotFoundError):
                    raise _no_workflow(order.workflow) from None
                raise
            self.state.record_job(scope, key, order.workflow, label, job_id)
            return Created(job_id, repeated=False)

    def _unsettled(self, key: str, request: Request) -> float:
        """Seconds after which a request without an answer must be listed, if the service received it.

        They begin when this server first sees the request: clocks differ, and are set, so `sent_at` only identifies it.
        """
        now = time.monotonic()
        return max(0.0, self._seen.setdefault((key, request.sent_at), now) + SETTLE - now)

    async def _lost(self, key: str, wanted: CustomWorkflow, uncertain: CreateUncertainError) -> str:
        """The job of a POST whose answer was lost."""
        job = await self.client.jobs.find(key, workflow=wanted, settle=_SEARCH)
        if job is None:
            raise ToolError(
                "uncertain",
                "the answer of the service was lost, and it lists no such job yet",
                f"Nothing was sent again. {AGAIN} It looks for the job first.",
                retryable=True,
            ) from uncertain
        return job.id

    async def _current_scope(self) -> str:
        """The owner of the jobs: an application has no access to another application's jobs."""
        if self._scope is None:
            application = await self.client.application.get()
            self._scope = f"{self.client.base_url} {application.id}"
        return self._scope

    def _used_up(self) -> ToolError:
        return ToolError(
            "budget_used",
            f"this server has created all {self.max_jobs} jobs that it may create; nothing was sent",
            "Ask the user. A higher --max-jobs allows more; it counts all jobs since the server was set up.",
        )


def _no_workflow(slug: str) -> ToolError:
    return ToolError(
        "unknown_workflow",
        f"the account has no workflow {slug!r:.200}; nothing was created",
        "Call list_workflows for the slugs.",
    )


def order_of(workflow: str, source: str, input_name: str, params: Mapping[str, Any]) -> Order:
    """Builds an order in the form in which orders are compared.

    Raises:
        InputError: a parameter isn't JSON.
    """
    try:
        return Order(workflow, source, input_name, canonical(params))
    except (TypeError, ValueError):
        raise InputError("params must be JSON values: NaN and Infinity aren't allowed") from None
