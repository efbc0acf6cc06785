"""Signed queries are neither logged, by any library, nor shown: in errors, recordings, local variables or values."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import pytest
from rich.pretty import pretty_repr

from conftest import Connect
from musicai_sdk import CustomWorkflow, Job, MusicAiClient
from musicai_sdk._text import without_queries
from musicai_sdk.errors import InputError, JobFailedError, MusicAiError, StatusError, TransferError
from musicai_sdk.models import Filters, UploadedFile
from musicai_sdk.models._shown import job_row
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import GenerateChords
from support.answering import Asked, answering, head, whole
from support.client_logs import client_records

TARGET = "http://127.0.0.1:9/other?Expires=1&Signature=5e5e5e5e"


def test_a_redirect_to_a_signed_url(
    client: MusicAiClient, sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = client.files.upload(b"RIFF").url
    sandbox.faults.add("* *", redirect=TARGET)
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(StatusError):
            client.application.get()
        with pytest.raises(TransferError):
            client.files.download(url, tmp_path / "song.wav")
    ours = client_records(caplog)
    logged = "\n".join(f"{record.name} {record.getMessage()}" for record in ours)
    assert "receive_response_headers.complete" in logged, (
        "without httpcore's records this test proves nothing"
    )
    assert "http://127.0.0.1:9/other?…" in logged
    assert "Signature" not in logged
    assert "Expires" not in logged


NO_HTTP = {
    "status line": f'{{"uploadUrl":"{TARGET}"}}\r\n\r\n'.encode(),
    "header line": head("200 OK", f"Location {TARGET}"),
    "header value": head("200 OK", f"Location: {TARGET}\x00"),
    "cookie": head("200 OK", "Set-Cookie: 5e5e5e5e\x00"),
    "chunk": head("200 OK", "Transfer-Encoding: chunked") + f"{TARGET}\r\n".encode(),
}
"""Answers that aren't HTTP, which h11 quotes in its errors."""


@pytest.mark.parametrize("answer", NO_HTTP)
def test_an_answer_that_is_not_http(
    answer: str,
    connect: Connect,
    each_client: MusicAiClient,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def handler(_asked: Asked, connection: socket.socket) -> bool:
        connection.sendall(NO_HTTP[answer])
        return False

    errors = list[BaseException]()
    with answering(handler) as origin, caplog.at_level(logging.INFO):
        with pytest.raises(MusicAiError) as failed:
            connect(base_url=f"{origin}/v1").application.get(max_retries=1)
        errors.append(failed.value)
        with pytest.raises(MusicAiError) as broken:
            each_client.files.download(f"{origin}/x.wav", tmp_path / "x.wav", max_retries=1)
        errors.append(broken.value)
    shown = "\n".join(["".join(traceback.format_exception(each)) for each in errors])
    retries = "\n".join(record.getMessage() for record in caplog.records if record.name == "musicai_sdk")
    assert "attempt 1 of 2" in retries
    for text in (shown, retries):
        assert "the connection broke: " in text
        assert "5e5e5e5e" not in text


@pytest.mark.parametrize("path", ["other", "it's", 'say "no"', "a b", "<c>", "d\\u0026e"])
def test_signed_urls_in_messages_of_the_service(
    path: str, client: MusicAiClient, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    words = f"No file at {TARGET.replace('other', path)}: half a song"
    sandbox.faults.add("GET /application", status=503, body={"message": words})
    with caplog.at_level(logging.INFO, "musicai_sdk"), pytest.raises(StatusError) as refused:
        client.application.get(max_retries=1)
    failed = Job.model_validate({"id": "j", "status": "FAILED", "error": {"title": words, "message": words}})
    with pytest.raises(JobFailedError) as ended:
        failed.raise_for_failure()
    retries = [record.getMessage() for record in caplog.records if "attempt 1 of 2" in record.getMessage()]
    assert len(retries) == 1
    shown = [
        str(refused.value),
        refused.value.message,
        str(ended.value),
        ended.value.title,
        ended.value.message,
    ]
    for text in (*shown, *retries):
        assert f"No file at http://127.0.0.1:9/{path}?…: half a song" in text
        assert "Signature" not in text


SPELLINGS = {
    "JSON": r"see https:\/\/h\/o?X-Goog-Signature=5e5e5e5e",
    "no scheme": "see storage.googleapis.com/o?X-Goog-Signature=5e5e5e5e",
    "quoted": "see https%3A%2F%2Fh%2Fo%3FX-Amz-Signature%3D5e5e5e5e%26a%3D1",
    "bucket": "see gs://b/o?sig=5e5e5e5e",
    "path": "GET /b/o?a=1&Signature=5e5e5e5e failed",
    "Google alone": "see X-Goog-Signature=5e5e5e5e",
    "Amazon alone": "see (X-Amz-Signature=5e5e5e5e)",
    "Azure alone": "Signature did not match, see sig=5e5e5e5e",
    "semicolon": "see /o.mp3;sig=5e5e5e5e",
    "quoted mark": "see https://h/o.mp3%3Fsig=5e5e5e5e",
    "no mark": "see https://h/o.mp3&X-Goog-Signature=5e5e5e5e",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "503 Service Unavailable"])
def test_a_message_that_quotes_a_signed_url(connect: Connect, spelling: str, status: str) -> None:
    body = json.dumps({"message": SPELLINGS[spelling], "code": "X"}).encode()

    def handler(_asked: Asked, connection: socket.socket) -> None:
        connection.sendall(whole(body, status=status))

    with answering(handler) as origin:
        client = connect(base_url=f"{origin}/v1", max_retries=0)
        with pytest.raises(MusicAiError) as caught:
            client.jobs.get("j")
    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert "5e5e5e5e" not in shown
    assert "see" in shown or "failed" in shown


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_job_error_that_quotes_a_signed_url(spelling: str) -> None:
    error = {"code": "BAD_INPUT", "title": "Invalid input", "message": SPELLINGS[spelling]}
    job = Job.model_validate({"id": "j", "status": "FAILED", "error": error})
    with pytest.raises(JobFailedError) as caught:
        job.raise_for_failure()
    assert "5e5e5e5e" not in f"{caught.value} {caught.value.message}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x?X-Goog-Signature=5e&X-Goog-Date=1 y", "x?… y"),
        ("x?id=3&X-Amz-Signature=5e&part=2: no", "x?…: no"),
        ("x&id=3&X-Amz-Signature=5e&part=2", "x&id=3&…&part=2"),
        (r"x?a=1\u0026Signature=5e\u0026Expires=7", "x?…"),
        (r"x?token\u003d5e, y", "x?…, y"),
        ("x&amp;Policy=5e&amp;Key-Pair-Id=5e", "x&…"),
        ("no https://h/a b's.wav?token=5e: why?", "no https://h/a b's.wav?…: why?"),
        ("//h/x?token=5e", "//h/x?…"),
        ("GET /j/%2F%2Fh%2Fx%3Ftoken%3D5e", "GET /j/%2F%2Fh%2Fx…"),
        ("why?", "why?"),
        ("what? a=b", "what? a=b"),
        ("signature=4/4, sig=C", "signature=4/4, sig=C"),
        ("bad X-Amz-Signature=5e: no", "bad …: no"),
        ("text/html; sig=5e", "text/html;…"),
        ("x&design=1&insignature=2", "x&design=1&insignature=2"),
    ],
)
def test_queries_and_parameters_of_signatures_in_texts(text: str, shown: str) -> None:
    assert without_queries(text) == shown


