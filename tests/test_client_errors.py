"""Bad input and invalid answers raise clear, typed errors, and nothing is lost."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest

from conftest import Connect
from musicai_sdk import CUSTOM_STORAGE, CustomWorkflow, JsonFile, MusicAiClient, Unknown
from musicai_sdk.errors import (
    AuthenticationError,
    ConfigurationError,
    InputError,
    JobFailedError,
    JobNotFinishedError,
    NotFoundError,
    ResponseError,
    ResultMissingError,
    SourceNotFoundError,
    TransferError,
    WaitTimeoutError,
)
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import GenerateChords
from support.colours import Colour

# --- files


def test_missing_file(client: MusicAiClient, sandbox: Sandbox) -> None:
    with pytest.raises(SourceNotFoundError, match=r"no file 'nowhere\.mp3'") as caught:
        client.jobs.run(GenerateChords(input_url="nowhere.mp3"))
    assert isinstance(caught.value, FileNotFoundError)
    assert sandbox.requests == []


def test_folder_instead_of_a_file(client: MusicAiClient, tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="is a folder"):
        client.files.upload(tmp_path)


@pytest.mark.parametrize("source", [b"", io.BytesIO()])
def test_nothing_to_upload(client: MusicAiClient, source: Any) -> None:
    with pytest.raises(TransferError, match="is empty"):
        client.files.upload(source)


def test_empty_file(client: MusicAiClient, tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    with pytest.raises(TransferError, match=r"empty\.wav' is empty"):
        client.upload_file(tmp_path / "empty.wav")


def test_text_file_object(client: MusicAiClient, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abc")
    with (tmp_path / "a.txt").open() as file, pytest.raises(InputError, match="'rb'"):
        client.files.upload(file)  # type: ignore[arg-type]


def test_not_a_source(client: MusicAiClient) -> None:
    with pytest.raises(InputError, match="can't upload a int"):
        client.files.upload(3)  # type: ignore[arg-type]


# --- keys and URLs


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "no API key, because the argument api_key is empty: set MUSIC_AI_API_KEY"),
        ("   \n", "no API key"),
        ("Bearer 0f3a-secret", "without a prefix"),
        ("0f3a-secret\nmore", "control character"),
        ("0f3a secret", "white space"),
        ("0f3ä-secret", "non-ASCII"),
    ],
)
def test_malformed_key(connect: Connect, key: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        connect(api_key=key)
    assert "secret" not in str(caught.value)


def test_no_key_at_all(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUSIC_AI_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="MUSIC_AI_API_KEY"):
        connect(api_key=None)


def test_newline_at_the_end_of_a_key_file_is_harmless(connect: Connect, sandbox: Sandbox) -> None:
    assert connect(api_key=f"{sandbox.api_key}\n").application.get().name == "Default Application"


def test_wrong_key_says_where_it_came_from(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSIC_AI_API_KEY", "00000000-0000-4000-8000-000000000000")
    with pytest.raises(AuthenticationError, match="environment variable MUSIC_AI_API_KEY") as caught:
        connect(api_key=None).application.get()
    assert caught.value.status == 401
    assert caught.value.message.endswith(".")
    assert ".;" not in str(caught.value)
    assert "00000000-0000" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://host/v1", "must look like"),
        ("api.music.ai/v1", "must look like"),
        ("https://host:port/v1", "malformed"),
        ("https://user:secret@host/v1", "user name"),
        ("https://host/v1?key=secret", "query"),
        ("http://api.music.ai/v1", "unencrypted"),
        ("", "must look like"),
        (" ", "must look like"),
    ],
)
def test_malformed_base_url(connect: Connect, url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        connect().base_url = url
    with pytest.raises(ConfigurationError, match=words) as caught:
        connect(base_url=url)
    assert "secret" not in str(caught.value)


def test_an_empty_variable_is_no_base_url(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSIC_AI_BASE_URL", "")
    assert connect(base_url=None).base_url == "https://api.music.ai/v1"


@pytest.mark.parametrize("settings", [{"timeout": 0}, {"max_retries": -1}, {"job_monitor_interval": 0}])
def test_impossible_settings(connect: Connect, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(settings))):
        connect(**settings)


@pytest.mark.parametrize("agent", [3, "mine\n", "mïne", " mine"])
def test_impossible_user_agent(connect: Connect, agent: Any) -> None:
    with pytest.raises(ConfigurationError, match="user_agent"):
        connect(user_agent=agent)


def test_an_invalid_tls_context(connect: Connect) -> None:
    with pytest.raises(ConfigurationError, match=r"ssl_context must be an ssl\.SSLContext, not int"):
        connect(ssl_context=3)


def test_an_http_client_of_another_kind(connect: Connect, colour: Colour) -> None:
    own, other = ("Client", "AsyncClient") if colour == "sync" else ("AsyncClient", "Client")
    wrong: list[object] = [getattr(library, other)() for library in (httpx, httpx2)]
    wrong += [getattr(httpx, own), 3]
    for given in wrong:
        kind: type[object] = type(given)
        with pytest.raises(ConfigurationError) as caught:
            connect(http_client=given)
        expected = f"an httpx.{own} or httpx2.{own}, not {kind.__module__}.{kind.__name__}"
        assert str(caught.value) == f"http_client must be {expected}"


def test_an_http_client_that_was_closed(sandbox: Sandbox, connect: Connect, colour: Colour) -> None:
    http = httpx.Client() if colour == "sync" else httpx.AsyncClient()
    client = connect(http_client=http)
    assert client.application.get().name == "Default Application"
    if isinstance(http, httpx.Client):
        http.close()
    else:
        asyncio.run(http.aclose())
    with pytest.raises(ConfigurationError, match="the http_client of this client is closed"):
        client.application.get()
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"a": 3}, "'a' must be text, not int"),
        ({"a": b"b"}, "'a' must be text, not bytes"),
        ({3: "b"}, "3 isn't a header name"),
        ({"a b": "c"}, "'a b' isn't a header name"),
        ({"": "c"}, "'' isn't a header name"),
        ({"ä": "c"}, "'ä' isn't a header name"),
        ({"a": "ä"}, "'a' must be printable ASCII"),
        ({"a": "b\r\nc: d"}, "'a' must be printable ASCII"),
        ({"a": " b"}, "white space around"),
        ({"Authorization": "b"}, "can't set Authorization"),
        ([("a", "b")], "mapping of names to texts, not list"),
        (None, "mapping of names to texts, not NoneType"),
    ],
)
def test_invalid_headers(client: MusicAiClient, sandbox: Sandbox, headers: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        client.jobs.get("j", headers=headers)
    with pytest.raises(InputError, match=words):
        client.files.read(JsonFile(f"{sandbox.base_url}/a.json"), headers=headers)
    assert sandbox.requests == []


def test_valid_headers(client: MusicAiClient, sandbox: Sandbox) -> None:
    client.application.get(headers={"X-Team": "a b", "x_empty": ""})
    sent = sandbox.requests[-1].headers
    assert (sent["x-team"], sent["x_empty"]) == ("a b", "")


# --- workflows and jobs


def test_unknown_workflow(client: MusicAiClient) -> None:
    with pytest.raises(NotFoundError, match="no-such-workflow"):
        client.jobs.create(CustomWorkflow("no-such-workflow", {}))


@pytest.mark.parametrize(
    "arguments", [{"input_url": 3}, {"input_url": None}, {"input_url": b"song"}, {"input_url": ["song"]}]
)
def test_wrong_parameter_types(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="input_url can't be"):
        GenerateChords(**arguments)


def test_misspelt_parameter() -> None:
    with pytest.raises(TypeError, match="inputurl"):
        GenerateChords(inputurl="song.mp3")  # type: ignore[call-arg]


def test_not_a_workflow(client: MusicAiClient) -> None:
    with pytest.raises(InputError, match="GenerateChords"):
        client.jobs.run(GenerateChords)  # type: ignore[call-overload]


def test_params_that_json_cannot_hold(client: MusicAiClient, sandbox: Sandbox) -> None:
    with pytest.raises(InputError, match="JSON"):
        client.jobs.create(CustomWorkflow("sdk-test", {"file": "https://host/a", "set": {1}}))
    with pytest.raises(InputError, match="JSON"):
        client.jobs.create(
            CustomWorkflow("sdk-test", {"file": "https://host/a"}), metadata={"nan": float("nan")}
        )
    assert sandbox.requests == []


@pytest.mark.parametrize(
    "job_id", ["27803abe-ec15-4f74-9e8a-18a99627e9b0", "../application", "a/b", "..", "?x=1"]
)
def test_unknown_job_id_is_one_quoted_segment(client: MusicAiClient, sandbox: Sandbox, job_id: str) -> None:
    with pytest.raises(NotFoundError):
        client.get_job(job_id)
    assert len(sandbox.requests) == 1
    assert sandbox.requests[0].path.startswith("/v1/job/")


@pytest.mark.parametrize("job_id", ["", "  ", None, 3])
def test_no_job_id(client: MusicAiClient, sandbox: Sandbox, job_id: Any) -> None:
    with pytest.raises(InputError, match="job id"):
        client.get_job(job_id)
    assert sandbox.requests == []


def test_unreachable_input_fails_the_job(client: MusicAiClient, tmp_path: Path) -> None:
    with pytest.raises(JobFailedError, match="BAD_INPUT") as caught:
        client.jobs.run(GenerateChords(input_url="http://127.0.0.1:9/none.mp3"))
    assert (caught.value.code, caught.value.title) == ("BAD_INPUT", "Invalid input")
    assert caught.value.job.failed
    with pytest.raises(JobFailedError):
        client.jobs.download(caught.value.job_id, tmp_path / "out")
    with pytest.raises(JobFailedError):
        _ = caught.value.job.result
    assert not (tmp_path / "out").exists()


def test_results_of_an_unfinished_job(client: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add("GET /job/{id}", body={"id": "j", "status": "STARTED", "result": None})
    with pytest.raises(JobNotFinishedError, match="STARTED") as caught:
        client.jobs.download("j", tmp_path / "out")
    assert caught.value.status == "STARTED"
    assert not (tmp_path / "out").exists()


def test_an_unknown_status(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /job/{id}/status", body={"id": "j", "status": "PAUSED"})
    state = client.jobs.status("j")
    assert isinstance(state.status, Unknown)
    assert not state.done
    with pytest.raises(WaitTimeoutError, match="PAUSED") as caught:
        client.jobs.wait("j", timeout=0.3)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.job_id == "j"


def test_unknown_filters(client: MusicAiClient, sandbox: Sandbox) -> None:
    with pytest.raises(InputError, match="no such status"):
        client.list_jobs({"status": ["SUCEEDED"]})
    with pytest.raises(InputError, match="state"):
        client.list_jobs({"state": ["FAILED"]})
    with pytest.raises(InputError, match="no such status"):
        client.jobs.list(status=["SUCEEDED"])  # type: ignore[list-item]
    assert sandbox.requests == []


# --- answers


def test_html_with_status_200(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add(
        "GET /application", status=200, headers={"content-type": "text/html"}, body="<html>Log in</html>"
    )
    with pytest.raises(ResponseError, match="text/html") as caught:
        client.application.get()
    assert caught.value.body == "<html>Log in</html>"


def test_truncated_json(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /job/{id}", body='{"id": "j", "status": "SUCC')
    with pytest.raises(ResponseError, match="isn't valid JSON"):
        client.jobs.get("j")


@pytest.mark.parametrize(
    ("body", "field"),
    [({"status": "STARTED"}, "id"), ({"id": "j", "status": 3}, "status"), ({"id": "j"}, "status")],
)
def test_answer_that_does_not_fit(client: MusicAiClient, sandbox: Sandbox, body: Any, field: str) -> None:
    sandbox.faults.add("GET /job/{id}", body=body)
    with pytest.raises(ResponseError, match=f"field {field} ") as caught:
        client.jobs.get("j")
    assert caught.value.field == field


def test_result_null_of_a_job_that_succeeded(client: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add("GET /job/{id}", body={"id": "j", "status": "SUCCEEDED", "result": None})
    job = client.jobs.get("j", GenerateChords)
    with pytest.raises(ResponseError, match="chords missing"):
        _ = job.result
    assert job.outputs == {}
    with pytest.raises(ResultMissingError, match="returns no result for it: keep the job") as caught:
        client.jobs.download(job, tmp_path / "out")
    assert (caught.value.job_id, caught.value.outputs) == ("j", ())
    assert not (tmp_path / "out").exists()
    # The 1.0 method writes the available values.
    assert client.download_job_results("j", tmp_path / "out") == []
    assert (tmp_path / "out" / "workflow.results.json").read_text() == "{}\n"


def test_values_only_result_is_still_written(client: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add(
        "GET /job/{id}", body={"id": "j", "status": "SUCCEEDED", "result": {"bpm": "64", "key": 3}}
    )
    assert client.download_job_results("j", tmp_path / "out") == []
    assert (tmp_path / "out" / "workflow.results.json").read_text() == '{\n  "bpm": "64",\n  "key": 3\n}\n'


def test_download_to_a_folder_or_into_a_file(client: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    uploaded = client.files.upload(b"abc")
    with pytest.raises(TransferError, match="is a folder"):
        client.files.download(uploaded.url, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(TransferError, match="can't write"):
        client.files.download(uploaded.url, tmp_path / "file" / "a.wav")
    sandbox.faults.add("GET /job/{id}", body={"id": "j", "status": "SUCCEEDED", "result": {}})
    with pytest.raises(TransferError, match="it is a file"):
        client.jobs.download("j", tmp_path / "file")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gs://bucket/a", "/etc/passwd", ""])
def test_only_web_urls_are_downloaded(client: MusicAiClient, tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match="only https"):
        client.files.download(url, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["http://[::1/a.wav?Signature=5e5e", "https://host:99999/a.wav?Signature=5e5e"]
)
def test_malformed_addresses(client: MusicAiClient, tmp_path: Path, url: str) -> None:
    for fetch in (
        lambda: client.files.download(url, tmp_path / "a"),
        lambda: client.files.read(JsonFile(url)),
    ):
        with pytest.raises(InputError, match="the URL is malformed") as refused:
            fetch()
        assert "5e5e" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("120", "only https"),
        ("[custom storage]", "in your own storage"),
        (CUSTOM_STORAGE, "in your own storage"),
        (3.5, "not float"),
        ({"a": 1}, "not dict"),
        (None, "not NoneType"),
        (b"https://host/a", "not bytes"),
    ],
)
def test_outputs_that_cannot_be_read(
    client: MusicAiClient, sandbox: Sandbox, output: Any, words: str
) -> None:
    with client.record() as exchanges, pytest.raises(InputError, match=words):
        client.files.read(output)
    assert exchanges == []


@pytest.mark.parametrize("kind", [[int], "Chord", 3, io.BytesIO])
def test_invalid_types_of_json(client: MusicAiClient, sandbox: Sandbox, kind: Any) -> None:
    with pytest.raises(InputError, match="isn't a type for JSON"):
        client.files.read(JsonFile(f"{sandbox.base_url}/a.json", kind))
    assert sandbox.requests == []


def test_a_recording_is_not_read(client: MusicAiClient, sandbox: Sandbox, song: Path) -> None:
    url = client.files.upload(song).url
    kind = {"content-type": "audio/ogg"}
    sandbox.faults.add("GET /moises-sandbox/*", status=200, headers=kind, body="OggS")
    with pytest.raises(InputError, match=r"is audio, not JSON: client\.files\.download") as caught:
        client.files.read(JsonFile(url))
    assert "?…" in str(caught.value)


def test_redirect_of_the_api_is_an_error_that_says_so(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add(
        "GET /application", status=302, headers={"location": "https://elsewhere.example/?token=x"}
    )
    with pytest.raises(Exception, match=r"redirected to https://elsewhere\.example/\?…") as caught:
        client.application.get()
    assert "token" not in str(caught.value)


def test_closed_client(client: MusicAiClient) -> None:
    client.application.get()
    client.close()
    client.close()
    with pytest.raises(ConfigurationError, match="closed"):
        client.application.get()
