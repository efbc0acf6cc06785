"""The pages as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from musicai_sdk.sandbox.clock import iso
from musicai_sdk.sandbox.dashboard.html import Html, filled, join, tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from musicai_sdk.sandbox.database.records import JobRecord
    from musicai_sdk.sandbox.faults.rules import Fault
    from musicai_sdk.sandbox.http.request_log import JournalEntry

STATUSES = ("QUEUED", "STARTED", "SUCCEEDED", "FAILED")
_LATEST = 100
SWITCHES: Mapping[str, str] = {
    "Slow network": "* * delay=0.8",
    "A third of requests fail": "* * status=503 probability=0.33",
    "Rate limit": "* * retry_after=2",
    "Creates answer nothing": "POST /job reset=after",
    "Downloads break off": "GET /cdn/* truncate=1000",
    "Result URLs expire": "GET /cdn/* expire=true",
    "Jobs fail": "POST /job job_error=INTERNAL_ERROR",
    "Jobs take a minute": "POST /job job_seconds=60",
}
"""The switches for faults: name, and the fault as `--fault` takes it."""


def page(title: str, *content: object, script: str) -> Html:
    """Returns a whole page."""
    return filled("page.html", title=title, content=join(*content), script=script)


def index(parts: Mapping[str, Html], chosen: Mapping[str, str], workflows: Iterable[str]) -> Html:
    """Returns the first page; `parts` are those that the page updates."""

    def options(name: str, values: Iterable[str]) -> Html:
        return join(
            *(
                tag("option", value or "all", value=value, selected=value == chosen.get(name, ""))
                for value in ("", *values)
            )
        )

    statuses, slugs = options("status", STATUSES), options("workflow", workflows)
    content = filled("index.html", statuses=statuses, workflows=slugs, **parts)
    return page("Music.AI sandbox", content, script="index.js")


def job_table(jobs: Sequence[JobRecord], now: float) -> Html:
    """Returns the list of jobs."""
    if not jobs:
        return tag(
            "p", "No jobs here yet. Point a client at this address, and its jobs appear.", class_="empty"
        )
    rows = [
        tag(
            "tr",
            tag("td", status_badge(job), data_label="Status"),
            tag("td", tag("a", job.name or "(no name)", href=f"/__sandbox__/jobs/{quote(job.id, safe='')}",
                          id=f"job-{job.seq}"), data_label="Job"),
            tag("td", job.workflow, data_label="Workflow", class_="mono"),
            tag("td", tag("time", iso(job.created_at)[11:19], datetime=iso(job.created_at)), data_label="Created"),
            tag("td", timing(job, now), data_label="Took"),
            tag("td", job.error["code"] if job.error else "", title=job.error["message"] if job.error else None,
                data_label="Error", class_="error"),
        )
        for job in jobs
    ]  # fmt: skip
    return _table(("Status", "Job", "Workflow", "Created (UTC)", "Took", "Error"), rows)


def status_badge(job: JobRecord) -> Html:
    """Returns a job's status."""
    return tag("span", job.status, class_=f"status {job.status.lower()}")


def timing(job: JobRecord, now: float) -> str:
    """Returns how long a job ran, or has been running."""
    if job.started_at is None:
        return ""
    took = (job.completed_at or now) - job.started_at
    return f"{took:.1f} s" if took < 100 else f"{took / 60:.0f} min"


def request_table(entries: Sequence[JournalEntry]) -> Html:
    """Returns the requests, newest first."""
    if not entries:
        return tag("p", "No requests yet.", class_="empty")
    rows = [
        tag(
            "tr",
            tag(
                "td",
                entry.status or "none",
                class_=f"mono s{(entry.status or 0) // 100}",
                data_label="Status",
            ),
            tag("td", entry.method, class_="mono", data_label="Method"),
            tag(
                "td",
                entry.path + (f"?{entry.query}" if entry.query else ""),
                class_="mono path",
                data_label="Path",
            ),
            tag("td", entry.headers.get("user-agent", "").partition(" ")[0], class_="path", data_label="By"),
        )
        for entry in entries[: -_LATEST - 1 : -1]
    ]
    return _table(("Status", "Method", "Path", "By"), rows)


def switches(on: Mapping[str, str]) -> Html:
    """Returns the switches; `on` has the id of the fault for each that is on."""
    return join(
        *(
            tag("button", name, type="button", role="switch", aria_checked="true" if name in on else "false",
                id=f"switch-{number}", data_text=fault, data_fault=on.get(name), title=fault)
            for number, (name, fault) in enumerate(SWITCHES.items())
        )
    )  # fmt: skip


def fault_table(faults: Sequence[Fault]) -> Html:
    """Returns the faults."""
    if not faults:
        return tag("p", "No faults.", class_="empty")
    rows = [
        tag(
            "tr",
            tag("td", fault.route, class_="mono", data_label="Route"),
            tag("td", " ".join(f"{name}={value!r}" for name, value in fault.options.items()), class_="mono path",
                data_label="What"),
            tag("td", f"{fault.hits} of {fault.calls}", data_label="Shown"),
            tag("td", tag("button", "Remove", type="button", id=f"remove-{fault.id}", data_remove=fault.id,
                          aria_label=f"Remove the fault of {fault.route}")),
        )
        for fault in faults
    ]  # fmt: skip
    return _table(("Route", "What", "Shown", ""), rows)


def _table(titles: Iterable[str], rows: Iterable[Html]) -> Html:
    head = tag("thead", tag("tr", *(tag("th", title, scope="col") for title in titles)))
    return tag("table", head, tag("tbody", *rows))
