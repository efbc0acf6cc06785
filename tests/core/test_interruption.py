"""Interrupted calls that cost money (Ctrl-C, cancellation, timeouts) name the job and how to continue."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Generator
from typing import Any

import pytest

from conftest import Connect
from musicai_sdk import AsyncMusicAiClient, CustomWorkflow, MusicAiClient
from musicai_sdk.errors import MusicAiError
from support.job_service import Job, JobService, serving

WORKFLOW = CustomWorkflow("acme/chords", {"inputUrl": "https://example.com/a.wav"})


def running(job: Job) -> Job:
    return {**job, "status": "STARTED", "result": None}


@pytest.fixture
def service() -> Generator[JobService]:
    with serving(JobService()) as service:
        service.fetched = service.listed = running
        yield service


def notes(error: BaseException | None) -> str:
    return "\n".join(getattr(error, "__notes__", ()))


def interrupt_when(service: JobService, request: str) -> None:
    """Sends Ctrl-C once the service has received a request that begins with this text."""

    def press() -> None:
        service.await_request(request)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()


def test_ctrl_c_while_a_run_waits_names_the_job(service: JobService) -> None:
    interrupt_when(service, "GET /v1/job/")
    with MusicAiClient(api_key="a-key", base_url=service.base_url) as client:
        with pytest.raises(KeyboardInterrupt) as caught:
            client.jobs.run(WORKFLOW)
    [job] = service.jobs
    assert f"client.jobs.wait({job['id']!r})" in notes(caught.value)


def test_ctrl_c_during_the_post_names_the_key(service: JobService) -> None:
    def hold(_body: dict[str, Any]) -> bool:
        time.sleep(1)
        return True

    service.delivers = hold
    interrupt_when(service, "POST")
    with MusicAiClient(api_key="a-key", base_url=service.base_url) as client:
        with pytest.raises(KeyboardInterrupt) as caught:
            client.jobs.create(WORKFLOW, idempotency_key="order-1", settle=0)
    assert "client.jobs.find('order-1')" in notes(caught.value)


@pytest.mark.parametrize("method", ["run", "wait", "wait_all"])
def test_a_cancelled_task_names_the_job(service: JobService, method: str) -> None:
    async def main() -> BaseException:
        async with AsyncMusicAiClient(api_key="a-key", base_url=service.base_url) as client:
            if method == "run":
                work = asyncio.create_task(client.jobs.run(WORKFLOW))
            else:
                job_id = service.deliver({"workflow": "acme/chords"})["id"]
                if method == "wait":
                    work = asyncio.create_task(client.jobs.wait(job_id))
                else:
                    work = asyncio.create_task(client.jobs.wait_all([job_id]))  # type: ignore[arg-type]
            await asyncio.to_thread(service.await_request, "GET /v1/job/")
            work.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await work
            return caught.value

    error = asyncio.run(main())
    assert service.jobs[0]["id"] in notes(error)


def test_a_timeout_of_asyncio_names_the_job(service: JobService) -> None:
    async def main() -> None:
        async with AsyncMusicAiClient(api_key="a-key", base_url=service.base_url) as client:
            async with asyncio.timeout(1):
                await client.jobs.run(WORKFLOW)

    with pytest.raises(TimeoutError) as caught:
        asyncio.run(main())
    assert service.jobs[0]["id"] in notes(caught.value.__cause__)


def test_an_exception_of_the_caller_names_the_job(connect: Connect, service: JobService) -> None:
    def update(_state: object) -> None:
        raise ZeroDivisionError

    client = connect(base_url=service.base_url)
    with pytest.raises(ZeroDivisionError) as caught:
        client.jobs.run(WORKFLOW, on_update=update)
    assert f"client.jobs.wait({service.jobs[0]['id']!r})" in notes(caught.value)


def test_a_client_that_is_closed_while_it_waits_names_the_job(service: JobService) -> None:
    with MusicAiClient(api_key="a-key", base_url=service.base_url) as client:

        def close() -> None:
            service.await_request("GET /v1/job/")
            client.close()

        threading.Thread(target=close, daemon=True).start()
        with pytest.raises(MusicAiError) as caught:
            client.jobs.run(WORKFLOW)
    assert service.jobs[0]["id"] in f"{caught.value} {notes(caught.value)}"
