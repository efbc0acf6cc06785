"""The client of `musicai_sdk.compat`: plain dictionaries and one request per call, with the typed client's safety."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
from typing_extensions import override

from musicai_sdk import compat
from musicai_sdk.compat import MusicAiClient
from musicai_sdk.errors import ConfigurationError, InputError, TransferError
from musicai_sdk.sandbox import Sandbox
from support.full_queue import full_queue


def nested(value: object) -> set[type]:
    """The types of a value and of everything in it."""
    inner = list[object]()
    if isinstance(value, dict):
        entries = cast("dict[object, object]", value)
        inner = [*entries, *entries.values()]
    elif isinstance(value, list):
        inner = cast("list[object]", value)
    return {cast("Any", value).__class__}.union(*map(nested, inner))


@pytest.fixture
def job_id(music_ai: MusicAiClient) -> str:
    """A job that has succeeded."""
    url = music_ai.upload_file(__file__)
    job_id = music_ai.add_job("name", "sdk-test", {"file": url}, metadata={"mine": [1, {"a": None}]})["id"]
    assert music_ai.wait_for_job_completion(job_id)["status"] == "SUCCEEDED"
    return job_id


def test_jobs_are_the_json_of_the_service(music_ai: MusicAiClient, sandbox: Sandbox, job_id: str) -> None:
    """Names and order are the same; only signatures differ."""
    [sent] = sandbox.jobs
    for job in (
        music_ai.get_job(job_id),
        *music_ai.list_jobs(),
        music_ai.wait_for_job_completion(job_id),
    ):
        assert list(job) == list(sent)
        assert job["metadata"] == {"mine": [1, {"a": None}]}
        assert {**job, "result": None, "metadata": None} == {**sent, "result": None, "metadata": None}
        assert job["result"].keys() == {"file"}
        assert nested(job) == {dict, list, str, int, type(None)}
        assert json.loads(json.dumps(job)) == job
    job = music_ai.get_job(job_id)
    job["result"]["file"] = "changed"
    assert music_ai.get_job(job_id)["result"]["file"] != "changed"


def test_other_answers(music_ai: MusicAiClient, sandbox: Sandbox, job_id: str) -> None:
    assert music_ai.get_job_status(job_id) == {"id": job_id, "status": "SUCCEEDED"}
    assert list(music_ai.get_application_info()) == ["id", "name"]
    workflows = music_ai.list_workflows()
    assert nested(workflows) <= {dict, list, str, type(None)}
    assert "sdk-test" in [workflow["slug"] for workflow in workflows["workflows"]]
    assert type(music_ai.upload_file(Path(__file__))) is str
    assert music_ai.delete_job(job_id) == {"id": job_id}


def test_unknown_fields_and_values_are_kept(music_ai: MusicAiClient, sandbox: Sandbox) -> None:
    """Dictionaries also contain unknown fields and unreadable values."""
    odd = {"id": "j", "status": "PAUSED", "createdAt": "yesterday", "name": 3, "new": {"a": [1.5, True]}}
    sandbox.faults.add("GET /job/{id}", body=odd)
    job = music_ai.get_job("j")
    assert job == odd
    assert nested(job) == {dict, list, str, int, float, bool}


def test_metadata_as_text(music_ai: MusicAiClient, sandbox: Sandbox, job_id: str) -> None:
    [sent] = sandbox.jobs
    sandbox.faults.add("GET /job/{id}", body={**sent, "metadata": json.dumps(sent["metadata"])})
    assert music_ai.get_job(job_id)["metadata"] == '{"mine": [1, {"a": null}]}'
    sandbox.faults.clear()
    sandbox.faults.add("GET /job/{id}", body={**sent, "metadata": "anything"})
    assert music_ai.get_job(job_id)["metadata"] == "anything"


def test_filters_are_sent_unchecked_in_one_request(
    music_ai: MusicAiClient, sandbox: Sandbox, job_id: str
) -> None:
    failed = music_ai.add_job("fails", "music-ai/generate-chords", {})["id"]
    assert music_ai.wait_for_job_completion(failed)["status"] == "FAILED"
    queries: list[tuple[dict[str, Any] | None, list[str], str]] = [
        (None, [failed, job_id], ""),
        ({"status": ["FAILED", "SUCCEEDED"]}, [failed, job_id], "status=FAILED&status=SUCCEEDED"),
        ({"status": ("SUCCEEDED", "FAILED"), "size": 1}, [failed], "status=SUCCEEDED&status=FAILED&size=1"),
        ({"status": "FAILED", "workflow": None}, [failed], "status=FAILED"),
        ({"page": 1, "size": 1}, [job_id], "page=1&size=1"),
        ({"status": "PAUSED"}, [], "status=PAUSED"),
        # 1.0 sent all names and values.
        ({"sort": "name", "deep": True}, [failed, job_id], "sort=name&deep=True"),
    ]
    for filters, found, query in queries:
        before = len(sandbox.requests)
        assert [job["id"] for job in music_ai.list_jobs(filters)] == found
        assert [entry.query for entry in sandbox.requests[before:]] == [query]
    for wanted, query in ((None, ""), ({"size": 2}, "size=2"), ({"sort": ["a", "b"]}, "sort=a&sort=b")):
        before = len(sandbox.requests)
        assert music_ai.list_workflows(wanted)["workflows"]
        assert [entry.query for entry in sandbox.requests[before:]] == [query]
    for call in (music_ai.list_jobs, music_ai.list_workflows):
        with pytest.raises(InputError, match="filters"):
            call("FAILED")  # type: ignore[arg-type]


def test_the_connect_half_of_a_timeout(music_ai: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /application", delay=0.6)
    assert music_ai.get_application_info(timeout=(0.3, None))["name"], "it doesn't limit the answer"
    assert music_ai.get_application_info(timeout=(0.3, 30))["name"]
    music_ai.max_retries = 0
    with pytest.raises(requests.ReadTimeout):
        music_ai.get_application_info(timeout=(30, 0.1))
    music_ai.timeout = (0.2, None)
    with full_queue() as address:
        music_ai.base_url = f"{address}/v1"
        with pytest.raises(requests.ConnectTimeout):
            music_ai.get_application_info()
        with pytest.raises(requests.ConnectTimeout):
            music_ai.get_application_info(timeout=(0.2, 3600))


def test_a_lost_answer_costs_one_job(music_ai: MusicAiClient, sandbox: Sandbox) -> None:
    url = music_ai.upload_file(__file__)
    lost = sandbox.faults.add("POST /job", reset="after", nth=1)
    added = music_ai.add_job("name", "sdk-test", {"file": url})
    assert lost.hits == 1
    assert [job["id"] for job in sandbox.jobs] == [added["id"]]
    assert music_ai.get_job(added["id"])["metadata"] == {}


def test_failed_exchanges_are_retried(
    music_ai: MusicAiClient, sandbox: Sandbox, job_id: str, tmp_path: Path
) -> None:
    fault = sandbox.faults.add("GET *", status=503, nth=1, times=2)
    assert music_ai.get_job(job_id)["id"] == job_id
    assert fault.hits == 2
    job = music_ai.get_job(job_id)
    cut = sandbox.faults.add(f"GET {urlsplit(str(job['result']['file'])).path}", truncate=10, nth=1)
    [path] = music_ai.download_job_results(job, tmp_path).values()
    assert cut.hits == 1
    assert Path(path).read_bytes() == Path(__file__).read_bytes()


def test_the_files_of_1_0(
    music_ai: MusicAiClient, job_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = music_ai.download_job_results(music_ai.get_job(job_id), "./out")
    assert type(files) is dict
    assert files == {"file": "./out/file"}
    assert json.loads(Path("out/workflow.result.json").read_text()) == {"file": "./file"}
    assert sorted(path.name for path in Path("out").iterdir()) == ["file", "workflow.result.json"]
    assert music_ai.download_job_results(job_id, tmp_path / "b") == {"file": str(tmp_path / "b" / "file")}
    with pytest.raises(InputError, match="isn't a job's: status"):
        music_ai.download_job_results({"id": job_id}, "out")


def test_timeouts(music_ai: MusicAiClient, sandbox: Sandbox) -> None:
    assert music_ai.timeout is None
    music_ai.timeout = (3.05, 0.05)
    assert music_ai.timeout == (3.05, 0.05)
    music_ai.max_retries = 0
    sandbox.faults.add("GET /application", delay=0.3)
    with pytest.raises(TimeoutError):
        music_ai.get_application_info()
    limits: list[Any] = [None, 30, (1, None), (None, 30), np.int64(30), (np.float32(3.5), np.float64(30))]
    for enough in limits:
        assert music_ai.get_application_info(timeout=enough)["name"]
    music_ai.timeout = None
    for wrong in ((1,), (1, 2, 3), (0, 1), (1, 0), ("1", 2), "3"):
        with pytest.raises(InputError, match="timeout"):
            music_ai.get_application_info(wrong)  # type: ignore[arg-type]
    assert music_ai.timeout is None
    with pytest.raises(ValueError, match="timeout"):
        music_ai.timeout = (1, 0)
    assert music_ai.timeout is None
    assert str(inspect.signature(MusicAiClient.get_job).parameters["timeout"]).endswith("= UNSET")


def test_settings(music_ai: MusicAiClient, sandbox: Sandbox) -> None:
    music_ai.job_monitor_interval = 0
    assert music_ai.job_monitor_interval == 0
    assert music_ai.user_agent == compat.utils.get_user_agent()
    music_ai.user_agent = "mine/1"
    music_ai.get_application_info()
    assert sandbox.requests[-1].headers["user-agent"] == "mine/1"
    assert sandbox.api_key not in repr(music_ai)
    assert music_ai.typed.application.get().name == "Default Application"
    with pytest.raises(ConfigurationError):
        music_ai.job_monitor_interval = -1
    with pytest.raises(ConfigurationError, match="no API key"):
        MusicAiClient("")


def test_an_unknown_option_costs_nothing(music_ai: MusicAiClient, sandbox: Sandbox) -> None:
    with pytest.raises(TypeError, match="no option 'copyResultsTo', and nothing was sent"):
        music_ai.add_job("a", "sdk-test", {}, copyResultsTo={})  # type: ignore[call-arg]
    assert sandbox.requests == []


def test_idempotency_key(music_ai: MusicAiClient, sandbox: Sandbox) -> None:
    url = music_ai.upload_file(__file__)
    first, second = (
        music_ai.add_job("name", "sdk-test", {"file": url}, idempotency_key="song 1") for _ in range(2)
    )
    assert first == second
    assert len(sandbox.jobs) == 1


def test_clients_pickle_without_their_key(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with MusicAiClient(sandbox.api_key, 3, False, timeout=(1, 20), base_url=sandbox.base_url) as client:
        pickled = pickle.dumps(client)
    assert sandbox.api_key.encode() not in pickled
    monkeypatch.setenv("MUSIC_AI_API_KEY", sandbox.api_key)
    with pickle.loads(pickled) as again:
        assert (again.timeout, again.job_monitor_interval, again.save_output_to_folder) == ((1, 20), 3, False)
        assert again.get_application_info()["name"]


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    with Sandbox(tls=True) as sandbox:

        def name_of_the_application() -> str:
            with MusicAiClient(sandbox.api_key, base_url=sandbox.base_url, max_retries=0) as client:
                return client.get_application_info()["name"]

        with pytest.raises(requests.exceptions.SSLError, match="certificate"):
            name_of_the_application()
        assert sandbox.ca_file is not None
        monkeypatch.setenv(variable, sandbox.ca_file)
        assert name_of_the_application() == "Default Application"
        broken = tmp_path / "broken.pem"
        broken.write_text("nothing")
        for wrong in (broken, tmp_path / "missing.pem"):
            monkeypatch.setenv(variable, str(wrong))
            with pytest.raises(ConfigurationError, match=f"environment variable {variable}"):
                name_of_the_application()
        monkeypatch.setenv(variable, str(tmp_path))
        with pytest.raises(requests.exceptions.SSLError, match="certificate"):
            name_of_the_application()  # a folder without certificates


def test_a_client_needs_no_close(sandbox: Sandbox) -> None:
    """There are no warnings, neither while the program runs nor at its end."""
    program = f"""
