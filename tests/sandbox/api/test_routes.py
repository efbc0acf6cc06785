"""The eight operations and their errors, over real HTTP."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from musicai_sdk.models import Job
from musicai_sdk.models._wire import wire_fields
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine.task import Output, Task

# Loading the authorities takes 40 ms, which every request without a client would do again.
TRUST = ssl.create_default_context()
get = partial(httpx.get, verify=TRUST)
put = partial(httpx.put, verify=TRUST)
request = partial(httpx.request, verify=TRUST)

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def echo(task: Task) -> dict[str, Output]:
    """Gives back its parameters.

    Not all of them are read.
    """
    return {"echo": dict(task.params)}


def other(task: Task) -> dict[str, Output]:
    return {}


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(workflows={"echo": echo, "acme/other": other}) as sandbox:
        yield sandbox


@pytest.fixture(params=["v1", "api"])
def api(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    base = sandbox.base_url.removesuffix("v1") + request.param
    with httpx.Client(verify=TRUST, base_url=base, headers={"Authorization": sandbox.api_key}) as client:
        yield client


def create(api: httpx.Client, **fields: Any) -> str:
    body: dict[str, Any] = {"name": "song", "workflow": "echo", "params": {}, **fields}
    answer = api.post("/job", json=body)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"id"}
    job_id: str = answer.json()["id"]
    assert UUID.fullmatch(job_id)
    return job_id


def finished(api: httpx.Client, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while api.get(f"/job/{job_id}/status").json()["status"] in ("QUEUED", "STARTED"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    job: dict[str, Any] = api.get(f"/job/{job_id}").json()
    return job


def refused(answer: httpx.Response, status: int, *, naming: str = "") -> None:
    assert answer.status_code == status
    body = answer.json()
    assert set(body) == {"statusCode", "code", "error", "message"}
    assert body["statusCode"] == status
    assert re.fullmatch("[A-Z_]+", body["code"])
    assert naming in body["message"]


def test_upload_gives_two_urls_of_one_object(sandbox: Sandbox, api: httpx.Client) -> None:
    answer = api.get("/upload")
    assert answer.status_code == 200
    urls = answer.json()
    assert set(urls) == {"uploadUrl", "downloadUrl"}
    origin = sandbox.base_url.removesuffix("/v1")
    for url in urls.values():
        assert re.fullmatch(rf"{origin}/moises-sandbox/developer-portal/{UUID.pattern}\?.*Signature=.*", url)
    assert urls["uploadUrl"].partition("?")[0] == urls["downloadUrl"].partition("?")[0]
    assert put(urls["uploadUrl"], content=b"abc").status_code == 200
    assert get(urls["downloadUrl"]).content == b"abc"


def test_a_job_has_every_field_of_the_service(api: httpx.Client) -> None:
    params = {"inputUrl": "https://example.invalid/ü", "n": [1, 2.5, None, {"a": True}]}
    job_id = create(api, name="Ångström", params=params, metadata={"customer": "42"})
    job = finished(api, job_id)
    assert job.keys() == wire_fields(Job).keys()
    assert job["id"] == job_id
    assert job["app"] == "Default Application"
    assert job["name"] == "Ångström"
    assert job["batchName"] is None
    assert job["metadata"] == {"customer": "42"}
    assert job["workflow"] == "echo"
    assert job["workflowParams"] == params
    assert job["status"] == "SUCCEEDED"
    assert job["result"] == {"echo": params}
    assert job["error"] is None
    stamps = [job["createdAt"], job["startedAt"], job["completedAt"]]
    assert all(STAMP.fullmatch(stamp) for stamp in stamps)
    assert stamps == sorted(stamps)
    status = api.get(f"/job/{job_id}/status")
    assert status.status_code == 200
    assert status.json() == {"id": job_id, "status": "SUCCEEDED"}


def test_metadata_and_empty_results(api: httpx.Client) -> None:
    assert finished(api, create(api))["metadata"] == {}
    assert finished(api, create(api, metadata=None, copyResultsTo=None))["metadata"] == {}
    assert finished(api, create(api, workflow="acme/other"))["result"] == {}


def test_delete_returns_the_id_and_removes_the_job(api: httpx.Client) -> None:
    job_id = create(api)
    answer = api.delete(f"/job/{job_id}")
    assert answer.status_code == 200
    assert answer.json() == {"id": job_id}
    refused(api.get(f"/job/{job_id}"), 404, naming=job_id)
    refused(api.get(f"/job/{job_id}/status"), 404)
    refused(api.delete(f"/job/{job_id}"), 404)
    assert api.get("/job").json() == []


def test_workflows_and_application(sandbox: Sandbox, api: httpx.Client) -> None:
    answer = api.get("/workflow")
    assert answer.status_code == 200
    first, second = answer.json()["workflows"]
    assert set(first) == {"id", "name", "slug", "description", "createdAt", "updatedAt"}
    assert first["slug"] == "echo"
    assert first["description"] == "Gives back its parameters."
    assert UUID.fullmatch(first["id"])
    assert STAMP.fullmatch(first["createdAt"])
    assert (second["slug"], second["description"]) == ("acme/other", "")
    assert api.get("/workflow?size=1&page=1").json() == {"workflows": [second]}
    assert api.get("/workflow?page=999").json() == {"workflows": []}
    application = api.get("/application")
    assert application.status_code == 200
    assert application.json() == {"id": sandbox.applications[0].id, "name": "Default Application"}


def test_a_registered_workflow_is_listed_and_runs(api: httpx.Client) -> None:
    with Sandbox(workflows={}) as sandbox:

        @sandbox.workflow("acme/late")
        def late(task: Task) -> dict[str, Output]:
            return {"late": 1}

        with httpx.Client(
            verify=TRUST, base_url=sandbox.base_url, headers={"Authorization": sandbox.api_key}
        ) as own:
            assert [each["slug"] for each in own.get("/workflow").json()["workflows"]] == ["acme/late"]
            assert finished(own, create(own, workflow="acme/late"))["result"] == {"late": 1}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/upload"),
        ("GET", "/job"),
        ("POST", "/job"),
        ("GET", "/job/x"),
        ("GET", "/job/x/status"),
        ("DELETE", "/job/x"),
        ("GET", "/workflow"),
        ("GET", "/application"),
    ],
)
def test_every_operation_wants_the_key_and_only_the_key(
    sandbox: Sandbox, api: httpx.Client, method: str, path: str
) -> None:
    url = f"{api.base_url}{path.removeprefix('/')}"
    refused(request(method, url), 401)
    for wrong in ("", "nobody", f"Bearer {sandbox.api_key}", sandbox.api_key.upper(), sandbox.api_key + "x"):
        refused(request(method, url, headers={"Authorization": wrong}), 401)
    assert api.request(method, path).status_code != 401


def test_unknown_routes_and_methods(api: httpx.Client) -> None:
    for path in ("/jobs", "/job/", "/job/a/b", "/billing", "/job/x/status/", "/job/..%2Fapplication"):
        refused(api.get(path), 404)
    answer = api.put("/job", json={})
    refused(answer, 405)
    assert answer.headers["allow"] == "GET, POST"
    refused(api.post("/job/x"), 405)
    refused(get(str(api.base_url.join("/nothing"))), 404)
    refused(get(str(api.base_url.join("/v2/job"))), 404)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": None}, "name"),
        ({"name": 7}, "name"),
        ({"workflow": ["echo"]}, "workflow"),
        ({"params": "inputUrl"}, "params"),
        ({"params": None}, "params"),
        ({"metadata": []}, "metadata"),
        ({"copyResultsTo": {"vocals": 1}}, "copyResultsTo.vocals"),
        ({"copyResultsTo": "https://example.invalid"}, "copyResultsTo"),
    ],
)
def test_a_wrong_type_is_named(api: httpx.Client, change: dict[str, Any], field: str) -> None:
    body: dict[str, Any] = {"name": "song", "workflow": "echo", "params": {}, **change}
    refused(api.post("/job", json=body), 400, naming=field)


def test_a_missing_field_is_named(api: httpx.Client) -> None:
    for field in ("name", "workflow", "params"):
        body: dict[str, Any] = {"name": "song", "workflow": "echo", "params": {}}
        del body[field]
        refused(api.post("/job", json=body), 400, naming=field)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b'\xff\xfe{"a"',
        b'{"name": "\\ud800", "workflow": "echo", "params": {}}',
        b'{"name": "n", "workflow": "echo", "params": {"a": NaN}}',
        b'{"name": "n", "workflow": "echo", "params": {"a": 1e999}}',
        b'{"name": "n", "workflow": "echo", "params": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
    ],
)
def test_a_body_must_be_a_json_object(sandbox: Sandbox, api: httpx.Client, body: bytes) -> None:
    refused(api.post("/job", content=body), 400)
    assert sandbox.jobs == []


def test_unknown_fields_are_accepted_and_unknown_workflows_are_not(
    sandbox: Sandbox, api: httpx.Client
) -> None:
    create(api, batchName="ignored", anything=1)
    body: dict[str, Any] = {"name": "song", "workflow": "music-ai/nothing", "params": {}}
    refused(api.post("/job", json=body), 404, naming="music-ai/nothing")
    assert [job["batchName"] for job in sandbox.jobs] == [None]


def test_a_very_large_body_is_refused(api: httpx.Client) -> None:
    body: dict[str, Any] = {"name": "song", "workflow": "echo", "params": {"text": "x" * 3_000_000}}
    refused(api.post("/job", json=body), 413)


def test_pages_newest_first(api: httpx.Client) -> None:
    ids = [create(api, name=str(number)) for number in range(7)][::-1]

    def page(**query: int) -> list[str]:
        answer = api.get("/job", params=query)
        assert answer.status_code == 200
        return [job["id"] for job in answer.json()]

    assert page() == ids
    assert page(size=3) == ids[:3]
    assert page(page=1, size=3) == ids[3:6]
    assert page(page=2, size=3) == ids[6:]
    assert page(page=3, size=3) == []
    assert page(page=999_999_999, size=1000) == []


@pytest.mark.parametrize(
    "query",
    ["page=-1", "page=x", "page=1.5", "page=", "page=%EF%BC%91",
     "size=0", "size=-1", "size=x", "size="],
)  # fmt: skip
def test_invalid_pages(api: httpx.Client, query: str) -> None:
    for path in ("/job", "/workflow"):
        refused(api.get(f"{path}?{query}"), 400, naming=query.partition("=")[0])


def test_the_default_page_size_is_a_hundred(api: httpx.Client) -> None:
    for _ in range(101):
        create(api)
    assert len(api.get("/job").json()) == 100
    assert len(api.get("/job?size=101").json()) == 101


def test_filters(sandbox: Sandbox, api: httpx.Client) -> None:
    echoes = [create(api) for _ in range(2)]
    others = [create(api, workflow="acme/other") for _ in range(2)]
    for job_id in echoes + others:
        finished(api, job_id)
    sandbox.put_in_batch(echoes[0], "b")
    sandbox.put_in_batch(others[0], "b")
    with pytest.raises(KeyError):
        sandbox.put_in_batch("nobody", "b")

    def ids(query: str) -> list[str]:
        answer = api.get(f"/job?{query}")
        assert answer.status_code == 200
        return [job["id"] for job in answer.json()]

    assert ids("status=SUCCEEDED") == (echoes + others)[::-1]
    assert ids("status=QUEUED&status=SUCCEEDED") == (echoes + others)[::-1]
    assert ids("status=QUEUED&status=STARTED") == []
    assert ids("status=NEVER-HEARD-OF") == []
    assert ids("workflow=echo") == echoes[::-1]
    assert ids("workflow=echo&workflow=acme/other") == (echoes + others)[::-1]
    assert ids("workflow=nobody") == []
    assert ids("workflow=echo&status=FAILED") == []
    assert ids("batchName=b") == [others[0], echoes[0]]
    assert ids("batchName=b&workflow=echo&status=SUCCEEDED") == [echoes[0]]
    assert ids("batchName=nobody") == []


def test_applications_see_their_own_jobs_only(sandbox: Sandbox, api: httpx.Client) -> None:
    key = sandbox.add_key("Second")
    job_id = create(api)
    with httpx.Client(verify=TRUST, base_url=api.base_url, headers={"Authorization": key}) as second:
        application = second.get("/application").json()
        assert application["name"] == "Second"
        assert application["id"] != api.get("/application").json()["id"]
        assert second.get("/job").json() == []
        for answer in (
            second.get(f"/job/{job_id}"),
            second.get(f"/job/{job_id}/status"),
            second.delete(f"/job/{job_id}"),
        ):
            refused(answer, 404)
        own = create(second)
        assert second.get(f"/job/{own}").json()["app"] == "Second"
    assert [job["id"] for job in api.get("/job").json()] == [job_id]
    assert [job["id"] for job in sandbox.jobs] == [own, job_id]


def test_a_failed_answer_of_the_sandbox_itself(
    sandbox: Sandbox, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret internals")

    monkeypatch.setattr("musicai_sdk.sandbox.api.routes.iso", broken)
    job_id = create(api)
    answer = api.get(f"/job/{job_id}")
    refused(answer, 500)
    assert "secret" not in answer.text


def test_every_answer_is_json(api: httpx.Client) -> None:
    for answer in (api.get("/upload"), api.get("/nowhere"), api.delete("/job/x")):
        assert answer.headers["content-type"] == "application/json"
        json.loads(answer.content)
