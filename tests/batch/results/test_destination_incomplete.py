"""A job stays at the service as long as a part of its results isn't stored here, however the service names that part."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from musicai_sdk.batch import Batch, Report
from support.job_service import JobService, quick_run, serving


def run(service: JobService, out: Path) -> Report:
    return Batch(
        "sdk-test",
        ["https://songs/1.wav"],
        out,
        **quick_run(service),
    ).run()


IN_JSON: dict[str, Callable[[str], str]] = {
    "JSON text with escaped slashes": lambda url: json.dumps({"a": url}).replace("/", "\\/"),
    "JSON text of a URL": json.dumps,
    "JSON text of a JSON text": lambda url: json.dumps(json.dumps([url])),
}


@pytest.mark.parametrize("way", IN_JSON)
def test_a_url_in_a_json_text_is_downloaded(tmp_path: Path, way: str) -> None:
    with serving(JobService()) as service:
        service.result = lambda job: {
            "stems": IN_JSON[way](service.file_url(job, "vocals.wav")),
            "bpm": "120",
        }
        assert run(service, tmp_path).ok
    assert len(list(tmp_path.rglob("*.wav"))) == 1
    assert "5ec2e7" not in next(tmp_path.rglob("workflow.results.json")).read_text()


UNREACHABLE: dict[str, Callable[[str], Any]] = {
    "path": lambda url: "/" + url.split("/", 3)[3],
    "without scheme": lambda url: url.removeprefix("http:"),
    "without slashes": lambda url: url.removeprefix("http://"),
    "one slash": lambda url: url.replace("//", "/"),
    "backslashes": lambda url: url.replace("/", "\\"),
    "quoted": lambda url: quote(url, safe=""),
    "brackets": lambda url: f"<{url}>",
    "invisible character": lambda url: f"\u200b{url}",
    "after a name": lambda url: f"url={url}",
    "in prose": lambda url: f"the vocals: {url}",
    "two": lambda url: f"{url} {url}",
    "two with a comma": lambda url: f"{url},{url}",
    "deep": lambda url: {"a": [f"\ufeff{url}"]},
}


@pytest.mark.parametrize("way", UNREACHABLE)
def test_an_address_that_cannot_be_fetched_keeps_the_job(tmp_path: Path, way: str) -> None:
    with serving(JobService()) as service:
        service.result = lambda job: {
            "vocals": UNREACHABLE[way](service.file_url(job, "vocals.wav")),
            "bpm": "120",
        }
        report = run(service, tmp_path)
        assert service.deleted == []
    [failure] = report.failures()
    assert failure.code == "OUTPUT_MISSING"
    assert "5ec2e7" not in failure.message


@pytest.mark.parametrize(
    "value",
    ["4/4", "C/E", "N/A", "1/2.5", "pop/rock", "see http://songs/", "data:audio/wav;base64,UklGRg==", "{not json: /}"],
)  # fmt: skip
def test_a_plain_value_is_no_file(tmp_path: Path, value: str) -> None:
    with serving(JobService()) as service:
        service.result = lambda _job: {"value": value}
        assert run(service, tmp_path).ok
        assert len(service.deleted) == 1


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/a\n?sig=5e", "http://[::1/x?sig=5e", "http://a..b/x", "http://\N{SNOWMAN}.invalid/x"],
)
def test_a_url_that_cannot_be_used_fails_only_its_track(tmp_path: Path, url: str) -> None:
    songs = [f"https://songs/{number}.wav" for number in range(3)]
    with serving(JobService()) as service:
        service.result = lambda job: {
            "a": url if "/0.wav" in json.dumps(job) else service.file_url(job, "a.wav")
        }
        report = Batch("sdk-test", songs, tmp_path, **quick_run(service)).run()
    (failure,) = report.failures()
    assert failure.code in {"TransferError", "ConnectionFailedError"}
    assert "5e" not in failure.message
    assert report.progress.states == {"deleted": 2, "failed": 1}


def test_an_output_without_a_name_is_stored(tmp_path: Path) -> None:
    with serving(JobService()) as service:
        service.result = lambda job: {"": service.file_url(job, "a.wav")}
        assert run(service, tmp_path).ok
    assert len(list(tmp_path.rglob("output.wav"))) == 1
