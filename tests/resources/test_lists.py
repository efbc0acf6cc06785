"""`client.jobs.list()`: limits, the first job, pages, and its truth value."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

import pytest

from conftest import Connect
from musicai_sdk import AsyncMusicAiClient, MusicAiClient
from musicai_sdk.errors import InputError
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import GenerateChords
from support.job_service import JobService, serving

BAD = {"file": "http://127.0.0.1:9/none"}


@pytest.fixture
def five(sandbox: Sandbox) -> list[str]:
    """Five jobs, as the list has them."""
    with sandbox.client() as client:
        ids = [client.add_job(f"job {number}", "sdk-test", BAD) for number in range(5)]
    return [str(each) for each in ids][::-1]


def sizes(sandbox: Sandbox) -> list[str]:
    """The requested page sizes."""
    queries = [parse_qs(each.query) for each in sandbox.requests if each.path.endswith("/job") and each.query]
    return [query["size"][0] for query in queries]


def listed(client: MusicAiClient, **options: object) -> list[str]:
    return [job.id for job in client.jobs.list(**options)]  # type: ignore[arg-type]


def test_a_limit(client: MusicAiClient, sandbox: Sandbox, five: list[str]) -> None:
    assert listed(client, limit=2) == five[:2]
    assert sizes(sandbox) == ["2"]
    assert listed(client, limit=3, page_size=2) == five[:3]
    assert listed(client, limit=9) == listed(client, limit=None) == five
    before = len(sandbox.requests)
    assert listed(client, limit=0) == []
    assert len(sandbox.requests) == before


@pytest.mark.parametrize("limit", [-1, 1.5, "3", True])
def test_invalid_limits(client: MusicAiClient, sandbox: Sandbox, limit: object) -> None:
    with pytest.raises(InputError, match="limit must be a whole number"):
        listed(client, limit=limit)
    with pytest.raises(InputError, match="page_size must be a whole number"):
        listed(client, page_size=limit)
    assert sandbox.requests == []


def test_the_first_job(sandbox: Sandbox, five: list[str]) -> None:
    with sandbox.client() as client:
        first = client.jobs.list().first()
        assert first is not None
        assert first.id == five[0]
        assert client.jobs.list(workflow=GenerateChords).first() is None

    async def main() -> None:
        async with sandbox.async_client() as client:
            first = await client.jobs.list().first()
            assert first is not None
            assert first.id == five[0]
            assert await client.jobs.list(workflow=GenerateChords).first() is None
            assert [job.id for job in await client.jobs.list(limit=2)] == five[:2]
            assert [job.id async for job in client.jobs.list(limit=2)] == five[:2]

    asyncio.run(main())
    assert "1" in sizes(sandbox)


def test_pages_ignores_the_limit(sandbox: Sandbox, five: list[str]) -> None:
    with sandbox.client() as client:
        pages = [[job.id for job in page] for page in client.jobs.list(limit=1, page_size=3).pages()]
    assert [job_id for page in pages for job_id in page] == five
    assert pages[-1] == []


def test_a_list_shows_itself_without_a_request(sandbox: Sandbox) -> None:
    with sandbox.client() as client:
        jobs = client.jobs.list(status="FAILED", workflow=GenerateChords, limit=3)
        assert repr(jobs) == "JobList(status=['FAILED'], workflow=['music-ai/generate-chords'], limit=3)"
    other = AsyncMusicAiClient(sandbox.api_key, base_url=sandbox.base_url)
    assert repr(other.jobs.list(batch_name="spring", page_size=5)) == (
        "AsyncJobList(batch_name='spring', page_size=5)"
    )
    assert sandbox.requests == []


def test_a_list_has_no_truth_value(sandbox: Sandbox) -> None:
    with sandbox.client() as client:
        asynchronous = AsyncMusicAiClient(sandbox.api_key, base_url=sandbox.base_url)
        for jobs in (client.jobs.list(), asynchronous.jobs.list()):
            with pytest.raises(TypeError, match=r"first\(\)"):
                bool(jobs)
            with pytest.raises(TypeError):
                len(jobs)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - the mistake
    assert sandbox.requests == []


def test_a_notebook_shows_the_first_jobs(sandbox: Sandbox, five: list[str]) -> None:
    with sandbox.client() as client:
        html = client.jobs.list()._repr_html_()
        assert [each for each in five if each in html] == five
        assert sizes(sandbox) == ["11"]
        assert client.jobs.list(limit=2)._repr_html_().count(five[2]) == 0
        for number in range(7):
            client.add_job(f"<more {number}>", "sdk-test", BAD)
        shown = client.jobs.list()._repr_html_()
        assert "&lt;more 6&gt;" in shown
        assert "and more" in shown
        assert five[4] not in shown
        sandbox.faults.add("GET /job", status=401, times=1)
        assert "401" in client.jobs.list()._repr_html_(), "a display never raises"


def test_the_asynchronous_list_shows_its_query_without_a_request(sandbox: Sandbox) -> None:
    before = len(sandbox.requests)
    html = sandbox.async_client().jobs.list(status="FAILED")._repr_html_()
    assert "FAILED" in html
    assert "await" in html
    assert len(sandbox.requests) == before


def test_data_frames_of_both_clients(sandbox: Sandbox, five: list[str]) -> None:
    async def ids() -> list[str]:
        async with sandbox.async_client() as client:
            return list((await client.jobs.list(page_size=2).to_pandas()).id)

    assert asyncio.run(ids()) == five
    with sandbox.client() as client:
        assert list(client.jobs.list(limit=3).to_pandas().id) == five[:3]


def test_a_service_that_ignores_filters(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    with serving(JobService()) as service:
        for number in range(6):
            workflow = ("acme/stems", "acme/chords", "ACME/Stems@2")[number % 3]
            status = ("Succeeded", "FAILED")[number % 2]
            service.deliver({"workflow": workflow}, id=f"job-{number}", status=status)
        client = connect(base_url=service.base_url)
        assert len(listed(client, workflow=["acme/stems"])) == 6
        assert caplog.text.count("don't match the filters (workflow=['acme/stems'])") == 1
        assert len(listed(client, status="SUCCEEDED")) == 6
        assert caplog.text.count("don't match the filters") == 2
        assert len(listed(client, batch_name="b")) == 6, "which shows no contradiction"
        assert caplog.text.count("don't match the filters") == 2
        assert len(listed(client)) == 6
