"""Programs as they were written for the published 1.0.4, over HTTP and in both colours.

Each line works with that package.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect
from musicai_sdk import AsyncMusicAiClient, MusicAiClient
from musicai_sdk._core.arguments import CLIENT_TIMEOUT
from musicai_sdk.errors import AuthenticationError, ConfigurationError, InputError, NotFoundError
from musicai_sdk.sandbox import Sandbox

ARGUMENTS: dict[str, list[str]] = {
    "upload_file": ["file_path", "timeout"],
    "get_job": ["job_id", "timeout"],
    "get_job_status": ["job_id", "timeout"],
    "list_jobs": ["filters", "timeout"],
    "add_job": ["job_name", "workflow_slug", "params", "timeout"],
    "delete_job": ["job_id", "timeout"],
    "list_workflows": ["filters", "timeout"],
    "wait_for_job_completion": ["id", "timeout"],
    "get_application_info": ["timeout"],
    "download_job_results": ["job_id_or_job_data", "output_dir", "timeout"],
    "download_file": ["url", "file_destination", "timeout"],
    "__init__": ["api_key", "job_monitor_interval", "save_output_to_folder", "user_agent", "timeout"],
}
"""The methods of 1.0.4 and their arguments, in order."""
RENAMED = {"id": "job_id", "output_dir": "output_folder"}


@pytest.fixture
def job_id(client: MusicAiClient) -> str:
    """A job that has succeeded, with one file."""
    added = client.add_job("name", "sdk-test", {"file": client.upload_file(__file__)})
    return client.jobs.wait(added, poll_interval=0.05).id


@pytest.mark.parametrize("kind", [MusicAiClient, AsyncMusicAiClient])
@pytest.mark.parametrize("method", ARGUMENTS)
def test_arguments_by_name_and_by_place(kind: type[Any], method: str) -> None:
    signature = inspect.signature(getattr(kind, method))
    names = ARGUMENTS[method]
    signature.bind(None, **dict.fromkeys(names))
    by_place = signature.bind(None, *names).arguments
    assert list(by_place)[1:] == [RENAMED.get(name, name) for name in names]


def test_arguments_under_their_old_names(
    client: MusicAiClient, sandbox: Sandbox, job_id: str, tmp_path: Path
) -> None:
    job = client.wait_for_job_completion(id=job_id)
    assert job["status"] == "SUCCEEDED"
    assert client.wait_for_job_completion(id=job_id, timeout=30)["id"] == job_id
    paths = client.download_job_results(job, output_dir=tmp_path)
    assert paths == client.download_job_results(job_id_or_job_data=job_id, output_dir=tmp_path, timeout=None)
    assert [Path(path).read_bytes() for path in paths] == [Path(__file__).read_bytes()]

    sent = len(sandbox.requests)
    with pytest.raises(TypeError, match="job_id and id are the same argument"):
        client.wait_for_job_completion(job_id, id=job_id)  # type: ignore[call-overload]
    with pytest.raises(InputError, match="job_id and id: pass one of them"):
        client.wait_for_job_completion()  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="output_folder and output_dir are the same argument"):
        client.download_job_results(job_id, tmp_path, output_dir=tmp_path)  # type: ignore[call-overload]
    with pytest.raises(InputError, match="output_folder and output_dir: pass one of them"):
        client.download_job_results(job_id)  # type: ignore[call-overload]
    assert len(sandbox.requests) == sent


def test_timeouts_by_place(client: MusicAiClient, job_id: str, tmp_path: Path) -> None:
    assert client.get_job(job_id, 30)["status"] == client.get_job_status(job_id, 30)["status"] == "SUCCEEDED"
    assert client.wait_for_job_completion(job_id, None)["id"] == job_id
    url = client.upload_file(__file__, 30)
    added = client.add_job("name", "sdk-test", {"file": url}, 30, metadata={"a": 1}, max_retries=1)
    assert len(client.list_jobs({}, 30)) == len(client.list_jobs(None, 30)) == 2
    assert client.list_workflows(None, 30)["workflows"]
    assert client.get_application_info(30)["name"] == "Default Application"
    client.download_job_results(job_id, tmp_path, 30)
    client.download_file(url, tmp_path / "a" / "file", 30)
    assert (tmp_path / "a" / "file").read_bytes() == Path(__file__).read_bytes()
    client.delete_job(added, 30)


def test_precedence_of_timeouts(connect: Connect, sandbox: Sandbox) -> None:
    """The call's timeout takes precedence over the client's. None means no limit, unlike an omitted timeout."""
    sandbox.faults.add("GET /application", delay=0.2)
    client = connect(timeout=0.05, max_retries=0)
    with pytest.raises(TimeoutError):
        client.get_application_info()
    client.get_application_info(None)
    client.get_application_info(timeout=30)
    client.timeout = 30
    client.get_application_info()
    with pytest.raises(TimeoutError):
        client.get_application_info(0.05)
    with pytest.raises(TypeError, match="the same setting"):
        client.get_application_info(30, request_timeout=30)
    for wrong in (0, "30", (3, 30), float("nan")):
        with pytest.raises(InputError, match="timeout must be more than 0 seconds"):
            client.get_application_info(wrong)  # type: ignore[arg-type]


def test_the_default_in_help() -> None:
    assert str(inspect.signature(MusicAiClient.get_application_info).parameters["timeout"]).endswith(
        "= CLIENT_TIMEOUT"
    )
    assert repr(CLIENT_TIMEOUT) == "CLIENT_TIMEOUT"


def test_the_answers_of_add_and_delete(client: MusicAiClient) -> None:
    url = client.upload_file(__file__)
    added = client.add_job("name", "sdk-test", {"file": url})
    plain = str(added)
    for answer in (added, client.delete_job(added)):
        assert (answer["id"], answer.get("id"), answer.get("name"), answer.get("name", 3)) == (
            *(plain, plain, None, 3),
        )
        assert "id" in answer
        assert "name" not in answer
        assert plain[3:9] in answer
        assert dict(answer) == {**answer} == {"id": plain}
        assert (list(answer.keys()), list(answer.values())) == (["id"], [plain])
        assert list(answer.items()) == [("id", plain)]
    with pytest.raises(NotFoundError):
        client.delete_job(added)


def test_pages_of_jobs(client: MusicAiClient, sandbox: Sandbox) -> None:
    url = client.upload_file(__file__)
    ids = [client.add_job(str(n), "sdk-test", {"file": url}) for n in range(3)]
    client.jobs.wait_all(ids, poll_interval=0.05)

    found, page = list[str](), 0
    while jobs := client.list_jobs({"page": page, "size": 2, "status": ["SUCCEEDED"]}):
        found += [job["id"] for job in jobs]
        page += 1
    assert (found, page) == (ids[::-1], 2)
    assert sandbox.requests[-1].query == "status=SUCCEEDED&page=2&size=2"

    sent = len(sandbox.requests)
    assert len(client.list_jobs({"size": 2})) == 2
    assert len(client.list_jobs({"page": 0})) == 3
    assert len(sandbox.requests) - sent == 2
    for wrong in ({"pages": 0}, {"page": 0, "state": "FAILED"}, "FAILED", ["FAILED"]):
        with pytest.raises(InputError, match="filters"):
            client.list_jobs(wrong)  # type: ignore[arg-type]


def test_pages_of_workflows(client: MusicAiClient, sandbox: Sandbox) -> None:
    everything = client.list_workflows()["workflows"]
    assert len(everything) > 2
    assert client.list_workflows({"size": 2})["workflows"] == everything[:2]
    assert client.list_workflows(filters={"page": 1, "size": 2})["workflows"] == everything[2:4]
    assert sandbox.requests[-1].query == "page=1&size=2"
    assert client.list_workflows({})["workflows"] == everything
    for wrong, words in (({"name": "a"}, "workflows have no filter 'name'"), ("a", "must be a dictionary")):
        with pytest.raises(InputError, match=words):
            client.list_workflows(wrong)  # type: ignore[arg-type]


def test_results_of_a_dictionary(client: MusicAiClient, job_id: str, tmp_path: Path) -> None:
    """A dictionary with a status is a job; one without a status only names the job."""
    job = dict(client.get_job(job_id))
    whole = client.download_job_results(job, tmp_path / "whole")
    assert len(whole) == 1
    assert len(client.download_job_results({"id": job_id}, tmp_path / "id")) == 1
    for wrong, words in (
        ({}, "a job id must be"),
        ({"status": "SUCCEEDED"}, "isn't a job's: id: Field required"),
        ({**job, "result": "https://a.example/b?Signature=secret"}, "isn't a job's: its result isn't"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            client.download_job_results(wrong, tmp_path / "wrong")
        assert "secret" not in str(caught.value)
    assert not (tmp_path / "wrong").exists()


def test_jobs_joined_with_dictionaries(client: MusicAiClient, job_id: str) -> None:
    job = client.get_job(job_id)
    assert (job | {}) == dict(job) == json.loads(json.dumps(dict(job)))
    assert (job | {"id": 3, "mine": 4})["id"] == 3
    assert ({"id": 3, "mine": 4} | job) == {"mine": 4, **job}
    assert (client.get_job_status(job_id) | job) == dict(job)
    for wrong in (3, [("id", 3)], None):
        with pytest.raises(TypeError, match="unsupported operand"):
            _ = job | wrong  # type: ignore[operator]
        with pytest.raises(TypeError, match="unsupported operand"):
            _ = wrong | job  # type: ignore[operator]


def test_settings_that_are_attributes(client: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    assert (client.job_monitor_interval, client.save_output_to_folder) == (2, True)
    assert (client.timeout, client.max_retries, client.api_key) == (60, 3, sandbox.api_key)
    assert client.get_headers() == {"Authorization": sandbox.api_key, "User-Agent": client.user_agent}
    assert client.user_agent.startswith("Music.AI/SDK-Python/")

    client.user_agent = "mine/1.0"
    client.get_application_info()
    assert sandbox.requests[-1].headers["user-agent"] == "mine/1.0"

    job = {"id": "j", "status": "SUCCEEDED", "result": {"an output": client.upload_file(__file__)}}
    client.save_output_to_folder = False
    [path] = client.download_job_results(job, tmp_path / "by url")
    assert Path(path).stem != "an output"
    client.save_output_to_folder = True
    [path] = client.download_job_results(job, tmp_path / "by output")
    assert Path(path).stem == "an output"

    client.api_key = "another-key"
    assert client.get_headers()["Authorization"] == client.api_key == "another-key"
    with pytest.raises(AuthenticationError, match="the argument api_key"):
        client.get_application_info()
    client.api_key = sandbox.api_key
    client.get_application_info()


def test_the_interval_of_polls(client: MusicAiClient, sandbox: Sandbox) -> None:
    """Twenty polls that find the job unfinished: the client's first interval of 2 s would end after the deadline."""
    state = {"id": "j", "status": "STARTED"}
    unfinished = sandbox.faults.add("GET /job/{id}/status", times=20, body=json.dumps(state))
    client.job_monitor_interval = 0.01
    job_id = client.add_job("name", "sdk-test", {"file": client.upload_file(__file__)})
    assert client.jobs.wait(job_id, timeout=15).succeeded
    assert unfinished.hits == 20


