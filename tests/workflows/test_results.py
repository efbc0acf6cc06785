"""Results: lenient reading, any spelling of names, types through every call, and early checks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from musicai_sdk import (
    CUSTOM_STORAGE,
    CustomWorkflow,
    Job,
    JsonFile,
    MusicAiClient,
    RawResult,
    Workflow,
    WorkflowResult,
    output,
)
from musicai_sdk.errors import InputError, ResponseError
from musicai_sdk.models import (
    Beat,
    JsonText,
    Key,
    LanguageDetails,
    LyricLine,
    Section,
    Syllable,
    TimeSignature,
    Word,
)
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import (
    ChordsAndBeatMapping,
    ChordsAndBeatMappingResult,
    GenerateChords,
    GenerateChordsResult,
    IsolateDrums,
    IsolateDrumsResult,
    StemSeparationSuite,
    StemSeparationSuiteResult,
    StemsVocalsDrumsBassOther,
    StemsVocalsDrumsBassOtherResult,
)

LINE = {"start": 1.0, "end": 2.0, "text": "la la", "words": None}


class Everything(WorkflowResult):
    bpm: float | None = output("BPM", default=None)
    key: Key | None = output("Root key", "key", default=None)
    meter: TimeSignature | None = output("time_signature", default=None)
    lyrics: JsonText[list[LyricLine]] | None = output("aligned_lyrics", default=None)
    title: str | None = None


def read(kind: type[WorkflowResult], **outputs: Any) -> Any:
    job: Job[Any] = Job.model_validate_json(json.dumps({"id": "j", "status": "SUCCEEDED", "result": outputs}))
    return job.with_result_type(kind).result


@pytest.mark.parametrize("bpm", [64, 64.0, "64", "64.0"])
@pytest.mark.parametrize("name", ["BPM", "bpm", "Bpm", "b-p m"])
def test_tempo_as_text_or_number_in_any_spelling(name: str, bpm: object) -> None:
    result = read(Everything, **{name: bpm})
    assert (result.bpm, type(result.bpm)) == (64.0, float)
    assert result["BPM"] == result["bpm"] == 64.0


@pytest.mark.parametrize("text", [[LINE], json.dumps([LINE])])
def test_json_may_be_written_into_a_string(text: object) -> None:
    assert read(Everything, aligned_lyrics=text).lyrics == [LyricLine(start=1, end=2, text="la la")]


@pytest.mark.parametrize(
    ("text", "tonic", "mode"),
    [
        ("C Major", "C", "major"),
        ("A minor", "A", "minor"),
        ("Eb major", "Eb", "major"),
        ("C", "C", "major"),
        ("f#m", "F#", "minor"),
        ("B\u266d MIN", "Bb", "minor"),
        ("C:maj", "C", "major"),
        ("unknown", None, None),
        ("", None, None),
    ],
)
def test_keys(text: str, tonic: str | None, mode: str | None) -> None:
    key = read(Everything, **{"Root key": text}).key
    assert (key, key.tonic, key.mode) == (text, tonic, mode)
    assert json.dumps(key) == json.dumps(text)


def test_time_signatures() -> None:
    meter = read(Everything, **{"Time Signature": "6/8"}).meter
    assert (meter, meter.beats, meter.unit) == ("6/8", 6, 8)
    assert (TimeSignature("odd").beats, TimeSignature("odd").unit) == (None, None)


def test_a_number_where_text_was_expected_is_text() -> None:
    assert read(Everything, title=1999).title == "1999"
    assert read(Everything, other=7).model_extra == {"other": 7}
    assert json.loads(read(Everything, other=7, file="https://h/x").model_dump_json())["other"] == 7


def test_wire_names_take_precedence_over_spellings() -> None:
    class Two(WorkflowResult):
        kick_drum: str = output("Kick drum")
        kick_drum_2: str = output("kick_drum")

    result = read(Two, **{"kick_drum": "second", "Kick drum": "first"})
    assert (result.kick_drum, result.kick_drum_2) == ("first", "second")
    assert (result["Kick drum"], result["kick_drum"]) == ("first", "second")


def test_lyrics_with_words_and_syllables() -> None:
    syllables = [{"syllable": "Hel", "start": 3.5, "end": 3.6}]
    words = [
        {"word": "Hello", "start": 3.5, "end": 3.8, "score": 0.84, "syllables": syllables},
        {"word": "you", "start": 4, "end": 5},
    ]
    line = LyricLine.model_validate({**LINE, "language": "english", "words": words, "mood": "new"})
    assert line.words == (
        Word(
            word="Hello",
            start=3.5,
            end=3.8,
            score=0.84,
            syllables=(Syllable(syllable="Hel", start=3.5, end=3.6),),
        ),
        Word(word="you", start=4, end=5),
    )
    assert line.model_extra == {"mood": "new"}


def test_beats_and_sections() -> None:
    assert [Beat(time=0, beat_num=number).downbeat for number in (1, 2)] == [True, False]
    assert Section.model_validate({"start": 0, "end": 4.2, "label": "Chorus"}).label == "Chorus"


def test_the_stems_of_the_other_templates() -> None:
    stems = {name: f"https://h/{name}.wav" for name in ("Vocals", "drums", "bass", "other")}
    four = read(StemsVocalsDrumsBassOtherResult, **stems)
    assert (four.vocals, four.other) == ("https://h/Vocals.wav", "https://h/other.wav")
    assert StemsVocalsDrumsBassOther(input_url="a.wav").to_params() == {"inputUrl": "a.wav"}
    nine = read(StemSeparationSuiteResult, **stems)
    assert (nine.vocals, nine.piano) == ("https://h/Vocals.wav", None)
    assert StemSeparationSuite(input_url="a.wav").slug == "music-ai/stem-separation-suite"


def drums(task: Any) -> dict[str, Any]:
    """Returns other outputs than its name suggests."""
    return {"Kick drum": 3, "note": "quiet"}


def language(task: Any) -> dict[str, Any]:
    """Returns the outputs of the service's module for language identification."""
    (task.folder / "advanced.json").write_text(json.dumps(LANGUAGES))
    return {"main_language": "en", "advanced": task.folder / "advanced.json"}


