"""Neither the key nor a signature is in logs of any level, errors, tracebacks, reprs or recordings."""

from __future__ import annotations

import logging
import pickle
import traceback
from pathlib import Path

import pytest

from conftest import Connect
from musicai_sdk import MusicAiClient
from musicai_sdk.errors import MusicAiError
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import GenerateChords
from support.client_logs import client_records


def test_logs_of_a_whole_run(
    client: MusicAiClient, sandbox: Sandbox, song: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.faults.add("GET /job/{id}/status", status=503, nth=1)
    with caplog.at_level(logging.DEBUG), client.record() as exchanges:
        job = client.jobs.run(GenerateChords(input_url=song))
        client.files.read(job.result.chords)
        client.jobs.download(job, tmp_path)
    ours = client_records(caplog)
    logged = "\n".join(f"{record.name} {record.getMessage()}" for record in ours)
    assert "<Request [b'PUT']>" in logged, "without httpcore's records this test proves nothing"
    assert "musicai_sdk GET /job" in logged
    for text in (logged, repr(exchanges), repr(job), repr(job.result), repr(client), str(job)):
        assert sandbox.api_key not in text
        assert "Signature" not in text
    assert "Signature=" in job["result"]["chords"]


def use_everything(client: MusicAiClient, song: Path) -> None:
    job = client.jobs.run(GenerateChords(input_url=song), timeout=1, max_retries=1)
    client.files.read(job.result.chords, max_retries=1)


@pytest.mark.parametrize(
    "route", ["GET /upload", "PUT /moises-sandbox/*", "GET /cdn/*", "GET /job/{id}/status", "GET /job/{id}"]
)
@pytest.mark.parametrize("fault", [{"status": 403}, {"reset": "before"}, {"body": "<html>"}])
def test_errors(
    client: MusicAiClient, sandbox: Sandbox, song: Path, route: str, fault: dict[str, object]
) -> None:
    sandbox.faults.add(route, **fault)  # type: ignore[arg-type]
    with pytest.raises(MusicAiError) as caught:
        use_everything(client, song)
    error = caught.value
    told = "".join(traceback.format_exception(error)) + repr(vars(error))
    assert sandbox.api_key not in told
    assert "Signature" not in told
    assert type(pickle.loads(pickle.dumps(error))) is type(error)


def test_logs_of_others_are_left_alone(
    client: MusicAiClient, caplog: pytest.LogCaptureFixture, sandbox: Sandbox
) -> None:
    import httpx

    with caplog.at_level(logging.INFO, httpx.__name__):
        client.application.get()
        httpx.get(f"{sandbox.base_url}/application?mine=1")
    assert "?mine=1" in caplog.records[-1].getMessage()


def test_a_key_that_the_service_refuses(connect: Connect) -> None:
    key = "0f3a0f3a-guarded"  # split, because tracebacks quote source lines
    client = connect(api_key=key)
    with pytest.raises(MusicAiError) as caught:
        client.application.get()
    assert key not in "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