def test_retries_that_are_set(client: MusicAiClient, sandbox: Sandbox) -> None:
    client.max_retries = 0
    sandbox.faults.add("GET /application", status=503, nth=1)
    sent = len(sandbox.requests)
    with pytest.raises(Exception, match="503"):
        client.get_application_info()
    assert len(sandbox.requests) - sent == 1


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("timeout", 0, "timeout must be more than 0 seconds"),
        ("timeout", "30", "timeout must be more than 0 seconds"),
        ("job_monitor_interval", 0, "job_monitor_interval must be more than 0 seconds"),
        ("max_retries", -1, "max_retries must be a whole number"),
        ("user_agent", "a\nb", "user_agent can't go into an HTTP header"),
        ("api_key", "Bearer secret", "starts with 'Bearer'"),
        ("api_key", "", "no API key"),
        ("base_url", "http://example.com", "unencrypted"),
    ],
)
def test_invalid_settings_are_refused_and_change_nothing(
    client: MusicAiClient, name: str, value: object, words: str
) -> None:
    before = getattr(client, name)
    with pytest.raises(ConfigurationError, match=words) as caught:
        setattr(client, name, value)
    assert getattr(client, name) == before
    assert "secret" not in str(caught.value)


def test_the_key_stays_hidden(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSIC_AI_API_KEY", "key-of-the-environment")
    with MusicAiClient(base_url=sandbox.base_url) as client:
        client.timeout = 20
        assert "environment" not in repr(client) + str(vars(client))
        # Another setting doesn't change where the key came from.
        with pytest.raises(AuthenticationError, match="the environment variable MUSIC_AI_API_KEY") as caught:
            client.get_application_info()
        assert "key-of-the" not in str(caught.value)
