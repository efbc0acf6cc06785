"""What copies of a client share, and errors for unknown names."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable

import pytest

import musicai_sdk
from musicai_sdk import MusicAiClient
from musicai_sdk.errors import CreateUncertainError
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import CustomWorkflow
from support.job_service import JobService, serving

WORKFLOW = CustomWorkflow("acme/split", {"n": 1})


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_never_pays_for_a_request_of_the_original_again(
    duplicate: Callable[[MusicAiClient], MusicAiClient],
) -> None:
    with serving(JobService()) as service:
        client = MusicAiClient("key", base_url=service.base_url, max_retries=0)
        other = duplicate(client)
        service.delivers = lambda _body: False  # the answer is lost
        with client, other:
            with pytest.raises(CreateUncertainError):
                client.jobs.create(WORKFLOW, idempotency_key="k", recover=False)
            with pytest.raises(CreateUncertainError, match="has sent a POST"):
                other.jobs.create(WORKFLOW, idempotency_key="k", settle=0)
        assert len(service.posts) == 1


@pytest.mark.parametrize(
    ("name", "successor"),
    [
        ("create_job", "client.jobs.create(CustomWorkflow(slug, params), name=…)"),
        ("get_jobs", "client.jobs.list()"),
        ("process_file", "client.jobs.run(workflow)"),
        ("process_folder", "musicai_sdk.batch.run("),
    ],
)
def test_names_of_0_x_are_explained(client: MusicAiClient, name: str, successor: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(successor)) as caught:
        getattr(client, name)
    assert "musicai_sdk.compat" in str(caught.value)
    assert caught.value.name == name


def test_unknown_names_are_ordinary_attribute_errors(sandbox: Sandbox) -> None:
    with sandbox.client() as client:
        with pytest.raises(AttributeError, match=r"no attribute 'jbos'$"):
            client.jbos  # type: ignore[attr-defined]  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue, reportUnusedExpression] - the mistake
        assert not hasattr(client, "create_job")


@pytest.mark.parametrize("name", ["utils", "process_folder"])
def test_modules_and_functions_that_moved(name: str) -> None:
    with pytest.raises(AttributeError, match=rf"use musicai_sdk\.compat\.{name}$"):
        getattr(musicai_sdk, name)
