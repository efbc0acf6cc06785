"""The committed schemas: generated files are up to date, and the schemas fit the real results."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator
from pydantic.fields import FieldInfo

from musicai_sdk import workflows
from musicai_sdk.codegen import read_workflows
from musicai_sdk.codegen.contents import CONTENTS
from musicai_sdk.codegen.exports import RESULTS
from musicai_sdk.models import Beat, Chord, LyricLine, Section
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import ChordsAndBeatMapping
from support.nasty_workflows import DESCRIBED

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "schemas"
FORMAT = SCHEMAS / "workflows" / "workflow.schema.json"
DESCRIPTIONS = [path for path in sorted((SCHEMAS / "workflows").glob("*.json")) if path != FORMAT]


def validator(path: Path) -> Any:
    schema: dict[str, Any] = json.loads(path.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def generate(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "scripts" / "_generate.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the generator's inputs and outputs, which a test can change."""
    for folder in ("scripts", "schemas", "src/musicai_sdk/workflows", "src/musicai_sdk/resources"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for name in ("pyproject.toml", "src/musicai_sdk/ruff.toml", "src/musicai_sdk/client.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "tests" / "typing").mkdir(parents=True)
    return tmp_path


def test_everything_generated_is_up_to_date() -> None:
    done = generate(ROOT, "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_check_shows_what_differs_and_writes_nothing(copy: Path) -> None:
    templates = copy / "src" / "musicai_sdk" / "workflows" / "templates.py"
    templates.write_text(templates.read_text("utf-8").replace("Kick drum", "Big drum"), "utf-8")
    edited = templates.read_text("utf-8")
    done = generate(copy, "--check")
    assert done.returncode == 1
    assert '+    kick_drum: FileOutput = output("Kick drum")' in done.stdout
    assert templates.read_text("utf-8") == edited
    assert generate(copy).returncode == 0
    assert generate(copy, "--check").returncode == 0


def test_a_new_description_becomes_a_class_that_the_package_exports(copy: Path) -> None:
    (copy / "schemas" / "workflows" / "new.json").write_text('{"slug": "music-ai/new-thing"}')
    assert generate(copy).returncode == 0
    package = copy / "src" / "musicai_sdk" / "workflows"
    assert "class NewThing(Workflow[NewThingResult]" in (package / "templates.py").read_text("utf-8")
    front = (package / "__init__.py").read_text("utf-8")
    assert front.count("NewThingResult") == 2
    ruff = ["ruff", "format", "--isolated", "--no-cache", "--line-length=110", "--check", str(package)]
    done = subprocess.run([sys.executable, "-m", *ruff], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", DESCRIPTIONS, ids=lambda path: path.stem)
def test_every_description_fits_the_schema_beside_it(path: Path) -> None:
    content = json.loads(path.read_text("utf-8"))
    assert not list(validator(FORMAT).iter_errors(content))
    assert content["source"]
    assert all(part["description"] for part in [*content["inputs"], *content["outputs"]])


def test_the_schema_of_descriptions_is_strict() -> None:
    strict = validator(FORMAT)
    assert all(strict.is_valid(described) for described in DESCRIBED)
    assert not strict.is_valid({"title": "no slug"})
    assert not strict.is_valid({"slug": "a", "inputs": [{"wire_name": "x", "kind": "video"}]})
    assert not strict.is_valid({"slug": "a", "outputs": [{"wire_name": "x", "kind": "audio", "unit": "s"}]})


def test_the_package_has_a_class_for_every_description() -> None:
    described = read_workflows(DESCRIPTIONS).values()
    classes = [getattr(workflows, name) for name in workflows.__all__]
    slugs = {getattr(cls, "slug", None) for cls in classes if isinstance(cls, type)}
    assert {workflow.slug for workflow in described} <= slugs


@pytest.mark.parametrize("content", RESULTS)
def test_schemas_of_results_document_every_field(content: str) -> None:
    schema = json.loads((SCHEMAS / "results" / f"{content}.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    for definition in schema.get("$defs", {}).values():
        for name, field in definition["properties"].items():
            assert field.get("description"), f"{name} has no description"


EXAMPLES: dict[str, list[Any]] = {
    "chords": [Chord(start=0, end=1, chord_majmin="N")],
    "beats": [Beat(time=0.5, beat_num=1)],
    "sections": [Section(start=0, end=1, label="intro")],
    "lyrics": [LyricLine.model_validate({
        "start": 3.52, "end": 9.4, "text": "Hello", "language": "english",
        "words": [{"word": "Hello", "start": 3.52, "end": 3.83, "score": 0.84,
                   "syllables": [{"syllable": "Hel", "start": 3.52, "end": 3.66}]}],
    })],
}  # fmt: skip


@pytest.mark.parametrize("content", EXAMPLES)
def test_schemas_of_results_and_models_agree(content: str) -> None:
    schema = validator(SCHEMAS / "results" / f"{content}.json")
    assert str(CONTENTS[content].value) == str(list[type(EXAMPLES[content][0])])  # type: ignore[misc]
    for model in EXAMPLES[content]:
        wire = model.model_dump(mode="json", by_alias=True)
        assert schema.is_valid([wire])
        assert schema.is_valid([{**wire, "something": "new"}])
        fields = cast("dict[str, FieldInfo]", cast("Any", type(model)).model_fields)
        required = next(
            info.serialization_alias or name for name, info in fields.items() if info.is_required()
        )
        assert not schema.is_valid([{key: value for key, value in wire.items() if key != required}])


def test_results_of_the_sandbox_fit(sandbox: Sandbox, song: Path) -> None:
    with sandbox.client() as client:
        result = client.jobs.run(ChordsAndBeatMapping(input_url=song)).result
        chords = client.files.read(result.chords)
        assert result.beats is not None
        beats = client.files.read(result.beats)
    for name, models in (("chords", chords), ("beats", beats)):
        content = [model.model_dump(mode="json", by_alias=True) for model in models]
        assert content
        assert not list(validator(SCHEMAS / "results" / f"{name}.json").iter_errors(content))
