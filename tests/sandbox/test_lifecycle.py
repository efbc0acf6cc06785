"""Starting, stopping, several sandboxes at once, TLS, seeds, and the request log."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from musicai_sdk import CustomWorkflow
from musicai_sdk.errors import AuthenticationError
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine.task import Output, Task
from support.memory import PEAK_MEMORY, needs_proc


def copy(task: Task) -> dict[str, Output]:
    target = task.folder / "copy.wav"
    target.write_bytes(task.fetch("file").read_bytes())
    return {"file": target}


def whole_trip(sandbox: Sandbox, data: bytes = b"data") -> dict[str, Any]:
    """Uploads, runs, downloads; returns the finished job."""
    verify = ssl.create_default_context(cafile=sandbox.ca_file) if sandbox.ca_file else True
    with httpx.Client(
        base_url=sandbox.base_url, headers={"Authorization": sandbox.api_key}, verify=verify
    ) as api:
        urls = api.get("/upload").json()
        assert api.put(urls["uploadUrl"], content=data).status_code == 200
        body = {"name": "n", "workflow": "copy", "params": {"file": urls["downloadUrl"]}}
        job_id = api.post("/job", json=body).json()["id"]
        deadline = time.monotonic() + 20
        while (job := api.get(f"/job/{job_id}").json())["status"] in ("QUEUED", "STARTED"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert api.get(job["result"]["file"]).content == data
    result: dict[str, Any] = job
    return result


def assert_no_new_threads(before: set[threading.Thread]) -> None:
    """Checks that there are no new threads. Those of earlier tests may end meanwhile."""
    assert set(threading.enumerate()) - before == set()


@pytest.mark.parametrize("tls", [False, True])
def test_nothing_is_left_after_stop(tls: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(threading.enumerate())
    verify = True
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sandbox = Sandbox(workflows={"copy": copy}, tls=tls)
        sandbox.start()
        whole_trip(sandbox)
        context = ssl.create_default_context(cafile=sandbox.ca_file) if tls else verify
        # A client that keeps its connection open must not delay the stop.
        with httpx.Client(verify=context) as idle:
            idle.get(f"{sandbox.base_url}/application")
            assert list(tmp_path.iterdir())
            begin = time.monotonic()
            sandbox.stop()
            assert time.monotonic() - begin < 4
        sandbox.stop()
        del sandbox
        gc.collect()
    assert_no_new_threads(before)
    assert list(tmp_path.iterdir()) == []
    assert [str(warning.message) for warning in caught] == []


def test_a_running_request_does_not_delay_the_stop(caplog: pytest.LogCaptureFixture) -> None:
    with Sandbox(workflows={}) as sandbox:
        sandbox.faults.add("GET /application", delay=60)
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{sandbox.base_url}/application", timeout=0.2)
        begin = time.monotonic()
    assert time.monotonic() - begin < 30
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def test_start_is_quick() -> None:
    with Sandbox(workflows={}):
        pass  # Modules that are loaded once per process are loaded now.
    begin = time.monotonic()
    with Sandbox() as sandbox:
        took = time.monotonic() - begin
        assert httpx.get(f"{sandbox.base_url}/application").status_code == 401
    assert took < 0.3


def test_the_server_starts_without_numpy() -> None:
    program = (
        "import sys; from musicai_sdk.sandbox import Sandbox\n"
        "with Sandbox(workflows={}): print('numpy' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert answer.stdout == "False\n"


def test_it_can_be_started_again() -> None:
    sandbox = Sandbox(workflows={"copy": copy}, api_key="k")
    for name in ("base_url", "api_key", "jobs", "applications", "ca_file"):
        with pytest.raises(RuntimeError, match="not running"):
            getattr(sandbox, name)
    assert "not running" in repr(sandbox)
    for _ in range(2):
        with sandbox:
            assert sandbox.base_url in repr(sandbox).replace(")", "/v1")
            with pytest.raises(RuntimeError, match="running already"):
                sandbox.start()
            assert sandbox.jobs == []
            whole_trip(sandbox)
            assert len(sandbox.jobs) == 1


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        before = set(threading.enumerate())
        with pytest.raises(OSError, match=r"."):
            Sandbox(port=taken.getsockname()[1], data_dir=tmp_path).start()
    assert_no_new_threads(before)


@pytest.mark.parametrize(
    "arguments",
    [{"plan": 0}, {"plan": -1}, {"plan": "gold"}, {"api_key": ""}, {"api_key": "a\n"}, {"api_key": " a"},
     {"api_key": "ü"}, {"url_ttl": 0}],
)  # fmt: skip
def test_invalid_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        Sandbox(**arguments)


def test_an_empty_slug() -> None:
    with pytest.raises(ValueError, match="slug"):
        Sandbox().workflow("")


def test_two_at_once() -> None:
    workflows = {"copy": copy}
    with Sandbox(workflows=workflows) as first, Sandbox(workflows=workflows, tls=True) as second:
        assert first.base_url != second.base_url
        assert first.api_key != second.api_key
        trips = [
            threading.Thread(target=whole_trip, args=(each, b"x" * 500_000)) for each in (first, second) * 3
        ]
        for trip in trips:
            trip.start()
        for trip in trips:
            trip.join()
        assert (len(first.jobs), len(second.jobs)) == (3, 3)
        foreign = httpx.get(f"{first.base_url}/application", headers={"Authorization": second.api_key})
        assert foreign.status_code == 401


def test_tls() -> None:
    with Sandbox(workflows={"copy": copy}, tls=True) as sandbox:
        assert sandbox.base_url.startswith("https://127.0.0.1:")
        assert sandbox.ca_file is not None
        job = whole_trip(sandbox)
        assert job["result"]["file"].startswith("https://")
        trusting = ssl.create_default_context(cafile=sandbox.ca_file)
        by_name = sandbox.base_url.replace("127.0.0.1", "localhost")
        assert httpx.get(f"{by_name}/application", verify=trusting).status_code == 401
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{sandbox.base_url}/application")


def test_the_authority_is_kept_with_the_data(tmp_path: Path) -> None:
    with Sandbox(workflows={}, tls=True, data_dir=tmp_path) as sandbox:
        trusting = ssl.create_default_context(cafile=sandbox.ca_file)
    assert (tmp_path / "ca-key.pem").stat().st_mode & 0o077 == 0
    with Sandbox(workflows={}, tls=True, data_dir=tmp_path) as sandbox:
        assert httpx.get(f"{sandbox.base_url}/application", verify=trusting).status_code == 401


def test_other_addresses() -> None:
    with Sandbox(workflows={"copy": copy}, host="0.0.0.0") as sandbox:
        assert sandbox.base_url.startswith("http://127.0.0.1:")
        whole_trip(sandbox)
    if socket.has_ipv6:
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
        with Sandbox(workflows={"copy": copy}, host="::1") as sandbox:
            assert sandbox.base_url.startswith("http://[::1]:")
            whole_trip(sandbox)


def test_a_seed_gives_the_same_ids() -> None:
    seen: list[tuple[str, str, str]] = []
    for seed in (5, 5, 6):
        with Sandbox(workflows={"copy": copy}, seed=seed) as sandbox:
            first = whole_trip(sandbox)["id"]
            sandbox.reset()
            assert whole_trip(sandbox)["id"] == first
            seen.append((sandbox.api_key, sandbox.applications[0].id, first))
    assert seen[0] == seen[1]
    assert not set(seen[1]) & set(seen[2])
    assert len(set(seen[0])) == 3


def test_the_request_log_hides_secrets() -> None:
    with Sandbox(workflows={"copy": copy}) as sandbox:
        whole_trip(sandbox)
        httpx.get(
            f"{sandbox.base_url}/job?status=QUEUED&status=FAILED", headers={"Authorization": "stolen-key"}
        )
        entries = sandbox.requests
        assert [(entry.method, entry.status) for entry in entries[:3]] == [
            ("GET", 200),
            ("PUT", 200),
            ("POST", 200),
        ]
        assert entries[0].path == "/v1/upload"
        assert entries[1].path.startswith("/moises-sandbox/")
        assert entries[1].query.endswith("&X-Goog-Signature=***")
        assert (entries[-1].path, entries[-1].query, entries[-1].status) == (
            "/v1/job",
            "status=QUEUED&status=FAILED",
            401,
        )
        assert entries[-1].headers["authorization"] == "***"
        everything = "".join(f"{entry!r}{dict(entry.headers)}" for entry in entries)
        assert sandbox.api_key not in everything
        assert "stolen-key" not in everything
        assert all(part == "***" or part.startswith("***") for part in everything.split("Signature=")[1:])
        with pytest.raises(AttributeError):
            entries[0].status = 500  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]
        entries.clear()
        assert sandbox.requests


def test_reset_keeps_only_keys() -> None:
    with Sandbox(workflows={"copy": copy}) as sandbox:
        job = whole_trip(sandbox)
        key, second = sandbox.api_key, sandbox.add_key("Second")
        sandbox.faults.add("GET /workflow", status=500)
        sandbox.reset()
        assert (sandbox.jobs, sandbox.requests) == ([], [])
        assert [each.key for each in sandbox.applications] == [key, second]
        assert httpx.get(job["result"]["file"]).status_code == 404
        assert httpx.get(job["workflowParams"]["file"]).status_code == 404
        assert httpx.get(f"{sandbox.base_url}/workflow", headers={"Authorization": key}).status_code == 200
        whole_trip(sandbox)


@needs_proc
def test_a_large_upload_and_download_in_constant_memory(tmp_path: Path) -> None:
    # In its own process, because the peak is that of a whole process.
    program = """
