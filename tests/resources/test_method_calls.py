"""Wrong calls of the client's methods raise errors that show the right call, before anything is sent."""

from __future__ import annotations

import inspect
import typing
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk import AsyncMusicAiClient, CustomWorkflow, Filters, MusicAiClient
from musicai_sdk.errors import InputError, NotFoundError, ResponseError, SourceNotFoundError
from musicai_sdk.resources import AsyncFiles, AsyncJobs, Files, Jobs
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import GenerateChords, GenerateChordsResult

SIGNED = "https://h.example/a.json?X-Goog-Signature=secret"
Connect = Callable[..., MusicAiClient]
Call = Callable[[Any], Any]

WRONG_CALLS: list[tuple[Call, type[Exception], str]] = [
    (
        lambda client: client.jobs.list("FAILED"),
        TypeError,
        "no positional arguments: client.jobs.list(*, status=…",
    ),
    (lambda client: client.jobs.list(Filters()), TypeError, "client.jobs.list(*, status=…"),
    (lambda client: client.jobs.list(filters={}), TypeError, "'filters' (see status, workflow, batch_name)"),
    (lambda client: client.jobs.list(batchName="a"), TypeError, "'batchName' (see batch_name)"),
    (lambda client: client.jobs.list(size=5), TypeError, "'size' (see page_size)"),
    (
        lambda client: client.jobs.list(workflow=GenerateChords(input_url="u")),
        InputError,
        "workflow=GenerateChords",
    ),
    (lambda client: client.jobs.get(), TypeError, "needs 'job': client.jobs.get(job, workflow_type=…)"),
    (lambda client: client.jobs.get(id="j"), TypeError, "'id' (see job)"),
    (
        lambda client: client.jobs.get("j", "music-ai/generate-chords"),
        InputError,
        "client.jobs.get(job, GenerateChords)",
    ),
    (lambda client: client.jobs.get("j", GenerateChordsResult), InputError, "must be a workflow class"),
    (lambda client: client.jobs.get(SIGNED), InputError, "client.files.download(url, path)"),
    (
        lambda client: client.jobs.wait("j", 5),
        TypeError,
        "one positional argument: client.jobs.wait(job, *, timeout=…",
    ),
    (lambda client: client.jobs.wait("j", interval=1), TypeError, "'interval' (see poll_interval)"),
    (lambda client: client.jobs.wait("j", poll_interval="1"), InputError, "poll_interval must be"),
    (lambda client: client.jobs.wait("j", timeout="5"), InputError, "timeout must be"),
    (lambda client: client.jobs.run(CustomWorkflow("a", {}), timeout="5"), InputError, "timeout must be"),
    (
        lambda client: client.jobs.run("a/b", inputUrl="u"),
        InputError,
        "CustomWorkflow('a/b', {'inputUrl': 'u'})",
    ),
    (
        lambda client: client.jobs.run("music-ai/isolate-drums", "name"),
        InputError,
        "CustomWorkflow('music-ai/isolate-drums', {…}), name='name'",
    ),
    (
        lambda client: client.jobs.create(job_name="n", workflow_slug="s", params={"a": 1}),
        InputError,
        "client.jobs.create(CustomWorkflow('s', {'a': 1}), name='n')",
    ),
    (lambda client: client.jobs.create("s", params={"a": 1}), InputError, "CustomWorkflow('s', {'a': 1})"),
    (
        lambda client: client.jobs.create(SIGNED, {}),
        InputError,
        "CustomWorkflow('https://h.example/a.json?…', {})",
    ),
    (
        lambda client: client.jobs.create(),
        TypeError,
        "needs 'workflow': client.jobs.create(workflow, *, name=…",
    ),
    (
        lambda client: client.jobs.download("folder"),
        TypeError,
        "needs 'folder': client.jobs.download(job, folder",
    ),
    (lambda client: client.jobs.download("j", output_dir="x"), TypeError, "'output_dir' (see folder)"),
    (lambda client: client.jobs.download("j", None), InputError, "folder must be a path, not NoneType"),
    (lambda client: client.jobs.find(None), InputError, "idempotency_key must be a string"),
    (lambda client: client.files.download(None, "x"), InputError, "can't download a NoneType: pass the URL"),
    (lambda client: client.files.download(SIGNED), TypeError, "needs 'destination'"),
    (lambda client: client.files.upload("a", "b"), TypeError, "client.files.upload(source, *, on_progress=…"),
    (
        lambda client: client.files.upload("~/no-such-song.mp3"),
        SourceNotFoundError,
        "~ isn't expanded: pass Path(…).expanduser()",
    ),
    (
        lambda client: client.files.upload(SIGNED),
        SourceNotFoundError,
        "it is a URL, which a workflow takes as it is",
    ),
    (
        lambda client: client.jobs.get("j", request_timeout=(3, 5)),
        InputError,
        "not (3, 5): connect_timeout= of each call limits connecting",
    ),
    (
        lambda client: client.workflows.list("a"),
        TypeError,
        "no positional arguments: client.workflows.list()",
    ),
    (
        lambda client: client.add_job("n", "s"),
        TypeError,
        "needs 'params': client.add_job(job_name, workflow_slug, params",
    ),
    (
        lambda client: client.add_job("n", workflow_id="s", params={}),
        TypeError,
        "'workflow_id' (see workflow_slug)",
    ),
]


