"""Jobs in notebooks, and as rows. `Job` imports this module, so it is `Any` here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from musicai_sdk._notebook import LONGEST, Html, badge, card, facts, note, table
from musicai_sdk._text import displayed, duration, without_query
from musicai_sdk.models.outputs import CUSTOM_STORAGE, is_file_url

ROW = (
    *("id", "status", "workflow", "name", "created_at", "started_at", "completed_at"),
    *("error_code", "error_message", "outputs"),
)
"""The columns of a job's row."""


def job_row(job: Any) -> dict[str, Any]:
    """A job as plain data, without parameters and signed URLs."""
    code, message = (job.failure.code, job.failure.message) if job.failed else (None, None)
    texts = job.id, str(job.status), _workflow(job), job.name
    values = (
        *texts,
        job.created_at,
        job.started_at,
        job.completed_at,
        code,
        message,
        list(job.raw_result or {}),
    )
    row: dict[str, Any] = displayed(dict(zip(ROW, values, strict=True)))
    return row


def job_html(job: Any) -> str:
    """A job: status, times and outputs."""
    error = (job.failure.code, job.failure.title, job.failure.message) if job.failed else ()
    values = {
        "status": _status(job),
        "job": job.id,
        "name": job.name,
        "created": _moment(job.created_at),
        "queued for": _took(job.created_at, job.started_at),
        "processed in": _took(job.started_at, job.completed_at),
        "error": ": ".join(part for part in error if part),
    }
    result: Mapping[str, object] = job.raw_result or {}
    rows = [(name, *_described(value)) for name, value in result.items()]
    outputs = table(("output", "kind", "value"), rows) if rows else ""
    hint = (
        note("client.jobs.download(job, folder) fetches the files, and shows them with players")
        if rows
        else ""
    )
    return card(_workflow(job) or "job", facts(values), outputs, hint)


def jobs_html(title: str, jobs: Iterable[Any], more: str = "") -> str:
    """Jobs as a table, and a remark below it."""
    rows = [
        (
            *(_status(job), _workflow(job), job.name, _moment(job.created_at)),
            *(_took(job.created_at, job.completed_at), job.id),
        )
        for job in jobs
    ]
    listed = table(("status", "workflow", "name", "created", "took", "job"), rows) if rows else ""
    return card(title, listed, note(more) if more else "")


def _status(job: Any) -> Html:
    return badge(str(job.status), good=True if job.succeeded else False if job.failed else None)


def _workflow(job: Any) -> str:
    """The slug, or the name in older answers."""
    return (job.workflow if isinstance(job.workflow, str) else getattr(job.workflow, "name", None)) or ""


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S %Z}" if at is not None else ""


def _took(begin: datetime | None, end: datetime | None) -> str:
    """A time span; empty if an end is unknown, or only one of them has a time zone."""
    try:
        return duration(max(0.0, (end - begin).total_seconds())) if begin and end else ""
    except TypeError:
        return ""


def _described(value: object) -> tuple[str, object]:
    """The kind of an output, and its value or its place without the query."""
    if not isinstance(value, str):
        return "value", json.dumps(value, ensure_ascii=False, default=str)
    if value == CUSTOM_STORAGE:
        return "file", "in your own storage"
    if is_file_url(value):
        place = without_query(value.strip()).removesuffix("?…").partition("://")[2]
        host, _, path = place.partition("/")
        folders, _, name = path.rpartition("/")
        stem, _, extension = name.rpartition(".")
        kind = f"{extension} file" if stem and len(extension) < 6 else "file"
        return kind, place if len(place) <= LONGEST or not folders else f"{host}/…/{name}"
    return "value", value
