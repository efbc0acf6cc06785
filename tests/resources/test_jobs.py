"""How `client.jobs.create` and `client.jobs.run` take a workflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from musicai_sdk import MusicAiClient, RawResult
from musicai_sdk.errors import InputError
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import GenerateChords

CHORDS = GenerateChords(input_url="https://files.example.com/a.mp3")


def test_run_takes_a_slug_and_parameters(client: MusicAiClient, sandbox: Sandbox, song: Path) -> None:
    job = client.jobs.run("music-ai/generate-chords", {"inputUrl": song}, name="by slug")
    assert job.succeeded
    assert isinstance(job.result, RawResult)
    assert job.result["chords"].startswith("http")
    [made] = sandbox.jobs
    assert (made["name"], made["workflow"]) == ("by slug", "music-ai/generate-chords")
    again = client.jobs.run(workflow="music-ai/generate-chords", params={"inputUrl": song})
    assert client.jobs.get(again.id, GenerateChords).workflow == "music-ai/generate-chords"


MISTAKES: list[tuple[tuple[Any, ...], str]] = [
    (("First", "acme/split", {"a": 1}), r"CustomWorkflow('acme/split', {'a': 1}), name='First'"),
    (("acme/split",), r"CustomWorkflow('acme/split', {…})"),
    (("First", "acme/split"), r"CustomWorkflow('acme/split', {…}), name='First'"),
    ((GenerateChords,), r"takes an instance of GenerateChords"),
    ((GenerateChords, {"inputUrl": "u"}), r"takes an instance of GenerateChords"),
    ((CHORDS, "My name"), r"(workflow, name=…)"),
    ((CHORDS, {"inputUrl": "u"}, "My name"), r"(workflow, name=…)"),
    (({"workflow": "acme/split", "params": {}},), r"CustomWorkflow(slug, params)"),
    ((None,), r"GenerateChords(input_url=…)"),
    (({}, "acme/split", {}, 4), r"CustomWorkflow(slug, params)"),
]


@pytest.mark.parametrize(("arguments", "call"), MISTAKES)
@pytest.mark.parametrize("method", ["create", "run"])
def test_the_error_shows_the_right_call(
    client: MusicAiClient, sandbox: Sandbox, method: str, arguments: tuple[Any, ...], call: str
) -> None:
    with pytest.raises(InputError) as caught:
        getattr(client.jobs, method)(*arguments)
    assert str(caught.value).startswith(f"client.jobs.{method} takes ")
    assert call in str(caught.value)
    assert sandbox.requests == []


def test_the_right_call_hides_signatures(client: MusicAiClient) -> None:
    with pytest.raises(InputError) as caught:
        client.jobs.create("acme/split", {"inputUrl": ["https://h/a?sig=secret"]})  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportArgumentType, reportCallIssue] - the mistake
    assert "https://h/a?…" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_wrong_argument_names(client: MusicAiClient) -> None:
    with pytest.raises(TypeError, match="'workflow'"):
        client.jobs.create(name="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - the mistake
    with pytest.raises(TypeError, match="no option 'inputUrl'"):
        client.jobs.run("acme/split", {}, inputUrl="u")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue] - the mistake