@pytest.mark.parametrize("header", ["x-request-id", "Content-Type", "Location"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_headers_that_quote_a_signed_url(connect: Connect, header: str, spelling: str) -> None:
    status = {"x-request-id": "500 No", "Location": "302 Found"}.get(header, "200 OK")

    def handler(_asked: Asked, connection: socket.socket) -> None:
        connection.sendall(whole(b"<", f"{header}: {SPELLINGS[spelling]}", status=status))

    with answering(handler) as origin, pytest.raises(MusicAiError) as caught:
        connect(base_url=f"{origin}/v1", max_retries=0).jobs.get("j")
    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert "5e5e5e5e" not in shown
    assert "see" in shown or "GET /b/o" in shown


@pytest.mark.parametrize(
    "end", [";sig=5e", "%3Fsig=5e", "%253Fsig%253D5e", "&X-Goog-Signature=5e", "#sig=5e"]
)
def test_a_signature_outside_of_the_query(each_client: MusicAiClient, tmp_path: Path, end: str) -> None:
    def handler(_asked: Asked, connection: socket.socket) -> None:
        connection.sendall(whole(b"", status="404 Not Found"))

    with answering(handler) as origin, pytest.raises(TransferError) as caught:
        each_client.files.download(f"{origin}/song.mp3{end}", tmp_path / "song.mp3")
    assert "/song.mp3" in (caught.value.url or "")
    assert "5e" not in f"{caught.value} {caught.value.url}".replace(origin, "")


def test_the_headers_of_a_recorded_exchange(each_client: MusicAiClient, tmp_path: Path) -> None:
    names = (
        "Content-Location",
        "Link",
        "Location",
        "Refresh",
        "X-Original-URL",
        "X-Auth-Token",
        "X-Request-Id",
    )

    def handler(asked: Asked, connection: socket.socket) -> None:
        assert "5e5e" in asked.path
        connection.sendall(whole(b"abc", *(f"{name}: 0; url={asked.path}" for name in names)))

    with answering(handler) as origin, each_client.record() as exchanges:
        for number, query in enumerate(("X-Goog-Signature=5e5e", "id=3&token=5e5e", "rlkey=5e5e&dl=1")):
            each_client.files.download(f"{origin}/a.wav?{query}", tmp_path / f"{number}.wav")
    assert len(exchanges) == 3
    for each in exchanges:
        assert "5e5e" not in json.dumps(asdict(each)) + repr(each)
        assert each.headers["link"] == each.request_id == "0; url=/a.wav?…"
        assert each.headers["content-length"] == "3"
        assert "x-auth-token" not in each.headers


QUERY = "?token=5e5e5e5e&id=3"
VALUES: dict[str, object] = {
    "URL": f"https://h/x.wav{QUERY}",
    "path with a space": f"https://h/my x.wav{QUERY}",
    "path with a quote": f"https://h/it's.wav{QUERY}",
    "query with a space": "https://h/x.wav?name=a b&Signature=5e5e5e5e",
    "no scheme": f"//h/x.wav{QUERY}",
    "object of a bucket": f"s3://b/x.wav{QUERY}",
    "password": "https://u:5e5e5e5e@h/x.wav",
    "text": f"see https://h/my x.wav{QUERY}.",
    "list": [{"url": f"https://h/my x.wav{QUERY}"}],
    "object": {f"https://h/x.wav{QUERY}": f"https://h/x.wav{QUERY}"},
    "JSON": json.dumps([{"url": f"https://h/x.wav{QUERY}"}]),
}


@pytest.mark.parametrize("kind", VALUES)
def test_signed_urls_in_a_job(kind: str, connect: Connect) -> None:
    value = VALUES[kind]
    names = [value] if isinstance(value, str) else []
    result: dict[str, object] = {"a": value, **dict.fromkeys(names, 1)}

    def handler(asked: Asked, connection: socket.socket) -> None:
        job = {"id": "j", "status": "SUCCEEDED", "workflow": "a/b", "name": value, "result": result}
        if asked.path.endswith("failed"):
            job |= {"status": "FAILED", "error": {"title": "No", "message": value}}
        connection.sendall(whole(json.dumps(job).encode()))

    with answering(handler) as origin:
        client = connect(base_url=f"{origin}/v1")
        job, failed = client.jobs.get("j"), client.jobs.get("failed")
    assert job.raw_result == result
    shown = [text(each) for each in (job, job.result, failed.failure) for text in (repr, str, pretty_repr)]
    shown.append(repr(job_row(job)))
    with pytest.raises(JobFailedError) as caught:
        failed.raise_for_failure()
    shown.append(f"{caught.value!r} {caught.value.message}")
    for text in shown:
        assert "5e5e5e5e" not in text
    assert "/x.wav" in repr(job.result) or "my x.wav" in repr(job.result) or "it's.wav" in repr(job.result)


@pytest.mark.parametrize("kind", [kind for kind, value in VALUES.items() if isinstance(value, str)])
def test_signed_urls_in_arguments(kind: str, connect: Connect) -> None:
    url = str(VALUES[kind])
    texts = [
        repr(CustomWorkflow("a/b", {"x": url, "y": [url, {url: url}], url: 1})),
        repr(CustomWorkflow(url)),
        repr(UploadedFile(url, 1)),
        repr(Filters(workflow=[url])),
    ]
    with contextlib.suppress(InputError):
        texts.append(repr(GenerateChords(input_url=url)))
    client = connect()
    for call in (
        lambda: client.jobs.list(status=cast("Any", url)),
        lambda: client.jobs.get("j", headers={url: "x"}),
        lambda: CustomWorkflow("a/b", {"inputUrl": f"a {url}"}),
    ):
        with pytest.raises(InputError) as caught:
            call()
        texts.append(repr(caught.value))
    for text in texts:
        assert "5e5e5e5e" not in text


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("200 OK", {"id": "j", "status": 5, "params": {"x": VALUES["URL"]}}),
        ("200 OK", [VALUES["URL"]]),
        ("500 No", {"message": VALUES["URL"]}),
    ],
)
def test_local_variables_of_this_package(connect: Connect, status: str, body: object) -> None:
    def handler(_asked: Asked, connection: socket.socket) -> None:
        text = json.dumps(body).encode()
        connection.sendall(whole(text, f"Content-Location: {VALUES['URL']}", status=status))

    with answering(handler) as origin:
        client = connect(base_url=f"{origin}/v1", max_retries=0)
        for call in (lambda: client.jobs.get("j"), lambda: client.files.upload(b"abc")):
            with pytest.raises(MusicAiError) as caught:
                call()
            kinds = set[str]()
            for frame, _ in traceback.walk_tb(caught.value.__traceback__):
                for each in frame.f_locals.values():
                    if type(each).__module__.startswith("musicai_sdk."):
                        kinds.add(type(each).__name__)
                        assert "5e5e5e5e" not in repr(each)
            assert "Response" in kinds
