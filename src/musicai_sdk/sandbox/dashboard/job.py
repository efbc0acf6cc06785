"""A job's page: its inputs and outputs, with audio to play."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from musicai_sdk.sandbox.clock import iso
from musicai_sdk.sandbox.dashboard.html import Html, join, tag, text
from musicai_sdk.sandbox.dashboard.pages import page, status_badge, timing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from musicai_sdk.sandbox.database.records import JobRecord

_AUDIO = (".aac", ".aif", ".aiff", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav")


@dataclass(frozen=True)
class Track:
    """Audio that a job's page plays."""

    name: str
    url: str
    peaks: str | None
    """The URL of the waveform, if the audio is in the sandbox's storage."""


def job_page(
    job: JobRecord, answer: Mapping[str, JsonValue], tracks: Sequence[Track], chords: str | None, now: float
) -> Html:
    """Returns a job's page.

    Args:
        job: The job.
        answer: The job as the API answers it.
        tracks: The audio of its inputs and outputs.
        chords: The URL of the file that may hold its chords.
        now: The time on the sandbox's clock.
    """
    facts = {
        "Status": status_badge(job), "Workflow": tag("span", job.workflow, class_="mono"), "Application": job.app,
        "Id": tag("span", job.id, class_="mono"), "Batch": job.batch_name, "Created": iso(job.created_at),
        "Started": iso(job.started_at) if job.started_at else None,
        "Completed": iso(job.completed_at) if job.completed_at else None, "Took": timing(job, now) or None,
    }  # fmt: skip
    listed = tag(
        "dl",
        *(join(tag("dt", name), tag("dd", value)) for name, value in facts.items() if value),
        class_="facts",
    )
    error = tag("p", tag("strong", job.error["title"]), ": ", job.error["message"], " ", tag("code", job.error["code"]),
                class_="error", role="alert") if job.error else ""  # fmt: skip
    return page(
        f"{job.name} · Music.AI sandbox",
        tag("nav", tag("a", "← All jobs", href="/")),
        tag(
            "article", tag("h1", job.name or "(no name)"), error, listed,
            *(_track(track, number) for number, track in enumerate(tracks)),
            _values("Parameters", job.params), _values("Result", answer["result"]),
            _values("Metadata", job.metadata) if job.metadata else "",
            id="job", data_id=job.id, data_version=version(job), data_chords=chords,
        ),
        script="job.js",
    )  # fmt: skip


def version(job: JobRecord) -> str:
    """Returns a text that changes whenever the page of the job does."""
    return f"{job.status} {job.completed_at}"


def is_audio(path: str) -> bool:
    """Whether a file is audio by its name."""
    return urlsplit(path).path.lower().endswith(_AUDIO)


def _track(track: Track, number: int) -> Html:
    return tag(
        "figure",
        tag("figcaption", track.name),
        tag(
            "div", tag("canvas", width=1200, height=140, aria_hidden="true"), tag("div", class_="chords"),
            tag("div", class_="playhead"), class_="wave", role="slider", tabindex="0",
            aria_label=f"Position in {track.name}", aria_valuemin="0", aria_valuenow="0", data_peaks=track.peaks,
        ),
        tag("audio", src=track.url, controls=True, preload="metadata", aria_label=track.name, id=f"audio-{number}"),
        class_="track",
    )  # fmt: skip


def _values(title: str, values: JsonValue) -> Html:
    if not isinstance(values, dict):
        return Html("")
    rows = join(*(join(tag("dt", name), tag("dd", _value(value))) for name, value in values.items()))
    return tag(
        "section",
        tag("h2", title),
        tag("dl", rows, class_="facts") if values else tag("p", "none", class_="empty"),
    )


def _value(value: JsonValue) -> Html:
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        # Without the signature, which is long: the link has it.
        return tag("a", value.partition("?")[0], href=value, class_="mono path", rel="noreferrer")
    return text(value) if isinstance(value, str) else tag("code", json.dumps(value))