import httpx
from musicai_sdk.sandbox import Sandbox
piece = bytes(1_000_000)
with Sandbox(workflows={}) as sandbox:
    def trip(count):
        urls = httpx.get(f"{sandbox.base_url}/upload", headers={"Authorization": sandbox.api_key}).json()
        headers, body = {"Content-Length": str(count * len(piece))}, (piece for _ in range(count))
        assert httpx.put(urls["uploadUrl"], content=body, headers=headers).status_code == 200
        with httpx.stream("GET", urls["downloadUrl"]) as answer:
            assert sum(len(part) for part in answer.iter_raw()) == count * len(piece)
    trip(2)
    before = peak_memory()
    trip(200)
    print((peak_memory() - before) // 2**20)
"""
    answer = subprocess.run(
        [sys.executable, "-c", PEAK_MEMORY + program], capture_output=True, text=True, check=True, timeout=100
    )
    assert int(answer.stdout) < 16, "MB"


def test_the_engine_and_the_clients_of_the_package() -> None:
    song = Path(__file__).parents[1] / "songs" / "block1.ogg"
    for tls in (False, True):
        with Sandbox(tls=tls) as sandbox, sandbox.client() as client:
            slugs = {workflow.slug for workflow in client.workflows.list()}
            assert {"music-ai/generate-chords", "music-ai/isolate-drums", "sdk-test"} <= slugs
            job = client.jobs.run(CustomWorkflow("sdk-test", {"file": song}), timeout=60)
            assert job.status == "SUCCEEDED"
            assert urlsplit(str(job["result"]["file"])).path.endswith("/sdk-test--file.ogg")
            assert client.application.get().name == "Default Application"


def test_the_async_client_of_the_package() -> None:
    async def name(sandbox: Sandbox) -> str | None:
        async with sandbox.async_client() as client:
            return (await client.application.get()).name

    for tls in (False, True):
        with Sandbox(workflows={}, tls=tls) as sandbox:
            assert asyncio.run(name(sandbox)) == "Default Application"


def test_arguments_of_the_client_take_precedence() -> None:
    with (
        Sandbox(workflows={}) as sandbox,
        sandbox.client(api_key="wrong") as client,
        pytest.raises(AuthenticationError),
    ):
        client.application.get()
