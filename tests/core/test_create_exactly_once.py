"""A client, a sandbox with faults, and a model of the rules: no job twice, none lost, none unrequested."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from musicai_sdk import CustomWorkflow, Job, MusicAiClient
from musicai_sdk._core import create
from musicai_sdk.errors import CreateUncertainError, NotFoundError
from musicai_sdk.sandbox import Sandbox

WORKFLOW = CustomWorkflow("sdk-test", {"file": "http://127.0.0.1:9/none"})

BEFORE: dict[str, Any] = {"reset": "before"}
"""The request never reaches the application: there is no job."""
AFTER: dict[str, Any] = {"reset": "after"}
"""The job is created, and its answer is lost."""
GATEWAY: dict[str, Any] = {"status": 504, "body": "<html>", "acted": True}
"""The same, and something else answers."""
FAILURES = [
    BEFORE,
    AFTER,
    GATEWAY,
    {"status": 500},
    {"status": 503},
    {"status": 429, "headers": {"retry-after": "0"}},
]
HARMLESS = [BEFORE, AFTER, GATEWAY, {"status": 502}, {"truncate": 1}]
"""Faults that a safe operation survives once."""


class Jobs(RuleBasedStateMachine):
    sandbox: Sandbox
    client: MusicAiClient

    keys = Bundle[str]("keys")

    def __init__(self) -> None:
        super().__init__()
        self.jobs = dict[str, str]()

    @initialize()
    def begin(self) -> None:
        self.sandbox.reset()

    @rule(target=keys, fault=st.none() | st.sampled_from(FAILURES), own=st.booleans())
    def create(self, fault: dict[str, Any] | None, own: bool) -> str:
        # A new client for every run, because a client remembers its lost keys.
        key = f"key-{uuid.uuid4()}" if own else None
        if fault:
            self.sandbox.faults.add("POST /job", nth=1, **fault)
        try:
            created = self.client.jobs.create(WORKFLOW, idempotency_key=key)
        except CreateUncertainError as error:
            # The client is uncertain, but these faults create no job.
            assert fault not in (None, AFTER, GATEWAY)
            assert fault != FAILURES[-1]
            return error.idempotency_key
        finally:
            self.sandbox.faults.clear()
        assert created.idempotency_key is not None
        self.jobs[created.idempotency_key] = created.id
        return created.idempotency_key

    @rule(key=keys)
    def create_again(self, key: str) -> None:
        if not key.startswith("key-"):
            return
        lost = key not in self.jobs
        if lost:
            with pytest.raises(CreateUncertainError):
                self.client.jobs.create(WORKFLOW, idempotency_key=key)
        created = self.client.jobs.create(WORKFLOW, idempotency_key=key, recover=not lost)
        assert created.id == self.jobs.setdefault(key, created.id)

    @rule(key=keys, fault=st.none() | st.sampled_from(HARMLESS))
    def find(self, key: str, fault: dict[str, Any] | None) -> None:
        if fault:
            self.sandbox.faults.add("GET /job", nth=1, **fault)
        found = self.client.jobs.find(key)
        self.sandbox.faults.clear()
        assert (found.id if found else None) == self.jobs.get(key)

    @rule(key=consumes(keys), fault=st.none() | st.sampled_from(HARMLESS))
    def delete(self, key: str, fault: dict[str, Any] | None) -> None:
        job_id = self.jobs.pop(key, None)
        if job_id is None:
            with pytest.raises(NotFoundError):
                self.client.jobs.delete("27803abe-ec15-4f74-9e8a-18a99627e9b0")
            return
        if fault:
            self.sandbox.faults.add("DELETE /job/{id}", nth=1, **fault)
        self.client.jobs.delete(job_id)
        self.sandbox.faults.clear()

    @rule(size=st.integers(1, 4))
    def list_all(self, size: int) -> None:
        assert {job.id for job in self.client.jobs.list(page_size=size)} == set(self.jobs.values())

    @invariant()
    def every_job_once(self) -> None:
        tokens = [Job[Any].model_validate(job).idempotency_key for job in self.sandbox.jobs]
        assert Counter(tokens) == Counter(list[str | None](self.jobs))


def test_exactly_once(client: MusicAiClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(create, "LOOK_FOR", 0.05)
    monkeypatch.setattr(create, "LOOK_EVERY", 0.02)
    Jobs.sandbox, Jobs.client = sandbox, client
    run_state_machine_as_test(Jobs, settings=settings(max_examples=12, stateful_step_count=15, deadline=None))
