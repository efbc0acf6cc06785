"""The admin endpoint: faults, clock, request log and reset over HTTP, and who may use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from musicai_sdk.sandbox import Sandbox


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(workflows={}) as sandbox:
        yield sandbox


@pytest.fixture
def own(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.base_url.replace("/v1", "/__sandbox__")) as client:
        yield client


def status(sandbox: Sandbox) -> int:
    return httpx.get(
        f"{sandbox.base_url}/application", headers={"Authorization": sandbox.api_key}
    ).status_code


def test_faults(sandbox: Sandbox, own: httpx.Client) -> None:
    added = own.post("/faults", json={"route": "GET /application", "status": 503, "nth": 2}).json()
    assert added["options"] == {"status": 503, "nth": 2}
    own.post("/faults", json={"route": "* *", "status": 500, "body": "<p>", "probability": 1})
    assert [status(sandbox) for _ in range(2)] == [500, 503]
    assert [(each["route"], each["calls"], each["hits"]) for each in own.get("/faults").json()] == [
        ("GET /application", 2, 1),
        ("* *", 2, 1),
    ]
    assert own.delete("/faults/2").status_code == 200
    assert own.delete("/faults/2").status_code == 404
    assert status(sandbox) == 200
    own.post("/faults", json={"route": "* *", "status": 500})
    assert own.delete("/faults").status_code == 200
    assert status(sandbox) == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"status": 500}, "route"),
        ({"route": 5}, "expected string"),
        ({"route": "* *", "stauts": 500}, "stauts"),
        ({"route": "* *", "nth": "x"}, "nth"),
        ([], "JSON object"),
    ],
)
def test_invalid_faults(own: httpx.Client, body: Any, words: str) -> None:
    answer = own.post("/faults", json=body)
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert own.get("/faults").json() == []


def test_clock_journal_and_reset(sandbox: Sandbox, own: httpx.Client) -> None:
    before = sandbox.clock.now()
    assert own.post("/clock", json={"advance": 3600}).status_code == 200
    assert 3600 <= sandbox.clock.now() - before < 3700
    assert own.get("/clock").json()["now"].endswith("Z")
    assert own.post("/clock", json={"advance": -1}).status_code == 400
    assert own.post("/clock", content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    assert sandbox.requests == [], "admin requests aren't logged"
    status(sandbox)
    (entry,) = own.get("/requests").json()
    assert (entry["path"], entry["status"], entry["headers"]["authorization"]) == (
        "/v1/application",
        200,
        "***",
    )
    sandbox.faults.add("* *", status=500)
    assert own.post("/reset", json={}).status_code == 200
    assert (own.get("/requests").json(), own.get("/faults").json()) == ([], [])
    assert own.get("/nothing").status_code == 404


def test_no_key_is_shown(sandbox: Sandbox, own: httpx.Client) -> None:
    status(sandbox)
    assert sandbox.api_key not in own.get("/requests").text


def test_other_sites_are_refused(own: httpx.Client) -> None:
    json_type = {"Content-Type": "application/json"}
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example", **json_type}):
        assert own.post("/reset", content=b"{}", headers=headers).status_code == 403
    # A form can send this without a preflight request.
    assert own.post("/reset", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    origin = str(own.base_url).replace("/__sandbox__/", "")
    answer = own.post("/reset", content=b"{}", headers={"Origin": origin, **json_type})
    assert answer.status_code == 200
