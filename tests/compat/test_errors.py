"""Errors of `musicai_sdk.compat` have the texts of 1.0, and are also errors of `requests` if it is installed."""

from __future__ import annotations

import copy
import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from musicai_sdk import errors
from musicai_sdk.compat import MusicAiClient
from musicai_sdk.sandbox import Sandbox
from support.answering import answering, whole

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def once(music_ai: MusicAiClient) -> MusicAiClient:
    """A client that tries only once."""
    music_ai.max_retries = 0
    return music_ai


def test_refusals(music_ai: MusicAiClient) -> None:
    with pytest.raises(requests.HTTPError, match=r"(?m)^Error getting job: 404 \{.*\}$") as caught:
        music_ai.get_job(NOBODY)
    error = caught.value
    assert isinstance(error, errors.NotFoundError)
    assert (error.status, error.attempts, error.response, error.request) == (404, 1, None, None)
    assert error.args == (str(error),)
    assert "\n" not in str(error)
    assert error.__notes__[0].startswith("GET /job/")
    assert error.__cause__ is None
    assert error.__suppress_context__
    with pytest.raises(errors.NotFoundError):
        music_ai.get_job(NOBODY)


def test_errors_pickle_and_copy(music_ai: MusicAiClient) -> None:
    with pytest.raises(requests.HTTPError) as caught:
        music_ai.delete_job(NOBODY)
    for again in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert isinstance(again, requests.HTTPError)
        assert isinstance(again, errors.NotFoundError)
        assert type(again) is type(caught.value)
        assert str(again) == str(caught.value)
        assert (again.status, again.__notes__) == (404, caught.value.__notes__)


def test_retries_are_counted(music_ai: MusicAiClient, sandbox: Sandbox) -> None:
    music_ai.max_retries = 1
    sandbox.faults.add("GET /job", status=503, body="over <b>loaded</b>")
    with pytest.raises(
        requests.HTTPError, match=r"(?m)^Error getting jobs: 503 over <b>loaded</b>$"
    ) as caught:
        music_ai.list_jobs()
    assert isinstance(caught.value, errors.ServerError)
    assert caught.value.attempts == 2
    assert "failed after 2 attempts" in caught.value.__notes__


def test_transfers(once: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    refused = sandbox.faults.add("PUT *", status=403)
    text = r"^Error uploading file to provided URL: 403 upload failed: "
    with pytest.raises(requests.HTTPError, match=text) as caught:
        once.upload_file(__file__)
    assert isinstance(caught.value, errors.TransferError)
    sandbox.faults.remove(refused.id)
    sandbox.faults.add("GET /upload", status=500, body="no room")
    with pytest.raises(requests.HTTPError, match=r"(?m)^Error uploading file: 500 no room$"):
        once.upload_file(__file__)
    sandbox.faults.clear()

    url = once.upload_file(__file__)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(errors.TransferError) as blocked:
        once.download_file(url, tmp_path / "file" / "deeper")
    assert isinstance(blocked.value, FileExistsError | NotADirectoryError)
    assert blocked.value.errno
    sandbox.faults.add("GET /moises-*", truncate=10)
    with pytest.raises(requests.exceptions.ChunkedEncodingError) as cut:
        once.download_file(url, tmp_path / "cut")
    assert isinstance(cut.value, errors.IntegrityError | errors.ConnectionFailedError)
    assert isinstance(cut.value, requests.ConnectionError)
    sandbox.faults.clear()
    sandbox.faults.add("GET /moises-*", status=404)
    with pytest.raises(requests.HTTPError, match=r"^Error downloading file: 404 "):
        once.download_file(url, tmp_path / "gone")


def test_no_service(once: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /application", reset="before")
    with pytest.raises(requests.ConnectionError) as reset:
        once.get_application_info()
    raised: object = reset.value
    assert isinstance(raised, errors.ConnectionFailedError)
    assert ConnectionError in type(raised).__mro__
    sandbox.faults.clear()
    sandbox.faults.add("GET /application", hang="before")
    with pytest.raises(requests.Timeout) as slow:
        once.get_application_info(timeout=0.1)
    assert isinstance(slow.value, requests.ReadTimeout)
    assert isinstance(slow.value, TimeoutError)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and doesn't listen
        once.base_url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(requests.ConnectionError) as refused:
            once.get_application_info()
    assert isinstance(refused.value, errors.ConnectionFailedError)
    assert not refused.value.sent


def test_answers_that_are_not_json(once: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /application", body="<html>log in</html>")
    with pytest.raises(requests.JSONDecodeError, match="isn't valid JSON") as caught:
        once.get_application_info()
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, errors.ResponseError)
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), requests.JSONDecodeError)


