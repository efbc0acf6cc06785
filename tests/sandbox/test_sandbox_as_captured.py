"""The sandbox behaves like the captured service: the table in the docstring of `musicai_sdk.sandbox`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from conftest import SONGS
from musicai_sdk.sandbox import Quirks, Sandbox

UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass(frozen=True)
class Captured:
    """The requests, jobs and files of one song in the sandbox."""

    song: str
    upload_url: str
    download_url: str
    queued: Mapping[str, Any]
    job: Mapping[str, Any]
    chords: list[dict[str, Any]]
    expired: httpx.Response


@pytest.fixture(scope="module", params=["band0", "jazz1"])
def captured(request: pytest.FixtureRequest) -> Iterator[Captured]:
    with Sandbox(transition="polls:1") as sandbox:
        headers = {"Authorization": sandbox.api_key}
        with (
            httpx.Client(base_url=sandbox.base_url, headers=headers, timeout=60) as api,
            httpx.Client() as plain,
        ):
            urls = api.get("/upload").json()
            plain.put(urls["uploadUrl"], content=(SONGS / f"{request.param}.ogg").read_bytes())
            body = {
                "name": "My song",
                "workflow": "music-ai/chords-and-beat-mapping",
                "params": {"inputUrl": urls["downloadUrl"]},
            }
            job_id = api.post("/job", json=body).json()["id"]
            queued = api.get(f"/job/{job_id}").json()
            job = api.get(f"/job/{job_id}").json()
            chords = plain.get(job["result"]["chords"]).json()
            sandbox.clock.advance(24 * 3600 + 1)
            expired = plain.get(urls["downloadUrl"])
        yield Captured(request.param, urls["uploadUrl"], urls["downloadUrl"], queued, job, chords, expired)


def path(url: str) -> str:
    return urlsplit(url).path


def query(url: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


def seconds(url: str) -> int:
    return int(query(url)["X-Goog-Expires"])


V4 = [
    f"X-Goog-{name}" for name in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
]
PLACES = ("start_bar", "start_beat", "end_bar", "end_beat")
RESULT = rf"/cdn/orchestrator/{UUID}/{UUID}/My%20song--chords\.json"

FACTS: dict[str, Callable[[Captured], bool]] = {
    "an upload has two path parts after the bucket, and no extension": lambda seen: bool(
        re.fullmatch(rf"/moises-sandbox/developer-portal/{UUID}", path(seen.download_url))
    ),
    "URLs are Google's V4": lambda seen: all(
        list(query(url)) == V4 and query(url)["X-Goog-SignedHeaders"] == "host"
        for url in (seen.upload_url, seen.download_url, seen.job["result"]["chords"])
    ),
    "the URL of an upload lives 24 hours": lambda seen: seconds(seen.download_url) == 86_400,
    "the URL of a result lives 6.9 days": lambda seen: seconds(seen.job["result"]["chords"]) == 596_160,
    "a result is named after job and output": lambda seen: bool(
        re.fullmatch(RESULT, path(seen.job["result"]["chords"]))
    ),
    "an expired URL is refused with 400": lambda seen: (
        seen.expired.status_code == 400 and "<Code>ExpiredToken</Code>" in seen.expired.text
    ),
    "a job outside of a batch has no batch": lambda seen: seen.job["batchName"] is None,
    "metadata is an object when none was sent": lambda seen: seen.job["metadata"] == {},
    "the workflow is a text": lambda seen: isinstance(seen.job["workflow"], str),
    "there is no result under way": lambda seen: (
        seen.queued["status"] == "STARTED" and seen.queued["result"] is None
    ),
    "the tempo is text": lambda seen: re.fullmatch(r"\d+", seen.job["result"]["bpm"]) is not None,
    "the first segment has a chord": lambda seen: seen.chords[0]["chord_majmin"] != "N",
    "times have two decimals": lambda seen: all(
        round(part[edge], 2) == part[edge] for part in seen.chords for edge in ("start", "end")
    ),
    "segments are contiguous, and neighbours differ": lambda seen: all(
        one["end"] == other["start"] and spelled(one) != spelled(other)
        for one, other in pairwise(seen.chords)
    ),
    "bars start at 0 or 1": lambda seen: seen.chords[0]["start_bar"] in (0, 1),
    "every segment has bars and beats": lambda seen: all(
        part[place] is not None for part in seen.chords for place in PLACES
    ),
    "degrees count from the tonic": lambda seen: all(
        re.fullmatch(r"(b?[1-7])-?(Δ?7)?", part["chord_simple_nashville"]) or part["chord_majmin"] == "N"
        for part in seen.chords
    ),
}


def spelled(segment: Mapping[str, Any]) -> str:
    return json.dumps([segment["chord_complex_pop"], segment["bass"]])


@pytest.mark.parametrize("fact", FACTS)
def test_the_sandbox_matches_the_captured_service(captured: Captured, fact: str) -> None:
    assert FACTS[fact](captured)


def test_sevenths_are_spelled_as_in_real_files(captured: Captured) -> None:
    written = {part["chord_simple_jazz"] for part in captured.chords}
    assert captured.song != "jazz1" or written >= {"D-7", "G7", "CΔ7"}
    assert all("7" not in part["chord_basic_jazz"] for part in captured.chords)


OPTIONS: dict[str, tuple[Quirks, Callable[[Mapping[str, Any]], bool]]] = {
    "no error field, as in 2024": (Quirks(no_error_field=True), lambda job: "error" not in job),
    "an empty result under way": (Quirks(no_result="empty"), lambda job: job["result"] == {}),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_captured_options(sandbox: Sandbox, api: httpx.Client, option: str) -> None:
    sandbox.transition = "after:60"
    sandbox.quirks, holds = OPTIONS[option]
    body: dict[str, Any] = {"name": "n", "workflow": "sdk-test", "params": {}}
    assert holds(api.get(f"/job/{api.post('/job', json=body).json()['id']}").json())
