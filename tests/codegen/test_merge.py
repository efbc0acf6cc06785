"""Merging an earlier description with newer jobs."""

from __future__ import annotations

from typing import Any

import pytest

from musicai_sdk.codegen import WorkflowInput, WorkflowOutput, WorkflowSchema
from musicai_sdk.codegen.contents import recognised
from musicai_sdk.codegen.infer import infer_inputs, infer_outputs
from musicai_sdk.codegen.merge import merged
from musicai_sdk.models import Job


def out(kind: str, content: str | None = None, **more: Any) -> WorkflowOutput:
    return WorkflowOutput.model_validate({"wire_name": "x", "kind": kind, "content": content, **more})


@pytest.mark.parametrize(
    ("old", "new", "both"),
    [
        (out("value", "number"), out("value", "number"), ("value", "number")),
        (out("value", "number"), out("value", "text"), ("value", "text")),
        (out("value", "key"), out("value", "text"), ("value", "key")),
        (out("value", "text"), out("value", "key"), ("value", "text")),
        (out("value", "text"), out("value", "lyrics"), ("value", "any")),
        (out("value", "flag"), out("value", "number"), ("value", "any")),
        (out("value", "number"), out("value", "any", required=False), ("value", "number")),
        (out("json", "chords"), out("json", "json"), ("json", "chords")),
        (out("json", "json"), out("json", "chords"), ("json", "chords")),
        (out("json", "beats"), out("json", "chords"), ("json", "json")),
        (out("json", "chords"), out("file"), ("json", "chords")),
        (out("file"), out("json", "chords"), ("json", "chords")),
        (out("json", "chords"), out("audio"), ("file", None)),
        (out("audio"), out("value", "text"), ("value", "any")),
    ],
)
def test_an_output_fits_the_old_description_and_new_jobs(
    old: WorkflowOutput, new: WorkflowOutput, both: tuple[str, str | None]
) -> None:
    again = merged(
        WorkflowSchema(slug="a", outputs=(old,)), WorkflowSchema(slug="a", outputs=(new,))
    ).outputs[0]
    assert (again.kind, again.content) == both
    WorkflowOutput.model_validate(again.model_dump())


@pytest.mark.parametrize(
    ("old", "new", "both"),
    [
        ({"kind": "text"}, "text", "text"),
        ({"kind": "choice", "choices": ["a"]}, "text", "choice"),
        ({"kind": "choice", "choices": ["a"]}, "number", "any"),
        ({"kind": "number"}, "text", "any"),
        ({"kind": "any"}, "text", "any"),
    ],
)
def test_an_input_fits_the_old_description_and_new_jobs(old: dict[str, Any], new: str, both: str) -> None:
    before = WorkflowInput.model_validate({"wire_name": "x", **old})
    now = WorkflowInput.model_validate({"wire_name": "x", "kind": new})
    again = merged(
        WorkflowSchema(slug="a", inputs=(before,)), WorkflowSchema(slug="a", inputs=(now,))
    ).inputs[0]
    assert again.kind == both
    WorkflowInput.model_validate(again.model_dump())


def test_a_field_that_reappears_is_no_longer_gone() -> None:
    old = WorkflowSchema(slug="a", gone=True, outputs=(out("audio", gone=True),))
    again = merged(old, WorkflowSchema(slug="a", outputs=(out("audio"),)))
    assert not again.gone
    assert not again.outputs[0].gone


def test_an_alias_is_the_same_output_and_no_jobs_change_nothing() -> None:
    old = WorkflowSchema(slug="a", outputs=(out("audio", aliases=["y"], name="mine"),))
    renamed = WorkflowOutput(wire_name="y", kind="audio")
    assert merged(old, WorkflowSchema(slug="a", outputs=(renamed,))).outputs == old.outputs
    assert merged(old, WorkflowSchema(slug="a")).outputs == old.outputs


def test_a_later_output_never_takes_an_existing_name() -> None:
    first = merged(
        None, WorkflowSchema(slug="a", outputs=(WorkflowOutput(wire_name="Kick drum", kind="audio"),))
    )
    both = tuple(WorkflowOutput(wire_name=name, kind="audio") for name in ("kick_drum", "Kick drum"))
    names = [
        (part.wire_name, part.name) for part in merged(first, WorkflowSchema(slug="a", outputs=both)).outputs
    ]
    assert names == [("Kick drum", "kick_drum"), ("kick_drum", "kick_drum_2")]


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        ([{"start": 0, "end": 1, "chord_majmin": "N"}], "chords"),
        ([{"time": 0.1, "beatNum": 1}], "beats"),
        ([{"start": 0, "end": 1, "text": "la"}], "lyrics"),
        ([{"start": 0, "end": 1, "label": "verse"}], "sections"),
        ([{"start": 0, "end": 1}], "json"),
        ({"start": 0}, "json"),
        ([], None),
    ],
)
def test_shapes(content: Any, shape: str | None) -> None:
    assert recognised(content) == shape


def job(params: dict[str, Any], **outputs: Any) -> Job[Any]:
    fields = {"id": "j", "status": "SUCCEEDED", "workflowParams": params, "result": outputs}
    return Job.model_validate(fields)


def test_ambiguous_values() -> None:
    jobs = [
        job(
            {"a": None, "words": "https://h/w.json?s=1"},
            mixed=1,
            nothing=None,
            own="[custom storage]",
            name="A key",
        ),
        job(
            {"a": None, "words": "https://h/v.json"},
            mixed=True,
            nothing=None,
            own="[custom storage]",
            name="Monkey",
        ),
    ]
    assert [(part.wire_name, part.kind, part.required) for part in infer_inputs(jobs)] == [
        ("a", "any", False),
        ("words", "json", True),
    ]
    assert {part.wire_name: (part.kind, part.content, part.required) for part in infer_outputs(jobs, {})} == {
        "mixed": ("value", "any", True),
        "nothing": ("value", "any", False),
        "own": ("file", None, True),
        "name": ("value", "text", True),
    }
    assert infer_inputs([]) == []
