"""When jobs show their outcomes: by the clock, by polls, at the first poll. No test here sleeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.api.transition import Transition
from musicai_sdk.sandbox.engine.task import Output, Task


def make(task: Task) -> dict[str, Output]:
    (task.folder / "out.wav").write_bytes(b"out")
    return {"out": task.folder / "out.wav", "bpm": "64"}


def slow(task: Task) -> dict[str, Output]:
    threading.Event().wait(0.3)
    return {"bpm": "64"}


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(workflows={"make": make, "slow": slow}, plan=2) as sandbox:
        yield sandbox


def create(api: httpx.Client, workflow: str = "make") -> str:
    answer = api.post("/job", json={"name": "n", "workflow": workflow, "params": {}})
    job_id: str = answer.json()["id"]
    return job_id


def status(api: httpx.Client, job_id: str) -> str:
    text: str = api.get(f"/job/{job_id}/status").json()["status"]
    return text


def seconds(job: dict[str, Any], field: str = "completedAt") -> float:
    return (datetime.fromisoformat(job[field]) - datetime.fromisoformat(job["createdAt"])).total_seconds()


@pytest.mark.parametrize("workflow", ["make", "slow"])
def test_immediate(sandbox: Sandbox, api: httpx.Client, workflow: str) -> None:
    sandbox.transition = "immediate"
    assert status(api, create(api, workflow)) == "SUCCEEDED"
    assert api.get(f"/job/{create(api, workflow)}").json()["result"]["bpm"] == "64"
    assert [job["status"] for job in (create(api, workflow), api.get("/job").json())[1]] == ["SUCCEEDED"] * 3


@pytest.mark.parametrize("workflow", ["make", "slow"])
def test_after_polls(sandbox: Sandbox, api: httpx.Client, workflow: str) -> None:
    sandbox.transition = Transition(polls=3)
    job_id = create(api, workflow)
    seen = [
        status(api, job_id),
        api.get(f"/job/{job_id}").json()["status"],
        api.get("/job").json()[0]["status"],
    ]
    assert seen == ["STARTED"] * 3
    assert status(api, job_id) == "SUCCEEDED"


def test_polls_of_a_queued_job_do_not_count(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.transition = "polls:1"
    first, second, third = (create(api) for _ in range(3))
    assert [status(api, third) for _ in range(5)] == ["QUEUED"] * 5
    assert [status(api, first), status(api, first)] == ["STARTED", "SUCCEEDED"]
    assert [status(api, third), status(api, third)] == ["STARTED", "SUCCEEDED"]
    assert status(api, second) == "STARTED"


@pytest.mark.parametrize("workflow", ["make", "slow"])
def test_after_a_time_on_the_clock(sandbox: Sandbox, api: httpx.Client, workflow: str) -> None:
    sandbox.transition = "after:100"
    ids = [create(api, workflow) for _ in range(5)]
    assert [status(api, job_id) for job_id in ids] == ["STARTED"] * 2 + ["QUEUED"] * 3
    sandbox.clock.advance(90)
    assert [status(api, job_id) for job_id in ids] == ["STARTED"] * 2 + ["QUEUED"] * 3
    begin = time.monotonic()
    sandbox.clock.advance(11)
    assert [status(api, job_id) for job_id in ids] == ["SUCCEEDED"] * 2 + ["STARTED"] * 2 + ["QUEUED"]
    sandbox.clock.advance(1000)
    jobs = [api.get(f"/job/{job_id}").json() for job_id in ids]
    assert time.monotonic() - begin < 20
    assert [job["status"] for job in jobs] == ["SUCCEEDED"] * 5
    # The plan has two slots: one after another, each for 100 seconds.
    assert [seconds(job, "startedAt") for job in jobs] == pytest.approx([0, 0, 100, 100, 200], abs=5)
    assert [seconds(job) for job in jobs] == pytest.approx([100, 100, 200, 200, 300], abs=5)


def test_real_time_counts_too(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.transition = "after:0.3"
    job_id = create(api)
    assert status(api, job_id) == "STARTED"
    deadline = time.monotonic() + 20
    while status(api, job_id) != "SUCCEEDED":
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)
    assert 0.3 <= seconds(api.get(f"/job/{job_id}").json()) < 20


def test_a_deleted_job_frees_its_slot_at_once(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.transition = "after:1000"
    first, second, third = (create(api) for _ in range(3))
    assert status(api, third) == "QUEUED"
    sandbox.clock.advance(1)
    api.delete(f"/job/{first}")
    deadline = time.monotonic() + 20
    while status(api, third) == "QUEUED":
        assert time.monotonic() < deadline
    assert status(api, second) == "STARTED"
    api.delete(f"/job/{second}")
    sandbox.clock.advance(1000)
    assert [job["id"] for job in api.get("/job").json()] == [third]


def test_one_slow_job(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.transition = "immediate"
    sandbox.faults.add("POST /job", nth=2, job_seconds=600)
    sandbox.faults.add("POST /job", nth=3, job_polls=1)
    ids = [create(api) for _ in range(3)]
    assert [status(api, job_id) for job_id in ids] == ["SUCCEEDED", "STARTED", "STARTED"]
    assert status(api, ids[2]) == "SUCCEEDED"
    sandbox.clock.advance(601)
    assert status(api, ids[1]) == "SUCCEEDED"


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("BAD_INPUT", "Invalid input"),
        ("TIMEOUT", "Timeout"),
        ("INTERNAL_ERROR", "Internal error"),
        ("OUT_OF_TAPE", "Out of tape"),
    ],
)
def test_a_job_that_fails_with_a_code(sandbox: Sandbox, api: httpx.Client, code: str, title: str) -> None:
    sandbox.faults.add("POST /job", job_error=code, job_polls=1, nth=1)
    job_id = create(api)
    assert status(api, job_id) == "STARTED"
    job = api.get(f"/job/{job_id}").json()
    assert (job["status"], job["result"]) == ("FAILED", None)
    assert (job["error"]["code"], job["error"]["title"]) == (code, title)
    assert job["error"]["message"]


def test_a_result_that_vanished(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.transition = "immediate"
    sandbox.faults.add("POST /job", job_vanish="files", nth=1)
    sandbox.faults.add("POST /job", job_vanish="result", nth=2)
    job = api.get(f"/job/{create(api)}").json()
    assert (job["status"], job["result"]["bpm"]) == ("SUCCEEDED", "64")
    assert api.get(job["result"]["out"]).status_code == 404
    job = api.get(f"/job/{create(api)}").json()
    assert (job["status"], job["result"]) == ("SUCCEEDED", None)


def test_files_are_kept_as_long_as_the_plan_says() -> None:
    with (
        Sandbox(workflows={"make": make}, plan="payg", transition="immediate", url_ttl=1e6) as sandbox,
        httpx.Client(base_url=sandbox.base_url, headers={"Authorization": sandbox.api_key}) as api,
    ):
        urls = api.get("/upload").json()
        api.put(urls["uploadUrl"], content=b"in")
        job_id = create(api)
        out = api.get(f"/job/{job_id}").json()["result"]["out"]
        sandbox.clock.advance(47 * 3600)
        assert (api.get(urls["downloadUrl"]).content, api.get(out).content) == (b"in", b"out")
        sandbox.clock.advance(3600 + 60)
        for url in (urls["downloadUrl"], out, api.get(f"/job/{job_id}").json()["result"]["out"]):
            answer = api.get(url)
            assert (answer.status_code, "<Code>NoSuchKey</Code>" in answer.text) == (404, True)
    with Sandbox(workflows={}) as sandbox:
        urls = httpx.get(f"{sandbox.base_url}/upload", headers={"Authorization": sandbox.api_key}).json()
        assert sandbox.transition is None
    with pytest.raises(ValueError, match="retention"):
        Sandbox(retention=0)


@pytest.mark.parametrize("text", ["never", "after:x", "polls:-1", "after:-1"])
def test_invalid_transitions(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Sandbox(transition=text)


def test_an_unpublished_job_restarts_after_a_restart(tmp_path: Any) -> None:
    with Sandbox(workflows={"make": make}, data_dir=tmp_path, transition="after:1000") as sandbox:
        headers = {"Authorization": sandbox.api_key}
        with httpx.Client(base_url=sandbox.base_url, headers=headers) as api:
            job_id = create(api)
            sandbox.clock.advance(10)
    assert list((tmp_path / "objects").iterdir()) == []
    with (
        Sandbox(workflows={"make": make}, data_dir=tmp_path, transition="immediate") as sandbox,
        httpx.Client(base_url=sandbox.base_url, headers=headers) as api,
    ):
        assert status(api, job_id) == "SUCCEEDED"


def test_work_that_has_started_is_done_before_the_clock_moves(sandbox: Sandbox, api: httpx.Client) -> None:
    seen = list[float]()

    @sandbox.workflow("late")
    def late(task: Task) -> dict[str, Output]:
        threading.Event().wait(0.1)
        seen.append(sandbox.clock.now())
        return {}

    sandbox.transition = "after:100"
    begin = sandbox.clock.now()
    ids = [create(api, "late") for _ in range(3)]
    sandbox.clock.advance(5000)
    assert [status(api, job_id) for job_id in ids] == ["SUCCEEDED"] * 3
    # The sandbox fetches and signs by its own clock.
    assert [round(moment - begin, -2) for moment in seen] == [0, 0, 100]
