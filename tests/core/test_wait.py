"""Waiting for jobs."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from musicai_sdk import CustomWorkflow, JobRef, MusicAiClient, RawResult
from musicai_sdk._core.upload import upload
from musicai_sdk._io import run_sync
from musicai_sdk.errors import CreateTimeoutError, InputError, NotFoundError, WaitTimeoutError
from musicai_sdk.models import JobState
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine import Task
from support.simulated import SimulatedTime


@pytest.fixture
def slow(sandbox: Sandbox) -> CustomWorkflow:
    @sandbox.workflow("acme/slow")
    def run(task: Task) -> dict[str, str]:  # pyright: ignore[reportUnusedFunction] - the sandbox keeps it
        time.sleep(1.0)
        return {"done": "yes"}

    return CustomWorkflow("acme/slow", {})


def test_failing_polls_do_not_end_a_wait(
    client: MusicAiClient, sandbox: Sandbox, slow: CustomWorkflow, caplog: pytest.LogCaptureFixture
) -> None:
    job = client.jobs.create(slow)
    fault = sandbox.faults.add("GET /job/{id}/status", status=503, times=6)
    with caplog.at_level(logging.WARNING, "musicai_sdk"):
        assert client.jobs.wait(job).result["done"] == "yes"
    assert fault.hits == 6
    assert "the wait continues" in caplog.text


def test_the_deadline_ends_the_wait_and_not_the_job(client: MusicAiClient, slow: CustomWorkflow) -> None:
    job = client.jobs.create(slow)
    started = time.monotonic()
    with pytest.raises(WaitTimeoutError, match=r"It continues.*client\.jobs\.wait") as caught:
        client.jobs.wait(job, timeout=0.2)
    assert time.monotonic() - started < 20
    assert caught.value.job_id == job.id
    assert caught.value.status in ("QUEUED", "STARTED")
    assert client.jobs.wait(caught.value.job_id).succeeded


def test_a_dead_service_does_not_outlast_the_deadline(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /job/{id}/status", status=503)
    started = time.monotonic()
    with pytest.raises(WaitTimeoutError, match="in an unknown state") as caught:
        client.jobs.wait("j", timeout=0.5)
    assert caught.value.status is None
    assert time.monotonic() - started < 20


def test_every_status_is_reported_once(client: MusicAiClient, slow: CustomWorkflow) -> None:
    states = list[JobState]()
    job = client.jobs.wait(client.jobs.create(slow), on_update=states.append)
    statuses = [state.status for state in states]
    assert statuses[-1] == job.status == "SUCCEEDED"
    assert len(statuses) == len(set(statuses))


def test_failed_jobs_are_returned(client: MusicAiClient) -> None:
    job = client.jobs.wait(
        client.jobs.create(CustomWorkflow("sdk-test", {"file": "http://127.0.0.1:9/none"}))
    )
    assert job.failed
    assert job.error is not None
    assert job["error"]["code"] == "BAD_INPUT"


def test_wait_all_names_the_unfinished_jobs(client: MusicAiClient, slow: CustomWorkflow) -> None:
    jobs = [client.jobs.create(slow) for _ in range(3)]
    with pytest.raises(WaitTimeoutError) as caught:
        client.jobs.wait_all(jobs, timeout=0.1)
    assert "3 of 3 jobs are unfinished" in caught.value.__notes__[0]
    assert all(job.succeeded for job in client.jobs.wait_all([job.id for job in jobs]))


def test_wait_all_of_a_generator_that_creates_the_jobs(sandbox: Sandbox) -> None:
    created = list[str]()
    with sandbox.client() as client:

        def creating() -> Iterator[JobRef[RawResult]]:
            for _ in range(3):
                job = client.jobs.create(CustomWorkflow("sdk-test", {}))
                created.append(job.id)
                yield job

        done = client.jobs.wait_all(creating())
    assert [job.id for job in done] == created
    assert len(sandbox.jobs) == len(created) == 3
    assert all(job.done for job in done)


def test_wait_all_of_other_iterables(client: MusicAiClient, slow: CustomWorkflow) -> None:
    jobs = [client.jobs.create(slow) for _ in range(2)]
    by_id = {job.id: job for job in jobs}
    ids = list(by_id)
    assert [job.id for job in client.jobs.wait_all(by_id)] == ids
    assert [job.id for job in client.jobs.wait_all(job for job in jobs)] == ids
    assert [job.id for job in client.jobs.wait_all(by_id.values())] == ids
    assert {job.id for job in client.jobs.wait_all(client.jobs.list())} == set(ids)


def test_wait_all_of_a_single_job(client: MusicAiClient, sandbox: Sandbox) -> None:
    ref = client.jobs.create(CustomWorkflow("sdk-test", {}))
    job = client.jobs.wait(ref)
    before = len(sandbox.requests)
    for single in (job.id, job, ref, None):
        with pytest.raises(InputError, match=r"a list of jobs, or use client\.jobs\.wait\(job\)"):
            client.jobs.wait_all(single)  # type: ignore[arg-type]
    assert len(sandbox.requests) == before


def test_wait_all_of_none(client: MusicAiClient) -> None:
    assert client.jobs.wait_all([]) == []


def test_jobs_that_do_not_exist(client: MusicAiClient) -> None:
    with pytest.raises(NotFoundError):
        client.jobs.wait("nothing")
    with pytest.raises(NotFoundError):
        client.jobs.wait_all(["nothing", "either"])


def test_invalid_timeouts(client: MusicAiClient) -> None:
    with pytest.raises(InputError, match="timeout"):
        client.jobs.wait("j", timeout=-1)
    with pytest.raises(InputError, match="poll_interval"):
        client.jobs.wait("j", poll_interval=0)
    with pytest.raises(InputError, match="job id"):
        client.jobs.wait("")


# --- one deadline for everything


def test_run_creates_nothing_after_its_deadline(
    client: MusicAiClient, sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "song.wav").write_bytes(bytes(8 * 1024 * 1024))
    workflow = CustomWorkflow("sdk-test", {"file": tmp_path / "song.wav"})
    with pytest.raises(CreateTimeoutError, match="doesn't exist and nothing is charged") as caught:
        client.jobs.run(workflow, timeout=0)
    assert isinstance(caught.value, TimeoutError)
    sandbox.faults.add("GET /upload", delay=0.7)
    with pytest.raises(CreateTimeoutError):
        client.jobs.run(workflow, timeout=0.5)
    assert {entry.path for entry in sandbox.requests} == {"/v1/upload"}, "the file itself was never sent"


def test_an_upload_for_a_job_ends_at_its_deadline(sandbox: Sandbox) -> None:
    with sandbox.client() as client:
        session = client._session  # pyright: ignore[reportPrivateUsage]
        session.io = io = SimulatedTime()
        told = list[int]()

        def slowly(done: int, _total: int | None) -> None:
            told.append(done)
            io.time += 100

        with pytest.raises(CreateTimeoutError):
            run_sync(upload(session, bytes(8 * 1024 * 1024), slowly, {}, io.now() + 150))
    assert told == [1024 * 1024, 2 * 1024 * 1024]
    assert not any(entry.status == 200 for entry in sandbox.requests if entry.method == "PUT")


def test_run_gives_up_an_upload_that_fails_for_too_long(
    client: MusicAiClient, sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "song.wav").write_bytes(b"any bytes")
    sandbox.faults.add("GET /upload", status=503, delay=0.4)
    with pytest.raises(CreateTimeoutError) as caught:
        client.jobs.run(CustomWorkflow("sdk-test", {"file": tmp_path / "song.wav"}), timeout=0.3)
    assert getattr(caught.value.__cause__, "status", None) == 503
    assert not sandbox.jobs


def test_run_never_interrupts_a_post(client: MusicAiClient, sandbox: Sandbox) -> None:
    file = client.files.upload(b"any bytes")
    sandbox.transition = "after:1000"
    sandbox.faults.add("POST /job", delay=0.8)
    with pytest.raises(WaitTimeoutError) as caught:
        client.jobs.run(CustomWorkflow("sdk-test", {"file": file}), timeout=0.4)
    assert [job["id"] for job in sandbox.jobs] == [caught.value.job_id]