LANGUAGES = {"segments": [{"language": "en", "p": 0.9}]}


@pytest.fixture
def other_client(connect: Callable[..., MusicAiClient]) -> Iterator[MusicAiClient]:
    """A client, of each colour, of a service with these two workflows."""
    with Sandbox(workflows={"music-ai/isolate-drums": drums, "acme-language": language}) as sandbox:
        yield connect(api_key=sandbox.api_key, base_url=sandbox.base_url)


def test_a_result_that_does_not_fit_names_the_fields_and_stays_readable(other_client: MusicAiClient) -> None:
    job = other_client.jobs.run(IsolateDrums(input_url="https://h.example/a.wav"))
    with pytest.raises(
        ResponseError, match="Kick drum, Snare drum, Other missing or of another kind"
    ) as caught:
        _ = job.result
    assert caught.value.field == "Kick drum"
    assert "job.outputs" in str(caught.value)
    assert job.outputs == {"Kick drum": 3, "note": "quiet"}
    assert job["result"]["note"] == "quiet"
    assert other_client.jobs.get(job.id).result["kick drum"] == 3


def test_language_details_are_any_json(other_client: MusicAiClient) -> None:
    job = other_client.jobs.run(CustomWorkflow("acme-language"))
    assert job.result["main_language"] == "en"
    details: LanguageDetails = other_client.files.read(JsonFile(job.result["advanced"]))
    assert details == LANGUAGES


def test_lists_keep_the_result_type(client: MusicAiClient, song: Path) -> None:
    drums = client.jobs.run(IsolateDrums(input_url=song))
    client.jobs.run(GenerateChords(input_url=song))
    jobs = list(client.jobs.list(workflow=IsolateDrums, status=["SUCCEEDED"], page_size=1))
    assert [job.id for job in jobs] == [drums.id]
    assert isinstance(jobs[0].result, IsolateDrumsResult)
    assert [type(job.result) for job in client.jobs.list(workflow=["music-ai/isolate-drums"])] == [RawResult]
    with pytest.raises(InputError, match="CustomWorkflow has no slug"):
        client.jobs.list(workflow=CustomWorkflow)
    with pytest.raises(InputError, match=r"^CustomWorkflow has no slug: CustomWorkflow\(slug, params\)$"):
        CustomWorkflow("", {"inputUrl": song})
    created = client.jobs.create(ChordsAndBeatMapping(input_url=song))
    assert isinstance(client.jobs.wait_all([created])[0].result, ChordsAndBeatMappingResult)


