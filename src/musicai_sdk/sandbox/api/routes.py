"""The eight operations of the API over HTTP, under `/v1` and under the older `/api`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from pydantic import JsonValue, ValidationError
from starlette.responses import JSONResponse, Response

from musicai_sdk.sandbox.api.catalogue import workflow_answer, workflow_name
from musicai_sdk.sandbox.clock import iso
from musicai_sdk.sandbox.database.records import NewJob
from musicai_sdk.sandbox.faults.odd_answers import OTHER_APPLICATION, odd_job, odd_result
from musicai_sdk.sandbox.faults.quirks import Quirks
from musicai_sdk.sandbox.http.errors import ApiError
from musicai_sdk.sandbox.http.middleware import JOB_FAULT
from musicai_sdk.sandbox.storage.keys import upload_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from musicai_sdk.sandbox.database.records import Application, JobRecord
    from musicai_sdk.sandbox.faults.rules import Fault
    from musicai_sdk.sandbox.parts import Parts

_LARGEST_BODY = 1 << 20
_LARGEST_PAGE = 1000
_LAST_PAGE = 10**9
_DIGITS = re.compile(r"\d{1,4000}", re.ASCII)
_ID = r"(?P<job_id>[^/]+)"
_NO_QUIRKS: Final = Quirks()


class Api:
    """Answers requests to the API."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._routes: dict[re.Pattern[str], dict[str, Callable[..., Awaitable[JsonValue | Response]]]] = {
            re.compile("/upload"): {"GET": self._upload},
            re.compile("/job"): {"GET": self._list_jobs, "POST": self._create_job},
            re.compile(f"/job/{_ID}"): {"GET": self._get_job, "DELETE": self._delete_job},
            re.compile(f"/job/{_ID}/status"): {"GET": self._job_status},
            re.compile("/workflow"): {"GET": self._list_workflows},
            re.compile("/application"): {"GET": self._application},
        }

    async def __call__(self, request: Request) -> Response:
        """Answers one request; success has status 200 (source: official clients) unless a quirk says otherwise."""
        path = "/" + request.scope["path"].removeprefix("/").partition("/")[2]
        for pattern, operations in self._routes.items():
            if match := pattern.fullmatch(path):
                operation = operations.get(request.method)
                if operation is None:
                    message = f"{request.method} is not allowed for this path."
                    raise ApiError(405, message, {"Allow": ", ".join(operations)})
                application = self._parts.database.application(request.headers.get("authorization", ""))
                if application is None:
                    # The service refuses a `Bearer ` prefix like a wrong key (source: one third party).
                    raise ApiError(401, "The API key is missing or invalid.")
                if self._parts.quirks.now.other_application:
                    application = OTHER_APPLICATION
                answer = await operation(request, application, **match.groupdict())
                return answer if isinstance(answer, Response) else JSONResponse(answer)
        raise ApiError(404, f"Route {request.method}:{request.scope['path']} not found")

    def job_answer(self, job: JobRecord, quirks: Quirks = _NO_QUIRKS) -> dict[str, JsonValue]:
        """Returns a job in the API's form (source: official reference), with URLs for its files."""
        signed_at = job.completed_at if quirks.repeat_urls else None

        def url(key: str) -> str:
            return self._parts.signer.url("GET", key, signed_at=signed_at)

        return {
            "id": job.id,
            "app": job.app,
            "name": job.name,
            "batchName": job.batch_name,
            "metadata": job.metadata,
            "workflow": job.workflow,
            "workflowParams": job.params,
            "status": job.status,
            "result": odd_result(job.result, url, quirks),
            "error": None if job.error is None else {**job.error},
            "createdAt": iso(job.created_at),
            "startedAt": None if job.started_at is None else iso(job.started_at),
            "completedAt": None if job.completed_at is None else iso(job.completed_at),
        }

    def _job_view(self, job: JobRecord, *, listed: bool = False) -> dict[str, JsonValue]:
        quirks = self._parts.quirks.now
        return odd_job(self.job_answer(job, quirks), job, quirks, listed=listed)

    async def _upload(self, _request: Request, _application: Application) -> JsonValue:
        key = upload_key(self._parts.ids())
        return {
            "uploadUrl": self._parts.signer.url("PUT", key),
            "downloadUrl": self._parts.signer.url("GET", key),
        }

    async def _create_job(self, request: Request, application: Application) -> JsonValue | Response:
        body = await _new_job(request)
        if application is OTHER_APPLICATION:
            self._parts.database.add_application(application)
        if body.workflow not in self._parts.catalogue.handlers():
            raise ApiError(404, f"Workflow '{body.workflow}' not found.")
        job_id = self._parts.ids()
        seq = self._parts.database.add_job(job_id, application, body, self._parts.clock.now())
        fault: Fault | None = request.scope.get(JOB_FAULT)
        self._parts.workers.submit(seq, fault.options if fault else None)
        if (status := self._parts.quirks.now.redirect_posts) is not None:
            path: str = request.scope["path"]
            return Response(
                status_code=status, headers={"Location": path if status == 307 else f"{path}/{job_id}"}
            )
        return {"id": job_id}

    async def _list_jobs(self, request: Request, application: Application) -> JsonValue:
        quirks = self._parts.quirks.now
        page, size = _paging(request, quirks)
        query = request.query_params
        created_by = self._parts.clock.now() - quirks.list_lag if quirks.list_lag else None

        def listed() -> list[JobRecord]:
            return self._parts.database.jobs(
                application,
                status=_filter(request, "status"),
                workflow=self._filtered(_filter(request, "workflow"), quirks),
                batch_name=query.get("batchName"),
                offset=page * size,
                limit=size,
                created_by=created_by,
                order=quirks.list_order,
            )

        jobs = listed()
        if await self._parts.workers.poll(jobs):
            jobs = listed()
        items: list[JsonValue] = [self._job_view(job, listed=True) for job in jobs]
        return {"jobs": items} if quirks.list_envelope == "object" else items

    def _filtered(self, wanted: list[str], quirks: Quirks) -> list[str]:
        """Returns the slugs that pass the filter `workflow=`; an empty list for all."""
        if not wanted or quirks.workflow_filter == "ignored":
            return []
        if quirks.workflow_filter == "name":
            # No job's slug is empty.
            return [slug for slug in self._parts.catalogue.handlers() if workflow_name(slug) in wanted] or [
                ""
            ]
        return wanted

    async def _get_job(self, _request: Request, application: Application, job_id: str) -> JsonValue:
        return self._job_view(await self._polled(job_id, application))

    async def _job_status(self, _request: Request, application: Application, job_id: str) -> JsonValue:
        return {"id": job_id, "status": (await self._polled(job_id, application)).status}

    async def _delete_job(
        self, _request: Request, application: Application, job_id: str
    ) -> JsonValue | Response:
        deleted = self._parts.database.delete_job(job_id, application)
        if deleted is None:
            raise _no_job(job_id)
        seq, blobs = deleted
        self._parts.workers.drop(seq)
        self._parts.store.remove(blobs)
        status = self._parts.quirks.now.delete_status
        return {"id": job_id} if status == 200 else Response(status_code=status)

    async def _list_workflows(self, request: Request, application: Application) -> JsonValue:
        page, size = _paging(request, self._parts.quirks.now)
        handlers = {} if application is OTHER_APPLICATION else self._parts.catalogue.handlers()
        shown = list(handlers.items())[page * size : (page + 1) * size]
        since = self._parts.database.setting("since") or ""
        return {"workflows": [{**workflow_answer(slug, handler, since)} for slug, handler in shown]}

    async def _application(self, _request: Request, application: Application) -> JsonValue:
        return {"id": application.id, "name": application.name}

    async def _polled(self, job_id: str, application: Application) -> JobRecord:
        job = self._find(job_id, application)
        return self._find(job_id, application) if await self._parts.workers.poll([job]) else job

    def _find(self, job_id: str, application: Application) -> JobRecord:
        job = self._parts.database.job(job_id, application)
        if job is None or self._parts.clock.now() - job.created_at < self._parts.quirks.now.get_lag:
            raise _no_job(job_id)
        return job


