"""Single jobs: answers about another job than the requested one are never taken for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk import CustomWorkflow
from musicai_sdk.errors import ResponseError
from support.job_service import JobService, serving

WORKFLOW = CustomWorkflow("acme/chords", {"inputUrl": "https://songs/1.wav"})


@pytest.fixture
def service() -> Iterator[JobService]:
    with serving(JobService()) as service:
        yield service


def test_a_cache_answers_with_another_job(connect: Any, service: JobService, tmp_path: Path) -> None:
    client = connect(base_url=service.base_url)
    other = client.jobs.create(WORKFLOW)
    job = client.jobs.create(WORKFLOW)
    service.fetched = lambda _job: service.jobs[-1]
    assert client.jobs.get(other).id == other.id
    for call in (client.jobs.get, client.jobs.wait, lambda job: client.jobs.download(job, tmp_path)):
        with pytest.raises(ResponseError, match="answered with another job"):
            call(job)
    assert list(tmp_path.iterdir()) == []


def test_a_create_is_answered_with_another_job(connect: Any, service: JobService, tmp_path: Path) -> None:
    client = connect(base_url=service.base_url)
    other = client.jobs.create(WORKFLOW, idempotency_key="other")
    service.answer = 200, json.dumps({"id": other.id}).encode()
    job = client.jobs.create(WORKFLOW, idempotency_key="mine", settle=0)
    for call in (client.jobs.get, client.jobs.wait, lambda job: client.jobs.download(job, tmp_path)):
        with pytest.raises(ResponseError, match=r"another job's id.*find\('mine'\)"):
            call(job)
    with pytest.raises(ResponseError, match="another job's id"):
        client.jobs.run(WORKFLOW, idempotency_key="third", settle=0)
    assert client.jobs.find("mine", settle=0).id != other.id
    assert list(tmp_path.iterdir()) == []
