"""Discovery of an account's workflows from its jobs, against the sandbox, in both colours."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

import pytest

from musicai_sdk import CustomWorkflow, Workflow
from musicai_sdk.codegen import WorkflowSchema, discover, discover_async, write_module
from musicai_sdk.errors import InputError
from musicai_sdk.models import Chord
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine import WORKFLOWS
from musicai_sdk.workflows import (
    ChordsAndBeatMapping,
    GenerateChords,
    GetAcapella,
    IsolateDrums,
    StemsVocalsAccompaniment,
)
from support.colours import Colour

if TYPE_CHECKING:
    from musicai_sdk.sandbox.engine.task import Task

Discover = Callable[..., Mapping[str, WorkflowSchema]]


TEMPLATES = (GenerateChords, IsolateDrums, StemsVocalsAccompaniment, ChordsAndBeatMapping)


def own_slug(workflow: type[Workflow[Any]]) -> str:
    """A slug of the account that the package doesn't know."""
    return workflow.slug.replace("music-ai/", "acme/")


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    """A sandbox with one job of each of four workflows that behave like templates."""
    workflows = {own_slug(template): WORKFLOWS[template.slug] for template in TEMPLATES}
    workflows |= {"sdk-test": WORKFLOWS["sdk-test"]}
    with Sandbox(workflows=workflows) as sandbox, sandbox.client() as client:
        song = client.files.upload(Path(__file__).parents[1] / "songs" / "band0.ogg")
        client.jobs.wait_all(
            [
                client.jobs.create(CustomWorkflow(own_slug(template), {"inputUrl": song}))
                for template in TEMPLATES
            ]
        )
        yield sandbox


@pytest.fixture
def look(colour: Colour, tmp_path: Path) -> Discover:
    """Discovers an account with a client of the test's colour, into one folder."""

    def find(
        sandbox: Sandbox, folder: Path = tmp_path / "found", **more: Any
    ) -> Mapping[str, WorkflowSchema]:
        if colour == "sync":
            with sandbox.client() as client:
                found = discover(client, folder, **more)
        else:

            async def main() -> list[WorkflowSchema]:
                async with sandbox.async_client() as client:
                    return await discover_async(client, folder, **more)

            found = asyncio.run(main())
        return {workflow.slug: workflow for workflow in found}

    return find


