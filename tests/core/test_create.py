"""A paid POST: once, under any fault."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect
from musicai_sdk import CustomWorkflow, MusicAiClient
from musicai_sdk._core import create
from musicai_sdk._core.idempotency import fingerprint
from musicai_sdk.errors import (
    CreateUncertainError,
    InputError,
    NotFoundError,
    RateLimitError,
    ServerError,
    SourceNotFoundError,
)
from musicai_sdk.models.job import IDEMPOTENCY_KEY, REQUEST_DIGEST
from musicai_sdk.sandbox import Sandbox
from support.job_service import JobService, serving
from support.simulated import SimulatedTime

WORKFLOW = CustomWorkflow("sdk-test", {"file": "http://127.0.0.1:9/none"})


def posts(sandbox: Sandbox) -> int:
    return sum(entry.method == "POST" for entry in sandbox.requests)


@pytest.fixture
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the search for a lost job."""
    monkeypatch.setattr(create, "LOOK_FOR", 0.3)
    monkeypatch.setattr(create, "LOOK_EVERY", 0.1)


def test_a_job_whose_answer_was_lost_is_found(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("POST /job", reset="after", nth=1)
    created = client.jobs.create(WORKFLOW, idempotency_key="k-1")
    assert posts(sandbox) == 1
    assert [job["id"] for job in sandbox.jobs] == [created.id]
    assert created.idempotency_key == "k-1"


@pytest.mark.parametrize("status", [408, 409, 499, 500, 502, 504])
def test_a_job_whose_answer_a_gateway_lost_is_found(
    client: MusicAiClient, sandbox: Sandbox, status: int
) -> None:
    sandbox.faults.add("POST /job", status=status, body="<html>Bad gateway</html>", acted=True, nth=1)
    created = client.jobs.create(WORKFLOW)
    assert posts(sandbox) == 1
    assert [job["id"] for job in sandbox.jobs] == [created.id]


def test_the_same_key_is_the_same_job(client: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(b"RIFF of a kind")
    first = client.jobs.create(CustomWorkflow("sdk-test", {"file": song}), idempotency_key="k-3")
    before = len(sandbox.requests)
    # The same content under another file name, and another job name: the same request.
    song.rename(tmp_path / "renamed.wav")
    again = client.jobs.create(
        CustomWorkflow("sdk-test", {"file": tmp_path / "renamed.wav"}), idempotency_key="k-3", name="again"
    )
    assert again == first
    assert {entry.method for entry in sandbox.requests[before:]} == {"GET"}
    assert len(sandbox.jobs) == 1
    assert client.jobs.get(first).metadata == {}


def test_one_key_in_many_threads_is_one_job(sandbox: Sandbox) -> None:
    with sandbox.client() as client, ThreadPoolExecutor(4) as threads:
        made = [threads.submit(client.jobs.create, WORKFLOW, idempotency_key="k-11") for _ in range(4)]
        (only,) = {job.result().id for job in made}
    assert [job["id"] for job in sandbox.jobs] == [only]


def test_one_key_in_many_tasks_is_one_job(sandbox: Sandbox) -> None:
    async def main() -> list[str]:
        async with sandbox.async_client() as client:
            tasks = [client.jobs.create(WORKFLOW, idempotency_key="k-12") for _ in range(4)]
            return [job.id for job in await asyncio.gather(*tasks)]

    (only,) = set(asyncio.run(main()))
    assert [job["id"] for job in sandbox.jobs] == [only]


def test_queries_count_except_in_urls(client: MusicAiClient) -> None:
    client.jobs.create(CustomWorkflow("sdk-test", {"prompt": "Is this love? yes"}), idempotency_key="k-13")
    with pytest.raises(InputError, match="belongs to job"):
        client.jobs.create(CustomWorkflow("sdk-test", {"prompt": "Is this love? no"}), idempotency_key="k-13")


def test_metadata_must_be_a_mapping(client: MusicAiClient, sandbox: Sandbox) -> None:
    with pytest.raises(InputError, match="metadata must be a mapping"):
        client.jobs.create(WORKFLOW, metadata=[1])  # type: ignore[arg-type]
    assert sandbox.requests == []


def test_the_key_of_another_request(client: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(b"RIFF of a kind")
    workflow = CustomWorkflow("sdk-test", {"file": song})
    client.jobs.create(workflow, idempotency_key="k-4")
    song.write_bytes(b"RIFF of another")
    with pytest.raises(InputError, match="belongs to job"):
        client.jobs.create(workflow, idempotency_key="k-4")
    with pytest.raises(InputError, match="belongs to job"):
        client.jobs.create(WORKFLOW, idempotency_key="k-4")
    assert len(sandbox.jobs) == 1


def test_without_recovery_nothing_is_listed(client: MusicAiClient, sandbox: Sandbox) -> None:
    client.jobs.create(WORKFLOW, idempotency_key="k-5", recover=False)
    assert [(entry.method, entry.path) for entry in sandbox.requests if "/v1/" in entry.path] == [
        ("POST", "/v1/job")
    ]


def test_another_signature_is_the_same_request() -> None:
    one = fingerprint("s", {"a": "https://h/x?Signature=1", "n": 1}, {"o": "https://b/y?sig=1"})
    assert one != fingerprint("s", {"a": "https://h/x?id=1", "n": 1}, {"o": "https://b/y?sig=1"})
    assert one == fingerprint("s", {"n": 1, "a": "https://h/x?Signature=2"}, {"o": "https://b/y?sig=2"})
    assert one != fingerprint("s", {"n": 2, "a": "https://h/x"}, {"o": "https://b/y"})
    assert one != fingerprint("s", {"n": 1, "a": "https://h/x"}, {})


def test_digests_of_requests_never_change() -> None:
    # Paid jobs have it in their metadata. With another digest, their keys would belong to another request.
    digest = fingerprint("s", {"n": 1, "a": "https://h/x?sig=1&id=2"}, {"o": "https://b/y"})
    assert digest == "65b5c61c750f89355289f43ab9341f61"


def test_a_request_of_2_0_0_is_recognised(client: MusicAiClient, sandbox: Sandbox) -> None:
    # Today this is another song; 2.0.0 ignored the fragment.
    workflow = CustomWorkflow("sdk-test", {"inputUrl": "https://h/x.wav?serial=1&signature=2#track=1"})
    former = fingerprint("sdk-test", workflow.params, {})
    made = client.jobs.create(
        workflow, metadata={REQUEST_DIGEST: former, IDEMPOTENCY_KEY: "k-20"}, name="old"
    )
    body = {"id": made.id, "status": "QUEUED", "metadata": {IDEMPOTENCY_KEY: "k-20", REQUEST_DIGEST: former}}
    sandbox.faults.add("GET /job", body=[body], times=1)
    assert client.jobs.create(workflow, idempotency_key="k-20").id == made.id
    assert len(sandbox.jobs) == 1


def test_two_tracks_of_one_file_are_two_requests(client: MusicAiClient) -> None:
    for number, url in enumerate(("https://h/x.wav#track={}", "https://h/x.wav?serial={}&signature=a")):
        first, second = (CustomWorkflow("sdk-test", {"inputUrl": url.format(n)}) for n in (1, 2))
        client.jobs.create(first, idempotency_key=f"k-21-{number}")
        assert client.jobs.create(first, idempotency_key=f"k-21-{number}").id
        with pytest.raises(InputError, match="belongs to job"):
            client.jobs.create(second, idempotency_key=f"k-21-{number}")


def test_an_invalid_url_is_left_to_the_service(client: MusicAiClient) -> None:
    workflow = CustomWorkflow("sdk-test", {"prompt": "https://[is this one?"})
    assert client.jobs.create(workflow, idempotency_key="k-14") == client.jobs.create(
        workflow, idempotency_key="k-14"
    )


def test_a_file_that_cannot_be_read_creates_nothing(
    client: MusicAiClient, sandbox: Sandbox, tmp_path: Path
) -> None:
    for path, error in ((tmp_path / "no.wav", SourceNotFoundError), (tmp_path, InputError)):
        with pytest.raises(error, match=re.escape(str(path))):
            client.jobs.create(CustomWorkflow("sdk-test", {"file": path}), idempotency_key="k-15")
    assert sandbox.requests == []


def test_find_with_the_workflow(connect: Connect) -> None:
    with serving(JobService()) as service:
        client = connect(base_url=service.base_url)
        wanted = CustomWorkflow("acme/stems", {"file": "https://songs/1.wav"})
        job = client.jobs.create(wanted, idempotency_key="mine")
        found = client.jobs.find("mine", workflow=wanted)
        assert found is not None
        assert found.id == job.id
        service.listed = service.fetched = lambda job: {**job, "metadata": {"source": "api"}}
        client = connect(base_url=service.base_url)
        for workflow in (None, wanted):
            with pytest.raises(CreateUncertainError):
                client.jobs.find("mine", workflow=workflow)
        other = CustomWorkflow("acme/stems", {"file": "https://songs/2.wav"})
        assert client.jobs.find("another's", workflow=other) is None


def test_a_cancelled_create_says_how_to_find_the_job(sandbox: Sandbox) -> None:
    sandbox.faults.add("POST /job", delay=0.5)

    async def main() -> None:
        async with sandbox.async_client() as client:
            task = asyncio.create_task(client.jobs.create(WORKFLOW, idempotency_key="k-6", recover=False))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert "client.jobs.find('k-6')" in caught.value.__notes__[0]

    asyncio.run(main())
    while posts(sandbox) == 0:
        time.sleep(0.02)


@pytest.mark.parametrize("trouble", [{"body": []}, {"status": 400}])
def test_a_job_that_is_listed_late_is_found(
    client: MusicAiClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, trouble: Any
) -> None:
    monkeypatch.setattr(create, "LOOK_EVERY", 0.05)
    sandbox.faults.add("POST /job", reset="after", nth=1)
    sandbox.faults.add("GET /job", times=2, **trouble)
    job = client.jobs.create(WORKFLOW)
    assert [each["id"] for each in sandbox.jobs] == [job.id]
    methods = [entry.method for entry in sandbox.requests]
    # A stalled machine reaches the end of the window, where the search is thorough.
    assert methods[:4] == ["POST", "GET", "GET", "GET"]
    assert methods.count("POST") == 1


def test_the_search_for_a_lost_job_lasts_the_whole_window(client: MusicAiClient, sandbox: Sandbox) -> None:
    client._session.io = io = SimulatedTime()
    sandbox.faults.add("POST /job", reset="before", nth=1)
    with pytest.raises(CreateUncertainError, match=r"no such job was listed within 5 s"):
        client.jobs.create(WORKFLOW)
    assert sum(io.slept) == pytest.approx(create.LOOK_FOR)
    assert sorted(io.slept[:-1]) == io.slept[:-1]
    # One search at once, and one after each pause. An empty list is one page.
    assert [entry.method for entry in sandbox.requests] == ["POST"] + ["GET"] * (len(io.slept) + 1)


def test_a_key_belongs_to_one_request(client: MusicAiClient, sandbox: Sandbox) -> None:
    client.jobs.create(WORKFLOW, idempotency_key="k-10")
    for number in range(6):  # whichever way their digests compare
        other = CustomWorkflow("sdk-test", {"file": f"http://127.0.0.1:9/{number}"})
        with pytest.raises(InputError, match="belongs to job"):
            client.jobs.create(other, idempotency_key="k-10")
    assert posts(sandbox) == 1


def test_a_single_page_is_searched_once(client: MusicAiClient, sandbox: Sandbox) -> None:
    assert client.jobs.find("nobody's") is None
    assert len(sandbox.requests) == 1


def test_similar_keys_are_distinguished(client: MusicAiClient) -> None:
    made = {
        key: client.jobs.create(WORKFLOW, idempotency_key=key, recover=False).id for key in ("b", "d", "f")
    }
    found = {key: client.jobs.find(key) for key in "abcdefg"}
    assert {key: job.id for key, job in found.items() if job is not None} == made


def test_several_pages_are_searched_twice(client: MusicAiClient, sandbox: Sandbox) -> None:
    for _ in range(201):
        client.jobs.create(WORKFLOW)
    assert client.jobs.find("nobody's") is None
    pages = [entry.query for entry in sandbox.requests if entry.method == "GET"]
    walk = ["page=0&size=100", "page=1&size=100", "page=2&size=100", "page=3&size=67"]
    # The last page, which must be empty, begins right after the 201 jobs. Two equal walks have missed nothing.
    assert pages == walk * 2


def test_add_job_recovers_lost_answers_too(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("POST /job", reset="after", nth=1)
    job_id = client.add_job("name", "sdk-test", {"file": "http://127.0.0.1:9/none"})
    assert [job["id"] for job in sandbox.jobs] == [job_id["id"]]


@pytest.mark.usefixtures("short_search")
def test_an_ambiguous_create_is_never_repeated(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("POST /job", reset="before")
    with pytest.raises(CreateUncertainError, match=r"client\.jobs\.find\('k-2'\)") as caught:
        client.jobs.create(WORKFLOW, idempotency_key="k-2")
    assert caught.value.idempotency_key == "k-2"
    assert posts(sandbox) == 1
    assert sandbox.jobs == []
    assert client.jobs.find("k-2") is None


def test_without_recovery_a_lost_answer_raises_at_once(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("POST /job", reset="after", nth=1)
    with pytest.raises(CreateUncertainError, match="recover=False skips the search"):
        client.jobs.create(WORKFLOW, idempotency_key="k-8", recover=False)
    assert [entry.method for entry in sandbox.requests] == ["POST"]
    assert client.jobs.find("k-8") is not None


def test_deletions_during_the_search_hide_no_job(client: MusicAiClient, sandbox: Sandbox) -> None:
    sought = client.jobs.create(WORKFLOW, idempotency_key="k-9", recover=False).id
    newer = [client.jobs.create(WORKFLOW).id for _ in range(100)]
    deleted = threading.Event()

    def delete_one() -> None:
        # The wanted job moves up to the first page after that page was read.
        while not any(entry.path == "/v1/job" and entry.method == "GET" for entry in sandbox.requests):
            time.sleep(0.001)
        with sandbox.client() as other:
            other.jobs.delete(newer[0])
        deleted.set()

    thread = threading.Thread(target=delete_one)
    thread.start()
    sandbox.faults.add("GET /job", delay=0.7, nth=2)
    found = client.jobs.find("k-9")
    thread.join()
    assert deleted.is_set()
    assert found is not None
    assert found.id == sought
    pages = [entry.query for entry in sandbox.requests if entry.path == "/v1/job" and entry.method == "GET"]
    assert pages[2:] == ["page=0&size=100"]


@pytest.mark.usefixtures("short_search")
def test_a_server_error_is_ambiguous_too(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("POST /job", status=500)
    with pytest.raises(CreateUncertainError) as caught:
        client.jobs.create(WORKFLOW)
    assert isinstance(caught.value.__cause__, ServerError)
    assert posts(sandbox) == 1


@pytest.mark.usefixtures("short_search")
@pytest.mark.parametrize("body", ["<html>", {"status": "created"}])
def test_an_answer_without_an_id(client: MusicAiClient, sandbox: Sandbox, body: object) -> None:
    sandbox.faults.add("POST /job", body=body)  # type: ignore[arg-type]
    with pytest.raises(CreateUncertainError):
        client.jobs.create(WORKFLOW)
    assert posts(sandbox) == 1


def test_throttling_is_retried(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("POST /job", status=429, headers={"retry-after": "0"}, times=2)
    client.jobs.create(WORKFLOW)
    assert posts(sandbox) == 3
    assert len(sandbox.jobs) == 1


def test_throttling_for_too_long_is_an_error(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("POST /job", status=429, headers={"retry-after": "600"})
    with pytest.raises(RateLimitError):
        client.jobs.create(WORKFLOW)
    assert sandbox.jobs == []


def test_refusals_are_final(client: MusicAiClient, sandbox: Sandbox) -> None:
    with pytest.raises(NotFoundError):
        client.jobs.create(CustomWorkflow("nothing", {}))
    assert posts(sandbox) == 1


@pytest.mark.parametrize(("given", "name"), [(None, "sdk-test"), ("", ""), ("My song", "My song")])
def test_a_job_is_named_after_its_workflow_by_default(
    client: MusicAiClient, given: str | None, name: str
) -> None:
    assert client.jobs.get(client.jobs.create(WORKFLOW, name=given)).name == name


@pytest.mark.parametrize("key", ["", " ", "k" * 256])
def test_bad_idempotency_keys(client: MusicAiClient, sandbox: Sandbox, key: str) -> None:
    with pytest.raises(InputError, match="idempotency_key"):
        client.jobs.create(WORKFLOW, idempotency_key=key)
    assert sandbox.requests == []


def test_the_longest_idempotency_key(client: MusicAiClient) -> None:
    assert client.jobs.find("k" * 255) is None
    made, found = client.jobs.create(WORKFLOW, idempotency_key="k" * 255), client.jobs.find("k" * 255)
    assert found is not None
    assert made.id == found.id


def test_bad_storage_urls(client: MusicAiClient, sandbox: Sandbox) -> None:
    with pytest.raises(InputError, match="copy_results_to"):
        client.jobs.create(WORKFLOW, copy_results_to={"file": "s3://bucket/key"})
    assert sandbox.requests == []


def test_the_key_is_not_part_of_the_metadata(client: MusicAiClient, sandbox: Sandbox) -> None:
    created = client.jobs.create(WORKFLOW, metadata={"a": 1})
    job = client.jobs.get(created)
    assert job.metadata == job["metadata"] == {"a": 1}
    assert job.idempotency_key == created.idempotency_key
    assert created.idempotency_key in sandbox.jobs[0]["metadata"].values()  # type: ignore[union-attr]


def test_the_same_file_is_uploaded_once(client: MusicAiClient, sandbox: Sandbox) -> None:
    client.jobs.create(CustomWorkflow("sdk-test", {"file": Path(__file__), "other": Path(__file__)}))
    assert sum(entry.method == "PUT" for entry in sandbox.requests) == 1
