"""Settings and common first mistakes: proxies, certificates, wrong types, a wrong base URL."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import Connect
from musicai_sdk import Job, MusicAiClient
from musicai_sdk.errors import ConfigurationError, ConnectionFailedError, InputError, NotFoundError
from musicai_sdk.models import FiltersDict, WorkflowList
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import GenerateChords
from support.listening import Listener

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def proxy() -> Iterator[Listener]:
    proxy = Listener()
    yield proxy
    proxy.close()


# --- proxies


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_requests_to_this_machine_bypass_proxies(
    sandbox: Sandbox, connect: Connect, proxy: Listener, name: str, song: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv(name, proxy.origin)
    client = connect()
    job = client.jobs.run(GenerateChords(input_url=song), timeout=60)
    client.jobs.download(job, tmp_path)
    assert client.files.read(job.result.chords)
    with sandbox.client() as own:
        assert own.application.get().id
    assert (proxy.heads, (tmp_path / "chords.json").exists()) == ([], True)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "[::1]", "api.localhost", "LOCALHOST"])
def test_every_name_of_this_machine(
    connect: Connect, proxy: Listener, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.origin)
    # Nobody listens there, and the proxy isn't asked.
    client = connect(base_url=f"http://{host}:{free_port()}/v1", max_retries=0)
    with pytest.raises(ConnectionFailedError) as caught:
        client.application.get()
    assert "proxy" not in str(caught.value)
    assert proxy.heads == []


def test_a_failure_names_the_proxy_and_not_its_password(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("https_proxy", f"http://user:sesame@127.0.0.1:{port}/")
    monkeypatch.setenv("no_proxy", "direct.invalid")
    with pytest.raises(
        ConnectionFailedError, match=f"through the proxy 127.0.0.1:{port}: can't connect"
    ) as caught:
        connect(base_url="https://music.example/v1", max_retries=0).application.get()
    assert "sesame" not in f"{caught.value!r}{caught.value}"
    with pytest.raises(ConnectionFailedError) as caught:
        connect(base_url="https://direct.invalid/v1", max_retries=0).application.get()
    assert "proxy" not in str(caught.value)


def test_a_given_client_uses_its_own_proxy(
    sandbox: Sandbox, proxy: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.origin)
    given = httpx.Client(proxy=proxy.origin)
    with given, MusicAiClient("key", base_url=sandbox.base_url, http_client=given) as client:
        client.application.get()
    assert len(proxy.heads) == 1
    with httpx.Client(trust_env=False) as given:
        client = MusicAiClient(
            "k", base_url="http://music.invalid", allow_http=True, max_retries=0, http_client=given
        )
        with pytest.raises(ConnectionFailedError) as caught:
            client.application.get()
    assert "proxy" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (
            "ALL_PROXY",
            "socks5://user:sesame@proxy.example:1080",
            r'ALL_PROXY .* pip install "httpx\[socks\]"',
        ),
        ("all_proxy", "::", "the environment variable all_proxy doesn't hold the URL of a proxy"),
        ("HTTPS_PROXY", "ftp://user:sesame@proxy.example", "HTTPS_PROXY doesn't hold"),
    ],
)
def test_a_proxy_that_cannot_be_used(
    connect: Connect, sandbox: Sandbox, name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=words) as caught:
        connect(base_url="https://music.example/v1").application.get()
    assert "sesame" not in str(caught.value)
    assert connect().application.get().id, "not needed for this machine"


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_certificates_that_cannot_be_used(
    connect: Connect, tmp_path: Path, content: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(ConfigurationError, match=r"SSL_CERT_FILE \('.*ca\.pem'\) doesn't name certificates"):
        connect(base_url="https://music.example/v1").application.get()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


# --- settings


@pytest.mark.parametrize(
    "options",
    [
        *({"request_timeout": value} for value in (-1, 0, float("nan"), float("inf"), "3", True)),
        *({"max_retries": value} for value in (-1, 1.5, "2", None, True)),
    ],
)
def test_invalid_options_of_a_call(
    client: MusicAiClient, sandbox: Sandbox, song: Path, options: dict[str, Any]
) -> None:
    (name,) = options
    for call in (
        lambda: client.application.get(**options),
        lambda: client.files.upload(song, **options),
        lambda: list(client.jobs.list(**options)),
        lambda: client.jobs.wait("a", **options),
        lambda: client.jobs.run(GenerateChords(input_url=song), timeout=None, **options),
    ):
        with pytest.raises(InputError, match=f"{name} must be"):
            call()
    assert sandbox.requests == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"api_key": 3}, "the argument api_key must be text, not int"),
        ({"api_key": b"secret"}, "must be text, not bytes"),
        ({"base_url": Path("http://x")}, "base_url must be text"),
        ({"timeout": "a"}, "timeout must be more than 0 seconds, or None"),
        ({"timeout": float("nan")}, "timeout must be"),
        ({"max_retries": "3"}, "max_retries must be a whole number"),
        ({"job_monitor_interval": "2"}, "job_monitor_interval must be"),
    ],
)
def test_settings_of_the_wrong_type(connect: Connect, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        connect(**settings)
    assert "secret" not in str(caught.value)


def test_an_open_file_is_not_an_input(song: Path) -> None:
    with song.open("rb") as file, pytest.raises(InputError, match=r"input_url .* pass the path instead"):
        GenerateChords(input_url=file)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


# --- a wrong address


def test_a_base_url_without_v1(connect: Connect, sandbox: Sandbox) -> None:
    wrong = sandbox.base_url.removesuffix("/v1") + "/v9"
    with pytest.raises(
        NotFoundError, match=r"Route GET:/v9/application not found.*; check the base URL"
    ) as caught:
        connect(base_url=wrong).application.get()
    assert str(caught.value).endswith(f"check the base URL {wrong}: it usually ends in /v1")


def test_a_missing_job_gets_no_hint_about_the_base_url(client: MusicAiClient) -> None:
    with pytest.raises(NotFoundError) as caught:
        client.jobs.get("nobody")
    assert "base URL" not in str(caught.value)


# --- filters


def test_filters_accept_single_values(client: MusicAiClient, sandbox: Sandbox) -> None:
    filters: FiltersDict = {"status": "FAILED", "workflow": "a"}
    assert list(client.jobs.list(status="FAILED", workflow="a")) == client.list_jobs(filters) == []
    queries = [entry.query for entry in sandbox.requests]
    assert queries == ["status=FAILED&workflow=a&page=0&size=100"] * 2


# --- the dictionaries of 1.0

ANSWER: Mapping[str, Any] = {
    "id": "a",
    "status": "SUCCEEDED",
    "createdAt": "2024-01-01T00:00:00.000Z",
    "metadata": {"album": 3},
    "result": {"Kick drum": "https://cdn.example.com/kick.wav?signature=1", "BPM": "64"},
    "unheardOf": [1],
}


@pytest.fixture
def job() -> Job[Any]:
    return Job[Any].model_validate(ANSWER)


def test_a_job_can_be_iterated_like_a_dictionary(job: Job[Any]) -> None:
    names = [name for name in job]  # noqa: C416 - the loop is what is tested
    assert {name: job[name] for name in names if job[name] is not None} == ANSWER
    assert [*job.keys()] == names == [name for name, _ in job.items()]
    assert [*job.values()] == [job[name] for name in names] == [value for _, value in job.items()]
    assert len(job) == len(job.keys()) == len(job.values()) == len(names)
    assert all(name in job for name in names)
    assert {**job} == dict(job) == dict(job.items()) == job.copy()


def test_a_copy_is_a_plain_dictionary(job: Job[Any]) -> None:
    copy = job.copy()
    copy["name"] = "mine"
    assert type(copy) is dict
    assert job["name"] is None
    for as_dict in (dict(job), job.copy()):
        assert Job[Any].model_validate(json.loads(json.dumps(as_dict))) == job


def test_pydantic_features_still_work(job: Job[Any]) -> None:
    assert job == job.model_copy() == Job[Any].model_validate(ANSWER)
    assert repr(job).startswith("Job(id='a', status='SUCCEEDED'")
    assert job.model_dump()["created_at"] == job.created_at
    assert job.model_copy(update={"name": "b"}).name == "b"
    listed = WorkflowList.model_validate({"workflows": [{"slug": "a"}]})
    assert [*listed] == ["workflows"]
    assert listed["workflows"] == [{**listed.workflows[0]}]
