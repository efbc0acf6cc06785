"""Answers about another request's job: its results are never taken for a track's, and it is never deleted."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk.batch import Report, open_ledger, run
from musicai_sdk.batch.errors import JOB_GONE
from support.job_service import Job, JobService, quick_run, serving

SONGS = [f"https://songs/{number}.wav" for number in range(3)]
WHOLE = {f"https://songs/{number}.wav": f"song {number}" for number in range(3)}


def process(service: JobService, out: Path, **options: Any) -> Report:
    return run(
        "sdk-test",
        SONGS,
        out,
        **quick_run(service),
        **options,
    )


def song(job: Job) -> dict[str, str]:
    """A result that says whose it is."""
    return {"of": "song " + Path(job["workflowParams"]["file"]).stem}


def stored(report: Report) -> dict[str, str]:
    """The song that each song's results are of."""
    with open_ledger(report.ledger) as ledger:
        folders = {track.source: track.folder for track, _ in ledger.tracks() if track.state == "deleted"}
    manifests = {source: report.out / folder / "workflow.results.json" for source, folder in folders.items()}
    return {source: json.loads(path.read_text())["of"] for source, path in manifests.items()}


def test_a_cache_that_answers_with_another_job(tmp_path: Path) -> None:
    with serving(JobService()) as service:
        service.result = song
        old = service.deliver({"workflow": "sdk-test", "params": {"file": "old"}})
        service.fetched = lambda _job: old
        report = process(service, tmp_path)
        assert not report.ok
        assert {failure.code for failure in report.failures()} == {"ResponseError"}
        assert stored(report) == {}
        assert service.deleted == []
        service.fetched = dict
        report = process(service, tmp_path)
        assert report.ok
        assert stored(report) == WHOLE
        assert len(service.posts) == 3


def test_creates_answered_with_the_id_of_another_job(tmp_path: Path) -> None:
    with serving(JobService()) as service:
        service.result = song
        old = service.deliver({"workflow": "sdk-test", "metadata": {}, "params": {"file": "old"}})
        old["metadata"] = {"musicai_sdk.idempotency_key": "another"}
        service.answer = 200, json.dumps({"id": old["id"]}).encode()
        report = process(service, tmp_path)
        assert report.ok
        assert stored(report) == WHOLE
        assert len(service.posts) == report.jobs_created == 3
        assert service.jobs == [old]


def test_creates_answered_with_one_id_by_a_service_that_shows_no_keys(tmp_path: Path) -> None:
    with serving(JobService()) as service:
        service.result = song
        service.listed = service.fetched = lambda job: {**job, "metadata": None}
        old = service.deliver({"workflow": "sdk-test", "params": {"file": "old"}}, status="STARTED")
        service.answer = 200, json.dumps({"id": old["id"]}).encode()
        report = process(service, tmp_path, job_timeout=1.0)
        assert sorted(failure.code for failure in report.failures()) == [
            "CreateUncertainError",
            "CreateUncertainError",
            "WAIT_TIMEOUT",
        ]
        assert service.deleted == []
        assert len(service.posts) == 3


@pytest.mark.parametrize("keep_jobs", [False, True])
def test_creates_answered_one_after_the_other_with_one_id(tmp_path: Path, *, keep_jobs: bool) -> None:
    with serving(JobService()) as service:
        service.result = song
        service.listed = service.fetched = lambda job: {**job, "metadata": None}
        made = list[str]()

        def first(own: str) -> str:
            made.append(own)
            return made[0]

        service.named = first
        report = process(service, tmp_path, in_flight=1, keep_jobs=keep_jobs)
        assert not report.ok
        # One job's results are stored, and only for its own song.
        manifests = tmp_path.rglob("workflow.results.json")
        assert [json.loads(path.read_text())["of"] for path in manifests] == ["song 0"]
        assert len(service.deleted) == (not keep_jobs)


def test_a_create_answered_with_a_job_of_another_workflow(tmp_path: Path) -> None:
    with serving(JobService()) as service:
        service.result = song
        other = service.deliver({"workflow": "acme/other", "name": "another's", "params": {"file": "old"}})
        answers = iter([other["id"]])
        service.named = lambda own: next(answers, own)
        report = process(service, tmp_path)
        assert report.ok
        assert stored(report) == WHOLE
        assert service.jobs == [other]
        assert len(service.posts) == 3


WRONG_IDS: dict[str, Callable[[str], str]] = {
    "in braces": lambda name: f"{{{name}}}",
    "cut": lambda name: name[:13],
    "another": lambda _name: str(uuid.uuid4()),
    "in capitals": str.upper,
}


@pytest.mark.parametrize("named", WRONG_IDS.values(), ids=WRONG_IDS)
def test_creates_answered_with_ids_that_no_job_has(tmp_path: Path, named: Callable[[str], str]) -> None:
    with serving(JobService()) as service:
        service.result, service.named = song, named
        report = process(service, tmp_path)
        assert report.ok
        assert stored(report) == WHOLE
        assert len(service.posts) == len(service.deleted) == 3
        assert service.jobs == []


def test_a_job_that_somebody_deletes_is_not_found_under_another_id(tmp_path: Path) -> None:
    with serving(JobService()) as service:
        service.result = song
        service.paging = lambda _jobs, _page, _size: []
        service.unknown = 1000
        report = process(service, tmp_path)
        assert {failure.code for failure in report.failures()} == {JOB_GONE}
        assert len(service.posts) == 3
        service.unknown = 0
        service.jobs.clear()
        assert process(service, tmp_path, retry_failed=True).ok
        assert len(service.posts) == 6
