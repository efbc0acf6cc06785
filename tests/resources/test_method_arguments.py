"""Wrong arguments raise typed errors that say what to do, before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk import CustomWorkflow, JsonFile, MusicAiClient
from musicai_sdk.errors import InputError
from musicai_sdk.sandbox import Sandbox

WORKFLOW = CustomWorkflow("sdk-test", {})
URL = "http://127.0.0.1:9/chords.json"


class Pathlike:
    def __fspath__(self) -> Any:
        return 5


WRONG: dict[str, tuple[Callable[[Any], object], str]] = {
    "folder": (lambda client: client.jobs.download("j", "\ud800"), "can't download to '\\ud800'"),
    "path-like": (lambda client: client.jobs.download("j", Pathlike()), "it isn't a path"),
    "1.0": (lambda client: client.download_job_results("j", "\ud800"), "can't download to '\\ud800'"),
    "manifest": (lambda client: client.jobs.download("j", "out", manifest=5), "plain file name, not 5"),
    "on_progress": (lambda client: client.jobs.download("j", "out", on_progress=5), "on_progress must be"),
    "download": (lambda client: client.files.download(URL, "x", on_progress="x"), "on_progress must be"),
    "upload": (lambda client: client.files.upload(b"x", on_progress=5), "on_progress must be a function"),
    "shown": (lambda client: client.files.upload(b"x", on_progress=5, progress=True), "on_progress must be"),
    "wait": (lambda client: client.jobs.wait("j", on_update=5), "on_update must be a function, not a int"),
    "wait_all": (lambda client: client.jobs.wait_all(["j"], on_update=5), "on_update must be a function"),
    "run": (lambda client: client.jobs.run(WORKFLOW, on_update=5), "on_update must be a function"),
    "huge": (lambda client: client.jobs.get("j", request_timeout=10**400), "request_timeout must be more"),
    "huger": (lambda client: client.jobs.get("j", connect_timeout=10**5000), "connect_timeout must be more"),
    "timeout": (lambda client: client.jobs.wait("j", timeout=10**400), "timeout must be 0 or more seconds"),
    "workflow": (lambda client: list(client.jobs.list(workflow=int)), "workflow must be a workflow class"),
    "query": (lambda client: client.list_jobs({"status": [None]}), "filters don't fit"),
    "type": (lambda client: client.files.read(JsonFile(URL, no_type("/x"))), "'/x' isn't a type for JSON"),
    "no type": (lambda client: client.files.read(JsonFile(URL, no_type(""))), "'' isn't a type for JSON"),
    "results": (
        lambda client: client.jobs.create(WORKFLOW, copy_results_to="s3://b"),
        "must be a musicai_sdk",
    ),
    "result list": (lambda client: client.jobs.create(WORKFLOW, copy_results_to=[URL]), "not a list"),
    "result path": (
        lambda client: client.add_job("n", "w", {}, copy_results_to=Path("x")),
        "not a PosixPath",
    ),
    "input": (lambda client: client.jobs.create(CustomWorkflow("w", {"a": Pathlike()})), "it isn't a path"),
    "id": (lambda client: client.jobs.get(deep()), "must be a non-empty string, not <dict>"),
}


def no_type(text: str) -> Any:
    return text


def deep() -> dict[str, Any]:
    """An object that contains itself."""
    found = dict[str, Any]()
    found["x"] = found
    return found


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_arguments(client: MusicAiClient, sandbox: Sandbox, kind: str) -> None:
    call, text = WRONG[kind]
    with pytest.raises(InputError, match=re.escape(text)):
        call(client)
    assert sandbox.requests == []
