"""Answers of the server, in every observed form."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from musicai_sdk import CUSTOM_STORAGE, FileUrl, Job, JobRef, RawResult, Unknown
from musicai_sdk._core.operations import LIST_JOBS, LIST_WORKFLOWS, adapter
from musicai_sdk.errors import ResponseError
from musicai_sdk.models import (
    Application,
    Beat,
    Chord,
    Filters,
    JobError,
    JobState,
    JsonFile,
    UploadedFile,
    UploadUrls,
    WorkflowInfo,
    WorkflowReference,
)
from musicai_sdk.models._wire import wire_fields
from musicai_sdk.models.job_id import JobId
from musicai_sdk.workflows import (
    CustomWorkflow,
    GenerateChords,
    GenerateChordsResult,
    IsolateDrums,
    IsolateDrumsResult,
    StemsVocalsAccompanimentResult,
)

# The published documentation's own example, with the workflow as an object.
DOCUMENTED = """{
  "id": "2e35babc-91c4-4121-89f4-5a2acf956b28", "app": "Your app name",
  "workflow": {"id": "2ae5eea3-63dd-445e-9a3f-ff0473e82fd2", "name": "Stems Isolations - Vocals & accompaniments"},
  "status": "SUCCEEDED", "error": null, "batchName": null,
  "workflowParams": {"inputUrl": "https://your-server.com/audio-input.m4a"}, "metadata": {},
  "result": {"vocals": "https://cdn.music.ai/something/vocals.wav",
             "accompaniments": "https://cdn.music.ai/something/accompaniments.wav"},
  "name": "My job 123", "createdAt": "2022-12-07T19:21:42.170Z", "startedAt": "2022-12-07T19:21:42.307Z",
  "completedAt": "2022-12-07T19:22:00.325Z"
}"""


def job(**fields: Any) -> Job[RawResult]:
    return Job.model_validate_json(json.dumps({"id": "j", "status": "SUCCEEDED", **fields}))


def test_the_documented_job() -> None:
    parsed = Job.model_validate_json(DOCUMENTED)
    assert parsed.workflow == WorkflowReference(
        id="2ae5eea3-63dd-445e-9a3f-ff0473e82fd2", name="Stems Isolations - Vocals & accompaniments"
    )
    assert parsed.created_at == datetime(2022, 12, 7, 19, 21, 42, 170_000, UTC)
    # As a dictionary, it has the JSON values, and None for missing ones.
    lacking = dict.fromkeys(wire_fields(Job).keys() - json.loads(DOCUMENTED).keys())
    assert dict(parsed) == json.loads(DOCUMENTED) | lacking
    assert {key: parsed[key] for key in parsed.keys()} == dict(parsed)  # noqa: SIM118 - its keys() is tested
    result = parsed.with_result_type(StemsVocalsAccompanimentResult).result
    assert isinstance(result, StemsVocalsAccompanimentResult)
    assert result.accompaniment == "https://cdn.music.ai/something/accompaniments.wav"


def test_a_job_works_like_the_dictionaries_of_1_0() -> None:
    parsed = job(result={"Kick drum": "https://h/k.wav?s=1"}, error=None, progress=0.5)
    assert parsed["result"]["Kick drum"] == "https://h/k.wav?s=1"
    assert parsed.get("createdAt") is None
    assert parsed.get("nothing", 7) == 7
    assert "workflowParams" in parsed
    assert "workflow_params" not in parsed
    assert parsed["progress"] == 0.5
    assert parsed.model_extra == {"progress": 0.5}
    assert dict(parsed.items())["status"] == "SUCCEEDED"
    with pytest.raises(KeyError):
        _ = parsed["nothing"]


@pytest.mark.parametrize("empty", [{}, {"result": None, "error": None, "metadata": None, "batchName": None}])
def test_other_fields_may_be_missing_or_null(empty: dict[str, Any]) -> None:
    parsed = Job.model_validate_json(json.dumps({"id": "j", "status": "QUEUED", **empty}))
    assert (parsed.raw_result, parsed.error, parsed.metadata, parsed.batch_name) == (None, None, {}, None)
    assert (parsed.started_at, parsed.completed_at, dict(parsed.outputs)) == (None, None, {})


def test_statuses_are_open() -> None:
    assert not isinstance(job(status="FAILED").status, Unknown)
    paused = job(status="PAUSED")
    assert not (paused.done)
    assert not (paused.failed)
    assert not (paused.succeeded)
    assert json.loads(paused.model_dump_json())["status"] == "PAUSED"
    assert isinstance(paused.status, Unknown)


def test_models_are_frozen_and_pickle() -> None:
    parsed = job(result={"chords": "https://h/c.json"}, metadata={"a": 1}).with_result_type(
        GenerateChordsResult
    )
    with pytest.raises(ValueError, match="frozen"):
        parsed.name = "other"  # type: ignore[misc]
    values: list[Any] = [
        parsed,
        parsed.result,
        JobRef("j", GenerateChordsResult, "k"),
        JobId("j"),
        JobState(id="j", status=Unknown("NEW")),
        JobError(code="BAD_INPUT"),
        UploadedFile("https://h/x?s=1", 3),
        UploadUrls(upload_url="https://h/u", download_url="https://h/d"),
        Application(id="a", name="n"),
        WorkflowInfo(slug="s"),
        Chord(start=0, end=1, chord_majmin="N"),
        Beat(time=0.5, beat_num=1),
        Filters(status=["FAILED"]),
        CUSTOM_STORAGE,
        Unknown("x"),
        FileUrl("https://h/x"),
        JsonFile[list[Chord]]("https://h/x", list[Chord]),
        GenerateChords(input_url="a"),
        CustomWorkflow("s", {"a": 1}),
    ]
    for value in values:
        other = pickle.loads(pickle.dumps(value))
        assert type(other) is type(value)
        assert other == value
    assert isinstance(pickle.loads(pickle.dumps(parsed)).result, GenerateChordsResult)
    assert pickle.loads(pickle.dumps(CUSTOM_STORAGE)) is CUSTOM_STORAGE


def test_parametrised_jobs_create_no_classes() -> None:
    assert type(Job[IsolateDrumsResult].model_validate({"id": "j", "status": "QUEUED"})) is Job

    class Report(BaseModel):
        job: Job[GenerateChordsResult]

    report = Report.model_validate(
        {"job": {"id": "j", "status": "SUCCEEDED", "result": {"chords": "https://h/c.json?s=1"}}}
    )
    assert report.job.result.chords == "https://h/c.json?s=1"


def test_custom_storage_is_a_sentinel_and_a_string() -> None:
    result = (
        job(
            result={
                "Kick drum": "[custom storage]",
                "Snare drum": "https://h/s.wav",
                "Other": "https://h/o.wav",
            }
        )
        .with_result_type(IsolateDrumsResult)
        .result
    )
    assert isinstance(result, IsolateDrumsResult)
    assert str(result.kick_drum) == "[custom storage]"
    assert result["Kick drum"] == "[custom storage]"
    assert result.kick_drum is CUSTOM_STORAGE
    assert json.dumps([result.kick_drum, result.other]) == '["[custom storage]", "https://h/o.wav"]'


def test_outputs_are_found_in_other_spellings() -> None:
    parsed = job(
        result={"KICK_DRUM": "https://h/k", "snaredrum": "https://h/s", "other": "https://h/o", "BPM": "64"}
    )
    result = parsed.with_result_type(IsolateDrumsResult).result
    assert isinstance(result, IsolateDrumsResult)
    assert (result.kick_drum, result.snare_drum) == ("https://h/k", "https://h/s")
    assert result["Kick drum"] == result["kick drum"] == "https://h/k"
    assert result["bpm"] == "64"
    assert "BPM" in result
    assert "vocals" not in result
    with pytest.raises(KeyError):
        _ = result["vocals"]


def test_every_kind_of_output_keeps_its_kind() -> None:
    values = {
        "url": "https://h/x.wav?s=1",
        "loopback": "http://127.0.0.1/x",
        "stored": "[custom storage]",
        "text": "4/4",
        "number": 64,
        "float": 0.5,
        "flag": True,
        "none": None,
        "nested": {"a": [1, {"b": None}]},
    }
    outputs = job(result=values).outputs
    assert dict(outputs) == values
    assert isinstance(outputs["url"], FileUrl)
    assert isinstance(outputs["loopback"], FileUrl)
    assert outputs["stored"] is CUSTOM_STORAGE
    assert outputs["flag"] is True
    assert job(result=values).result["nested"] == {"a": [1, {"b": None}]}


def test_a_result_that_does_not_fit_names_the_fields() -> None:
    parsed = job(result={"Kick drum": 3, "Other": "https://h/o.wav?Signature=secret"})
    with pytest.raises(ResponseError, match="Kick drum, Snare drum missing or of another kind") as caught:
        _ = parsed.with_result_type(IsolateDrumsResult).result
    assert "secret" not in f"{caught.value}{caught.value.body}"
    assert parsed["result"]["Kick drum"] == 3


def test_signed_urls_are_hidden_in_reprs() -> None:
    parsed = job(
        result={"chords": "https://h/c.json?Signature=secret"}, workflowParams={"a": "https://h?Sig=secret"}
    )
    typed = parsed.with_result_type(GenerateChordsResult)
    shown = [parsed, typed.result, parsed.result, parsed.outputs, JsonFile("https://h/x?s=secret")]
    shown += [
        UploadedFile("https://h/x?s=secret", 3),
        UploadUrls(upload_url="https://h/u?secret", download_url="https://h/d?secret"),
        IsolateDrums(input_url="https://user:secret@h/x?secret#secret"),
        CustomWorkflow("s", {"a": "https://h/x?secret"}),
    ]
    for value in shown:
        assert "secret" not in f"{value!r}"
    assert str(typed.result.chords) == "https://h/c.json?Signature=secret"


JOB, WORKFLOW = {"id": "a", "status": "QUEUED"}, {"slug": "a", "description": None}


@pytest.mark.parametrize("answer", [[JOB], {"jobs": [JOB]}])
def test_lists_of_jobs_bare_and_wrapped(answer: object) -> None:
    body = json.dumps(answer)
    assert [item.id for item in adapter(LIST_JOBS.answer).validate_json(body)] == ["a"]


@pytest.mark.parametrize("answer", [[WORKFLOW], {"workflows": [WORKFLOW]}])
def test_lists_of_workflows_bare_and_wrapped(answer: object) -> None:
    body = json.dumps(answer)
    assert [item.slug for item in adapter(LIST_WORKFLOWS.answer).validate_json(body)] == ["a"]


def test_job_ids_of_the_1_0_surface() -> None:
    job_id = JobId("abc")
    assert isinstance(job_id, str)
    assert job_id["id"] == job_id == "abc"
    assert (job_id[0], job_id[-2:]) == ("a", "bc")
    assert json.dumps({"id": job_id}) == '{"id": "abc"}'
    with pytest.raises(KeyError):
        _ = job_id["name"]  # type: ignore[call-overload]


def test_filters() -> None:
    assert Filters.model_validate({"status": "FAILED"}).status == ["FAILED"]
    assert Filters.model_validate({"batchName": "b"}).batch_name == "b"
    assert Filters(status=[Unknown("PAUSED")]).status == ["PAUSED"]
    with pytest.raises(ValueError, match="no such status"):
        Filters.model_validate({"status": ["paused"]})


def test_a_chord_of_a_real_file() -> None:
    text = (
        '{"start": 0.74, "end": 2.34, "start_bar": 1, "start_beat": 1, "end_bar": 1, "end_beat": 3,'
        ' "chord_majmin": "E:maj", "bass": "B", "bass_nashville": "5", "chord_complex_jazz": "E\\u03947(9)",'
        ' "chord_simple_jazz": "E\\u03947", "chord_basic_jazz": "E", "chord_complex_pop": "Emaj7(9)",'
        ' "chord_simple_pop": "Emaj7", "chord_basic_pop": "E", "chord_complex_nashville": "1\\u03947(9)",'
        ' "chord_simple_nashville": "1\\u03947", "chord_basic_nashville": "1"}'
    )
    chord = Chord.model_validate_json(text)
    assert json.loads(chord.model_dump_json()) == json.loads(text)
    assert list(json.loads(chord.model_dump_json())) == list(json.loads(text))
    assert (
        TypeAdapter(list[Chord]).validate_json('[{"start":0,"end":9,"chord_majmin":"N"}]')[0].start_bar
        is None
    )
