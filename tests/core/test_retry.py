"""Retries: the policy itself, and requests on the wire."""

from __future__ import annotations

import logging
import socket
import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import Connect
from musicai_sdk import MusicAiClient
from musicai_sdk._core.retry import Budget, delay, parse_retry_after
from musicai_sdk.errors import (
    ConnectionFailedError,
    InputError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)
from musicai_sdk.sandbox import Sandbox

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        (" 7 ", 7.0),
        ("Fri, 02 Jan 2026 03:04:15 GMT", 10.0),
        ("Fri, 02 Jan 2026 03:04:15 -0000", 10.0),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, NOW) == seconds


@given(st.text())
def test_retry_after_never_raises(header: str) -> None:
    value = parse_retry_after(header, NOW)
    assert value is None or value >= 0


def test_delays() -> None:
    broken = ConnectionFailedError("broken", sent=True)
    assert [delay(broken, n, lambda: 1.0) for n in (1, 2, 3)] == [0.05, 0.1, 0.2]
    assert delay(broken, 30, lambda: 1.0) == 20.0
    assert delay(broken, 1, lambda: 0.0) == 0.0
    throttled = RateLimitError("slow down", status=429, message="slow down")
    assert [delay(throttled, n, lambda: 1.0) for n in (1, 2)] == [1.0, 2.0]
    throttled.retry_after = 8.0
    assert (delay(throttled, 1, lambda: 0.0), delay(throttled, 1, lambda: 1.0)) == (8.0, 10.0)
    throttled.retry_after = 10.0
    assert delay(throttled, 1, lambda: 1.0) == 12.5
    throttled.retry_after = 1.0
    assert delay(throttled, 1, lambda: 1.0) == 1.5


def test_budget_runs_dry_and_recovers() -> None:
    budget, broken = Budget(), ConnectionFailedError("broken", sent=True)
    assert sum(budget.take(broken) for _ in range(100)) == 35
    for _ in range(14):
        budget.give_back(1)
    assert budget.take(broken)
    assert not budget.take(broken)


def test_the_budget_limits_the_load_on_a_failing_service(connect: Connect, sandbox: Sandbox) -> None:
    client = connect()
    sandbox.faults.add("GET /application", status=503)
    for _ in range(40):
        with pytest.raises(ServerError):
            client.application.get()
    assert len(sandbox.requests) == 40 + 35


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_transient_statuses_are_retried(client: MusicAiClient, sandbox: Sandbox, status: int) -> None:
    fault = sandbox.faults.add("GET /application", status=status, headers={"retry-after": "0"}, times=2)
    with client.record() as exchanges:
        client.application.get()
    assert fault.hits == 2
    assert [(entry.status, entry.attempt) for entry in exchanges] == [(status, 1), (status, 2), (200, 3)]


def test_final_statuses_are_not_retried(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /application", status=403)
    with pytest.raises(PermissionDeniedError) as caught:
        client.application.get()
    assert caught.value.attempts == 1
    assert len(sandbox.requests) == 1


def test_the_last_error_is_raised_after_the_last_attempt(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /application", status=503, headers={"x-request-id": "r-17"})
    with pytest.raises(ServerError, match="request id r-17") as caught:
        client.application.get(max_retries=1)
    assert (caught.value.attempts, caught.value.request_id) == (2, "r-17")
    assert len(sandbox.requests) == 2


def test_retries_can_be_switched_off(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /application", status=503)
    with pytest.raises(ServerError):
        connect(max_retries=0).application.get()
    assert len(sandbox.requests) == 1


def test_retry_after_is_respected(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /application", status=429, headers={"retry-after": "1"}, nth=1)
    started = time.monotonic()
    client.application.get()
    assert time.monotonic() - started >= 1.0


@pytest.mark.parametrize("asked", ["600", format_datetime(datetime(2099, 1, 1, tzinfo=UTC), usegmt=True)])
def test_a_long_retry_after_fails_at_once(client: MusicAiClient, sandbox: Sandbox, asked: str) -> None:
    sandbox.faults.add("GET /application", status=429, headers={"retry-after": asked})
    with pytest.raises(RateLimitError) as caught:
        client.application.get()
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 120
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("reset", ["before", "after"])
def test_broken_connections_are_retried(client: MusicAiClient, sandbox: Sandbox, reset: str) -> None:
    fault = sandbox.faults.add("GET /application", reset=reset, times=2)  # type: ignore[arg-type]
    client.application.get()
    assert fault.hits == 2


def test_connection_refused(connect: Connect) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        client = connect(base_url=f"http://127.0.0.1:{closed.getsockname()[1]}/v1")
        with pytest.raises(ConnectionFailedError, match="can't connect") as caught:
            client.application.get()
    assert (caught.value.sent, caught.value.attempts) == (False, 4)
    assert isinstance(caught.value, ConnectionError)


def test_timeout(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /application", delay=0.5)
    with pytest.raises(RequestTimeoutError, match=r"0\.2 s") as caught:
        client.application.get(request_timeout=0.2, max_retries=0)
    assert caught.value.sent
    assert isinstance(caught.value, TimeoutError)
    while not sandbox.requests:  # the late answer must not reach the next test
        time.sleep(0.02)


def test_a_delete_whose_answer_was_lost_has_succeeded(client: MusicAiClient, sandbox: Sandbox) -> None:
    job_id = client.add_job("name", "sdk-test", {"file": client.upload_file(__file__)})
    sandbox.faults.add("DELETE /job/{id}", reset="after", nth=1)
    client.delete_job(job_id)
    with pytest.raises(NotFoundError):
        client.get_job(job_id)
    with pytest.raises(NotFoundError):
        client.delete_job(job_id)


def test_every_retry_is_one_log_line(
    client: MusicAiClient, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.faults.add("GET /application", status=503, nth=1)
    with caplog.at_level(logging.INFO, "musicai_sdk"):
        client.application.get()
    assert [record.message.split(" (")[0] for record in caplog.records] == [
        "GET /application: attempt 1 of 4 failed"
    ]


@pytest.mark.parametrize("headers", [{"Authorization": "other"}, {"X-A": "line\nbreak"}])
def test_headers_that_would_break_the_request(client: MusicAiClient, headers: dict[str, str]) -> None:
    with pytest.raises(InputError):
        client.application.get(headers=headers)


def test_additional_headers(client: MusicAiClient) -> None:
    client.application.get(headers={"X-Trace": "17"})