@pytest.mark.parametrize(("call", "kind", "text"), WRONG_CALLS, ids=[text for *_, text in WRONG_CALLS])
def test_the_error_shows_the_right_call(
    connect: Connect, sandbox: Sandbox, call: Call, kind: type[Exception], text: str
) -> None:
    client = connect()
    with pytest.raises(kind) as caught:
        call(client)
    assert text in str(caught.value)
    assert "secret" not in str(caught.value)
    assert sandbox.requests == []


def test_swapped_job_and_folder(client: MusicAiClient, tmp_path: Path) -> None:
    job = client.jobs.create(CustomWorkflow("sdk-test", {}))
    with pytest.raises(InputError, match=r"not JobRef: client\.jobs\.download\(job, folder\)$"):
        client.jobs.download(str(tmp_path), job)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - the mistake
    with pytest.raises(InputError, match=r"a Job: .*client\.jobs\.download\(job, folder\)"):
        client.files.download(client.jobs.get(job), tmp_path / "x")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - the mistake
    with pytest.raises(InputError, match=r"a UploadedFile: .*its \.url$"):
        client.files.download(client.files.upload(__file__), tmp_path / "x")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - the mistake


def test_swapped_name_and_slug(connect: Connect) -> None:
    with pytest.raises(NotFoundError) as caught:
        connect().add_job("music-ai/generate-chords", "my song", {})
    assert caught.value.__notes__ == ["the name comes first: client.add_job(name, slug, params)"]


def test_an_answer_of_another_type_is_named_without_internal_types(
    client: MusicAiClient, sandbox: Sandbox
) -> None:
    sandbox.faults.add("GET /workflow", body={"items": []})
    with pytest.raises(ResponseError, match=r"^GET /workflow answered 200, but the answer doesn't fit: "):
        client.workflows.list()


def test_ids_may_be_uuid_objects(client: MusicAiClient) -> None:
    job = client.jobs.create(CustomWorkflow("sdk-test", {}))
    given: Any = uuid.UUID(job.id)
    assert client.jobs.get(given).id == job.id
    assert client.jobs.status(given).id == client.get_job_status(given).id == job.id
    assert client.jobs.wait(given).id == client.jobs.wait_all([given])[0].id == job.id
    client.jobs.delete(given)


@pytest.mark.parametrize(
    ("place", "name", "use"),
    [
        ("jobs", "add_job", "client.jobs.create"),
        ("jobs", "list_jobs", "client.jobs.list"),
        ("jobs", "wait_for_job_completion", "client.jobs.wait"),
        ("jobs", "waitForJobCompletion", "client.jobs.wait"),
        ("jobs", "download_job_results", "client.jobs.download"),
        ("jobs", "getStatus", "client.jobs.status"),
        ("files", "upload_file", "client.files.upload"),
        ("files", "downloadFile", "client.files.download"),
        ("workflows", "list_workflows", "client.workflows.list"),
        ("application", "get_application_info", "client.application.get"),
        ("", "addJob", "client.add_job"),
        ("", "waitForJobCompletion", "client.wait_for_job_completion"),
        ("", "upload", "client.files.upload"),
        ("", "run", "client.jobs.run"),
    ],
)
def test_former_names(place: str, name: str, use: str) -> None:
    for client in (MusicAiClient("key"), AsyncMusicAiClient("key")):
        with pytest.raises(AttributeError) as caught:
            getattr(getattr(client, place) if place else client, name)
        assert str(caught.value).endswith(f"has no attribute {name!r}: use {use}")
        with pytest.raises(AttributeError, match=r"has no attribute 'cancel'$"):
            getattr(getattr(client, place) if place else client, "cancel")  # noqa: B009 - type checkers know that it doesn't exist


def test_an_error_inside_a_method_stays_as_it_is(client: MusicAiClient) -> None:
    def broken(_state: object) -> None:
        raise TypeError("mine")

    with pytest.raises(TypeError, match=r"^mine\b"):
        client.jobs.run(CustomWorkflow("sdk-test", {}), on_update=broken)


def test_signatures_stay_as_they_are() -> None:
    for client in (MusicAiClient, AsyncMusicAiClient):
        # As frameworks for dependency injection read them.
        assert inspect.signature(client, eval_str=True).parameters["http_client"].annotation
    for kind in (Jobs, AsyncJobs, Files, AsyncFiles):
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_"):
                assert "given" not in inspect.signature(method).parameters
                assert typing.get_type_hints(method)["return"] is not None
                assert inspect.iscoroutinefunction(method) == (
                    kind.__name__.startswith("Async") and name != "list"
                )


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: GenerateChords("song.mp3"), "GenerateChords(input_url=…)"),  # type: ignore[call-arg] # pyright: ignore - the mistake
        (lambda: GenerateChords(inputUrl="u"), "'inputUrl': GenerateChords(input_url=…)"),  # type: ignore[call-arg] # pyright: ignore - the mistake
        (lambda: GenerateChords(), "'input_url': GenerateChords(input_url=…)"),  # type: ignore[call-arg] # pyright: ignore - the mistake
        (lambda: CustomWorkflow("s", inputUrl="u"), "CustomWorkflow(slug, {name: value})"),  # type: ignore[call-arg] # pyright: ignore - the mistake
    ],
)
def test_workflows_show_the_right_call(call: Callable[[], object], text: str) -> None:
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value).endswith(text)
