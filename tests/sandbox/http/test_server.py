"""Connections that are refused, accepted, and refused again at once."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from musicai_sdk.sandbox import Sandbox


def test_refused_again_at_once(sandbox: Sandbox) -> None:
    with httpx.Client(base_url=sandbox.base_url, headers={"Authorization": sandbox.api_key}) as api:
        for _ in range(20):
            with sandbox.refusing():
                pass
            with sandbox.refusing(), pytest.raises(httpx.ConnectError):
                api.get("/application")
        assert api.get("/application").status_code == 200


@pytest.mark.parametrize("fault", [{"refuse": 0.3}, {"reset": "before"}])
def test_the_service_reaches_its_own_storage(sandbox: Sandbox, fault: dict[str, Any]) -> None:
    """Refused connections are meant for clients: a job doesn't fail because of them."""
    with httpx.Client(base_url=sandbox.base_url, headers={"Authorization": sandbox.api_key}) as api:
        urls = api.get("/upload").json()
        api.put(urls["uploadUrl"], content=b"RIFF").raise_for_status()
        shown = sandbox.faults.add("GET /moises-sandbox/*", nth=1, **fault)
        body = {"name": "x", "workflow": "sdk-test", "params": {"file": urls["downloadUrl"]}}
        api.post("/job", json=body).raise_for_status()
    deadline = time.monotonic() + 20
    while (status := sandbox.jobs[0]["status"]) not in ("SUCCEEDED", "FAILED"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert (status, shown.hits) == ("SUCCEEDED", 1)


def test_a_client_that_disconnects_before_the_reset(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.faults.add("GET /application", delay=0.3, reset="before")
    with httpx.Client(base_url=sandbox.base_url, timeout=0.1) as api, pytest.raises(httpx.ReadTimeout):
        api.get("/application")
    deadline = time.monotonic() + 20
    while not sandbox.requests:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with httpx.Client(base_url=sandbox.base_url, headers={"Authorization": sandbox.api_key}) as api:
        assert api.get("/workflow").status_code == 200
    assert "Exception in ASGI application" not in caplog.text
