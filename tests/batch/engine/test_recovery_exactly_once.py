"""Each job is paid once, whatever the quirks of the service, whether the caller is killed or only loses an answer, in a
batch or with a single create. If only the user can decide, the error says so.

The table is `QUIRKS`; every row is tested in all four ways.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, cast

import pytest

from musicai_sdk import CustomWorkflow, MusicAiClient
from musicai_sdk._core import create
from musicai_sdk.batch import Event, open_ledger
from musicai_sdk.errors import CreateUncertainError, InputError, ResponseError
from musicai_sdk.sandbox import Quirks, Sandbox
from support.batch import RUNNER, echo, kill, make_tracks, wait_until

Told = Literal["found", "uncertain"]

QUIRKS: Mapping[str, tuple[dict[str, Any], Told]] = {
    "none": ({}, "found"),
    "two jobs a page": ({"page_limit": 2}, "found"),
    "metadata dropped": ({"metadata": "dropped"}, "uncertain"),
    "metadata null": ({"metadata": "null"}, "uncertain"),
    "metadata as one string": ({"metadata": "stringified"}, "found"),
    "metadata as strings": ({"metadata": "strings"}, "found"),
    "metadata cut": ({"metadata": "truncated"}, "uncertain"),
    "lists without metadata": ({"list_view": "no_metadata"}, "found"),
    "brief lists": ({"list_view": "brief"}, "found"),
    "lists without results": ({"list_view": "no_results"}, "found"),
    "oldest first": ({"list_order": "oldest"}, "found"),
    "shuffled": ({"list_order": "shuffled", "page_limit": 2}, "found"),
    "filter by names": ({"workflow_filter": "name"}, "found"),
    "filter ignored": ({"workflow_filter": "ignored"}, "found"),
    "listed late": ({"list_lag": 0.4}, "found"),
    "lists in objects": ({"list_envelope": "object"}, "found"),
    "302 after acting": ({"redirect_posts": 302}, "found"),
    "303 after acting": ({"redirect_posts": 303}, "found"),
    "307 after acting": ({"redirect_posts": 307}, "found"),
    "posts held and delivered late": ({"hold_posts": 0.4, "hold_count": 1}, "found"),
    "204 for a delete": ({"delete_status": 204}, "found"),
    "odd fields": ({"odd_fields": True}, "uncertain"),
}
"""A quirk, and whether a lost job is found in spite of it, or an error says that its existence is unknown."""

LOSES: Mapping[str, Any] = {"hold_posts": "itself", "redirect_posts": "itself"}
"""Quirks that lose the answer by themselves."""


@pytest.fixture(params=QUIRKS)
def odd(request: pytest.FixtureRequest) -> Iterator[tuple[Sandbox, dict[str, Any], Told]]:
    quirk, told = QUIRKS[request.param]
    with Sandbox(quirks=Quirks(**quirk)) as sandbox:
        yield sandbox, quirk, told


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(create, "LOOK_FOR", 1.0)
    monkeypatch.setattr(create, "LOOK_EVERY", 0.1)


def environment(sandbox: Sandbox) -> dict[str, str]:
    return {**os.environ, "MUSIC_AI_API_KEY": sandbox.api_key, "MUSIC_AI_BASE_URL": sandbox.base_url}


def lose_one(sandbox: Sandbox, quirk: Mapping[str, Any], nth: int, *, hang: bool) -> None:
    """Loses the answer of one POST whose job is created."""
    if not LOSES.keys() & quirk.keys():
        if hang:
            sandbox.faults.add("POST /job", hang="after", nth=nth)
        else:
            sandbox.faults.add("POST /job", reset="after", nth=nth)


def keys(sandbox: Sandbox) -> Counter[str]:
    """The number of stored jobs under each key."""
    made = cast("list[dict[str, Any]]", sandbox.jobs)
    return Counter(job["metadata"]["musicai_sdk.idempotency_key"] for job in made)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("killed", [False, True], ids=["alive", "killed"])
def test_a_batch(killed: bool, odd: tuple[Sandbox, dict[str, Any], Told], tmp_path: Path) -> None:
    sandbox, quirk, told = odd
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 3)
    lose_one(sandbox, quirk, 2, hang=killed)
    options: dict[str, Any] = {"keep_jobs": True, "grace": 1.0, "poll_interval": 0.2, "in_flight": 1}
    if killed:
        arguments = {"inputs": str(source), "out": str(out), "input_name": "file", **options}
        command = [sys.executable, str(RUNNER), json.dumps(arguments)]
        process = subprocess.Popen(
            command, env=environment(sandbox), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        wait_until(lambda: len(sandbox.jobs) >= (1 if LOSES.keys() & quirk.keys() else 2))
        time.sleep(0.1)
        kill(process)
        sandbox.faults.clear()
    events = list[Event]()
    echo(sandbox, source, out, on_event=events.append, **options).run()
    report = echo(sandbox, source, out, on_event=events.append, **options).run()
    assert len(sandbox.jobs) == 3
    assert set(keys(sandbox).values()) == {1}
    states = report.progress.states
    warnings = [event.message for event in events if event.kind == "warning" and "dashboard" in event.message]
    if told == "found":
        assert (states, warnings) == ({"verified": 3}, [])
    else:
        assert states == {"verified": 2, "uncertain": 1}
        assert len(warnings) == 2, "once in each run"
    with open_ledger(report.ledger) as view:
        assert len({each.idempotency_key for each in view.attempts()}) == 3
        assert view.jobs_created() == (3 if told == "found" else 2)


CREATE = """
import sys
from pathlib import Path
from musicai_sdk import CustomWorkflow, MusicAiClient
with MusicAiClient() as client:
    client.jobs.create(CustomWorkflow("sdk-test", {"file": Path(sys.argv[1])}), idempotency_key="order 1", settle=0)
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("killed", [False, True], ids=["alive", "killed"])
def test_a_single_create(killed: bool, odd: tuple[Sandbox, dict[str, Any], Told], tmp_path: Path) -> None:
    sandbox, quirk, told = odd
    (path,) = make_tracks(tmp_path, 1)
    workflow = CustomWorkflow("sdk-test", {"file": path})
    lose_one(sandbox, quirk, 1, hang=killed)
    ends, messages = list[Told](), list[str]()

    def create(client: MusicAiClient, **options: Any) -> None:
        try:
            made = client.jobs.create(workflow, idempotency_key="order 1", **options)
        except (CreateUncertainError, InputError, ResponseError) as error:
            # `InputError`: a truncated digest looks like that of another request. Nothing is sent.
            messages.append(str(error))
            ends.append("uncertain")
        else:
            assert made.id == sandbox.jobs[0]["id"]
            ends.append("found")

    if killed:
        process = subprocess.Popen(
            [sys.executable, "-c", CREATE, str(path)], env=environment(sandbox), stderr=subprocess.DEVNULL
        )
        wait_until(lambda: any(entry.method == "PUT" for entry in sandbox.requests))
        wait_until(lambda: sandbox.jobs or "hold_posts" in quirk)
        time.sleep(0.1)
        kill(process)
        sandbox.faults.clear()
    else:
        with sandbox.client(max_retries=0) as client:
            create(client)
    for _ in range(2):
        with sandbox.client() as client:
            create(client, settle=1.0)
    assert len(sandbox.jobs) == 1
    assert keys(sandbox) == {"order 1": 1}
    if quirk.get("metadata") == "truncated":
        return
    assert set(ends) == {told}, ends
    ways_on = ("dashboard", "find(")
    assert all("order 1" in each and any(way in each for way in ways_on) for each in messages), messages
