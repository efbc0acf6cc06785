"""Whose job it is, on services that change, hide or delay keys, and for keys that are similar."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Generator
from typing import Any

import pytest

from conftest import Connect
from musicai_sdk import CustomWorkflow
from musicai_sdk.errors import CreateUncertainError
from musicai_sdk.models.job import IDEMPOTENCY_KEY, KEY_DIGEST, REQUEST_DIGEST
from musicai_sdk.models.job_key import key_entries, shown_key
from support.job_service import Job, JobService, serving

WORKFLOW = CustomWorkflow("acme/chords", {"file": "https://songs/1.wav"})
KEY = "order-2024-77"


@pytest.fixture
def service() -> Generator[JobService]:
    with serving(JobService()) as service:
        yield service


def create(connect: Connect, service: JobService, key: str = KEY, workflow: CustomWorkflow = WORKFLOW) -> str:
    """Sends a request from a new process."""
    client = connect(base_url=service.base_url)
    return client.jobs.create(workflow, idempotency_key=key, settle=0).id


def ended(service: JobService, entries: dict[str, Any], **fields: Any) -> Job:
    """Another job of the same workflow, with these metadata."""
    body = {"workflow": WORKFLOW.slug, "params": {"file": "https://songs/2.wav"}, "metadata": entries}
    return service.deliver(body, **fields)


# --- similar keys


def test_similar_keys_are_different_jobs(connect: Connect, service: JobService) -> None:
    keys = ["song-1", "song-10", "song-100", "ong-1", "SONG-1", "song 1"]
    made = [create(connect, service, key) for key in keys]
    assert [create(connect, service, key) for key in keys] == made
    assert len(service.posts) == len(set(made)) == len(keys)
    client = connect(base_url=service.base_url)
    assert client.jobs.get(made[0]).metadata == {}
    assert client.jobs.find("song-1000", settle=0) is None


@pytest.mark.parametrize("most", [20, 34])
def test_similar_keys_where_long_values_are_cut(connect: Connect, service: JobService, most: int) -> None:
    def cut(job: Job) -> Job:
        return {**job, "metadata": {name: value[:most] for name, value in job["metadata"].items()}}

    service.listed = service.fetched = cut
    first = create(connect, service, "song-1")
    assert create(connect, service, "song-1") == first
    assert create(connect, service, "song-10") != first
    create(connect, service, 9 * "long " + "1")
    # The shown key is the beginning of both.
    for key in (9 * "long " + "1", 9 * "long " + "2", (9 * "long ")[:most].strip()):
        with pytest.raises(CreateUncertainError, match="doesn't show the key"):
            create(connect, service, key)
    assert len(service.posts) == 3


def test_a_shown_key_that_is_another_ones_beginning(connect: Connect, service: JobService) -> None:
    ended(service, {**key_entries("song-10"), IDEMPOTENCY_KEY: "song-1"})
    with pytest.raises(CreateUncertainError, match="doesn't show the key"):
        create(connect, service, "song-1")
    assert service.posts == []


def test_jobs_of_2_0_0(connect: Connect, service: JobService) -> None:
    """They have a digest of the request, or a generated key, and no digest of the key."""
    own = ended(service, {IDEMPOTENCY_KEY: "a job's"})
    ended(service, {IDEMPOTENCY_KEY: "another", REQUEST_DIGEST: hashlib.sha256(b"").hexdigest()[:32]})
    ended(service, {IDEMPOTENCY_KEY: "27803abe-ec15-4f74-9e8a-18a99627e9b0"})
    assert create(connect, service, "a job's") == own["id"]
    create(connect, service)
    with pytest.raises(CreateUncertainError):
        create(connect, service, "another one")  # the beginning may be all that is shown
    assert len(service.posts) == 1


def test_what_metadata_shows_of_a_key() -> None:
    entries = key_entries("song-10")
    assert shown_key(entries).is_of("song-10") is True
    assert shown_key(entries).is_of("song-100") is False
    assert shown_key({**entries, KEY_DIGEST: entries[KEY_DIGEST][:16]}).exact
    assert not shown_key({**entries, KEY_DIGEST: entries[KEY_DIGEST][:15]}).exact
    assert shown_key({**entries, IDEMPOTENCY_KEY: "song-1"}).is_of("song-10") is None
    assert shown_key({**entries, IDEMPOTENCY_KEY: "song-1"}).is_of("song-1") is None
    assert shown_key({**entries, IDEMPOTENCY_KEY: "[REDACTED]"}).is_of("song-10") is None
    assert shown_key({**entries, IDEMPOTENCY_KEY: None}).is_of("song-10") is None
    assert shown_key({KEY_DIGEST: ""}).is_of("song-10") is shown_key(None).is_of("song-10") is None


# --- keys that come back changed

changes: dict[str, Callable[[str], str]] = {
    "sha256": lambda value: hashlib.sha256(value.encode()).hexdigest(),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "hex": lambda value: value.encode().hex(),
    "quoted-printable": lambda value: value.replace("-", "=2D"),
    "reversed": lambda value: value[::-1],
    "prefix": lambda value: f"app1:{value}",
    "prefix and cut": lambda value: f"app1:{value}"[:8],
    "redacted": lambda _value: "[REDACTED]",
    "masked": lambda value: value[:2] + "x" * (len(value) - 2),
    "middle": lambda value: value[2:6],
    "null": lambda _value: "null",
    "number": lambda _value: "1.2345e10",
}


@pytest.mark.parametrize("way", changes)
def test_a_key_that_comes_back_changed_excludes_no_job(
    connect: Connect, service: JobService, way: str
) -> None:
    change = changes[way]
    for number in range(2):
        ended(service, key_entries(f"another {number}"))
    service.listed = service.fetched = lambda job: {
        **job, "metadata": {name: change(value) for name, value in job["metadata"].items()}
    }  # fmt: skip
    made = create(connect, service)
    with pytest.raises(CreateUncertainError):
        create(connect, service)
    with pytest.raises(CreateUncertainError):
        connect(base_url=service.base_url).jobs.find(KEY, settle=0)
    service.listed = service.fetched = dict
    assert create(connect, service) == made
    assert len(service.posts) == 1


# --- metadata that comes late


@pytest.mark.parametrize(
    "early", [{}, {"env": "production"}, {IDEMPOTENCY_KEY: None}, {IDEMPOTENCY_KEY: "pending"}]
)
def test_metadata_that_comes_late(connect: Connect, service: JobService, early: dict[str, Any]) -> None:
    """The keys of jobs that have ended prove nothing about those that haven't."""
    ended(service, key_entries("another"))
    service.listed = service.fetched = lambda job: (
        job if job["status"] == "SUCCEEDED" else {**job, "metadata": early}
    )
    service.status = "QUEUED"
    first = create(connect, service)
    for _ in range(2):
        with pytest.raises(CreateUncertainError, match="doesn't show the key"):
            create(connect, service)
    with pytest.raises(CreateUncertainError, match="doesn't show the key"):
        connect(base_url=service.base_url).jobs.find(KEY, settle=0)
    service.jobs[0]["status"] = "SUCCEEDED"
    assert create(connect, service) == first
    assert len(service.posts) == 1


