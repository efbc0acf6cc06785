"""The generator on descriptions with unusual names: its output is correct, typed and formatted."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import musicai_sdk
from musicai_sdk.codegen import Style, WorkflowInput, WorkflowSchema, module_text, read_workflow
from musicai_sdk.codegen.names import class_names, field_names
from musicai_sdk.errors import InputError
from support.nasty_workflows import WORKFLOWS

SOURCES = Path(musicai_sdk.__file__).parents[1]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nasty") / "nasty.py"
    path.write_text(module_text(WORKFLOWS), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def module(path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location("nasty", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["nasty"] = module
    specification.loader.exec_module(module)
    return module


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("width", [88, 110])
def test_it_is_formatted_as_ruff_would(width: int, tmp_path: Path) -> None:
    path = tmp_path / "nasty.py"
    path.write_text(module_text(WORKFLOWS, Style(line_length=width)), encoding="utf-8")
    done = run(
        tmp_path, "ruff", "format", "--isolated", "--no-cache", f"--line-length={width}", "--diff", str(path)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    done = run(tmp_path, "ruff", "check", "--isolated", "--no-cache", "--select=I,F,W,UP", str(path))
    assert done.returncode == 0, done.stdout


def test_mypy_accepts_it(path: Path) -> None:
    config = path.parent / "mypy.ini"
    config.write_text(f"[mypy]\nstrict = true\nmypy_path = {SOURCES}\nfollow_imports = silent\n")
    done = run(path.parent, "mypy", "--config-file=mypy.ini", "--cache-dir=cache", path.name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_accepts_it(path: Path) -> None:
    config = path.parent / "pyrightconfig.json"
    config.write_text(
        f'{{"include": ["nasty.py"], "extraPaths": ["{SOURCES}"], "typeCheckingMode": "strict"}}'
    )
    done = run(path.parent, "pyright", "-p", str(config), "--pythonpath", sys.executable)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_exports_every_class_and_each_name_once(module: ModuleType, path: Path) -> None:
    classes = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
    assert len(classes) == len(set(classes)) == 2 * len(WORKFLOWS) == 40
    assert sorted(classes) == sorted(module.__all__)


VALUES: dict[str, Any] = {"text": "words", "number": -1.5, "flag": True, "any": {"a": [1]}}


def value_of(part: WorkflowInput) -> Any:
    return part.choices[0] if part.choices else VALUES.get(part.kind, "https://files.example.com/song.wav")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: ascii(workflow.slug)[:30])
def test_parameters_are_sent_under_their_wire_names(module: ModuleType, workflow: WorkflowSchema) -> None:
    cls = getattr(module, class_names(WORKFLOWS)[workflow.slug])
    assert cls.slug == workflow.slug
    names = field_names(workflow.inputs)
    arguments = {name: value_of(part) for name, part in zip(names, workflow.inputs, strict=True)}
    assert cls(**arguments).to_params() == {part.wire_name: value_of(part) for part in workflow.inputs}
    needed = {
        name: value
        for (name, value), part in zip(arguments.items(), workflow.inputs, strict=True)
        if part.required and part.default is None and not part.gone
    }
    assert cls(**needed).to_params() == {
        part.wire_name: value
        for name, part in zip(names, workflow.inputs, strict=True)
        if (value := needed.get(name, part.default)) is not None
    }


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: ascii(workflow.slug)[:30])
def test_every_output_is_read_into_its_own_field(module: ModuleType, workflow: WorkflowSchema) -> None:
    cls = getattr(module, class_names(WORKFLOWS)[workflow.slug])
    contents: dict[str | None, Any] = {
        "number": "64",
        "flag": True,
        "key": "Eb minor",
        "time_signature": "6/8",
        "any": [1, "x"],
        "json": '{"a": 1}',
        "lyrics": '[{"start": 1, "end": 2, "text": "la"}]',
        "sections": [{"start": 0, "end": 9, "label": "intro"}],
    }
    sent: dict[str, Any] = {
        part.wire_name: contents.get(part.content, f"text {number}")
        if part.kind == "value"
        else f"https://cdn.example.com/{number}.wav"
        for number, part in enumerate(workflow.outputs)
    }
    result = cls.result_type.model_validate(sent)
    assert not result.model_extra
    for name, part in zip(field_names(workflow.outputs), workflow.outputs, strict=True):
        value = getattr(result, name)
        if part.kind == "value" and part.content == "number":
            assert value == 64.0
        elif part.kind == "value" and part.content == "json":
            assert value == {"a": 1}
        elif part.kind == "value" and part.content == "lyrics":
            assert value[0].text == "la"
        elif part.kind == "value" and part.content == "sections":
            assert value[0].label == "intro"
        else:
            assert value == sent[part.wire_name]
        assert result[part.wire_name] == value


def test_descriptions_round_trip(tmp_path: Path) -> None:
    for workflow in WORKFLOWS:
        path = tmp_path / "workflow.json"
        path.write_text(workflow.to_json(), encoding="utf-8")
        assert read_workflow(path) == workflow


@pytest.mark.parametrize(
    ("wire_name", "name"),
    [
        ("inputUrl", "input_url"),
        ("Input 1", "input_1"),
        ("Input1", "input1"),
        ("BPM", "bpm"),
        ("Root key", "root_key"),
        ("chordsMap", "chords_map"),
        ("HTTPServer", "http_server"),
        ("class", "class_"),
        ("2nd", "input_2nd"),
        ("Größe", "grosse"),
        ("歌", "u6b4c"),
        ("!!!", "input"),
        ("slug", "slug_"),
        ("self", "self_"),
        ("float", "float_"),
        ("an input with a name of very many words indeed", "an_input_with_a_name_of_very_many"),
    ],
)
def test_names_of_fields(wire_name: str, name: str) -> None:
    assert field_names([WorkflowInput(wire_name=wire_name, kind="audio")]) == [name]


@pytest.mark.parametrize(
    ("slug", "name"),
    [
        ("music-ai/generate-chords", "GenerateChords"),
        ("1in-6stems", "Workflow1in6stems"),
        ("untitled-workflow-ab12cd", "UntitledWorkflowAb12cd"),
        ("key", "KeyWorkflow"),
        ("---", "WorkflowWorkflow"),
    ],
)
def test_names_of_classes(slug: str, name: str) -> None:
    names = class_names([WorkflowSchema(slug=slug)])
    assert names == {slug: name}


def test_a_generated_slug_can_take_another_name() -> None:
    workflows = [WorkflowSchema(slug=f"untitled-workflow-{number}") for number in "ab"]
    titles = {workflow.slug: "Extract Beat map and BPM" for workflow in workflows}
    assert list(class_names(workflows, titles).values()) == ["ExtractBeatMapAndBPM", "ExtractBeatMapAndBPM2"]


def test_an_explicit_name_takes_precedence() -> None:
    workflows = [WorkflowSchema(slug="a"), WorkflowSchema(slug="b", class_name="A")]
    assert class_names(workflows) == {"a": "A2", "b": "A"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"slug": ""}, "slug"),
        ({"extra": 1}, "extra"),
        ({"outputs": [{"wire_name": "a", "kind": "audio", "content": "chords"}]}, "can't have the content"),
        ({"outputs": [{"wire_name": "a", "kind": "json"}]}, "content"),
        ({"outputs": [{"wire_name": "a", "kind": "json", "content": "key"}]}, "JSON file can't hold"),
        ({"inputs": [{"wire_name": "a", "kind": "choice"}]}, "choices"),
        ({"inputs": [{"wire_name": "a", "kind": "number", "default": "x"}]}, "default"),
        ({"inputs": [{"wire_name": "a", "kind": "audio", "name": "class"}]}, "keyword"),
        ({"inputs": [{"wire_name": "a", "kind": "audio"}] * 2}, "more than once"),
    ],
)
def test_a_wrong_description_is_an_error_that_names_the_field(
    change: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps({"slug": "a", **change}))
    with pytest.raises(InputError, match=problem) as caught:
        read_workflow(path)
    assert "wrong.json" in str(caught.value)
