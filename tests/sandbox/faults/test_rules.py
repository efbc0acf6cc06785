"""Faults on the wire."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from musicai_sdk.sandbox import Sandbox
from support.talking import BODY, create_request, get_request, talk


@pytest.fixture(scope="module")
def running(plain_and_tls: Sandbox) -> Sandbox:
    return plain_and_tls


@pytest.mark.parametrize(("when", "created"), [("before", 0), ("after", 1)])
def test_a_reset_is_a_reset(sandbox: Sandbox, when: Any, created: int) -> None:
    sandbox.faults.add("POST /job", reset=when, times=1)
    received, error = talk(sandbox, create_request(sandbox))
    assert received == b""
    assert isinstance(error, ConnectionResetError)
    assert len(sandbox.jobs) == created
    assert [(entry.method, entry.path, entry.status) for entry in sandbox.requests] == [
        ("POST", "/v1/job", None)
    ]


@pytest.mark.parametrize(("when", "created"), [("before", 0), ("after", 1)])
def test_a_client_sees_a_broken_connection_and_the_next_request_works(
    sandbox: Sandbox, api: httpx.Client, when: Any, created: int
) -> None:
    sandbox.faults.add("POST /job", nth=1, reset=when)
    with pytest.raises(httpx.TransportError):
        api.post("/job", json=BODY)
    assert len(sandbox.jobs) == created
    assert api.post("/job", json=BODY).status_code == 200
    assert len(sandbox.jobs) == created + 1


def test_a_reset_in_the_middle_of_an_upload(sandbox: Sandbox, api: httpx.Client) -> None:
    urls = api.get("/upload").json()
    sandbox.faults.add("PUT /moises-sandbox/*", nth=1, reset="before")
    with pytest.raises(httpx.TransportError):
        api.put(urls["uploadUrl"], content=b"x" * 20_000_000)
    assert api.get(urls["downloadUrl"]).status_code == 404
    sandbox.faults.add("PUT /moises-sandbox/*", nth=1, reset="after")
    with pytest.raises(httpx.TransportError):
        api.put(urls["uploadUrl"], content=b"x" * 2_000_000)
    assert len(api.get(urls["downloadUrl"]).content) == 2_000_000


@pytest.mark.parametrize("most", [0, 10, 1_500_000])
def test_a_truncated_body(sandbox: Sandbox, api: httpx.Client, most: int) -> None:
    urls = api.get("/upload").json()
    data = b"0123456789" * 300_000
    api.put(urls["uploadUrl"], content=data)
    sandbox.faults.add("GET /moises-sandbox/developer-portal/{id}", truncate=most, times=2)
    parts = urlsplit(str(urls["downloadUrl"]))
    received, error = talk(sandbox, get_request(sandbox, f"{parts.path}?{parts.query}"))
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"content-length: 3000000" in head.lower()
    assert body == data[:most]
    assert error is None, "an orderly end, not a reset"
    with pytest.raises(httpx.RemoteProtocolError):
        api.get(urls["downloadUrl"])
    assert api.get(urls["downloadUrl"]).content == data


def test_a_truncated_json_answer(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.faults.add("GET /application", truncate=5, nth=1)
    with pytest.raises(httpx.RemoteProtocolError):
        api.get("/application")
    sandbox.faults.add("GET /application", body='{"id": "x', nth=1)
    answer = api.get("/application")
    assert (answer.status_code, answer.content) == (200, b'{"id": "x')


@pytest.mark.parametrize("status", [401, 404, 422, 429, 500, 502, 503])
def test_a_status(sandbox: Sandbox, api: httpx.Client, status: int) -> None:
    sandbox.faults.add("POST /job", status=status, headers={"Retry-After": "3"}, times=1)
    answer = api.post("/job", json=BODY)
    assert answer.status_code == answer.json()["statusCode"] == status
    assert answer.headers["retry-after"] == "3"
    assert sandbox.jobs == []
    assert api.post("/job", json=BODY).status_code == 200
    assert [entry.status for entry in sandbox.requests] == [status, 200]


def test_a_gateway_that_loses_the_answer(sandbox: Sandbox, api: httpx.Client) -> None:
    slot = api.get("/upload").json()
    sandbox.faults.add("* *", times=3, status=504, body="<html>", acted=True)
    sent = (
        api.put(slot["uploadUrl"], content=b"x" * 5_000_000),
        api.post("/job", json=BODY),
        api.get("/application"),
    )
    assert [(answer.status_code, answer.text) for answer in sent] == [(504, "<html>")] * 3
    assert api.get(slot["downloadUrl"]).content == b"x" * 5_000_000
    assert len(sandbox.jobs) == 1
    assert api.get("/application").status_code == 200


def test_a_status_for_an_upload_is_not_a_reset(sandbox: Sandbox, api: httpx.Client) -> None:
    url = api.get("/upload").json()["uploadUrl"]
    sandbox.faults.add("PUT /moises-sandbox/*", status=503)
    for _ in range(3):
        assert api.put(url, content=b"x" * 5_000_000).status_code == 503


def test_bodies(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.faults.add("GET /application", body="<html>Hello</html>", nth=1)
    sandbox.faults.add("GET /application", body={"id": "x"}, nth=2)
    sandbox.faults.add("GET /application", body=b"\x00\xff", headers={"Content-Type": "a/b"}, nth=3)
    first, second, third, fourth = (api.get("/application") for _ in range(4))
    assert (first.status_code, first.headers["content-type"], first.text) == (
        200,
        "text/html",
        "<html>Hello</html>",
    )
    assert second.json() == {"id": "x"}
    assert (third.content, third.headers["content-type"]) == (b"\x00\xff", "a/b")
    assert fourth.json()["name"] == "Default Application"


def test_headers_alone_change_the_real_answer(sandbox: Sandbox, api: httpx.Client) -> None:
    urls = api.get("/upload").json()
    api.put(urls["uploadUrl"], content=b"abc")
    sandbox.faults.add("GET /moises-sandbox/*", headers={"X-Goog-Hash": "md5=AAAA"})
    answer = api.get(urls["downloadUrl"])
    assert (answer.status_code, answer.content) == (200, b"abc")
    assert answer.headers.get_list("x-goog-hash") == ["md5=AAAA"]


def test_a_delay(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.faults.add("GET /application", delay=0.4, times=1)
    begin = time.monotonic()
    assert api.get("/application").status_code == 200
    assert time.monotonic() - begin >= 0.4
    sandbox.faults.add("GET /application", delay=30, times=1)
    with pytest.raises(httpx.ReadTimeout):
        api.get("/application", timeout=0.2)
    sandbox.faults.add("POST /job", delay=0.2, reset="after", times=1)
    with pytest.raises(httpx.TransportError):
        api.post("/job", json=BODY)
    assert len(sandbox.jobs) == 1


def test_which_requests_match(sandbox: Sandbox, api: httpx.Client) -> None:
    jobs = [api.post("/job", json=BODY).json()["id"] for _ in range(2)]
    fault = sandbox.faults.add("GET /job/{id}/status", nth=2, times=2, status=500)
    statuses = [api.get(f"/job/{jobs[0]}/status").status_code for _ in range(5)]
    assert statuses == [200, 500, 500, 200, 200]
    assert (fault.calls, fault.hits) == (5, 2)
    assert api.get(f"/job/{jobs[0]}").status_code == 200
    sandbox.faults.clear()

    sandbox.faults.add("GET /job/{id}", status=500)
    assert api.get(f"/job/{jobs[0]}").status_code == 500
    assert api.get(f"/job/{jobs[0]}/status").status_code == 200
    assert api.get("/job").status_code == 200
    sandbox.faults.clear()

    sandbox.faults.add("* /job*", status=500)
    sandbox.faults.add("* *", status=502)
    old = str(api.base_url).replace("/v1", "/api")
    statuses = [
        api.get("/job").status_code,
        api.delete(f"/job/{jobs[1]}").status_code,
        api.get(f"{old}job").status_code,
        api.get("/application").status_code,
    ]
    assert statuses == [500, 500, 500, 502]
    sandbox.faults.clear()
    assert api.get("/application").status_code == 200
    assert len(sandbox.jobs) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {"route": "/job"},
        {"route": "POST job"},
        {"route": "post /job"},
        {"route": "POST /job", "nth": 0},
        {"route": "POST /job", "times": 0},
        {"route": "POST /job", "delay": -1},
        {"route": "POST /job", "truncate": -1},
        {"route": "POST /job", "reset": "before", "status": 500},
        {"route": "POST /job", "reset": "after", "truncate": 5},
        {"route": "POST /job", "acted": True},
        {"route": "POST /job", "hang": "after", "acted": True},
    ],
)
def test_invalid_faults(sandbox: Sandbox, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        sandbox.faults.add(**arguments)
