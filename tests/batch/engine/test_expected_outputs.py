"""Outputs that appear after their job's final status: they are downloaded before the job is deleted."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk.batch import Report, run
from support.job_service import Job, JobService, quick_run, serving

SONGS = [f"https://songs/{number}.wav" for number in range(4)]


def process(service: JobService, songs: list[str], out: Path, **options: Any) -> Report:
    return run("acme/stems", songs, out, **(quick_run(service) | options))


@pytest.mark.parametrize("early", [None, " ", [], {"url": None}], ids=repr)
def test_an_empty_output_that_is_filled_later(tmp_path: Path, early: object) -> None:
    with serving(JobService()) as service:
        service.result = lambda job: {"bpm": "120", "vocals": service.file_url(job, "v.wav")}
        first = dict[str, float]()

        def fetched(job: Job) -> Job:
            is_early = time.monotonic() < first.setdefault(job["id"], time.monotonic()) + 2
            return {**job, "result": {**job["result"], "vocals": early}} if is_early else job

        service.fetched = fetched
        report = process(service, SONGS, tmp_path)
        assert report.ok
        assert len(list(tmp_path.glob("*/vocals.wav"))) == len(service.deleted) == 4


def test_an_output_that_other_jobs_have(tmp_path: Path) -> None:
    with serving(JobService()) as service:
        service.result = lambda job: {"bpm": "120", "vocals": service.file_url(job, "v.wav")}
        asked = dict[str, int]()

        def fetched(job: Job) -> Job:
            asked[job["id"]] = asked.get(job["id"], 0) + 1
            late = len(asked) == 4 and asked[job["id"]] < 3
            return {**job, "result": {"bpm": "120"}} if late else job

        service.fetched = fetched
        report = process(service, SONGS, tmp_path, in_flight=1)
        assert report.ok
        assert len(list(tmp_path.glob("*/vocals.wav"))) == 4


def always_null(_job: Job) -> dict[str, Any]:
    return {"bpm": "120", "vocals": None}


def different_outputs(job: Job) -> dict[str, Any]:
    return {"bpm": "120", job["workflowParams"]["file"][-5]: "1"}


@pytest.mark.parametrize("result", [always_null, different_outputs])
def test_an_output_that_does_not_come_delays_few_jobs(
    tmp_path: Path, result: Callable[[Job], dict[str, Any]]
) -> None:
    with serving(JobService()) as service:
        service.result = result
        songs = [f"https://songs/{number}.wav" for number in range(8)]
        report = process(service, songs, tmp_path, in_flight=1)
        assert report.ok
        assert len(list(tmp_path.glob("*/workflow.results.json"))) == 8
        jobs = [each for each in service.requests if each.startswith("GET /v1/job/")]
        delayed = {each for each in jobs if not each.endswith("/status") and jobs.count(each) > 3}
        assert 1 <= len(delayed) <= 3