def load(folder: Path) -> Any:
    """The generated package."""
    specification = importlib.util.spec_from_file_location("found", folder / "__init__.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["found"] = module
    specification.loader.exec_module(module)
    return module


def shape(workflow: type[Workflow[Any]], *, optional: bool = True) -> dict[str, Any]:
    """The properties of a class to compare: slug, and names, wire names and types of parameters and outputs."""
    hints = get_type_hints(workflow)
    parameters = {
        name: (dict(field.metadata), hints[name]) for name, field in _dataclass_fields(workflow).items()
    }
    outputs = {
        name: (info.serialization_alias or name, _alternatives(info.annotation, optional=optional))
        for name, info in workflow.result_type.model_fields.items()
    }
    return {"slug": workflow.slug, "parameters": parameters, "outputs": outputs}


def _dataclass_fields(workflow: Any) -> dict[str, Any]:
    return {field.name: field for field in dataclasses.fields(workflow)}


def _alternatives(annotation: Any, *, optional: bool) -> set[Any]:
    union = get_origin(annotation) in {Union, UnionType}
    return set(get_args(annotation) if union else [annotation]) - (set() if optional else {NoneType})


def test_it_reproduces_the_committed_classes_from_the_jobs_alone(
    server: Sandbox, look: Discover, tmp_path: Path
) -> None:
    before = len(server.requests)
    found = look(server)
    module = load(tmp_path / "found")
    for committed in (GenerateChords, IsolateDrums, StemsVocalsAccompaniment):
        assert shape(getattr(module, committed.__name__)) == {**shape(committed), "slug": own_slug(committed)}
    # One job can't show that some outputs may be missing.
    mapped = module.ChordsAndBeatMapping
    expected = {**shape(ChordsAndBeatMapping, optional=False), "slug": own_slug(ChordsAndBeatMapping)}
    assert shape(mapped, optional=False) == expected
    assert [output.content for output in found[mapped.slug].outputs] == ["chords", "beats", "key", "number"]
    # Audio isn't downloaded, and one file of an output is enough.
    fetched = [entry.path.rpartition("/")[2] for entry in server.requests[before:] if "/cdn/" in entry.path]
    ends = ["--beats.json", "--chords.json", "--chords.json"]
    assert sorted(f"--{name.rpartition('--')[2]}" for name in fetched) == ends


def test_the_generated_classes_run(server: Sandbox, look: Discover, song: Path, tmp_path: Path) -> None:
    look(server)
    module = load(tmp_path / "found")
    with server.client() as client:
        job = client.jobs.run(module.GenerateChords(input_url=song))
        assert isinstance(client.files.read(job.result.chords)[0], Chord)
        client.jobs.delete(job)


def nothing(task: Task) -> dict[str, Any]:
    return {}


@pytest.fixture
def templates() -> Iterator[Sandbox]:
    """An account whose templates have no jobs."""
    with Sandbox(workflows={"music-ai/get-acapella": nothing, "acme-mix": nothing}) as sandbox:
        yield sandbox


def test_a_known_slug_without_jobs_gets_the_builtin_description(
    templates: Sandbox, look: Discover, tmp_path: Path
) -> None:
    found = look(templates)
    acapella = found["music-ai/get-acapella"]
    assert (acapella.unseen, acapella.learned, acapella.confidence) == (True, True, "reported")
    assert (found["acme-mix"].unseen, found["acme-mix"].learned) == (True, False)
    written = json.loads((tmp_path / "found" / "music-ai.get-acapella.json").read_text())
    assert written["unseen"] is True
    module = load(tmp_path / "found")
    assert shape(module.GetAcapella) == shape(GetAcapella)
    assert "Unseen: the account has no finished job of it" in module.GetAcapella.__doc__
    assert look(templates) == found, "a second discovery changes nothing"


def test_a_first_job_completes_what_is_known(templates: Sandbox, look: Discover, tmp_path: Path) -> None:
    look(templates)

    @templates.workflow("music-ai/get-acapella")
    def acapella(task: Task) -> dict[str, Any]:
        (task.folder / "vocals.wav").write_bytes(b"RIFF")
        return {"vocals": task.folder / "vocals.wav", "bpm": "90"}

    with templates.client() as client:
        client.jobs.run(CustomWorkflow("music-ai/get-acapella", {"inputUrl": "https://h.example/a.wav"}))
    found = look(templates)["music-ai/get-acapella"]
    assert (found.unseen, found.confidence, found.source) == (
        False, "observed", "the account's own finished jobs",
    )  # fmt: skip
    assert {part.wire_name: (part.kind, part.gone) for part in found.outputs} == {
        "vocals": ("audio", False),
        "accompaniment": ("audio", True),
        "bpm": ("value", False),
    }
    assert found.outputs[0].description == "The singing alone, WAV."
    module = load(tmp_path / "found")
    assert "Unseen" not in module.GetAcapella.__doc__


def test_an_empty_description_is_filled(templates: Sandbox, look: Discover, tmp_path: Path) -> None:
    """As earlier versions wrote them. Edits stay."""
    (tmp_path / "found").mkdir()
    written = {"slug": "music-ai/get-acapella", "class_name": "Singing", "description": "Ours."}
    (tmp_path / "found" / "a.json").write_text(json.dumps(written))
    found = look(templates)["music-ai/get-acapella"]
    assert (found.class_name, found.description, found.unseen) == ("Singing", "Ours.", True)
    assert [part.wire_name for part in found.outputs] == ["vocals", "accompaniment"]


def test_a_workflow_without_a_finished_job_says_so(server: Sandbox, look: Discover, tmp_path: Path) -> None:
    found = look(server)["sdk-test"]
    assert (found.inputs, found.unseen) == ((), True)
    cls = load(tmp_path / "found").SdkTest
    assert cls().to_params() == {}
    assert "No finished job shows its inputs and outputs" in cls.__doc__


def analyse(task: Task) -> dict[str, Any]:
    """A workflow whose jobs differ, with every kind of value."""
    lines: list[dict[str, Any]] = [{"start": 1.0, "end": 2.0, "text": "la", "words": []}]
    files: dict[str, Any] = {
        "Beat map": [{"time": 0.5, "beatNum": 1}],
        "Sections": [{"start": 0, "end": 1, "label": "intro"}],
    }
    paths = {name: task.folder / f"{name}.json" for name in files}
    for name, path in paths.items():
        path.write_text(json.dumps(files[name]))
    (task.folder / "notes.csv").write_text("a,b")
    plain = {
        "BPM": task.params.get("bpm", 90),
        "time_signature": "4/4",
        "Root key": "Eb major",
        "Mood": "calm",
        "explicit": False,
        "aligned_lyrics": json.dumps(lines),
    }
    more: dict[str, Any] = {"Transcriptions": lines} if task.params.get("Words") else {}
    return {**paths, **plain, **more, "notes": task.folder / "notes.csv"}


@pytest.fixture
def own() -> Iterator[Sandbox]:
    """A service with only that workflow."""
    with Sandbox(workflows={"acme-analysis": analyse}) as sandbox:
        yield sandbox


def run(sandbox: Sandbox, **params: Any) -> None:
    with sandbox.client() as client:
        client.jobs.run(CustomWorkflow("acme-analysis", {"inputUrl": "https://h.example/a.wav", **params}))


def test_kinds_and_optionality(own: Sandbox, look: Discover, tmp_path: Path) -> None:
    run(own, bpm="64", Words=True, level=3, mode="fast")
    run(own, bpm=90.5, level=-1.5)
    found = look(own)["acme-analysis"]
    assert [(part.wire_name, part.name, part.kind, part.required) for part in found.inputs] == [
        ("inputUrl", "input_url", "audio", True),
        ("bpm", "bpm", "any", True),
        ("level", "level", "number", True),
        ("Words", "words", "flag", False),
        ("mode", "mode", "text", False),
    ]
    assert {part.wire_name: (part.kind, part.content, part.required) for part in found.outputs} == {
        "Beat map": ("json", "beats", True),
        "Sections": ("json", "sections", True),
        "BPM": ("value", "number", True),
        "time_signature": ("value", "time_signature", True),
        "Root key": ("value", "key", True),
        "Mood": ("value", "text", True),
        "explicit": ("value", "flag", True),
        "aligned_lyrics": ("value", "lyrics", True),
        "Transcriptions": ("value", "lyrics", False),
        "notes": ("file", None, True),
    }
    module = load(tmp_path / "found")
    with own.client() as client:
        job = next(iter(client.jobs.list(workflow=module.AcmeAnalysis)))
    assert (job.result.bpm, job.result.root_key.tonic, job.result.time_signature.beats) == (90.5, "Eb", 4)
    assert job.result.aligned_lyrics[0].text == "la"
    assert job.result.transcriptions is None


def test_a_second_discovery_keeps_edits(own: Sandbox, look: Discover, tmp_path: Path) -> None:
    run(own, mode="fast")
    look(own)
    path = tmp_path / "found" / "acme-analysis.json"
    edited = json.loads(path.read_text())
    edited |= {"class_name": "Analysis", "description": "Ours."}
    edited["inputs"][1] |= {"kind": "choice", "choices": ["fast", "best"], "default": "best"}
    edited["outputs"][2] |= {"name": "tempo", "description": "Beats per minute.", "aliases": ["Tempo"]}
    edited["outputs"].append({"wire_name": "Old output", "kind": "audio"})
    path.write_text(json.dumps(edited))
    (tmp_path / "found" / "ours.json").write_text(
        '{"slug": "gone-flow", "inputs": [{"wire_name": "x", "kind": "text"}]}'
    )

    run(own, Words=True, mode="best")
    found = look(own)
    again = found["acme-analysis"]
    assert (again.class_name, again.description) == ("Analysis", "Ours.")
    assert (again.inputs[1].kind, again.inputs[1].default) == ("choice", "best")
    assert (again.outputs[2].name, again.outputs[2].description) == ("tempo", "Beats per minute.")
    assert {part.wire_name: part.gone for part in again.outputs if part.gone} == {"Old output": True}
    assert [part.wire_name for part in again.inputs if not part.required] == ["Words"]
    assert found["gone-flow"].gone
    module = load(tmp_path / "found")
    assert module.Analysis(input_url="a.wav").to_params()["mode"] == "best"
    assert "any more" in module.GoneFlow.__doc__

    files = {file.name: file.read_text() for file in (tmp_path / "found").glob("*.*")}
    assert look(own) == found
    assert {file.name: file.read_text() for file in (tmp_path / "found").glob("*.*")} == files


def test_expired_files_are_skipped(own: Sandbox, look: Discover) -> None:
    run(own)
    own.faults.add("GET /cdn/*", status=403)
    assert look(own)["acme-analysis"].outputs[0].content == "json"


def test_max_jobs_limits_the_jobs_read(own: Sandbox, look: Discover, tmp_path: Path) -> None:
    run(own, first=1)
    run(own, second=2)
    newest = look(own, max_jobs=1)["acme-analysis"]
    assert [part.wire_name for part in newest.inputs] == ["inputUrl", "second"]
    assert look(own, tmp_path / "other", max_jobs=0)["acme-analysis"].inputs == ()


def test_a_slug_never_leads_out_of_the_folder(look: Discover, tmp_path: Path) -> None:
    slugs = ("untitled-workflow-ab12cd", "../../evil", "a b", "a/b")
    with Sandbox(workflows={slug: lambda task: {"x": 1} for slug in slugs}) as sandbox:
        assert look(sandbox)["untitled-workflow-ab12cd"].class_name == "UntitledWorkflowAb12cd"
    names = {path.name for path in (tmp_path / "found").iterdir()}
    assert names == {"__init__.py", "a.b-2.json", "a.b.json", "evil.json", "untitled-workflow-ab12cd.json"}
    assert {path.name for path in tmp_path.iterdir()} == {"found"}


def test_a_module_that_was_not_generated_is_not_replaced(
    server: Sandbox, look: Discover, tmp_path: Path
) -> None:
    (tmp_path / "__init__.py").write_text("important = 1\n")
    with pytest.raises(InputError, match="wasn't generated"):
        look(server, tmp_path)
    with pytest.raises(InputError, match="wasn't generated"):
        write_module(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["__init__.py"]


def test_the_module_is_made_from_the_files_alone(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        '{"slug": "acme/mastering", "inputs": [{"wire_name": "a", "kind": "audio"}]}'
    )
    assert write_module(tmp_path) == tmp_path / "__init__.py"
    assert load(tmp_path).Mastering(a="a.wav").to_params() == {"a": "a.wav"}
