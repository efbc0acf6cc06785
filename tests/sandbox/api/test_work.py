"""The life of a job: inputs, outcomes, custom storage, slots, deletion, restarts."""

from __future__ import annotations

import logging
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from typing_extensions import override

from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine.task import Handler, Output, Task, WorkflowFailure, bad_input

# Loading the authorities takes 40 ms, which every request without a client would do again.
TRUST = ssl.create_default_context()
get = partial(httpx.get, verify=TRUST)
put = partial(httpx.put, verify=TRUST)


class Gate:
    """A workflow whose jobs wait until the test releases them."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.lock = threading.Lock()
        self.inside = 0
        self.most = 0
        self.order: list[str] = []

    def __call__(self, task: Task) -> dict[str, Output]:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.order.append(str(task.params.get("n")))
        assert self.open.wait(20)
        (task.folder / "out.wav").write_bytes(b"late")
        with self.lock:
            self.inside -= 1
        return {"out": task.folder / "out.wav"}


def copy(task: Task) -> dict[str, Output]:
    source = task.fetch("file")
    target = task.folder / f"copy{source.suffix}"
    target.write_bytes(source.read_bytes())
    return {"file": target, "bpm": "64"}


def crash(task: Task) -> dict[str, Output]:
    raise RuntimeError("secret internals")


def refuse(task: Task) -> dict[str, Output]:
    raise WorkflowFailure("TIMEOUT", "Timeout", "Took too long.")


def unreadable(task: Task) -> dict[str, Output]:
    raise bad_input("Not audio.")


def bad_value(task: Task) -> dict[str, Output]:
    return {"value": float("nan")}


def no_file(task: Task) -> dict[str, Output]:
    return {"file": task.folder / "never-written.wav"}


WORKFLOWS: dict[str, Handler] = {
    "copy": copy, "crash": crash, "refuse": refuse, "unreadable": unreadable,
    "bad-value": bad_value, "no-file": no_file,
}  # fmt: skip


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(workflows=WORKFLOWS) as sandbox:
        yield sandbox


@pytest.fixture
def api(running: Sandbox) -> Iterator[httpx.Client]:
    running.reset()
    with connect(running) as client:
        yield client


def connect(sandbox: Sandbox) -> httpx.Client:
    return httpx.Client(verify=TRUST, base_url=sandbox.base_url, headers={"Authorization": sandbox.api_key})


def create(api: httpx.Client, workflow: str, params: dict[str, Any] | None = None, **fields: Any) -> str:
    answer = api.post("/job", json={"name": "n", "workflow": workflow, "params": params or {}, **fields})
    assert answer.status_code == 200, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def finished(api: httpx.Client, job_id: str) -> dict[str, Any]:
    until(lambda: api.get(f"/job/{job_id}/status").json()["status"] in ("SUCCEEDED", "FAILED"))
    job: dict[str, Any] = api.get(f"/job/{job_id}").json()
    return job


def upload(api: httpx.Client, data: bytes) -> str:
    urls = api.get("/upload").json()
    assert put(urls["uploadUrl"], content=data).status_code == 200
    url: str = urls["downloadUrl"]
    return url


def test_a_job_reads_its_input_and_stores_its_result(running: Sandbox, api: httpx.Client) -> None:
    data = b"RIFF" * 700_000
    job = finished(api, create(api, "copy", {"file": upload(api, data)}))
    assert job["status"] == "SUCCEEDED"
    assert job["result"]["bpm"] == "64"
    assert get(job["result"]["file"]).content == data


@pytest.mark.parametrize(
    ("start", "suffix"),
    [
        (b"RIFF\x00\x01\x02\x03WAVE", ".wav"),
        (b"fLaC", ".flac"),
        (b"OggS", ".ogg"),
        (b"ID3\x04", ".mp3"),
        (b"\xff\xfb\x90", ".mp3"),
        (b"\x00\x00\x00\x20ftypM4A ", ".m4a"),
        (b"FORM\x00\x00\x00\x00AIFF", ".aiff"),
        (b' [{"a": 1}]', ".json"),
        (b"what is this", ""),
        (b"\xff\xf1\x50\x80", ".aac"),
        (b"", ""),
    ],
)
def test_an_input_is_named_by_its_content_if_its_url_is_not(
    api: httpx.Client, start: bytes, suffix: str
) -> None:
    job = finished(api, create(api, "copy", {"file": upload(api, start)}))
    assert urlsplit(str(job["result"]["file"])).path.endswith(f"/n--file{suffix}")


def test_an_input_keeps_the_extension_of_its_url(api: httpx.Client) -> None:
    job = finished(api, create(api, "copy", {"file": upload(api, b"x") + "&name=a.b"}))
    assert urlsplit(str(job["result"]["file"])).path.endswith("/n--file")
    job = finished(api, create(api, "copy", {"file": upload(api, b"fLaC")}))
    again = finished(api, create(api, "copy", {"file": job["result"]["file"]}))
    assert urlsplit(str(again["result"]["file"])).path.endswith("/n--file.flac")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "'file': The parameter is missing."),
        ({"file": None}, "'file': The parameter is missing."),
        ({"file": 7}, "not an http or https URL"),
        ({"file": "song.mp3"}, "not an http or https URL"),
        ({"file": "file:///etc/hostname"}, "not an http or https URL"),
        ({"file": "ftp://127.0.0.1/x"}, "not an http or https URL"),
        ({"file": "http://"}, "not an http or https URL"),
        ({"file": "http://[broken"}, "not an http or https URL"),
        ({"file": "http://127.0.0.1:1/a/nobody%20(1).mp3?x=y"}, "'nobody (1).mp3': File not found."),
        ({"file": "http://127.0.0.1:999999/x"}, "'x': File not found."),
        ({"file": "http://nobody.invalid/"}, "'n': File not found."),
        ({"file": f"http://{'a' * 300}/n"}, "'n': File not found."),
        ({"file": "http://../n"}, "'n': File not found."),
    ],
)
def test_unfetchable_inputs(api: httpx.Client, params: dict[str, Any], message: str) -> None:
    job = finished(api, create(api, "copy", params))
    assert job["status"] == "FAILED"
    assert job["result"] is None
    assert set(job["error"]) == {"code", "title", "message"}
    assert (job["error"]["code"], job["error"]["title"]) == ("BAD_INPUT", "Invalid input")
    assert message in job["error"]["message"]
    assert job["completedAt"] is not None


def test_a_missing_input(running: Sandbox, api: httpx.Client) -> None:
    never_uploaded = api.get("/upload").json()["downloadUrl"]
    expired = upload(api, b"x")
    unsigned = expired.partition("?")[0]
    for url in (never_uploaded, unsigned):
        job = finished(api, create(api, "copy", {"file": url}))
        assert job["error"]["message"] == "'n': File not found."
    running.clock.advance(24 * 3600 + 10)
    job = finished(api, create(api, "copy", {"file": expired}))
    assert job["error"]["message"] == "'n': File not found."


@pytest.mark.parametrize(
    ("name", "shown"),
    [("my song.txt", "my song.txt"), ("AC/DC\n♥", "AC_DC__"), ("copy", "file"), ("", "file"), ("..", "file")],
)
def test_messages_name_an_upload_after_the_job(api: httpx.Client, name: str, shown: str) -> None:
    """Clients name jobs after files; the URL of an upload has no name."""
    unsigned = upload(api, b"x").partition("?")[0]
    job = finished(api, create(api, "copy", {"file": unsigned}, name=name))
    assert job["error"]["message"] == f"{shown!r}: File not found."


def test_a_truncated_input(running: Sandbox, api: httpx.Client) -> None:
    url = upload(api, b"x" * 100_000)
    fault = running.faults.add("GET /moises-sandbox/*", truncate=50_000, times=1)
    assert finished(api, create(api, "copy", {"file": url}))["error"]["code"] == "BAD_INPUT"
    assert fault.hits == 1


INTERNAL_ERROR = {
    "code": "INTERNAL_ERROR",
    "title": "Internal error",
    "message": "An unexpected error ended the job.",
}


@pytest.mark.parametrize(
    ("workflow", "error"),
    [
        ("crash", INTERNAL_ERROR),
        ("refuse", {"code": "TIMEOUT", "title": "Timeout", "message": "Took too long."}),
        ("unreadable", {"code": "BAD_INPUT", "title": "Invalid input", "message": "Not audio."}),
        ("bad-value", INTERNAL_ERROR),
        ("no-file", INTERNAL_ERROR),
    ],
)  # fmt: skip
def test_how_a_job_fails(
    api: httpx.Client, workflow: str, error: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    job = finished(api, create(api, workflow))
    assert (job["status"], job["result"], job["error"]) == ("FAILED", None, error)
    logged = [record for record in caplog.records if record.name == "musicai_sdk.sandbox.api.work"]
    assert bool(logged) == (error["code"] == "INTERNAL_ERROR")


class Recorder(BaseHTTPRequestHandler):
    received: list[tuple[str, str | None, bytes]]
    status = 200

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, self.headers["Content-Type"], body))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def bucket() -> Iterator[tuple[str, type[Recorder]]]:
    class Bucket(Recorder):
        pass

    Bucket.received = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", Bucket
    server.shutdown()
    server.server_close()
    thread.join()


def test_custom_storage(api: httpx.Client, bucket: tuple[str, type[Recorder]]) -> None:
    origin, recorder = bucket
    source = api.get("/upload").json()
    put(source["uploadUrl"], content=b"data")
    target = api.get("/upload").json()
    job = finished(
        api,
        create(
            api,
            "copy",
            {"file": source["downloadUrl"]},
            copyResultsTo={"file": target["uploadUrl"], "bpm": "x"},
        ),
    )
    assert job["result"] == {"file": "[custom storage]", "bpm": "64"}
    assert get(target["downloadUrl"]).content == b"data"

    copies = {"file": f"{origin}/put?sig=1", "nobody": f"{origin}/never"}
    job = finished(api, create(api, "copy", {"file": source["downloadUrl"]}, copyResultsTo=copies))
    assert job["result"]["file"] == "[custom storage]"
    assert recorder.received == [("/put?sig=1", "application/octet-stream", b"data")]


def test_custom_storage_gets_the_content_type(bucket: tuple[str, type[Recorder]]) -> None:
    def chords(task: Task) -> dict[str, Output]:
        (task.folder / "c.json").write_text("[]")
        return {"chords": task.folder / "c.json"}

    with Sandbox(workflows={"chords": chords}) as sandbox, connect(sandbox) as api:
        finished(api, create(api, "chords", copyResultsTo={"chords": bucket[0]}))
    assert bucket[1].received == [("/", "application/json", b"[]")]


def test_custom_storage_refuses_the_upload(api: httpx.Client, bucket: tuple[str, type[Recorder]]) -> None:
    origin, recorder = bucket
    recorder.status = 403
    source = upload(api, b"data")
    for url in (origin, "http://127.0.0.1:1/x", "file:///tmp/x", "nonsense", "http://[broken"):
        job = finished(api, create(api, "copy", {"file": source}, copyResultsTo={"file": url}))
        assert (job["status"], job["result"], job["error"]["code"]) == ("FAILED", None, "BAD_INPUT")
        assert "'file'" in job["error"]["message"]


def test_signed_urls_are_not_logged(
    api: httpx.Client, bucket: tuple[str, type[Recorder]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, httpx.__name__)
    source = upload(api, b"data")
    caplog.clear()
    finished(
        api, create(api, "copy", {"file": source}, copyResultsTo={"file": f"{bucket[0]}/put?sig=secret"})
    )
    assert bucket[1].received
    assert "secret" not in caplog.text
    assert source not in caplog.text
    assert "/status" in caplog.text, "other requests of this process are still logged"


@pytest.mark.parametrize(("plan", "slots"), [(1, 1), (3, 3), ("payg", 2), ("professional", 10)])
def test_never_more_jobs_at_once_than_the_plan_allows(plan: Any, slots: int) -> None:
    gate = Gate()
    with Sandbox(workflows={"gate": gate}, plan=plan) as sandbox, connect(sandbox) as api:
        ids = [create(api, "gate", {"n": number}) for number in range(slots + 4)]
        until(lambda: gate.inside == slots)
        statuses = [job["status"] for job in api.get("/job").json()]
        assert sorted(statuses) == ["QUEUED"] * 4 + ["STARTED"] * slots
        waiting = api.get("/job?status=QUEUED").json()
        assert {job["id"] for job in waiting} == set(ids[slots:])
        assert all(job["startedAt"] is None and job["completedAt"] is None for job in waiting)
        assert all(job["result"] is None and job["error"] is None for job in api.get("/job").json())
        assert all(job["startedAt"] for job in api.get("/job?status=STARTED").json())
        gate.open.set()
        assert {finished(api, job_id)["status"] for job_id in ids} == {"SUCCEEDED"}
        assert gate.most == slots
    if slots == 1:
        assert gate.order == [str(number) for number in range(len(ids))]


def test_deletion_in_every_state(tmp_path: Path) -> None:
    gate = Gate()
    with (
        Sandbox(workflows={"gate": gate, "copy": copy}, plan=1, data_dir=tmp_path) as sandbox,
        connect(sandbox) as api,
    ):
        started, queued, last = (create(api, "gate", {"n": number}) for number in range(3))
        until(lambda: gate.inside == 1)
        for job_id in (started, queued):
            assert api.delete(f"/job/{job_id}").status_code == 200
            assert api.get(f"/job/{job_id}").status_code == 404
        gate.open.set()
        url = finished(api, last)["result"]["out"]
        assert gate.order == ["0", "2"], "a deleted job in the queue never runs"
        assert [job["id"] for job in sandbox.jobs] == [last]
        assert len(list((tmp_path / "objects").iterdir())) == 1, "the outcome of a deleted job is dropped"
        assert get(url).content == b"late"
        assert api.delete(f"/job/{last}").status_code == 200
        assert get(url).status_code == 404
        assert list((tmp_path / "objects").iterdir()) == []
        until(lambda: list((tmp_path / "scratch").iterdir()) == [])


def test_a_reset_drops_running_jobs() -> None:
    gate = Gate()
    with Sandbox(workflows={"gate": gate}, plan=1, seed=1) as sandbox, connect(sandbox) as api:
        first = create(api, "gate")
        until(lambda: gate.inside == 1)
        sandbox.reset()
        assert create(api, "gate") == first, "a seeded sandbox starts over"
        assert api.get(f"/job/{first}").json()["status"] == "QUEUED"
        gate.open.set()
        job = finished(api, first)
        assert get(job["result"]["out"]).content == b"late"


def test_the_api_answers_while_jobs_compute() -> None:
    ending = threading.Event()

    def busy(task: Task) -> dict[str, Output]:
        while not ending.is_set():
            sum(range(1000))
        return {}

    with Sandbox(workflows={"busy": busy}) as sandbox, connect(sandbox) as api:
        for _ in range(4):
            create(api, "busy")
        begin = time.monotonic()
        for _ in range(5):
            assert api.get("/application").status_code == 200
        ending.set()
        assert time.monotonic() - begin < 10


def test_a_restarted_sandbox_continues_its_jobs(tmp_path: Path) -> None:
    gate = Gate()
    workflows: dict[str, Handler] = {"gate": gate, "copy": copy}
    with Sandbox(workflows=workflows, plan=1, data_dir=tmp_path, seed=3) as sandbox, connect(sandbox) as api:
        key, second = sandbox.api_key, sandbox.add_key("Second")
        source = upload(api, b"kept")
        done = create(api, "copy", {"file": source})
        before = finished(api, done)
        started, queued = create(api, "gate", {"n": 1}), create(api, "gate", {"n": 2})
        until(lambda: gate.inside == 1)
        stop_with_a_job_waiting(sandbox, gate)
    with Sandbox(workflows=workflows, plan=1, data_dir=tmp_path, seed=3) as sandbox, connect(sandbox) as api:
        assert (sandbox.api_key, sandbox.applications[1].key) == (key, second)
        after = api.get(f"/job/{done}").json()
        assert {**after, "result": None} == {**before, "result": None}
        assert get(before["result"]["file"]).content == b"kept", "the port and the signing secret are kept"
        assert get(source).content == b"kept"
        assert {finished(api, job_id)["status"] for job_id in (started, queued)} == {"SUCCEEDED"}
        assert create(api, "gate") not in (done, started, queued)
    with Sandbox(workflows=workflows, data_dir=tmp_path, api_key="another") as sandbox:
        assert sandbox.api_key == "another"
        assert [each.name for each in sandbox.applications] == ["Default Application", "Second"]


def test_a_job_that_was_fetching_when_the_sandbox_stopped_runs_again(tmp_path: Path) -> None:
    with Sandbox(workflows={"copy": copy}) as remote, connect(remote) as other:
        source = upload(other, b"x" * 3_000_000)
        fetching = remote.faults.add("GET /moises-sandbox/*", delay=0.3)
        with Sandbox(workflows={"copy": copy}, data_dir=tmp_path) as sandbox, connect(sandbox) as api:
            job_id = create(api, "copy", {"file": source})
            until(lambda: fetching.hits == 1)
        with Sandbox(workflows={"copy": copy}, data_dir=tmp_path) as sandbox, connect(sandbox) as api:
            assert finished(api, job_id)["status"] == "SUCCEEDED"
        assert fetching.hits == 2


def test_a_workflow_missing_after_a_restart(tmp_path: Path) -> None:
    gate = Gate()
    with Sandbox(workflows={"gate": gate}, plan=1, data_dir=tmp_path) as sandbox, connect(sandbox) as api:
        ids = [create(api, "gate"), create(api, "gate")]
        until(lambda: gate.inside == 1)
        stop_with_a_job_waiting(sandbox, gate)
    with Sandbox(workflows={}, data_dir=tmp_path) as sandbox, connect(sandbox) as api:
        first, second = (finished(api, job_id) for job_id in ids)
        assert first["status"] == "SUCCEEDED", "it was running, and could finish"
        assert second["error"]["code"] == "INTERNAL_ERROR"


def stop_with_a_job_waiting(sandbox: Sandbox, gate: Gate) -> None:
    stopping = threading.Thread(target=sandbox.stop)
    stopping.start()
    until(lambda: "not running" in repr(sandbox))
    time.sleep(0.2)
    gate.open.set()
    stopping.join()


def test_a_killed_sandbox_continues_its_jobs(tmp_path: Path) -> None:
    program = """
import sys, threading
from musicai_sdk.sandbox import Sandbox
def slow(task): threading.Event().wait()
with Sandbox(workflows={"slow": slow}, plan=1, data_dir=sys.argv[1]) as sandbox:
    print(sandbox.base_url, sandbox.api_key, flush=True)
    threading.Event().wait()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        base_url, key = process.stdout.readline().split()
        with httpx.Client(base_url=base_url, headers={"Authorization": key}) as api:
            ids = [create(api, "slow"), create(api, "slow")]
            until(lambda: api.get(f"/job/{ids[0]}").json()["status"] == "STARTED")
            (left,) = (folder.name for folder in (tmp_path / "scratch").iterdir())
            process.kill()
    with (
        Sandbox(workflows={"slow": lambda _: {"done": True}}, data_dir=tmp_path) as sandbox,
        connect(sandbox) as api,
    ):
        assert sandbox.api_key == key
        assert not any(folder.name == left for folder in (tmp_path / "scratch").iterdir()), (
            "no partial work stays"
        )
        assert [finished(api, job_id)["result"] for job_id in ids] == [{"done": True}] * 2