def _filter(request: Request, name: str) -> list[str]:
    """Returns the values of a repeatable filter, written as `status=A&status=B` or as `status[]=A&status[]=B`."""
    query = request.query_params
    return [*query.getlist(name), *query.getlist(f"{name}[]")]


def _no_job(job_id: str) -> ApiError:
    return ApiError(404, f"Job '{job_id}' not found.")


def _paging(request: Request, quirks: Quirks) -> tuple[int, int]:
    """Returns the page (from 0) and its size (default 100; larger ones than the sandbox's limit are cut to it)."""
    largest = quirks.page_limit or _LARGEST_PAGE
    page, size = request.query_params.get("page", "0"), request.query_params.get("size", "100")
    if not _DIGITS.fullmatch(page):
        raise ApiError(400, "page must be an integer from 0.")
    if not _DIGITS.fullmatch(size) or not int(size):
        raise ApiError(400, "size must be an integer from 1.")
    return min(int(page), _LAST_PAGE), min(int(size), largest)


async def _new_job(request: Request) -> NewJob:
    body, size = bytearray(), 0
    # Always read the body to its end: closing a connection with unread data would reset it.
    async for chunk in request.stream():
        size += len(chunk)
        if size <= _LARGEST_BODY:
            body += chunk
    if size > _LARGEST_BODY:
        raise ApiError(413, f"The request body is larger than {_LARGEST_BODY} bytes.")
    try:
        job = NewJob.model_validate_json(bytes(body))
        json.dumps([job.params, job.metadata], allow_nan=False)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise ApiError(400, f"{where}: {first['msg']}.") from None
    except ValueError:
        raise ApiError(400, "body: NaN and infinite numbers are not JSON.") from None
    return job