def test_jobs_without_keys_in_an_account_that_shows_keys(connect: Connect, service: JobService) -> None:
    """Another program's job of the same workflow and input."""
    service.deliver({"workflow": WORKFLOW.slug, "params": WORKFLOW.params}, status="QUEUED")
    ended(service, key_entries("another"))
    with pytest.raises(CreateUncertainError):
        create(connect, service)
    ended(service, key_entries("another one"), status="QUEUED")
    create(connect, service)
    assert len(service.posts) == 1


# --- no metadata, and other fields changed

shown_fields: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "rounded": ({"x": 2.6}, {"workflowParams": {"x": 3}}),
    "rounded down": ({"x": -0.5}, {"workflowParams": {"x": -1}}),
    "scaled": ({"x": 0.5}, {"workflowParams": {"x": 50}}),
    "limited": ({"x": 500}, {"workflowParams": {"x": 300}}),
    "translated": ({"x": "mp3"}, {"workflowParams": {"x": "audio/mpeg"}}),
    "default": ({"x": ""}, {"workflowParams": {"x": "auto"}}),
    "hidden": ({"x": "secret"}, {"workflowParams": {"x": "***"}}),
    "without tags": ({"x": "<b>hello</b> world"}, {"workflowParams": {"x": "hello world"}}),
    "stored elsewhere": ({}, {"workflowParams": {"file": "https://songs/cache/1234.wav"}}),
    "stored as": ({}, {"workflowParams": {"file": "file_1234"}}),
    "name": ({}, {"name": "Chords of a song"}),
    "workflow's alias": ({}, {"workflow": "music-ai/all-chords"}),
    "runtime": ({}, {"workflow": "orchestrator-runtime"}),
}


@pytest.mark.parametrize("way", shown_fields)
def test_without_keys_another_form_is_no_other_job(connect: Connect, service: JobService, way: str) -> None:
    params, fields = shown_fields[way]
    service.listed = service.fetched = lambda job: {**job, "metadata": None, **fields}
    workflow = CustomWorkflow(WORKFLOW.slug, {**WORKFLOW.params, **params})
    create(connect, service, workflow=workflow)
    with pytest.raises(CreateUncertainError, match="doesn't show the key"):
        create(connect, service, workflow=workflow)
    assert len(service.posts) == 1