# Destinations of results.


@pytest.mark.parametrize("name", ["kick_drum", "Kick drum", "KickDrum"])
def test_outputs_are_copied_by_any_of_their_names(
    client: MusicAiClient, sandbox: Sandbox, song: Path, tmp_path: Path, name: str
) -> None:
    # An upload slot serves as the user's own storage: anything that takes a PUT does.
    slot = httpx.get(f"{sandbox.base_url}/upload", headers={"Authorization": sandbox.api_key}).json()
    job = client.jobs.run(IsolateDrums(input_url=song), copy_results_to={name: slot["uploadUrl"]})
    assert job.result.kick_drum is CUSTOM_STORAGE
    assert client.files.download(slot["downloadUrl"], tmp_path / "kick.wav").size > 1000


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["kik_drum"], "isn't an output"),
        (["kick_drum", "Kick drum"], "names an output twice"),
        (["vocals"], "isn't an output"),
    ],
)
def test_a_wrong_output_name_is_an_error_before_anything_is_sent(
    client: MusicAiClient, sandbox: Sandbox, song: Path, names: list[str], problem: str
) -> None:
    with pytest.raises(
        InputError, match=rf"{problem}: IsolateDrums has kick_drum \('Kick drum'\), snare_drum"
    ) as caught:
        client.jobs.create(
            IsolateDrums(input_url=song), copy_results_to=dict.fromkeys(names, "https://s.example/x")
        )
    assert names[-1] in str(caught.value)
    assert not sandbox.requests


class SomeNamesResult(WorkflowResult):
    title: str
    tempo: float = output("BPM")
    key: Key = output("root_key")


class SomeNames(Workflow[SomeNamesResult], slug="some-names"):
    pass


def test_outputs_are_listed_with_the_names_that_differ(client: MusicAiClient) -> None:
    with pytest.raises(InputError, match=r"SomeNames has title, tempo \('BPM'\), key \('root_key'\)$"):
        client.jobs.create(SomeNames(), copy_results_to={"vocals": "https://s.example/x"})


def test_a_known_name_is_returned_unchanged() -> None:
    from musicai_sdk.models.result import output_names, wire_name_of

    assert wire_name_of(GenerateChordsResult, "chords map") == "chords map"
    assert wire_name_of(GenerateChordsResult, "CHORDS") == "chords"
    assert wire_name_of(GenerateChordsResult, "beats") is None
    assert output_names(IsolateDrumsResult) == {
        "kick_drum": "Kick drum",
        "snare_drum": "Snare drum",
        "other": "Other",
    }


def test_a_workflow_without_declared_outputs_accepts_every_name(
    client: MusicAiClient, sandbox: Sandbox
) -> None:
    class Untyped(Workflow, slug="sdk-test"):
        file: str

    for workflow in (
        CustomWorkflow("sdk-test", {"file": "https://h.example/a"}),
        Untyped(file="https://h.example/a"),
    ):
        client.jobs.create(workflow, copy_results_to={"anything": "https://s.example/x"})


# The cost of importing.


def modules_after(statement: str) -> set[str]:
    program = f"import sys; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_workflows_loads_nothing_until_one_is_used() -> None:
    lazy = modules_after("import musicai_sdk.workflows")
    used = modules_after("from musicai_sdk.workflows import GenerateChords")
    print(f"import musicai_sdk.workflows: {len(lazy)} modules; with a class of it: {len(used)}")
    assert {name for name in lazy if name.startswith("musicai_sdk")} == {
        "musicai_sdk",
        "musicai_sdk.workflows",
    }
    assert not {"pydantic", "httpx", "dataclasses"} & lazy
    assert "musicai_sdk.workflows.templates" in used
    assert not {"httpx", "numpy"} & used


@pytest.mark.parametrize("module", ["musicai_sdk.codegen", "musicai_sdk.music"])
def test_the_generator_and_the_helpers_need_neither_httpx_nor_numpy(module: str) -> None:
    assert not {"httpx", "numpy", "tenacity"} & modules_after(f"import {module}")


def test_unknown_names_are_attribute_errors() -> None:
    import musicai_sdk.workflows

    with pytest.raises(AttributeError, match="GenerateChord'"):
        _ = musicai_sdk.workflows.GenerateChord  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
    assert set(musicai_sdk.workflows.__all__) <= set(dir(musicai_sdk.workflows))
