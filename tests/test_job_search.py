"""Whether a paid job exists: found, certainly absent, or unknown, on services with unusual job lists."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
import uuid
from collections.abc import Callable, Generator
from typing import Any

import pytest

from musicai_sdk import AsyncMusicAiClient, CustomWorkflow, MusicAiClient
from musicai_sdk._core import create, lost_keys
from musicai_sdk._io import clock
from musicai_sdk.errors import CreateUncertainError, InputError, MusicAiError
from musicai_sdk.models.job_key import key_entries
from support.job_service import Job, JobService, plain_pages, serving

WORKFLOW = CustomWorkflow("acme/chords", {"inputUrl": "https://example.com/a.wav"})
KEY = "order-4711"

without_metadata: dict[str, Callable[[Job], Job]] = {
    "null": lambda job: {**job, "metadata": None},
    "missing": lambda job: {name: value for name, value in job.items() if name != "metadata"},
    "empty": lambda job: {**job, "metadata": {}},
    "cut": lambda job: with_key(job, lambda key: key[:6]),
    "masked": lambda job: with_key(job, lambda _: "***"),
    "middle": lambda job: with_key(job, lambda key: f"{key[:3]}…{key[-2:]}"),
    "tail": lambda job: with_key(job, lambda key: key[-5:]),
    "quoted": lambda job: with_key(job, json.dumps),
    "escaped": lambda job: with_key(job, lambda key: f"{{{key.replace('-', '&#45;').upper()}}}"),
}
"""A job without its key, in every way to omit or change it."""


def with_key(job: Job, change: Callable[[str], str]) -> Job:
    return {**job, "metadata": {name: change(value) for name, value in job["metadata"].items()}}


@pytest.fixture
def service() -> Generator[JobService]:
    with serving(JobService()) as service:
        yield service


def connect(service: JobService, **options: Any) -> MusicAiClient:
    return MusicAiClient(api_key="a-key", base_url=service.base_url, **options)


def create_again(service: JobService, **options: Any) -> str:
    """Sends the same request from a new process."""
    with connect(service) as client:
        return client.jobs.create(WORKFLOW, idempotency_key=KEY, settle=0, **options).id


# --- pages


def capped(most: int) -> Callable[[list[Job], int, int], list[Job]]:
    return lambda jobs, page, size: plain_pages(jobs, page, min(size, most))


def capped_by_offset(most: int) -> Callable[[list[Job], int, int], list[Job]]:
    return lambda jobs, page, size: jobs[page * size :][: min(size, most)]


def fixed(size: int) -> Callable[[list[Job], int, int], list[Job]]:
    return lambda jobs, page, _asked: plain_pages(jobs, page, size)


def ragged(jobs: list[Job], page: int, size: int) -> list[Job]:
    return jobs[page * size :][: random.Random(page * 1000 + size).randint(max(1, size // 2), size)]


PAGINGS = {
    "as asked": plain_pages,
    "at most 50": capped(50),
    "at most 7": capped(7),
    "at most 50 from the offset asked for": capped_by_offset(50),
    "always 50": fixed(50),
    "always 200": fixed(200),
    "of any length": ragged,
}


@pytest.mark.parametrize("paging", PAGINGS)
@pytest.mark.parametrize("others", [0, 1, 61, 99, 100, 230])
def test_every_job_is_listed_with_any_page_size(service: JobService, paging: str, others: int) -> None:
    service.paging = PAGINGS[paging]
    service.add_others(others)
    with connect(service) as client:
        listed = [job.id for job in client.jobs.list()]
        *pages, last = client.jobs.list().pages()
    assert listed == [job["id"] for job in service.jobs]
    assert last == []
    assert {job.id for page in pages for job in page} == set(listed)


def test_pages_of_the_async_client(service: JobService) -> None:
    service.paging = capped(50)
    service.add_others(62)

    async def main() -> list[int]:
        async with AsyncMusicAiClient(api_key="a-key", base_url=service.base_url) as client:
            assert len(await client.jobs.list()) == 62
            return [len(page) async for page in client.jobs.list().pages()]

    assert asyncio.run(main()) == [50, 12, 0]


@pytest.mark.parametrize("paging", PAGINGS)
def test_a_job_behind_many_newer_ones_is_paid_once(service: JobService, paging: str) -> None:
    service.paging = PAGINGS[paging]
    first = create_again(service)
    service.add_others(60)
    assert create_again(service) == first
    assert len(service.posts) == 1


def test_the_search_uses_no_filter(service: JobService) -> None:
    create_again(service)
    create_again(service)
    assert service.requests
    assert not [each for each in service.requests if "workflow=" in each or "status=" in each]


def listed(service: JobService) -> int:
    return sum(each.startswith("GET /v1/job?") for each in service.requests)


def test_a_long_list_is_read_again_on_large_pages(service: JobService) -> None:
    service.add_others(2_345)
    create_again(service)
    assert len(service.posts) == 1
    assert listed(service) == 25 + 4  # each walk ends with an empty page


@pytest.mark.parametrize("most", [50, 100, 200])
def test_a_long_list_of_a_service_with_shorter_pages(service: JobService, most: int) -> None:
    service.paging = capped(most)
    service.add_others(1_234)
    first = create_again(service)
    assert create_again(service) == first
    assert len(service.posts) == 1


def test_a_long_list_of_a_service_that_refuses_large_pages(service: JobService) -> None:
    def refusing(jobs: list[Job], page: int, size: int) -> list[Job]:
        if size > 100:
            raise ConnectionAbortedError  # the handler ends without an answer
        return plain_pages(jobs, page, size)

    service.paging = refusing
    service.add_others(1_234)
    create_again(service, max_retries=0)
    assert len(service.posts) == 1


def test_a_job_that_a_deletion_hides_from_the_first_walk_of_a_long_list(service: JobService) -> None:
    first = create_again(service)
    service.add_others(1_299)  # so that the job is the last one of the first walk's 13th page
    deleted = list[str]()

    def delete_one(page: int) -> None:
        if page == 12 - 1 and not deleted:
            deleted.append(service.jobs.pop(5)["id"])

    # The job moves to the 12th page after that page was read.
    service.jobs.insert(1_200, service.jobs.pop())
    assert service.jobs[1_200]["id"] == first
    service.between_pages = delete_one
    assert create_again(service) == first
    assert deleted
    assert len(service.posts) == 1


def test_a_list_without_an_end_proves_nothing(service: JobService) -> None:
    service.add_others(150)
    service.paging = lambda jobs, _page, size: jobs[:size]
    with pytest.raises(CreateUncertainError, match="same page again"):
        create_again(service)
    assert service.posts == []


def test_jobs_that_are_deleted_during_the_walk_hide_none(service: JobService) -> None:
    first = create_again(service)
    service.add_others(100)
    deleted = list[str]()

    def delete_one(_page: int) -> None:
        if len(deleted) < 3:
            deleted.append(service.jobs.pop(0)["id"])

    service.between_pages = delete_one
    assert create_again(service) == first
    assert len(service.posts) == 1


def test_a_list_that_changes_too_fast_proves_nothing(service: JobService) -> None:
    service.add_others(300)
    service.between_pages = lambda _page: service.jobs.sort(
        key=lambda job: hash((job["id"], random.random()))
    )
    with pytest.raises(CreateUncertainError, match="come and go"):
        create_again(service)
    assert service.posts == []


@pytest.mark.parametrize("odd", [{"id": None}, {"id": {}}, {"status": None}])
def test_a_page_with_an_unreadable_job_proves_nothing(service: JobService, odd: Job) -> None:
    service.add_others(3)
    service.listed = lambda job: {**job, **odd} if job is service.jobs[1] else job
    with connect(service) as client:
        assert len(list(client.jobs.list())) == 2
    with pytest.raises(CreateUncertainError, match="can't be read"):
        create_again(service)
    assert service.posts == []


@pytest.mark.parametrize(
    "more",
    [
        {"error": "the search timed out"},
        {"errors": ["an error"]},
        {"incomplete": True},
        {"nextPageToken": "x"},
    ],
)
def test_an_empty_page_that_is_not_the_end_proves_nothing(service: JobService, more: dict[str, Any]) -> None:
    create_again(service)
    service.paging = lambda _jobs, _page, _size: []
    service.envelope = more
    with pytest.raises(CreateUncertainError):
        create_again(service)
    with connect(service) as client:
        assert list(client.jobs.list()) == []
    assert len(service.posts) == 1


def test_an_empty_page_in_an_envelope(service: JobService) -> None:
    service.envelope = {"page": 0, "size": 100, "total": 0, "nextPageToken": None, "hasMore": False}
    create_again(service)
    assert len(service.posts) == 1


# --- lists without metadata


@pytest.mark.parametrize("way", without_metadata)
def test_without_keys_a_second_create_is_refused(service: JobService, way: str) -> None:
    service.listed = service.fetched = without_metadata[way]
    create_again(service)
    with pytest.raises(CreateUncertainError, match="dashboard") as caught:
        create_again(service)
    assert caught.value.idempotency_key == KEY
    assert len(service.posts) == 1


@pytest.mark.parametrize("way", without_metadata)
def test_jobs_are_fetched_if_the_list_omits_keys(service: JobService, way: str) -> None:
    service.listed = without_metadata[way]
    first = create_again(service)
    assert create_again(service) == first
    assert len(service.posts) == 1


@pytest.mark.parametrize(
    "shown",
    [
        {"workflow": str(uuid.UUID(int=7))},
        {"workflow": "Chords"},
        {"workflow": "chords@2"},
        {"name": "order\u00a04711 &amp; more", "given": "order 4711 & more"},
        {"name": "Grosse Fuge", "given": "Große Fuge"},
        {"name": "Cafe", "given": "Café"},
        {"workflowParams": {"inputUrl": "https://files.example/copies/1f", "rate": 1}},
        {"workflowParams": {"inputUrl": None, "rate": "1.5"}},
    ],
)
def test_without_keys_another_spelling_is_no_other_job(service: JobService, shown: dict[str, Any]) -> None:
    given = shown.get("given", "order-4711")
    fields = {name: value for name, value in shown.items() if name != "given"}
    service.listed = service.fetched = lambda job: {**job, "metadata": None, **fields}
    workflow = CustomWorkflow("acme/chords", {"inputUrl": "https://example.com/a.wav", "rate": 1.5})
    with connect(service) as client:
        client.jobs.create(workflow, name=given, idempotency_key=KEY)
    with connect(service) as client, pytest.raises(CreateUncertainError):
        client.jobs.create(workflow, name=given, idempotency_key=KEY, settle=0)
    assert len(service.posts) == 1


@pytest.mark.parametrize("way", ["null", "empty"])
def test_a_job_whose_key_only_the_list_omits_is_fetched(service: JobService, way: str) -> None:
    """Even where the list shows the keys of other jobs."""
    first = create_again(service)
    service.listed = lambda job: without_metadata[way](job) if job["id"] == first else job
    with connect(service) as client:
        client.jobs.create(CustomWorkflow("other-workflow"), idempotency_key="another", recover=False)
    assert create_again(service) == first
    assert len(service.posts) == 2


@pytest.mark.parametrize(
    "beside",
    [
        {"total": 5},
        {"totalPages": 2},
        {"success": False},
        {"status": "degraded"},
        {"pagination": {"hasNext": True}},
        {"total": "5"},
        {"meta": {"pagination": {"total": 5}}},
        {"last": False},
        {"isLast": False},
        {"exhaustive": False},
        {"stale": True},
    ],
)
def test_an_empty_list_that_is_not_the_end_proves_nothing(
    service: JobService, beside: dict[str, Any]
) -> None:
    create_again(service)
    service.paging = lambda _jobs, _page, _size: []
    service.envelope = beside
    with pytest.raises(CreateUncertainError):
        create_again(service)
    assert len(service.posts) == 1


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {"Age": "3600"}),
        (200, {"X-Total-Count": "5"}),
        (200, {"Content-Range": "jobs */5"}),
        (200, {"Link": '</v1/job?page=0>; rel="first", </v1/job?page=2>; rel="next"'}),
        (206, {}),
    ],
)
def test_headers_that_deny_the_end_of_a_list(
    service: JobService, status: int, headers: dict[str, str]
) -> None:
    create_again(service)
    service.paging = lambda _jobs, _page, _size: []
    service.list_status, service.list_headers = status, headers
    with pytest.raises(CreateUncertainError, match=r"incomplete or outdated|can't be read"):
        create_again(service)
    assert len(service.posts) == 1


def test_headers_at_the_end_of_a_list(service: JobService) -> None:
    service.add_others(120)
    link = '</v1/job?page=0>; rel="first"; title="next"'
    service.list_headers = {"Age": "0", "X-Total-Count": "120", "Content-Range": "jobs */*", "Link": link}
    create_again(service)
    assert len(service.posts) == 1


def test_a_total_that_was_reached_is_the_end(service: JobService) -> None:
    service.add_others(120)
    service.envelope = {
        "total": 120,
        "totalPages": 2,
        "success": True,
        "status": "ok",
        "pagination": {"count": 120},
    }
    create_again(service)
    assert len(service.posts) == 1


def test_omitted_keys_hide_no_job_behind_those_of_others(service: JobService) -> None:
    service.listed = lambda job: {name: job[name] for name in ("id", "status", "workflow")}
    first = create_again(service)
    with connect(service) as client:
        for number in range(3):
            client.jobs.create(WORKFLOW, idempotency_key=f"another {number}", recover=False)
    assert create_again(service) == first
    assert len(service.posts) == 4


@pytest.mark.parametrize("way", without_metadata)
def test_the_key_of_one_fetched_job_excludes_no_job_that_was_only_listed(
    service: JobService, way: str
) -> None:
    first = create_again(service)
    with connect(service) as client:
        client.jobs.create(WORKFLOW, idempotency_key="another order")
    service.listed = without_metadata[way]
    assert create_again(service) == first
    assert len(service.posts) == 2


OWN = "musicai_sdk.idempotency_key"
renamed: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "underscore": lambda name, value: {name.replace(".", "_"): value},
    "nested": lambda name, value: {name.split(".")[0]: {name.split(".")[1]: value}},
    "camel case": lambda name, value: {"musicaiSdk" + name.split(".")[1].title().replace("_", ""): value},
    "upper case": lambda name, value: {name.upper(): value},
    "list": lambda name, value: {name: [value]},
    "typed": lambda name, value: {name: {"stringValue": value}},
}
"""An entry of metadata as stores of documents and gateways change it."""


@pytest.mark.parametrize("way", renamed)
def test_a_renamed_key_is_read(service: JobService, way: str) -> None:
    def changed(job: Job) -> Job:
        metadata = dict[str, Any]()
        for name, value in job["metadata"].items():
            for key, entry in renamed[way](name, value).items():
                metadata[key] = {**metadata.get(key, {}), **entry} if isinstance(entry, dict) else entry
        return {**job, "metadata": metadata}

    service.listed = service.fetched = changed
    first = create_again(service)
    assert create_again(service) == first
    with connect(service) as client:
        found = client.jobs.find(KEY, settle=0)
        assert found is not None
        assert found.id == first
        another = CustomWorkflow("acme/chords", {"inputUrl": "https://example.com/b.wav"})
        with pytest.raises(InputError, match="already belongs to job"):
            client.jobs.create(another, idempotency_key=KEY, settle=0)
    assert len(service.posts) == 1


changed_keys: dict[str, Callable[[str], str]] = {
    "upper case": str.upper,
    "title case": str.title,
    "blanks": lambda key: f" {key}\n",
    "wide letters": lambda key: key.replace("o", "\uff4f"),
}


@pytest.mark.parametrize("way", changed_keys)
def test_a_key_that_comes_back_changed_may_be_the_wanted_one(service: JobService, way: str) -> None:
    create_again(service)
    service.listed = service.fetched = lambda job: {**job, "metadata": {OWN: changed_keys[way](KEY)}}
    with pytest.raises(CreateUncertainError, match="doesn't show the key"):
        create_again(service)
    with connect(service) as client, pytest.raises(CreateUncertainError):
        client.jobs.find(KEY, settle=0)
    assert len(service.posts) == 1


@pytest.mark.parametrize("way", ["null", "missing"])
def test_metadata_that_comes_when_a_job_has_ended(service: JobService, way: str) -> None:
    with connect(service) as client:
        client.jobs.create(WORKFLOW, idempotency_key="an older one", recover=False)
    create_again(service)
    service.jobs[0]["status"] = "STARTED"
    service.listed = service.fetched = lambda job: (
        without_metadata[way](job) if job["status"] == "STARTED" else job
    )
    with pytest.raises(CreateUncertainError, match="doesn't show the key"):
        create_again(service)
    service.jobs[0]["status"] = "SUCCEEDED"
    assert create_again(service) == service.jobs[0]["id"]
    assert len(service.posts) == 2


@pytest.mark.parametrize("way", ["null", "missing", "empty"])
def test_find_raises_if_it_cannot_know(service: JobService, way: str) -> None:
    service.listed = service.fetched = without_metadata[way]
    create_again(service)
    with connect(service) as client, pytest.raises(CreateUncertainError, match="doesn't show"):
        client.jobs.find(KEY)


def test_the_async_client_refuses_too(service: JobService) -> None:
    service.listed = service.fetched = without_metadata["null"]

    async def main() -> None:
        async with AsyncMusicAiClient(api_key="a-key", base_url=service.base_url) as client:
            await client.jobs.create(WORKFLOW, idempotency_key=KEY, settle=0)
            with pytest.raises(CreateUncertainError):
                await client.jobs.create(WORKFLOW, idempotency_key=KEY, settle=0)

    asyncio.run(main())
    assert len(service.posts) == 1


def test_without_recovery_the_post_is_sent(service: JobService) -> None:
    service.listed = service.fetched = without_metadata["null"]
    create_again(service)
    create_again(service, recover=False)
    assert len(service.posts) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"workflow": "other-workflow"},
        {"workflowParams": {"inputUrl": "https://example.com/b.wav"}},
        {"metadata": key_entries("another one's")},
    ],
)
def test_jobs_of_other_requests_block_nothing(service: JobService, fields: dict[str, Any]) -> None:
    """Jobs of other programs, without any key."""
    service.deliver({"workflow": "acme/chords", "name": "chords", "params": {}}, **{"metadata": {}, **fields})
    create_again(service)
    assert len(service.posts) == 1


def test_jobs_without_keys_block_nothing_if_the_list_has_keys(service: JobService) -> None:
    service.deliver({"workflow": "acme/chords", "name": "chords"}, metadata=None)
    with connect(service) as client:
        client.jobs.create(WORKFLOW, idempotency_key="another", recover=False)
    create_again(service)
    assert len(service.posts) == 2


# --- answers that aren't refusals


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_after_acting_is_recovered_from(service: JobService, status: int) -> None:
    service.answer = (status, b"")
    job_id = create_again(service)
    assert [job["id"] for job in service.jobs] == [job_id]
    assert len(service.posts) == 1


# --- late POSTs, and keys that were lost


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(create, "LOOK_FOR", 0.2)
    monkeypatch.setattr(create, "LOOK_EVERY", 0.05)


def lose_the_answer(service: JobService, client: MusicAiClient) -> None:
    service.delivers = lambda _body: False
    with pytest.raises(CreateUncertainError):
        client.jobs.create(WORKFLOW, idempotency_key=KEY, settle=0)
    service.delivers = lambda _body: True


@pytest.mark.usefixtures("quick")
def test_a_client_never_sends_a_lost_key_again(service: JobService) -> None:
    with connect(service, max_retries=0) as client:
        lose_the_answer(service, client)
        with pytest.raises(CreateUncertainError, match="recover=False"):
            client.jobs.create(WORKFLOW, idempotency_key=KEY, settle=0)
        assert client.jobs.find(KEY) is None
        with pytest.raises(CreateUncertainError):
            client.jobs.create(WORKFLOW, idempotency_key=KEY, settle=0)
        assert len(service.posts) == 1
        late = service.deliver(service.posts[0])
        assert client.jobs.create(WORKFLOW, idempotency_key=KEY).id == late["id"]
        assert len(service.posts) == 1


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_another_client_of_the_process_waits_for_a_lost_key(
    service: JobService, monkeypatch: pytest.MonkeyPatch, colour: str
) -> None:
    monkeypatch.setattr(create, "SETTLE", 30.0)
    monkeypatch.setattr(clock, "began", lambda: -1000.0)
    with connect(service, max_retries=0) as client:
        lose_the_answer(service, client)
    with MusicAiClient(api_key="another-key", base_url=service.base_url) as other:
        other.jobs.create(WORKFLOW, idempotency_key=KEY)  # the key of another account
    assert len(service.posts) == 2
    service.jobs.clear()
    walks = service.requests.count("GET /v1/job?page=0&size=100")

    def arrive_late() -> None:
        while service.requests.count("GET /v1/job?page=0&size=100") < walks + 2:
            time.sleep(0.01)
        service.deliver(service.posts[0])

    threading.Thread(target=arrive_late, daemon=True).start()

    async def asynchronously() -> str:
        async with AsyncMusicAiClient(api_key="a-key", base_url=service.base_url) as other:
            return (await other.jobs.create(WORKFLOW, idempotency_key=KEY)).id

    if colour == "async":
        job_id = asyncio.run(asynchronously())
    else:
        with connect(service) as other:
            job_id = other.jobs.create(WORKFLOW, idempotency_key=KEY).id
    assert [job["id"] for job in service.jobs] == [job_id]
    assert len(service.posts) == 2


@pytest.mark.usefixtures("quick")
def test_the_search_for_a_lost_job_is_limited_as_a_whole(service: JobService) -> None:
    service.delivers = lambda _body: False

    def be_slow(*_page: object) -> list[Job]:
        time.sleep(3)
        return []

    service.paging = be_slow
    with connect(service, max_retries=3, timeout=0.5) as client, pytest.raises(CreateUncertainError):
        client.jobs.create(WORKFLOW)
    assert sum(each.startswith("GET /v1/job?") for each in service.requests) <= 4, (
        "not 4 for each of 2 searches"
    )


@pytest.mark.usefixtures("quick")
def test_a_lost_key_whose_job_was_found_is_settled(service: JobService) -> None:
    with connect(service, max_retries=0) as client:
        lose_the_answer(service, client)
    service.deliver(service.posts[0])
    with connect(service) as other:
        found = other.jobs.find(KEY, settle=0)
        assert found is not None
        other.jobs.delete(found)
    create_again(service)
    assert len(service.posts) == 2


@pytest.mark.usefixtures("quick")
def test_a_process_remembers_a_limited_number_of_lost_keys(
    service: JobService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost_keys, "REMEMBERED", 0)
    with connect(service, max_retries=0) as client:
        lose_the_answer(service, client)
    create_again(service)
    assert len(service.posts) == 2


@pytest.mark.usefixtures("quick")
def test_a_client_sends_a_lost_key_on_request(service: JobService) -> None:
    with connect(service, max_retries=0) as client:
        lose_the_answer(service, client)
        client.jobs.create(WORKFLOW, idempotency_key=KEY, recover=False)
    assert len(service.posts) == 2


@pytest.mark.usefixtures("quick")
def test_generated_keys_can_be_lost_too(service: JobService) -> None:
    service.delivers = lambda _body: False
    with connect(service, max_retries=0) as client:
        with pytest.raises(CreateUncertainError) as caught:
            client.jobs.create(WORKFLOW)
        with pytest.raises(CreateUncertainError):
            client.jobs.create(WORKFLOW, idempotency_key=caught.value.idempotency_key)
    assert len(service.posts) == 1


@pytest.mark.usefixtures("quick")
def test_a_job_that_is_listed_late_is_awaited(service: JobService) -> None:
    """The POST of a killed process arrives during the search of its successor."""
    body: dict[str, Any] = {
        "workflow": "acme/chords",
        "name": "chords",
        "params": {},
        "metadata": {"musicai_sdk.idempotency_key": KEY},
    }

    def arrive(_page: int) -> None:
        if len(service.requests) == 4:
            service.deliver(body)

    service.between_pages = arrive
    with connect(service) as client:
        job_id = client.jobs.create(WORKFLOW, idempotency_key=KEY, settle=1).id
        found = client.jobs.find(KEY, settle=1)
    assert [job["id"] for job in service.jobs] == [job_id]
    assert found is not None
    assert service.posts == []


@pytest.mark.parametrize("settle", [-1, float("nan"), float("inf"), "soon", True])
def test_an_invalid_settle_is_refused(service: JobService, settle: Any) -> None:
    with connect(service) as client:
        with pytest.raises(MusicAiError, match="settle"):
            client.jobs.create(WORKFLOW, idempotency_key=KEY, settle=settle)
        with pytest.raises(MusicAiError, match="settle"):
            client.jobs.find(KEY, settle=settle)
    assert service.posts == []


# --- lists that leave out parts


@pytest.mark.parametrize("way", ["null", "missing", "empty", "partly"])
def test_results_are_fetched_if_the_list_omits_them(service: JobService, way: str) -> None:
    def brief(job: Job) -> Job:
        rest = {name: value for name, value in job.items() if name != "result"}
        return rest if way == "missing" else {**rest, "result": {} if way == "empty" else None}

    if way != "partly":
        service.listed = brief
    jobs = [service.deliver({"workflow": "acme/chords"})["id"] for _ in range(10)]
    with connect(service) as client:
        assert [job.raw_result for job in client.jobs.wait_all(jobs)] == [{"bpm": "120"}] * 10
