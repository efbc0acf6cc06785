"""Values that don't fit are left out, reported once, and kept in `raw`. They never hide the rest."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import Connect
from musicai_sdk._core.operations import adapter
from musicai_sdk.errors import JobFailedError, ResponseError
from musicai_sdk.models import (
    Application,
    Beat,
    Chord,
    Job,
    JobCreated,
    JobState,
    JsonFile,
    JsonText,
    LyricLine,
    Section,
    UploadUrls,
    WorkflowInfo,
    WorkflowResult,
    _lenient,
)
from musicai_sdk.workflows import GenerateChords
from support.raw_server import RawServer, Received

WHOLE: dict[str, Any] = {
    "id": "2e35babc",
    "app": "Default Application",
    "name": "song-17",
    "batchName": None,
    "metadata": {"musicai_sdk.idempotency_key": "token", "mine": [1]},
    "workflow": "music-ai/generate-chords",
    "workflowParams": {"inputUrl": "https://a.example/b?signature=1"},
    "status": "SUCCEEDED",
    "result": {"chords": "https://a.example/c.json?signature=2"},
    "error": None,
    "createdAt": "2025-01-07T19:21:42.170Z",
    "startedAt": "2025-01-07T19:21:42Z",
    "completedAt": "2025-01-07T21:22:00.325123+02:00",
    "progress": [0.5, {"deep": None}],
}

ODD: list[tuple[str, str, list[Any]]] = [
    (
        "startedAt",
        "started_at",
        ["", "soon", {"_seconds": 1, "_nanoseconds": 2}, "2016-12-31T23:59:60Z", [], True],
    ),
    ("createdAt", "created_at", ["2025-13-01T00:00:00.000Z", "99999-01-01T00:00:00Z", {}]),
    ("metadata", "raw_metadata", [[], "text", 7, '["a"]', "{cut"]),
    ("name", "name", [7, 7.5, True, {}, []]),
    ("app", "app", [{}, 3]),
    ("batchName", "batch_name", [{}, 3]),
    ("error", "error", ["text", [], 500]),
    ("workflow", "workflow", [7, [], True]),
    ("workflowParams", "workflow_params", ["text", [1], 3]),
    ("result", "raw_result", ["text", [], 3, "https://a.example/c.json?signature=2"]),
]


@pytest.fixture(autouse=True)
def unwarned() -> Iterator[None]:
    """Each test gets its own warnings."""
    _lenient._warned.clear()
    yield
    _lenient._warned.clear()


@pytest.mark.parametrize("from_json", [True, False], ids=["JSON", "Python"])
@pytest.mark.parametrize(
    ("wire", "name", "value"),
    [
        pytest.param(wire, name, value, id=f"{wire}-{value!r:.20}")
        for wire, name, each in ODD
        for value in each
    ],
)
def test_an_optional_field_that_does_not_fit(
    wire: str, name: str, value: object, from_json: bool, caplog: pytest.LogCaptureFixture
) -> None:
    answer = {**WHOLE, wire: value}
    with caplog.at_level(logging.WARNING, "musicai_sdk"):
        jobs = [
            Job[Any].model_validate_json(json.dumps(answer)) if from_json else Job[Any].model_validate(answer)
            for _ in range(3)
        ]
    job = jobs[0]
    assert getattr(job, name) is None
    assert (job.id, job.status) == ("2e35babc", "SUCCEEDED")
    assert [record.levelname for record in caplog.records] == ["WARNING"], "once, not three times"
    assert f"Job.{name}" in caplog.text
    assert "signature" not in caplog.text
    for same in (job, pickle.loads(pickle.dumps(job)), copy.copy(job), copy.deepcopy(job), job.model_copy()):
        assert same == job
        assert same.raw == answer
    assert "signature" not in repr(job)
    assert Job[Any].model_validate_json(job.model_dump_json(by_alias=True)).id == job.id


def test_raw_is_the_original_answer() -> None:
    for change in (
        {},
        {"metadata": None, "createdAt": 1736277702},
        {"workflow": {"id": "u", "name": "W", "x": 1}},
    ):
        answer = {**WHOLE, **change}
        assert Job[Any].model_validate_json(json.dumps(answer)).raw == answer
    least = {"id": "j", "status": "QUEUED"}
    assert Job[Any].model_validate(least).raw == least
    job = Job[Any].model_validate(WHOLE)
    job.raw["id"] = "another"
    assert job.raw == WHOLE
    with pytest.raises(ValueError, match="frozen"):
        job.raw = {}  # type: ignore[misc]


@pytest.mark.parametrize("value", [WHOLE["metadata"], json.dumps(WHOLE["metadata"])])
def test_the_key_is_found_in_metadata_as_text(value: object) -> None:
    job = Job[Any].model_validate({**WHOLE, "metadata": value})
    assert (job.idempotency_key, job.metadata) == ("token", {"mine": [1]})
    assert job.raw["metadata"] == value


@pytest.mark.parametrize("value", [None, {}, [], "text", {"musicai_sdk.idempotency_key": 7}])
def test_metadata_without_a_key(value: object) -> None:
    job = Job[Any].model_validate({**WHOLE, "metadata": value})
    assert job.idempotency_key is None
    assert Job[Any].model_validate({"id": "j", "status": "QUEUED"}).idempotency_key is None


def test_an_unreadable_result_is_not_an_empty_one() -> None:
    job = Job[Any].model_validate({**WHOLE, "result": ["https://a.example/c.json?signature=2"]})
    for read in (
        lambda: job.outputs,
        lambda: job.result,
        lambda: job.with_result_type(GenerateChords.result_type).result,
    ):
        with pytest.raises(ResponseError, match="isn't an object of outputs") as caught:
            read()
        assert "signature" not in f"{caught.value} {caught.value.body}"


def test_a_failure_as_text_instead_of_an_object() -> None:
    job = Job[Any].model_validate({**WHOLE, "status": "FAILED", "error": "out of \x1b[31mmemory"})
    with pytest.raises(JobFailedError, match=r"out of .*memory") as caught:
        job.raise_for_failure()
    assert "\x1b" not in f"{caught.value} {caught.value.message}"
    partly = Job[Any].model_validate({**WHOLE, "error": {"code": 7, "title": None, "message": "full"}})
    assert partly.error is not None
    assert (partly.error.code, partly.error.message, partly.raw["error"]["code"]) == (None, "full", 7)


# --- other answers


def test_ids() -> None:
    assert JobCreated.model_validate_json('{"jobId": "a"}').id == "a"
    assert JobCreated.model_validate_json('{"id": null, "jobId": "a"}').id == "a"
    assert JobCreated.model_validate_json('{"id": "b", "jobId": "a"}').id == "b"
    assert JobCreated.model_validate_json('{"id": 7}').id == "7"
    assert Job[Any].model_validate_json('{"id": 7, "status": "QUEUED"}').raw == {"id": 7, "status": "QUEUED"}
    for wrong in ("{}", '{"id": ""}', '{"id": null}', '{"id": true}', '{"id": [1]}', "[]", '"a"'):
        with pytest.raises(ValueError, match="validation error"):
            JobCreated.model_validate_json(wrong)


def test_a_state_may_lack_its_id() -> None:
    for answer in ('{"status": "NEW"}', '{"id": null, "status": "NEW"}', '{"id": [], "status": "NEW"}'):
        assert (JobState.model_validate_json(answer).id, JobState.model_validate_json(answer).status) == (
            "",
            "NEW",
        )


def test_applications_workflows_and_uploads() -> None:
    assert Application.model_validate({"id": "a", "name": 3}).name is None
    odd: dict[str, Any] = {
        "slug": "s",
        "id": 3,
        "name": [],
        "description": {},
        "createdAt": "",
        "updatedAt": {"_seconds": 1},
    }
    workflow = WorkflowInfo.model_validate(odd)
    assert (workflow.id, workflow.name, workflow.description, workflow.created_at, workflow.updated_at) == (
        None,
    ) * 5
    assert workflow.raw == odd
    for wrong in (
        {"uploadUrl": "https://a"},
        {"uploadUrl": "", "downloadUrl": "https://a"},
        {"uploadUrl": None},
    ):
        with pytest.raises(ValueError, match="validation error"):
            UploadUrls.model_validate(wrong)


# --- lists


@pytest.mark.parametrize("wrapped", [False, True])
def test_one_odd_element_of_a_page(connect: Connect, wrapped: bool, caplog: pytest.LogCaptureFixture) -> None:
    jobs: list[Any] = [
        None,
        {**WHOLE, "id": "a"},
        {"status": "QUEUED"},
        7,
        "x",
        [],
        {**WHOLE, "id": "b", "name": 7},
        {"id": "c"},
    ]

    def handler(request: Received) -> None:
        page: list[Any] = jobs if "page=0" in request.path else []
        request.answer(json.dumps({"jobs": page} if wrapped else page).encode())

    with RawServer(handler) as server:
        found = list(connect(base_url=server.url).jobs.list())
    assert [job.id for job in found] == ["a", "b"]
    assert "left out 6 of 8 elements of a list, which can't be read as Job" in caplog.text


def test_an_unreadable_page_does_not_end_the_list(connect: Connect) -> None:
    with RawServer(lambda request: request.answer(b"[null, {}]")) as server:
        with pytest.raises(ResponseError, match="none of its 2 elements"):
            list(connect(base_url=server.url, max_retries=0).jobs.list())


def test_workflows(connect: Connect) -> None:
    page = [None, {"slug": "a", "name": 3}, {"slug": ""}, {"slug": None}]
    with RawServer(lambda request: request.answer(json.dumps({"workflows": page}).encode())) as server:
        assert [each.slug for each in connect(base_url=server.url).workflows.list()] == ["a"]


# --- result files

CHORD = {"start": 0, "end": 1, "chord_majmin": "N", "start_bar": None, "start_beat": None}


def read(kind: Any, value: object) -> Any:
    return adapter(kind).validate_json(json.dumps(value))


def test_one_odd_element_of_a_result_file() -> None:
    chords = read(
        list[Chord],
        [
            CHORD,
            None,
            {**CHORD, "start": None},
            {**CHORD, "end": float("nan")},
            {**CHORD, "start": "0.5", "bass": 7},
        ],
    )
    assert [(chord.start, chord.bass) for chord in chords] == [(0.0, None), (0.5, None)]
    assert type(chords) is list
    beats = read(list[Beat], [{"time": 1, "beatNum": None}, {"beatNum": 1}, {"time": 2.5, "beatNum": 1}])
    assert [(beat.time, beat.beat_num, beat.downbeat) for beat in beats] == [
        (1.0, None, False),
        (2.5, 1, True),
    ]
    sections = read(list[Section], [{"start": 0, "end": 1, "label": None}, {"start": 0}])
    assert [section.label for section in sections] == [None]
    for kind in (list[Chord], list[Beat], list[LyricLine], list[Section]):
        with pytest.raises(ValueError, match="none of its 2 elements"):
            read(kind, [None, 3])
        assert read(kind, []) == []


def test_words_without_times() -> None:
    words = [{"word": "1999"}, {"word": "was", "start": 1, "end": 2, "score": 0.5}, None, {"start": 3}]
    [line, other] = read(
        list[LyricLine],
        [{"start": 1, "end": 2, "text": "1999 was", "words": words}, {"text": "x", "words": None}],
    )
    assert [(word.word, word.start, word.end, word.score) for word in line.words] == [
        ("1999", None, None, None),
        ("was", 1.0, 2.0, 0.5),
    ]
    assert (other.start, other.words) == (None, ())
    assert json.loads(line.model_dump_json())["words"][0]["start"] is None


class Mine(WorkflowResult):
    chords: JsonText[list[Chord]]


def test_json_inside_the_result() -> None:
    assert len(Mine.model_validate({"chords": json.dumps([CHORD, None])}).chords) == 1
    assert len(Mine.model_validate({"chords": [CHORD]}).chords) == 1


def test_user_defined_types_stay_strict(connect: Connect) -> None:
    with RawServer(lambda request: request.answer(b"[1, null]")) as server:
        with pytest.raises(ResponseError) as caught:
            connect().files.read(JsonFile(f"{server.url}/x.json", list[int]))
    assert caught.value.field == "1"
