"""Quirks of jobs, lists and POSTs on the wire, and how to set them."""

from __future__ import annotations

import ast
import inspect
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from musicai_sdk import CustomWorkflow, MusicAiClient
from musicai_sdk.errors import CreateUncertainError, JobFailedError
from musicai_sdk.sandbox import Quirks, Sandbox
from musicai_sdk.sandbox.engine.task import Output, Task, bad_input
from support.docstrings import documented_fields
from support.talking import BODY, create_request, nothing, talk

NOTHING = CustomWorkflow("nothing", {})
METADATA = {"key": "0123456789", "number": 7}


def failing(task: Task) -> dict[str, Output]:
    raise bad_input("File not found.")


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    workflows = {"nothing": nothing, "music-ai/get-vocals": nothing, "failing": failing}
    with Sandbox(workflows=workflows, transition="immediate") as sandbox:
        yield sandbox


def create(api: httpx.Client, **fields_: Any) -> str:
    job_id: str = api.post("/job", json={**BODY, **fields_}).raise_for_status().json()["id"]
    return job_id


def listed(api: httpx.Client, **query: Any) -> list[str]:
    return [job["id"] for job in api.get("/job", params=query).raise_for_status().json()]


def only(api: httpx.Client) -> dict[str, Any]:
    """The only job, as a list item."""
    (job,) = api.get("/job").json()
    return dict[str, Any](job)


# How to set them.


def test_there_are_no_quirks_by_default(sandbox: Sandbox) -> None:
    assert sandbox.quirks == Quirks()
    assert sandbox.quirks.metadata == "kept"


def test_quirks_are_immutable() -> None:
    with pytest.raises(FrozenInstanceError):
        Quirks().page_limit = 3  # type: ignore[misc]  # the mistake


def test_quirks_can_change_while_the_sandbox_runs(sandbox: Sandbox, api: httpx.Client) -> None:
    job_id = create(api)
    sandbox.quirks = Quirks(metadata="null")
    assert api.get(f"/job/{job_id}").json()["metadata"] is None
    sandbox.quirks = Quirks()
    assert api.get(f"/job/{job_id}").json()["metadata"] == {}


def test_a_reset_restores_the_quirks_of_the_constructor() -> None:
    with Sandbox(workflows={}, quirks=Quirks(page_limit=1)) as sandbox:
        sandbox.quirks = Quirks(page_limit=2)
        sandbox.reset()
        assert sandbox.quirks == Quirks(page_limit=1)