import gc
from musicai_sdk.compat import MusicAiClient
def once():
    MusicAiClient({sandbox.api_key!r}, base_url={sandbox.base_url!r}).get_application_info()
once()
gc.collect()
kept = MusicAiClient({sandbox.api_key!r}, base_url={sandbox.base_url!r})
print(kept.get_application_info()["name"])
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("Default Application\n", "", 0)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copies_keep_the_key(
    duplicate: Callable[[MusicAiClient], MusicAiClient], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MUSIC_AI_API_KEY", raising=False)
    client = MusicAiClient(sandbox.api_key, 3, timeout=(1.5, 20.5), base_url=sandbox.base_url)
    with duplicate(client) as other:
        assert (other.api_key, other.job_monitor_interval) == (sandbox.api_key, 3)
        other.timeout = None
        assert other.get_application_info()["name"]
    # The original stays open, with its own settings.
    assert client.timeout == (1.5, 20.5)
    assert client.get_application_info()["name"]
    client.close()


def test_headers_of_a_subclass_are_sent(sandbox: Sandbox) -> None:
    class Traced(MusicAiClient):
        @override
        def get_headers(self) -> dict[str, str]:
            return {**super().get_headers(), "X-Trace": "17"}

    with Traced(sandbox.api_key, base_url=sandbox.base_url) as client:
        client.get_application_info()
    assert sandbox.requests[-1].headers["x-trace"] == "17"


def test_ids_may_be_uuid_objects(music_ai: MusicAiClient, job_id: str) -> None:
    given: Any = uuid.UUID(job_id)
    assert music_ai.get_job(given)["id"] == music_ai.get_job_status(given)["id"] == job_id
    assert music_ai.wait_for_job_completion(given)["id"] == job_id
    assert music_ai.delete_job(given) == {"id": job_id}


def test_a_disk_that_is_full_when_the_manifest_is_rewritten(music_ai: MusicAiClient, tmp_path: Path) -> None:
    """1.0 raised an `OSError` too."""
    signal = pytest.importorskip("signal")
    resource = pytest.importorskip("resource", reason="a full disk is played by a limit of POSIX")
    result = {"text": "é" * 100_000}  # takes 2 bytes in UTF-8, and 6 in ASCII
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
    try:
        with pytest.raises(TransferError, match=r"workflow\.result\.json.*File too large") as caught:
            music_ai.download_job_results({"id": "j", "status": "SUCCEEDED", "result": result}, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert isinstance(caught.value, OSError)
