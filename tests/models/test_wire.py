"""Models as mappings of wire names to JSON values, as pandas, `match`, logging and dict code use them."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from collections.abc import ItemsView, KeysView, Mapping, ValuesView
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk import CustomWorkflow, Job, MusicAiClient
from musicai_sdk.models import Application, JobError, JobState, WorkflowInfo, WorkflowList
from musicai_sdk.models._wire import WireModel

ANSWER: dict[str, Any] = {
    "id": "j",
    "status": "FAILED",
    "workflow": "acme/split",
    "metadata": {"album": 3},
    "error": {"code": "BAD_INPUT", "title": None, "message": None, "newer": True},
    "createdAt": "2025-01-07T19:21:42.170Z",
    "progress": 0.5,
}
MODELS: list[Mapping[str, Any]] = [
    Job[Any].model_validate_json(json.dumps(ANSWER)),
    JobState.model_validate_json('{"id": "j", "status": "STARTED", "eta": 3}'),
    Application(id="a", name="n"),
    WorkflowList(workflows=[WorkflowInfo(slug="a")]),
    WorkflowInfo(slug="a"),
    JobError(code="TIMEOUT"),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_the_mapping_contract(model: Mapping[str, Any]) -> None:
    assert isinstance(model, Mapping)
    as_dict = dict(model)
    assert type(as_dict) is dict
    assert json.loads(json.dumps(as_dict)) == as_dict
    assert list(model) == list(model.keys()) == list(as_dict) == [name for name, _ in model.items()]
    assert list(model.values()) == list(as_dict.values()) == [model[name] for name in model]
    assert len(model) == len(as_dict) > 0
    assert isinstance(model.keys(), KeysView)
    assert isinstance(model.values(), ValuesView)
    assert isinstance(model.items(), ItemsView)
    assert all(name in model and model.get(name, "other") == value for name, value in as_dict.items())
    assert model == as_dict
    assert as_dict == model
    assert model != {**as_dict, "more": 1}
    assert {**model} == as_dict
    for absent in ("nothing", "workflow_params", "created_at"):
        assert absent not in model
        assert model.get(absent) is None
        with pytest.raises(KeyError):
            _ = model[absent]


def test_patterns_match_the_json() -> None:
    job = Job[Any].model_validate_json(json.dumps(ANSWER))
    match job:
        case {"status": "SUCCEEDED"}:
            found: object = "the wrong pattern"
        case {"status": "FAILED", "error": {"code": code}, "progress": progress, **rest}:
            found = (code, progress, rest["workflow"])
        case _:
            found = None
    assert found == ("BAD_INPUT", 0.5, "acme/split")


def test_a_log_line_names_fields(caplog: pytest.LogCaptureFixture) -> None:
    job = Job[Any].model_validate_json(
        json.dumps({**ANSWER, "result": {"a": "https://h/a?signature=secret"}})
    )
    with caplog.at_level(logging.INFO):
        logging.getLogger("a program").info("job %(id)s is %(status)s", job)
        logging.getLogger("a program").info("%s", job)
    assert caplog.messages[0] == "job j is FAILED"
    assert "secret" not in caplog.text


def test_rows_of_a_table() -> None:
    """As `pandas.DataFrame(jobs)` and `csv.DictWriter` read them."""
    rows = [Job[Any].model_validate({"id": "a", "status": "QUEUED"}), Job[Any].model_validate(ANSWER)]
    columns = dict.fromkeys(name for row in rows for name in row.keys())  # noqa: SIM118 - as pandas does it
    table = {name: [dict(row).get(name) for row in rows] for name in columns}
    assert table["id"] == ["a", "j"]
    assert table["createdAt"] == [None, "2025-01-07T19:21:42.170Z"]
    assert table["progress"] == [None, 0.5]


def test_equal_jobs() -> None:
    one, other = (Job[Any].model_validate(ANSWER) for _ in range(2))
    assert one == other
    assert len({one, other}) == 1
    assert one != Job[Any].model_validate({**ANSWER, "status": "QUEUED"})
    assert Application(id="a") != JobState(id="a", status="QUEUED")


def test_unions_with_dicts() -> None:
    application = Application(id="a", name="n")
    assert application | {"name": "m", "more": 1} == {"id": "a", "name": "m", "more": 1}
    assert {"more": 1, "name": "m"} | application == {"id": "a", "name": "n", "more": 1}
    assert application | Application(id="b", name=None) == {"id": "b", "name": None}
    with pytest.raises(TypeError):
        application | [1]  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression] - the mistake


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("createdAt", r"use \.created_at or \['createdAt'\]"),
        ("workflowParams", r"use \.workflow_params"),
        ("update", r"can't be changed: dict\(…\)"),
        ("pop", r"can't be changed: dict\(…\)"),
        ("nothing", "no attribute 'nothing'$"),
    ],
)
def test_names_of_dictionaries_are_explained(name: str, words: str) -> None:
    with pytest.raises(AttributeError, match=words):
        getattr(Job[Any].model_validate(ANSWER), name)
    assert Job[Any].model_validate(ANSWER).progress == 0.5  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue] - the service's own


def test_models_equal_what_is_read_from_their_dumps(client: MusicAiClient) -> None:
    job = client.jobs.run(CustomWorkflow("sdk-test", {"file": Path(__file__)}), metadata={"a": [1, None]})
    models: list[WireModel] = [
        job,
        client.jobs.status(job),
        client.application.get(),
        client.workflows.list()[0],
        client.list_workflows(),
    ]
    for model in models:
        kind = type(model)
        again = [
            kind.model_validate(model.model_dump()),
            kind.model_validate(model.model_dump(by_alias=True)),
            kind.model_validate(model.model_dump(mode="json")),
            kind.model_validate(dict(model)),
            kind.model_validate(model.raw),
            kind.model_validate_json(model.model_dump_json()),
            kind.model_validate_json(model.model_dump_json(by_alias=True)),
            pickle.loads(pickle.dumps(model)),
            copy.deepcopy(model),
        ]
        assert again == [model] * len(again)
        assert {*again, model} == {model}
    assert client.jobs.get(job) != client.jobs.create(CustomWorkflow("sdk-test", {}))
    assert client.jobs.status(job) != job
    assert job != job.model_copy(update={"name": "another"})
