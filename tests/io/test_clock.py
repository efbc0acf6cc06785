"""Waits and retries end although a user's test has frozen Python's clocks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager

import pytest

from conftest import Connect
from musicai_sdk.errors import RequestTimeoutError, WaitTimeoutError
from support.raw_server import RawServer, Received

REAL = time.monotonic


Freeze = Callable[[], AbstractContextManager[None]]


@pytest.fixture(params=[0.0, 1.7e9], ids=["stands still", "elsewhere"])
def frozen(request: pytest.FixtureRequest) -> Freeze:
    """Freezes the clocks as freezegun does, for this thread: the session's sandbox needs them.

    `elsewhere` is what freezegun shows for a date.
    """
    here = threading.get_ident()

    @contextmanager
    def freeze() -> Generator[None]:
        then = request.param or REAL()
        with pytest.MonkeyPatch.context() as patch:
            for name in ("monotonic", "time", "perf_counter"):
                real = getattr(time, name)
                patch.setattr(time, name, lambda real=real: then if threading.get_ident() == here else real())
            yield

    return freeze


def states(*answers: tuple[str, str]) -> Callable[[Received], None]:
    """Answers one after the other, with status and job state; the last one again and again."""
    left = list(answers)

    def handler(request: Received) -> None:
        status, state = left.pop(0) if len(left) > 1 else left[0]
        request.answer(json.dumps({"id": "j", "status": state}).encode(), status)

    return handler


def test_a_wait_for_a_job(connect: Connect, frozen: Freeze) -> None:
    with RawServer(states(("200 OK", "STARTED"), ("200 OK", "STARTED"), ("200 OK", "SUCCEEDED"))) as server:
        client = connect(base_url=server.url)
        with frozen():
            job = client.jobs.wait("j", timeout=30)
        assert job.status == "SUCCEEDED"


def test_a_wait_that_takes_too_long(connect: Connect, frozen: Freeze) -> None:
    with RawServer(states(("200 OK", "STARTED"))) as server:
        client = connect(base_url=server.url)
        began = REAL()
        with pytest.raises(WaitTimeoutError), frozen():
            client.jobs.wait("j", timeout=1)
        assert REAL() - began > 0.9


def test_retries(connect: Connect, frozen: Freeze) -> None:
    with RawServer(states(("503 Busy", ""), ("503 Busy", ""), ("200 OK", "QUEUED"))) as server:
        client = connect(base_url=server.url)
        with frozen():
            status = client.jobs.status("j").status
        assert status == "QUEUED"


def test_an_exchange_that_takes_too_long(connect: Connect, frozen: Freeze) -> None:
    def silent(request: Received) -> None:
        request.over.wait(60)

    with RawServer(silent) as server:
        client = connect(base_url=server.url, max_retries=0)
        with pytest.raises(RequestTimeoutError), frozen():
            client.application.get(request_timeout=0.5)