def test_quirks_can_be_set_before_the_start() -> None:
    sandbox = Sandbox(workflows={})
    sandbox.quirks = Quirks(other_application=True)
    with sandbox:
        answer = httpx.get(f"{sandbox.base_url}/application", headers={"Authorization": sandbox.api_key})
        assert answer.json()["name"] == "Another Application"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"page_limit": 0}, "page_limit: input should be greater than or equal to 1, or None; got 0"),
        ({"page_limit": "50"}, "page_limit: .*; got '50'"),
        ({"list_lag": -1}, "list_lag: .*greater than or equal to 0"),
        ({"list_lag": float("nan")}, "list_lag"),
        ({"drip": float("inf")}, "drip"),
        ({"metadata": "nul"}, "metadata is one of 'kept', 'dropped', 'null', .*; got 'nul'"),
        ({"redirect_posts": 301}, "redirect_posts is one of 302, 303, 307, None; got 301"),
        ({"web_pages": "yes"}, "web_pages is one of False, True; got 'yes'"),
    ],
)
def test_invalid_values(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Quirks(**values)


@pytest.mark.parametrize("value", [None, {"page_limit": 3}, "page_limit=3"])
def test_quirks_of_another_type(sandbox: Sandbox, value: Any) -> None:
    with pytest.raises(TypeError, match="Quirks"):
        sandbox.quirks = value
    assert sandbox.quirks == Quirks()


def test_over_http(sandbox: Sandbox) -> None:
    with httpx.Client(base_url=sandbox.base_url.replace("/v1", "/__sandbox__")) as own:
        assert own.get("/quirks").json() == asdict(Quirks())
        answer = own.put("/quirks", json={"page_limit": 50, "empty_results": "null"})
        assert answer.json() == asdict(sandbox.quirks) == asdict(Quirks(page_limit=50, empty_results="null"))
        for body, words in (
            ({"page_limits": 50}, "there is no quirk 'page_limits'; the quirks are page_limit, list_lag, "),
            ({"list_order": "random"}, "list_order is one of 'newest', 'oldest', 'shuffled'; got 'random'"),
        ):
            refused = own.put("/quirks", json=body)
            assert refused.status_code == 400
            assert words in refused.json()["message"]
        assert sandbox.quirks.page_limit == 50
        own.put("/quirks", json={})
        assert sandbox.quirks == Quirks()


def test_every_quirk_is_documented_and_tested() -> None:
    used = set[str]()
    for file in Path(__file__).parent.glob("test_quirk*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Quirks":
                used |= {keyword.arg for keyword in node.keywords if keyword.arg}
    names = {field.name for field in fields(Quirks)}
    assert documented_fields(Quirks) == names
    shown_by_help = inspect.getdoc(Quirks) or ""
    assert [name for name in names if f"    {name}: " not in shown_by_help] == []
    assert used >= names


# Lists.


def test_page_limit(sandbox: Sandbox, api: httpx.Client) -> None:
    ids = [create(api) for _ in range(5)][::-1]
    sandbox.quirks = Quirks(page_limit=2)
    assert [listed(api, page=page, size=100) for page in range(4)] == [ids[:2], ids[2:4], ids[4:], []]
    assert listed(api) == ids[:2]
    assert listed(api, size=1, page=3) == ids[3:4]
    assert [len(api.get("/workflow", params={"page": page}).json()["workflows"]) for page in (0, 1)] == [2, 1]


def test_list_lag(sandbox: Sandbox, api: httpx.Client, client: MusicAiClient) -> None:
    old = create(api)
    sandbox.clock.advance(10)
    sandbox.quirks = Quirks(list_lag=5)
    new = client.jobs.create(NOTHING).id
    assert client.jobs.get(new).status == "SUCCEEDED"
    assert listed(api) == [old]
    assert listed(api, status="SUCCEEDED") == [old]
    sandbox.clock.advance(5)
    assert listed(api, status="SUCCEEDED") == [new, old]
    assert [job.id for job in client.jobs.list()] == [new, old]


def test_get_lag(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.quirks = Quirks(get_lag=60)
    job_id = create(api)
    assert api.get(f"/job/{job_id}").status_code == 404
    assert api.get(f"/job/{job_id}/status").status_code == 404
    assert listed(api) == [job_id]
    sandbox.clock.advance(60)
    assert api.get(f"/job/{job_id}").json()["status"] == "SUCCEEDED"
    assert api.delete(f"/job/{create(api)}").status_code == 200


def test_list_order(sandbox: Sandbox, api: httpx.Client, client: MusicAiClient) -> None:
    ids = [create(api) for _ in range(12)]
    assert listed(api) == ids[::-1]
    sandbox.quirks = Quirks(list_order="oldest")
    assert listed(api) == ids
    assert listed(api, size=5, page=2) == ids[10:]
    sandbox.quirks = Quirks(list_order="shuffled")
    shuffled = listed(api)
    assert sorted(shuffled) == sorted(ids)
    assert shuffled not in (ids, ids[::-1])
    assert [job_id for page in range(3) for job_id in listed(api, size=5, page=page)] == shuffled
    assert {job.id for job in client.jobs.list(page_size=5)} == set(ids)
    api.delete(f"/job/{shuffled[3]}")
    assert listed(api) == shuffled[:3] + shuffled[4:]


def test_list_envelope(sandbox: Sandbox, api: httpx.Client, client: MusicAiClient) -> None:
    job_id = create(api)
    sandbox.quirks = Quirks(list_envelope="object")
    assert [job["id"] for job in api.get("/job").json()["jobs"]] == [job_id]
    assert [job.id for job in client.jobs.list()] == [job_id]


def test_list_view(sandbox: Sandbox, api: httpx.Client, client: MusicAiClient) -> None:
    job_id = create(api, metadata=METADATA)
    whole = api.get(f"/job/{job_id}").json()
    assert only(api) == whole
    for quirks, left_out in (
        (Quirks(list_view="no_results"), {"result"}),
        (Quirks(list_view="no_metadata"), {"metadata"}),
        (Quirks(list_view="brief"), whole.keys() - {"id", "status", "workflow", "createdAt"}),
    ):
        sandbox.quirks = quirks
        item = only(api)
        assert whole.keys() - item.keys() == left_out
        assert item == {name: whole[name] for name in item}
        assert api.get(f"/job/{job_id}").json() == whole
        assert client.jobs.get(job_id).metadata == METADATA


def test_workflow_filter(sandbox: Sandbox, api: httpx.Client) -> None:
    first, second = create(api, workflow="music-ai/get-vocals"), create(api)
    names = {each["slug"]: each["name"] for each in api.get("/workflow").json()["workflows"]}
    assert names["music-ai/get-vocals"] == "Get vocals"
    assert listed(api, workflow="music-ai/get-vocals") == [first]
    sandbox.quirks = Quirks(workflow_filter="name")
    assert listed(api, workflow="music-ai/get-vocals") == []
    assert listed(api, workflow="Get vocals") == [first]
    assert listed(api, workflow=["Get vocals", "Nothing"]) == [second, first]
    assert listed(api) == [second, first]
    sandbox.quirks = Quirks(workflow_filter="ignored")
    assert listed(api, workflow="music-ai/get-vocals") == [second, first]


# Jobs.


@pytest.mark.parametrize(
    ("quirks", "shown"),
    [
        (Quirks(metadata="kept"), {"metadata": METADATA}),
        (Quirks(metadata="dropped"), {}),
        (Quirks(metadata="null"), {"metadata": None}),
        (Quirks(metadata="stringified"), {"metadata": json.dumps(METADATA)}),
        (Quirks(metadata="strings"), {"metadata": {"key": "0123456789", "number": "7"}}),
        (Quirks(metadata="truncated"), {"metadata": {"key": "01234567", "number": 7}}),
    ],
    ids=lambda value: value.metadata if isinstance(value, Quirks) else "",
)
def test_metadata(sandbox: Sandbox, api: httpx.Client, quirks: Quirks, shown: dict[str, Any]) -> None:
    sandbox.quirks = quirks
    job_id = create(api, metadata=METADATA)
    for job in (api.get(f"/job/{job_id}").json(), only(api)):
        assert {name: value for name, value in job.items() if name == "metadata"} == shown
        assert job["name"] == BODY["name"]
    assert sandbox.jobs[0]["metadata"] == METADATA, "tests see the stored metadata"


def test_metadata_of_null_to_the_client(sandbox: Sandbox, client: MusicAiClient) -> None:
    for quirks in (Quirks(metadata="null"), Quirks(metadata="dropped")):
        sandbox.quirks = quirks
        assert client.jobs.run(NOTHING, metadata={"a": "b"}).metadata in (None, {})


def test_odd_fields(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.quirks = Quirks(odd_fields=True)
    for slug, status in (("nothing", "SUCCEEDED"), ("failing", "FAILED")):
        job = api.get(f"/job/{create(api, workflow=slug)}").json()
        odd = {name: job.pop(name) for name in ("startedAt", "metadata", "name", "error")}
        assert odd == {"startedAt": "", "metadata": [], "name": 7, "error": "text"}
        assert job["status"] == status
        assert job["completedAt"].keys() == {"_seconds", "_nanoseconds"}
        assert abs(job["completedAt"]["_seconds"] - sandbox.clock.now()) < 100
    sandbox.transition = "after:60"
    assert api.get(f"/job/{create(api)}").json()["completedAt"] is None


def test_other_application(sandbox: Sandbox, api: httpx.Client, client: MusicAiClient) -> None:
    before = create(api)
    own = api.get("/application").json()
    sandbox.quirks = Quirks(other_application=True)
    other = api.get("/application").json()
    assert other["name"] != own["name"]
    assert other["id"] != own["id"]
    assert client.application.get().id == other["id"]
    assert listed(api) == []
    assert api.get("/workflow").json() == {"workflows": []}
    assert api.get(f"/job/{before}").status_code == 404
    assert api.delete(f"/job/{before}").status_code == 404
    made = create(api)
    assert listed(api) == [made]
    assert api.get(f"/job/{made}").json()["app"] == other["name"]
    sandbox.quirks = Quirks()
    assert listed(api) == [before]
    assert len(sandbox.jobs) == 2
    assert api.headers["Authorization"] == sandbox.api_key, "the default application is still the first one"


@pytest.mark.parametrize("status", [200, 202, 204])
def test_delete_status(sandbox: Sandbox, api: httpx.Client, status: int) -> None:
    job_id = create(api)
    sandbox.quirks = {202: Quirks(delete_status=202), 204: Quirks(delete_status=204)}.get(status, Quirks())
    answer = api.delete(f"/job/{job_id}")
    assert answer.status_code == status
    assert answer.content == (json.dumps({"id": job_id}, separators=(",", ":")).encode() * (status == 200))
    assert api.delete(f"/job/{job_id}").status_code == 404
    assert api.get("/application").status_code == 200


# POSTs.


@pytest.mark.parametrize("status", [302, 303, 307])
def test_redirected_posts(sandbox: Sandbox, api: httpx.Client, status: int) -> None:
    sandbox.quirks = {
        302: Quirks(redirect_posts=302),
        303: Quirks(redirect_posts=303),
        307: Quirks(redirect_posts=307),
    }[status]
    answer = api.post("/job", json=BODY)
    (job,) = sandbox.jobs
    assert (answer.status_code, answer.content) == (status, b"")
    assert answer.headers["Location"] == ("/v1/job" if status == 307 else f"/v1/job/{job['id']}")
    assert api.post("/job", json={**BODY, "workflow": "unknown"}).status_code == 404
    if status == 307:
        with pytest.raises(httpx.TooManyRedirects):
            api.post("/job", json=BODY, follow_redirects=True)
        assert len(sandbox.jobs) > 5, "following it would pay repeatedly"


def test_held_posts(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.quirks = Quirks(hold_posts=600)
    received, error = talk(sandbox, create_request(sandbox))
    assert (received, error) == (b"", None), "closed, and not reset"
    assert (sandbox.requests[-1].method, sandbox.requests[-1].status) == ("POST", None)
    with pytest.raises(httpx.RemoteProtocolError):
        api.post("/job", json={**BODY, "name": "second"})
    assert api.post("/upload").status_code == 405, "other requests aren't held"
    sandbox.clock.advance(599)
    assert sandbox.jobs == []
    before = sandbox.clock.now()
    sandbox.clock.advance(60)
    assert [job["name"] for job in sandbox.jobs] == ["second", "n"]
    assert only_created_between(sandbox, before, before + 60)


def only_created_between(sandbox: Sandbox, start: float, end: float) -> bool:
    moments = [datetime.fromisoformat(str(job["createdAt"])).timestamp() for job in sandbox.jobs]
    return all(start - 0.01 <= moment <= end for moment in moments)


def test_held_posts_are_delivered_in_real_time(sandbox: Sandbox) -> None:
    sandbox.quirks = Quirks(hold_posts=0.05)
    talk(sandbox, create_request(sandbox))
    deadline = time.monotonic() + 30
    while not sandbox.jobs:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_hold_count_limits_held_posts(sandbox: Sandbox, api: httpx.Client) -> None:
    for _ in range(2):
        sandbox.quirks = Quirks(hold_posts=600, hold_count=1)
        assert talk(sandbox, create_request(sandbox))[0] == b""
        create(api)
    assert len(sandbox.jobs) == 2
    sandbox.clock.advance(600)
    assert len(sandbox.jobs) == 4


def test_a_held_post_keeps_its_key_and_the_fault_of_its_job(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.quirks = Quirks(hold_posts=600)
    sandbox.faults.add("POST /job", job_error="TIMEOUT")
    talk(sandbox, create_request(sandbox).replace(sandbox.api_key.encode(), b"wrong"))
    talk(sandbox, create_request(sandbox))
    sandbox.clock.advance(600)
    assert api.get(f"/job/{only(api)['id']}").json()["error"]["code"] == "TIMEOUT"


def test_a_reset_loses_held_posts(sandbox: Sandbox) -> None:
    sandbox.quirks = Quirks(hold_posts=600)
    talk(sandbox, create_request(sandbox))
    sandbox.reset()
    sandbox.clock.advance(1200)
    assert sandbox.jobs == []


def test_the_clock_is_advanced_over_http(sandbox: Sandbox) -> None:
    sandbox.quirks = Quirks(hold_posts=600)
    talk(sandbox, create_request(sandbox))
    clock = sandbox.base_url.replace("/v1", "/__sandbox__/clock")
    assert httpx.post(clock, json={"advance": 600}).status_code == 200
    assert len(sandbox.jobs) == 1


def test_a_sandbox_with_held_posts_can_stop(tmp_path: Path) -> None:
    sandbox = Sandbox(workflows={"nothing": nothing}, data_dir=tmp_path, quirks=Quirks(hold_posts=600))
    with sandbox:
        talk(sandbox, create_request(sandbox))
    with sandbox:
        sandbox.clock.advance(1200)
        assert sandbox.jobs == []


def test_posts_held_while_others_advance_the_clock(sandbox: Sandbox) -> None:
    sandbox.quirks = Quirks(hold_posts=30)
    threads = [threading.Thread(target=talk, args=(sandbox, create_request(sandbox))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        sandbox.clock.advance(10)
    for thread in threads:
        thread.join()
    sandbox.clock.advance(60)
    assert len(sandbox.jobs) == 20


def test_a_late_post_to_the_client(sandbox: Sandbox, client: MusicAiClient) -> None:
    sandbox.quirks = Quirks(hold_posts=600, hold_count=1)
    with pytest.raises(CreateUncertainError) as caught:
        client.jobs.create(NOTHING, idempotency_key="late")
    assert caught.value.idempotency_key == "late"
    assert sandbox.jobs == []
    sandbox.clock.advance(600)
    found = client.jobs.find("late")
    assert found is not None
    assert found.id == sandbox.jobs[0]["id"]


def test_no_result(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.transition = "polls:1"
    running, failed = create(api), create(api, workflow="failing")
    shapes: list[tuple[Quirks, Any]] = [(Quirks(), None), (Quirks(no_result="empty"), {})]
    for quirks, shown in shapes:
        sandbox.quirks = quirks
        job = api.get(f"/job/{running}").json()
        assert (job["status"], job["result"]) in (("STARTED", shown), ("SUCCEEDED", {}))
        api.get(f"/job/{failed}")
        job = api.get(f"/job/{failed}").json()
        assert (job["status"], job["result"]) == ("FAILED", shown)


def test_no_error_field(sandbox: Sandbox, api: httpx.Client, client: MusicAiClient) -> None:
    job_id = create(api, workflow="failing")
    sandbox.quirks = Quirks(no_error_field=True)
    assert "error" not in api.get(f"/job/{job_id}").json()
    assert "error" not in only(api)
    with pytest.raises(JobFailedError, match="no reason"):
        client.jobs.get(job_id).raise_for_failure()


# The API and its storage.


def test_cors(sandbox: Sandbox, api: httpx.Client) -> None:
    urls = api.get("/upload").json()
    addresses = (f"{sandbox.base_url}/job", urls["uploadUrl"], urls["downloadUrl"])
    with httpx.Client() as page:
        assert [page.options(url).status_code for url in addresses] == [405, 405, 405]
        sandbox.quirks = Quirks(cors=True)
        for url in addresses:
            asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}
            preflight = page.options(url, headers=asked)
            assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")
            assert "PUT" in preflight.headers["access-control-allow-methods"]
            assert "Authorization" in preflight.headers["access-control-allow-headers"]
        answers = [page.put(urls["uploadUrl"], content=b"x"), page.get(urls["downloadUrl"])]
        answers += [api.get("/job"), page.get(f"{sandbox.base_url}/job"), page.get(f"{sandbox.base_url}/x")]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 401, 404]
        assert {answer.headers.get("access-control-allow-origin") for answer in answers} == {"*"}
        own = page.get(f"{sandbox.base_url.removesuffix('/v1')}/__sandbox__/quirks")
        assert "access-control-allow-origin" not in own.headers, (
            "other sites can't use the sandbox's own pages"
        )


def test_strict(
    sandbox: Sandbox, api: httpx.Client, client: MusicAiClient, caplog: pytest.LogCaptureFixture
) -> None:
    urls = api.get("/upload").json()
    with httpx.Client() as plain:
        careless = {"Authorization": sandbox.api_key}
        assert plain.put(urls["uploadUrl"], content=b"x", headers=careless).status_code == 200
        sandbox.quirks = Quirks(strict=True)
        for url, headers in (
            (urls["downloadUrl"], careless),
            (urls["downloadUrl"], {"Authorization": "Bearer other"}),
            (urls["downloadUrl"], {"X-Api-Key": sandbox.api_key}),
            (f"{urls['downloadUrl']}&key={sandbox.api_key}", {}),
        ):
            refused = plain.get(url, headers=headers)
            assert (refused.status_code, "InvalidArgument" in refused.text) == (400, True)
        assert plain.put(urls["uploadUrl"], content=b"y", headers=careless).status_code == 400
        assert plain.get(urls["downloadUrl"]).content == b"x"
    assert len(caplog.messages) == 5
    assert sandbox.api_key not in caplog.text
    assert client.files.upload(b"z").size == 1, "this package's client sends the key only to the API"


# Lists, as other clients write their filters.


def test_filters_in_brackets(api: httpx.Client) -> None:
    one, other = create(api), create(api, workflow="failing")
    assert listed(api, **{"workflow[]": ["nothing", "failing"]}) == [other, one]
    assert listed(api, **{"workflow[]": "nothing"}) == [one]
    api.get(f"/job/{other}")
    assert listed(api, **{"status[]": "FAILED"}) == listed(api, status="FAILED") == [other]
