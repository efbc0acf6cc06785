"""Signed queries in the headers of an answer: not in the log either, whoever writes it."""

from __future__ import annotations

import logging
import socket
import traceback
from pathlib import Path

import pytest

from conftest import Connect
from musicai_sdk import Job, MusicAiClient
from musicai_sdk.errors import ConnectionFailedError, JobFailedError, MusicAiError, StatusError
from musicai_sdk.sandbox import Sandbox
from support.answering import Asked, answering, head
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
        # A storage's redirect is followed; nobody listens there.
        with pytest.raises(ConnectionFailedError) as caught:
            client.files.download(url, tmp_path / "song.wav", max_retries=0)
    assert "Signature" not in str(caught.value)
    ours = client_records(caplog)
    logged = "\n".join(f"{record.name} {record.getMessage()}" for record in ours)
    assert "receive_response_headers.complete" in logged, "httpcore has to be heard"
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
"""Answers that are no HTTP, which h11 quotes in its errors."""


@pytest.mark.parametrize("answer", NO_HTTP)
def test_an_answer_that_is_no_http(
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


def test_signed_urls_in_the_words_of_the_service(
    client: MusicAiClient, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    words = f"No file at {TARGET}: half a song"
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
        assert "No file at http://127.0.0.1:9/other?…: half a song" in text
        assert "Signature" not in text
