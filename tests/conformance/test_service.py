"""The behaviour on which clients rely, checked on the sandbox and, on request, on the real service.

Asserts only what official code or official tests show, or what several clients depend on.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import pytest

from musicai_sdk.models import Job
from musicai_sdk.models._wire import wire_fields
from musicai_sdk.sandbox import Sandbox
from support.service import Service

SONG = Path(__file__).parents[1] / "songs" / "band0.ogg"
REAL = "https://api.music.ai/v1"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOBODY = str(uuid.uuid4())
FIELDS = set(wire_fields(Job))


@pytest.fixture(scope="session", params=["sandbox", "real"])
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    if request.param == "sandbox":
        with Sandbox() as sandbox:
            yield from _served("sandbox", sandbox.base_url, sandbox.api_key)
    else:
        key = os.environ.get("MUSIC_AI_API_KEY")
        if not key or os.environ.get("MUSICAI_CONFORMANCE") != "real":
            pytest.skip("the real service costs money: set MUSIC_AI_API_KEY and MUSICAI_CONFORMANCE=real")
        yield from _served("real", os.environ.get("MUSIC_AI_BASE_URL", REAL), key)


def _served(name: str, base_url: str, key: str) -> Iterator[Service]:
    with (
        httpx.Client(base_url=base_url, headers={"Authorization": key}, timeout=60) as api,
        httpx.Client(timeout=60) as plain,
    ):
        yield Service(name, api, plain)


@pytest.fixture(scope="session")
def made(service: Service) -> Iterator[Callable[[str], str]]:
    """Records a job of a test. All of them are deleted at the end."""
    ids = list[str]()

    def note(job_id: str) -> str:
        ids.append(job_id)
        return job_id

    yield note
    for job_id in ids:
        service.api.delete(f"/job/{job_id}")


@pytest.fixture(scope="session")
def song_url(service: Service) -> str:
    return service.upload(SONG.read_bytes())


@pytest.fixture(scope="session")
def chords_job(service: Service, song_url: str, made: Callable[[str], str]) -> dict[str, Any]:
    """A finished job of `music-ai/generate-chords`, created once."""
    metadata = {"suite": "conformance"}
    job_id = made(service.create("music-ai/generate-chords", {"inputUrl": song_url}, metadata=metadata))
    return service.finished(job_id)


@pytest.mark.parametrize("key", [None, "wrong", "Bearer "])
def test_a_key_is_needed(service: Service, key: str | None) -> None:
    headers = dict[str, str]()
    if key is not None:
        headers["Authorization"] = key + (service.api.headers["authorization"] if key == "Bearer " else "")
    for path in ("application", "upload", "job", "workflow"):
        answer = service.plain.get(f"{service.api.base_url}{path}", headers=headers)
        assert answer.status_code == 401
        assert answer.json()["message"]


def test_application(service: Service) -> None:
    application = service.api.get("/application").json()
    assert UUID.fullmatch(application["id"])
    assert application["name"]


def test_the_older_address_answers_too(service: Service) -> None:
    old = str(service.api.base_url).replace("/v1/", "/api/")
    assert service.api.get(f"{old}application").json() == service.api.get("/application").json()


def test_upload_urls(service: Service) -> None:
    urls = service.api.get("/upload").json()
    for url in map(str, urls.values()):
        assert urlsplit(url).path.startswith("/moises-")
        assert urlsplit(url).query
    assert set(urls) == {"uploadUrl", "downloadUrl"}


def test_an_upload_can_be_downloaded(service: Service) -> None:
    urls = service.api.get("/upload").json()
    # Accepts no content type, any content type, and a body of unknown length.
    for content, headers in (
        (b"one", {}),
        (b"two", {"Content-Type": "audio/mpeg"}),
        (iter([b"th", b"ree"]), {"Content-Type": "application/octet-stream"}),
    ):
        assert service.plain.put(urls["uploadUrl"], content=content, headers=headers).status_code == 200
    answer = service.plain.get(urls["downloadUrl"], headers={"Accept-Encoding": "identity"})
    assert answer.content == b"three"
    assert any("md5=" in value or "crc32c=" in value for value in answer.headers.get_list("x-goog-hash"))
    part = service.plain.get(
        urls["downloadUrl"], headers={"Range": "bytes=1-2", "Accept-Encoding": "identity"}
    )
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"hr", "bytes 1-2/5")


def test_a_signed_url_is_bound_to_its_method_and_query(service: Service) -> None:
    urls = service.api.get("/upload").json()
    service.plain.put(urls["uploadUrl"], content=b"x")
    parts = urlsplit(str(urls["downloadUrl"]))
    refused = (
        service.plain.put(urls["downloadUrl"], content=b"y"),
        service.plain.get(urls["uploadUrl"]),
        service.plain.get(
            parts._replace(query=parts.query[:-1] + ("0" if parts.query[-1] != "0" else "1")).geturl()
        ),
    )
    for answer in refused:
        assert answer.status_code == 403
        assert "<Code>" in answer.text


def test_workflows(service: Service) -> None:
    workflows = service.api.get("/workflow", params={"size": 100}).json()["workflows"]
    for workflow in workflows:
        assert {"id", "name", "slug", "description", "createdAt", "updatedAt"} <= set(workflow)
        assert UUID.fullmatch(workflow["id"])
    assert service.api.get("/workflow", params={"page": 999}).json() == {"workflows": []}


def test_the_life_of_a_job(service: Service, chords_job: dict[str, Any], song_url: str) -> None:
    assert set(chords_job) >= FIELDS
    assert UUID.fullmatch(chords_job["id"])
    assert chords_job["status"] == "SUCCEEDED"
    assert (chords_job["name"], chords_job["workflow"]) == ("conformance", "music-ai/generate-chords")
    assert chords_job["workflowParams"] == {"inputUrl": song_url}
    assert chords_job["metadata"] == {"suite": "conformance"}
    assert chords_job["batchName"] is None
    assert chords_job["error"] is None
    times = [chords_job[name] for name in ("createdAt", "startedAt", "completedAt")]
    assert all(TIME.fullmatch(time) for time in times)
    assert times == sorted(times)
    assert chords_job["app"] == service.api.get("/application").json()["name"]


def test_the_chords_file(service: Service, chords_job: dict[str, Any]) -> None:
    chords = service.plain.get(chords_job["result"]["chords"]).raise_for_status().json()
    assert len(chords) > 3
    for chord in chords:
        assert {"start", "end", "start_bar", "start_beat", "end_bar", "end_beat", "chord_majmin"} <= set(
            chord
        )
        assert re.fullmatch(r"N|[A-G][#b]?:(maj|min).*", chord["chord_majmin"])
    for one, other in pairwise(chords):
        assert one["end"] == other["start"]


def test_status(service: Service, chords_job: dict[str, Any]) -> None:
    answer = service.api.get(f"/job/{chords_job['id']}/status").json()
    assert (answer["id"], answer["status"]) == (chords_job["id"], "SUCCEEDED")


def test_lists(service: Service, chords_job: dict[str, Any]) -> None:
    def ids(*params: tuple[str, str]) -> set[str]:
        answer: Any = service.api.get("/job", params=httpx.QueryParams(list(params))).json()
        jobs = cast("list[dict[str, Any]]", answer["jobs"] if isinstance(answer, dict) else answer)
        return {str(job["id"]) for job in jobs}

    job_id = chords_job["id"]
    assert job_id in ids()
    assert job_id in ids(("status", "FAILED"), ("status", "SUCCEEDED"), ("workflow", chords_job["workflow"]))
    assert job_id not in ids(("status", "QUEUED"), ("status", "STARTED"))
    assert job_id not in ids(("workflow", "sdk-test"))
    assert ids(("workflow", f"nobody/{NOBODY}")) == set()
    assert ids(("page", "9999")) == set()
    assert len(ids(("size", "1"))) == 1


def test_custom_storage(service: Service, song_url: str, made: Callable[[str], str]) -> None:
    target = service.api.get("/upload").json()
    job_id = made(
        service.create(
            "music-ai/generate-chords", {"inputUrl": song_url}, copyResultsTo={"chords": target["uploadUrl"]}
        )
    )
    job = service.finished(job_id)
    assert job["result"]["chords"] == "[custom storage]"
    assert len(service.plain.get(target["downloadUrl"]).raise_for_status().json()) > 3


def test_a_job_with_a_missing_input_fails(service: Service, made: Callable[[str], str]) -> None:
    never = service.api.get("/upload").json()["downloadUrl"]
    job = service.finished(made(service.create("music-ai/generate-chords", {"inputUrl": never})))
    assert job["status"] == "FAILED"
    assert set(job["error"]) >= {"code", "title", "message"}
    assert job["error"]["code"] == "BAD_INPUT"


def test_an_unknown_workflow_is_refused(service: Service) -> None:
    body: dict[str, Any] = {"name": "n", "workflow": f"nobody/{NOBODY}", "params": {}}
    answer = service.api.post("/job", json=body)
    assert 400 <= answer.status_code < 500
    assert answer.json()["message"]


def test_an_invalid_body_is_refused(service: Service) -> None:
    answer = service.api.post("/job", content=b"{", headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert answer.json()["message"]


def test_deletion(service: Service, song_url: str) -> None:
    job_id = service.create("music-ai/generate-chords", {"inputUrl": song_url})
    answer = service.api.delete(f"/job/{job_id}")
    assert answer.status_code == 200
    answer.json()
    for path in (f"/job/{job_id}", f"/job/{job_id}/status"):
        assert service.api.get(path).status_code == 404
    assert service.api.delete(f"/job/{job_id}").status_code == 404


def test_missing_jobs(service: Service) -> None:
    for path in (f"/job/{NOBODY}", f"/job/{NOBODY}/status"):
        answer = service.api.get(path)
        assert answer.status_code == 404
        assert answer.json()["message"]