def test_a_lost_create(once: MusicAiClient, sandbox: Sandbox) -> None:
    """The error is that of 1.0, and says that the job may exist."""
    url = once.upload_file(__file__)
    sandbox.faults.add("POST /job", status=503, body="later")
    with pytest.raises(requests.HTTPError, match=r"^Error creating job: 503 later; ") as caught:
        once.add_job("name", "sdk-test", {"file": url})
    assert isinstance(caught.value, errors.CreateUncertainError)
    assert caught.value.idempotency_key in str(caught.value)
    assert once.typed.jobs.find(caught.value.idempotency_key) is None


def test_jobs_without_results(music_ai: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add("POST /job", job_seconds=3600, nth=1)
    slow = music_ai.add_job("slow", "sdk-test", {"file": music_ai.upload_file(__file__)})["id"]
    text = f"(?m)^Can't download job results: Job '{slow}' is not completed$"
    with pytest.raises(requests.HTTPError, match=text) as unfinished:
        music_ai.download_job_results(music_ai.get_job(slow), tmp_path / "out")
    assert isinstance(unfinished.value, errors.JobNotFinishedError)
    failed = music_ai.add_job("fails", "music-ai/generate-chords", {})["id"]
    job = music_ai.wait_for_job_completion(failed)
    with pytest.raises(requests.HTTPError, match=f"(?m)results: Job '{failed}' failed$") as caught:
        music_ai.download_job_results(job, tmp_path / "out")
    assert isinstance(caught.value, errors.JobFailedError)
    assert caught.value.code == job["error"]["code"] == "BAD_INPUT"
    assert "BAD_INPUT" in caught.value.__notes__[0]
    assert not (tmp_path / "out").exists()


def test_missing_files(music_ai: MusicAiClient, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        music_ai.upload_file(tmp_path / "missing.mp3")
    assert isinstance(caught.value, errors.SourceNotFoundError)


def run(program: str, sandbox: Sandbox) -> str:
    """The output of a program that starts without `requests`."""
    environment = {
        **os.environ,
        "MUSIC_AI_API_KEY": sandbox.api_key,
        "MUSIC_AI_BASE_URL": sandbox.base_url,
    }
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


IMPORTED_LATE = """
import sys
from musicai_sdk.compat import MusicAiClient
client = MusicAiClient()
client.get_application_info()
print("requests" in sys.modules)
try:
    client.get_job("nobody")
except Exception as error:
    import requests
    print(isinstance(error, requests.HTTPError), str(error)[:22])
try:
    client.get_job("nobody")
except requests.HTTPError as error:
    print("404" in str(error))
"""

NOT_INSTALLED = """
import pickle, sys
sys.modules["requests"] = None
sys.modules["requests.exceptions"] = None
from musicai_sdk.compat import MusicAiClient
from musicai_sdk.errors import NotFoundError
try:
    MusicAiClient().get_job("nobody")
except NotFoundError as error:
    print(str(error)[:22], type(error) is NotFoundError, str(pickle.loads(pickle.dumps(error))) == str(error))
"""


def test_requests_is_imported_late(sandbox: Sandbox) -> None:
    """It is imported for the first error, early enough for a handler that imports it."""
    assert run(IMPORTED_LATE, sandbox) == "False\nTrue Error getting job: 404\nTrue\n"


def test_requests_is_not_installed(sandbox: Sandbox) -> None:
    assert run(NOT_INSTALLED, sandbox) == "Error getting job: 404 True True\n"


def test_broken_answers(once: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /application", redirect="https://elsewhere.invalid/")
    with pytest.raises(requests.TooManyRedirects) as redirected:
        once.get_application_info()
    assert isinstance(redirected.value, requests.HTTPError)
    url = once.upload_file(__file__)
    sandbox.faults.add("GET /moises-*", redirect=url)
    with pytest.raises(requests.TooManyRedirects, match=r"^Error downloading file: 302 "):
        once.download_file(url, "never")
    sandbox.faults.clear()
    sandbox.faults.add("GET /application", truncate=5)
    with pytest.raises(requests.exceptions.ChunkedEncodingError) as cut:
        once.get_application_info()
    assert isinstance(cut.value, requests.ConnectionError)
    assert isinstance(pickle.loads(pickle.dumps(cut.value)), requests.exceptions.ChunkedEncodingError)
    with answering(lambda _asked, link: link.sendall(whole(b"{}!", "Content-Encoding: gzip"))) as origin:
        once.base_url = f"{origin}/v1"
        with pytest.raises(requests.exceptions.ContentDecodingError, match="can't be decoded"):
            once.get_application_info()
    once.base_url = sandbox.base_url.replace("http:", "https:")
    with pytest.raises(requests.exceptions.SSLError):
        once.get_application_info()
