"""The addresses of the pages, and of the data that open pages request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote, urlsplit

from pydantic import TypeAdapter
from starlette.responses import JSONResponse, Response

from musicai_sdk.models.result_files import result_files
from musicai_sdk.sandbox.clock import iso
from musicai_sdk.sandbox.dashboard import job as job_pages
from musicai_sdk.sandbox.dashboard import pages
from musicai_sdk.sandbox.dashboard.html import CONTENT_POLICY
from musicai_sdk.sandbox.faults.options import checked, parsed
from musicai_sdk.sandbox.http.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from musicai_sdk.sandbox.api.routes import Api
    from musicai_sdk.sandbox.dashboard.html import Html
    from musicai_sdk.sandbox.database.records import JobRecord, StoredObject
    from musicai_sdk.sandbox.parts import Parts

_TYPES: Final = {"style.css": "text/css", "index.js": "text/javascript", "job.js": "text/javascript"}
_JOBS_SHOWN = 200
_SEGMENTS: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(list[dict[str, Any]])


@dataclass(frozen=True)
class Dashboard:
    """Answers requests for `/` and below `/__sandbox__/jobs`, `/static`, `/live` and `/peaks`."""

    parts: Parts
    api: Api

    async def __call__(self, request: Request) -> Response | None:
        """Answers one request; returns None if it isn't for a page."""
        match [unquote(part) for part in request.scope["raw_path"].decode("ascii").split("/")][1:]:
            case [""]:
                return _page(self._index(request))
            case ["__sandbox__", "live"]:
                parts = self._updated(request)
                return JSONResponse({**parts, "now": iso(self.parts.clock.now())})
            case ["__sandbox__", "static", name] if name in _TYPES:
                content = files("musicai_sdk.sandbox.dashboard").joinpath(name).read_bytes()
                headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
                return Response(content, headers=headers, media_type=_TYPES[name])
            case ["__sandbox__", "jobs", job_id]:
                return _page(self._job_page(self._find(job_id)))
            case ["__sandbox__", "jobs", job_id, "version"]:
                job = self.parts.database.job(job_id)
                return JSONResponse({"version": job_pages.version(job) if job else None})
            case ["__sandbox__", "peaks", *key]:
                return await self._peaks("/".join(key))
            case _:
                return None

    def _index(self, request: Request) -> Html:
        shown = {job.workflow for job in self.parts.database.jobs(limit=_JOBS_SHOWN)}
        workflows = sorted(shown | {request.query_params.get("workflow", "")} - {""})
        return pages.index(self._updated(request), dict(request.query_params), workflows)

    def _updated(self, request: Request) -> dict[str, Html]:
        query = request.query_params
        jobs = self.parts.database.jobs(
            status=[each for each in query.getlist("status") if each],
            workflow=[each for each in query.getlist("workflow") if each],
            limit=_JOBS_SHOWN,
        )
        faults = self.parts.faults.active()
        on = dict[str, str]()
        for name, text in pages.SWITCHES.items():
            route, options = parsed(text)
            options = checked(route, options)
            for fault in faults:
                if (fault.route, fault.options) == (route, options):
                    on[name] = fault.id
        return {
            "jobs": pages.job_table(jobs, self.parts.clock.now()),
            "switches": pages.switches(on),
            "faults": pages.fault_table(faults),
            "requests": pages.request_table(self.parts.request_log.entries()),
        }

    def _find(self, job_id: str) -> JobRecord:
        job = self.parts.database.job(job_id)
        if job is None:
            raise ApiError(404, f"Job '{job_id}' not found.")
        return job

    def _job_page(self, job: JobRecord) -> Html:
        answer = self.api.job_answer(job)
        tracks = list[job_pages.Track]()
        for name, value in job.params.items():
            if isinstance(value, str) and value.startswith(("http://", "https://")):
                key = self._own(value)
                # The URL in the parameters may have expired, and an upload has no extension: any URL may be audio.
                tracks.append(
                    job_pages.Track(name, self.parts.signer.url("GET", key) if key else value, _peaks_of(key))
                )
        chords = None
        result = answer["result"]
        for each in result_files(result if isinstance(result, dict) else None):
            value = str(each.value)
            if key := self._own(value):
                if job_pages.is_audio(key):
                    tracks.append(job_pages.Track(each.name, value, _peaks_of(key)))
                elif key.endswith(".json") and self._holds_chords(self.parts.store.find(key)):
                    chords = chords or value
        return job_pages.job_page(job, answer, tracks, chords, self.parts.clock.now())

    def _holds_chords(self, stored: StoredObject | None) -> bool:
        if stored is None or stored.size > 1 << 24:
            return False
        try:
            content = _SEGMENTS.validate_json(self.parts.store.path(stored.blob).read_bytes())
        except (OSError, ValueError):
            return False
        return bool(content) and "chord_majmin" in content[0]

    def _own(self, url: str) -> str | None:
        """Returns the key of an object in the sandbox's storage, None for other URLs."""
        parts = urlsplit(url)
        return unquote(parts.path[1:]) if url.startswith(f"{self.parts.origin}/") else None

    async def _peaks(self, key: str) -> Response:
        stored = self.parts.store.find(key)
        if stored is None:
            raise ApiError(404, "There is no such object.")
        from musicai_sdk.sandbox.dashboard.peaks import peaks  # Imports numpy.
        from musicai_sdk.sandbox.engine.task import WorkflowFailure

        read: Callable[[], object] = lambda: peaks(self.parts.store.path(stored.blob))  # noqa: E731
        try:
            return JSONResponse(await asyncio.to_thread(read))
        except WorkflowFailure as failure:
            raise ApiError(422, failure.message) from None


def _peaks_of(key: str | None) -> str | None:
    return f"/__sandbox__/peaks/{quote(key)}" if key else None


def _page(content: Html) -> Response:
    headers = {
        "Content-Security-Policy": CONTENT_POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(str(content), headers=headers, media_type="text/html")
