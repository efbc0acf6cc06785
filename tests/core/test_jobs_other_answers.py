"""Single jobs: answers about another job than the requested one are never taken for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect
from musicai_sdk import CustomWorkflow, JobRef, MusicAiClient
from musicai_sdk._core import create
from musicai_sdk.errors import CreateUncertainError, NotFoundError, ResponseError
from support.job_service import JobService, serving

WORKFLOW = CustomWorkflow("acme/chords", {"inputUrl": "https://songs/1.wav"})


@pytest.fixture
def service() -> Iterator[JobService]:
    with serving(JobService()) as service:
        yield service


def calls(client: MusicAiClient, job: JobRef[Any], folder: Path) -> list[Callable[[], object]]:
    """The calls that read a job."""
    return [
        lambda: client.jobs.get(job),
        lambda: client.jobs.wait(job),
        lambda: client.jobs.download(job, folder),
    ]


def test_a_cache_answers_with_another_job(connect: Connect, service: JobService, tmp_path: Path) -> None:
    client = connect(base_url=service.base_url)
    other = client.jobs.create(WORKFLOW)
    job = client.jobs.create(WORKFLOW)
    service.fetched = lambda _job: service.jobs[-1]
    assert client.jobs.get(other).id == other.id
    for call in calls(client, job, tmp_path):
        with pytest.raises(ResponseError, match="answered with another job"):
            call()
    assert list(tmp_path.iterdir()) == []


def test_a_cache_is_asked_for_the_newest_jobs(connect: Connect, service: JobService) -> None:
    service.cache = {}
    client = connect(base_url=service.base_url)
    assert client.jobs.find("mine", settle=0) is None
    service.answer = 504, b"{}"
    job = client.jobs.create(WORKFLOW, idempotency_key="mine", settle=0)
    assert [each["id"] for each in service.jobs] == [job.id]
    assert [each.id for each in client.jobs.list()] == [job.id]


@pytest.mark.parametrize("named", ["j", "job-1"])
def test_a_job_may_have_another_name(connect: Connect, service: JobService, named: str) -> None:
    client = connect(base_url=service.base_url)
    job = client.jobs.create(WORKFLOW)
    service.fetched = lambda job: {**job, "id": named}
    assert client.jobs.get(job).id == named


def test_a_create_is_answered_with_another_job(connect: Connect, service: JobService, tmp_path: Path) -> None:
    other = connect(base_url=service.base_url).jobs.create(WORKFLOW, idempotency_key="other")
    service.answer = 200, json.dumps({"id": other.id}).encode()
    client = connect(base_url=service.base_url)
    job = client.jobs.create(WORKFLOW, idempotency_key="mine", settle=0)
    for call in calls(client, job, tmp_path):
        with pytest.raises(ResponseError, match=r"another job's id.*find\('mine'\)"):
            call()
    with pytest.raises(ResponseError, match="another job's id"):
        client.jobs.delete(job)
    with pytest.raises(ResponseError, match="another job's id"):
        connect(base_url=service.base_url).jobs.run(WORKFLOW, idempotency_key="third", settle=0)
    found = client.jobs.find("mine", settle=0)
    assert found is not None
    assert found.id != other.id
    assert list(tmp_path.iterdir()) == []
    assert service.deleted == []


@pytest.mark.parametrize("shown", [True, False])
def test_a_create_is_answered_with_a_job_of_the_same_client(
    connect: Connect, service: JobService, monkeypatch: pytest.MonkeyPatch, *, shown: bool
) -> None:
    monkeypatch.setattr(create, "LOOK_FOR", 0.1)
    service.listed = service.fetched = lambda job: job if shown else {**job, "metadata": None}
    service.result = lambda job: {"of": job["workflowParams"]["inputUrl"]}
    client = connect(base_url=service.base_url)
    other = client.jobs.create(WORKFLOW)
    service.named = lambda _own: other.id
    second = CustomWorkflow(WORKFLOW.slug, {"inputUrl": "https://songs/2.wav"})
    if shown:
        assert client.jobs.run(second, timeout=30).raw_result == {"of": "https://songs/2.wav"}
    else:
        with pytest.raises(CreateUncertainError, match=r"another request has created.*doesn't show the key"):
            client.jobs.run(second, timeout=30)
    with pytest.raises(CreateUncertainError, match="another request has created"):
        client.jobs.create(second, recover=False)
    assert len(service.posts) == 3
    assert client.jobs.get(other).id == other.id
    client.jobs.delete(other)
    assert service.deleted == [other.id]


@pytest.mark.parametrize(
    "fields",
    [
        {"workflow": "acme/other", "name": "another's", "workflowParams": {"file": "https://songs/9.wav"}},
        {"workflow": "acme/chords", "workflowParams": {"inputUrl": "https://songs/9.wav"}},
    ],
)
def test_a_create_is_answered_with_a_job_without_a_key(
    connect: Connect, service: JobService, tmp_path: Path, fields: dict[str, Any]
) -> None:
    other = service.deliver({"workflow": "acme/chords"}, metadata=None, **fields)
    service.named = lambda _own: other["id"]
    client = connect(base_url=service.base_url)
    job = client.jobs.create(WORKFLOW)
    for call in calls(client, job, tmp_path):
        with pytest.raises(ResponseError, match="another job's id"):
            call()
    with pytest.raises(ResponseError, match="another job's id"):
        client.jobs.delete(job)
    assert list(tmp_path.iterdir()) == []
    assert service.deleted == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"workflow": "orchestrator-runtime"},
        {"workflow": "Chords", "name": "a song", "workflowParams": {"inputUrl": "gs://inputs/1"}},
        {"workflow": None, "workflowParams": None},
    ],
)
def test_a_job_without_a_key_that_may_be_the_created_one(
    connect: Connect, service: JobService, fields: dict[str, Any]
) -> None:
    service.listed = service.fetched = lambda job: {**job, "metadata": None, **fields}
    client = connect(base_url=service.base_url)
    job = client.jobs.create(WORKFLOW)
    assert client.jobs.wait(job, timeout=30).succeeded
    client.jobs.delete(job)
    assert service.deleted == [job.id]


@pytest.mark.parametrize("status", ["succeeded", "Succeeded", " SUCCEEDED\n"])
def test_a_status_in_another_case_ends_a_wait(connect: Connect, service: JobService, status: str) -> None:
    service.status = status
    client = connect(base_url=service.base_url)
    job = client.jobs.run(WORKFLOW, timeout=30)
    assert (job.status, job.succeeded) == ("SUCCEEDED", True)
    assert [each.status for each in client.jobs.list()] == ["SUCCEEDED"]


@pytest.mark.parametrize(
    "answer", [{"id": " "}, {"id": "null"}, {"id": 0}, {"id": "00000000-0000-0000-0000-000000000000"}, {"id": "../job"}]
)  # fmt: skip
def test_a_create_answered_with_no_real_id(connect: Connect, service: JobService, answer: object) -> None:
    service.answer = 200, json.dumps(answer).encode()
    job = connect(base_url=service.base_url).jobs.run(WORKFLOW, timeout=30)
    assert job.id == service.jobs[0]["id"]
    assert len(service.posts) == 1


def test_a_new_job_that_is_not_known_everywhere_yet(connect: Connect, service: JobService) -> None:
    service.unknown = 2
    client = connect(base_url=service.base_url)
    assert client.jobs.run(WORKFLOW, timeout=30).succeeded
    assert service.unknown == 0


def test_a_job_that_somebody_deletes_ends_a_wait(connect: Connect, service: JobService) -> None:
    client = connect(base_url=service.base_url)
    job = client.jobs.create(WORKFLOW)
    client.jobs.delete(job)
    with pytest.raises(NotFoundError):
        client.jobs.wait(job)
    with pytest.raises(NotFoundError):
        client.jobs.wait("another")
    assert sum(each.startswith("GET") for each in service.requests) == 2


@pytest.mark.parametrize(
    "answer", [{"success": False}, {"ok": False, "message": "try later"}, {"deleted": False}]
)
def test_a_delete_that_says_that_it_failed(
    connect: Connect, service: JobService, answer: dict[str, Any]
) -> None:
    client = connect(base_url=service.base_url)
    job = client.jobs.create(WORKFLOW)
    service.kept = answer
    with pytest.raises(ResponseError, match="says that it failed"):
        client.jobs.delete(job)
    service.kept = {"success": True}
    client.jobs.delete(job)
    service.kept = {"id": job.id, "error": {"code": "BAD_INPUT"}}
    client.jobs.delete(job)


def test_a_job_from_a_list_is_fetched_before_its_files(
    connect: Connect, service: JobService, tmp_path: Path
) -> None:
    service.result = lambda job: {"bpm": "120", "vocals": service.file_url(job, "vocals.wav")}
    service.listed = lambda job: {**job, "result": {"bpm": "120"}}
    client = connect(base_url=service.base_url)
    created = [client.jobs.create(WORKFLOW) for _ in range(3)]
    for number, job in enumerate([*client.jobs.list(), *client.jobs.wait_all(created)]):
        files = client.jobs.download(job, tmp_path / f"{number}")
        assert list(files) == ["vocals"]
    assert len(list(tmp_path.glob("*/vocals.wav"))) == 6
