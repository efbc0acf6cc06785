"""Workflows as types: results keep their type through every call, and open sets narrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_never, assert_type

from musicai_sdk import (
    CUSTOM_STORAGE,
    AsyncMusicAiClient,
    FileInput,
    FileOutput,
    FileUrl,
    Job,
    JobStatus,
    JsonFile,
    MusicAiClient,
    RawResult,
    Unknown,
    Workflow,
    WorkflowResult,
    music,
    output,
    param,
)
from musicai_sdk.codegen import (
    Style,
    WorkflowInput,
    WorkflowOutput,
    WorkflowSchema,
    discover,
    discover_async,
    module_text,
    read_workflow,
    write_module,
)
from musicai_sdk.models import (
    Beat,
    Chord,
    CustomStorage,
    JsonText,
    Key,
    LanguageDetails,
    LyricLine,
    Section,
    Syllable,
    TimeSignature,
    Word,
)
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


class AnalysisResult(WorkflowResult):
    """As the generator writes them."""

    aligned_lyrics: JsonText[list[LyricLine]]
    sections: JsonFile[list[Section]] | CustomStorage = output("Sections", "sectionsMap")
    root_key: Key | None = output("Root key", default=None)
    time_signature: TimeSignature | None = None
    bpm: float | None = None
    mastered: FileOutput | None = output("Mastered mix", default=None)


class Analysis(Workflow[AnalysisResult], slug="acme-analysis"):
    """As the generator writes them."""

    input_url: FileInput
    lyrics: FileInput | None = param("Input 2", default=None)


def every_call_keeps_the_type(client: MusicAiClient, song: Path) -> None:
    assert_type(client.jobs.run(Analysis(input_url=song)), Job[AnalysisResult])
    assert_type(client.jobs.get("id", Analysis).result, AnalysisResult)
    assert_type(client.jobs.wait(client.jobs.create(Analysis(input_url=song))), Job[AnalysisResult])
    jobs = [client.jobs.create(ChordsAndBeatMapping(input_url=song)) for _ in range(2)]
    assert_type(client.jobs.wait_all(jobs), list[Job[ChordsAndBeatMappingResult]])
    for job in client.jobs.list(workflow=Analysis, status=["SUCCEEDED"]):
        assert_type(job, Job[AnalysisResult])
    assert_type(list(client.jobs.list(workflow=GenerateChords)), list[Job[GenerateChordsResult]])
    assert_type(list(client.jobs.list(workflow=["acme-analysis"])), list[Job[RawResult]])
    assert_type(client.jobs.run(StemSeparationSuite(input_url=song)).result, StemSeparationSuiteResult)
    four = client.jobs.run(StemsVocalsDrumsBassOther(input_url=song)).result
    assert_type(four, StemsVocalsDrumsBassOtherResult)
    assert_type(four.vocals, FileUrl | CustomStorage)
    client.jobs.create(IsolateDrums(input_url=song), copy_results_to={"kick_drum": "https://s.example/kick"})


async def every_call_keeps_the_type_async(client: AsyncMusicAiClient, song: Path) -> None:
    assert_type(await client.jobs.run(Analysis(input_url=song)), Job[AnalysisResult])
    assert_type((await client.jobs.get("id", Analysis)).result, AnalysisResult)
    jobs = [await client.jobs.create(ChordsAndBeatMapping(input_url=song)) for _ in range(2)]
    assert_type(await client.jobs.wait_all(jobs), list[Job[ChordsAndBeatMappingResult]])
    async for job in client.jobs.list(workflow=Analysis):
        assert_type(job, Job[AnalysisResult])
    assert_type(await client.jobs.list(workflow=Analysis), list[Job[AnalysisResult]])
    result = (await client.jobs.run(ChordsAndBeatMapping(input_url=song))).result
    assert_type(await client.files.read(result.chords), list[Chord])


def results(client: MusicAiClient, result: AnalysisResult, mapped: ChordsAndBeatMappingResult) -> None:
    assert_type(result.aligned_lyrics, list[LyricLine])
    assert_type(client.files.read(result.sections), list[Section])
    if result.root_key is not None:
        assert_type(result.root_key.tonic, str | None)
        text: str = result.root_key
        print(text)
    if result.time_signature:
        assert_type(result.time_signature.beats, int | None)
    if result.mastered is not None and result.mastered is not CUSTOM_STORAGE:
        assert_type(result.mastered, FileUrl)
    assert_type(client.files.read(mapped.chords), list[Chord])
    if mapped.beats is not None:
        beats = client.files.read(mapped.beats)
        assert_type(beats, list[Beat])
        assert_type(beats[0].downbeat, bool)
    assert_type(mapped.bpm, float | None)
    assert_type(mapped.key, Key | None)
    line = result.aligned_lyrics[0]
    assert_type(line.words, tuple[Word, ...])
    assert_type(line.words[0].syllables, tuple[Syllable, ...])
    details: LanguageDetails = {"language": ["en"]}
    print(details)


def storage(result: IsolateDrumsResult) -> str:
    match result.kick_drum:
        case CustomStorage():
            return "in your own storage"
        case FileUrl() as url:
            return url
        case _ as never:
            assert_never(never)


def statuses(status: JobStatus) -> int:
    match status:
        case "QUEUED" | "STARTED":
            return 0
        case "SUCCEEDED":
            return 1
        case "FAILED":
            return 2
        case Unknown():
            assert_type(status, Unknown)
            return 3
        case _ as never:
            assert_never(never)


def helpers(chords: list[Chord], lines: list[LyricLine]) -> None:
    assert_type(music.chord_at(chords, 1.5), Chord | None)
    assert_type(music.labelled_intervals(chords), tuple[list[tuple[float, float]], list[str]])
    for text in (music.to_lab(chords), music.to_text(lines), music.to_srt(lines), music.to_vtt(lines)):
        assert_type(text, str)
    assert_type(music.to_lrc(lines, words=True), str)
    assert_type(music.table(chords), music.Table)


def generating(client: MusicAiClient) -> None:
    found = discover(client, "our_workflows", max_jobs=100, style=Style(line_length=100))
    assert_type(found, list[WorkflowSchema])
    assert_type(found[0].inputs, tuple[WorkflowInput, ...])
    assert_type(found[0].outputs, tuple[WorkflowOutput, ...])
    assert_type(module_text(found), str)
    assert_type(write_module("our_workflows"), Path)
    assert_type(read_workflow(Path("acme.json")).slug, str)


async def generating_async(client: AsyncMusicAiClient) -> None:
    assert_type(await discover_async(client, Path("our_workflows")), list[WorkflowSchema])


def untyped(job: Job[RawResult]) -> None:
    assert_type(job.result["vocals"], Any)
