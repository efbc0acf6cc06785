"""Mistakes with workflows that type checkers must find; see `bad.py` for the marks."""
# One statement a line, and each of them is wrong on purpose.
# fmt: off
# ruff: noqa: B018

from __future__ import annotations

from pathlib import Path
from typing import assert_never

from musicai_sdk import (
    AsyncMusicAiClient,
    CustomStorage,
    FileUrl,
    Job,
    JobStatus,
    MusicAiClient,
    Workflow,
    WorkflowResult,
    music,
)
from musicai_sdk.codegen import Style, WorkflowOutput, discover
from musicai_sdk.models import Key, LyricLine
from musicai_sdk.workflows import (
    ChordsAndBeatMapping,
    ChordsAndBeatMappingResult,
    GenerateChords,
    IsolateDrums,
    IsolateDrumsResult,
)


class Misspelt(Workflow[IsolateDrumsResult], slag="acme"):  # E: call-arg, reportCallIssue
    input_url: str


def parameters(song: Path) -> None:
    ChordsAndBeatMapping(inputUrl=song)  # E: call-arg, reportCallIssue
    ChordsAndBeatMapping(input_url=[song])  # E: arg-type, reportArgumentType
    ChordsAndBeatMapping(input_url=song).bpm  # E: attr-defined, reportAttributeAccessIssue


def lists(client: MusicAiClient) -> None:
    drums: list[Job[IsolateDrumsResult]] = list(client.jobs.list(workflow=GenerateChords))  # E: arg-type, reportAssignmentType
    client.jobs.list(workflow=GenerateChords(input_url="a.wav"))  # E: arg-type, reportArgumentType
    client.jobs.list(workflow=IsolateDrumsResult)  # E: arg-type, reportArgumentType
    client.jobs.list(workflow=["acme", 3])  # E: list-item, reportArgumentType
    print(drums)


def results(client: MusicAiClient, result: ChordsAndBeatMappingResult) -> None:
    result.bmp  # E: attr-defined, reportAttributeAccessIssue
    result.bpm + 1  # E: operator, reportOptionalOperand
    client.files.read(result.beats)  # E: arg-type, reportArgumentType
    client.files.read(result.chords)[0].beat_num  # E: attr-defined, reportAttributeAccessIssue
    result.key.tonic  # E: union-attr, reportOptionalMemberAccess
    Key("C").scale  # E: attr-defined, reportAttributeAccessIssue
    number: int = Key("C").tonic  # E: assignment, reportAssignmentType
    print(number)


def storage(result: IsolateDrumsResult) -> str:
    match result.kick_drum:
        case FileUrl() as url:
            return url
        case _ as rest:
            assert_never(rest)  # E: arg-type, reportArgumentType


def statuses(status: JobStatus) -> None:
    match status:
        case "QUEUED" | "STARTED" | "SUCCEEDED" | "FAILED":
            pass
        case _ as rest:
            assert_never(rest)  # E: arg-type, reportArgumentType


def storage_is_not_a_url(client: MusicAiClient, kick: CustomStorage) -> None:
    client.files.read(kick.chords)  # E: attr-defined, reportAttributeAccessIssue


def helpers(client: MusicAiClient, job: Job[ChordsAndBeatMappingResult], lines: list[LyricLine]) -> None:
    music.to_lab(job.result.chords)  # E: arg-type, reportArgumentType
    music.to_lab(lines)  # E: arg-type, reportArgumentType
    music.to_srt(client.files.read(job.result.chords))  # E: arg-type, reportArgumentType
    music.chord_at(client.files.read(job.result.chords), "1.5")  # E: arg-type, reportArgumentType
    music.to_lrc(lines, True)  # E: call-arg, reportCallIssue


def generating(client: AsyncMusicAiClient) -> None:
    discover(client, "ours")  # E: arg-type, reportArgumentType
    Style(88)  # E: call-arg, reportCallIssue
    WorkflowOutput(wire_name="x", kind="video")  # E: arg-type, reportArgumentType


class NotAResult:
    pass


class Wrong(Workflow[NotAResult], slug="acme"):  # E: type-var, reportInvalidTypeArguments
    pass


async def asynchronous(client: AsyncMusicAiClient, song: Path) -> None:
    (await client.jobs.run(IsolateDrums(input_url=song))).result.kik_drum  # E: attr-defined, reportAttributeAccessIssue
    result: WorkflowResult = await client.jobs.run(IsolateDrums(input_url=song))  # E: assignment, reportAssignmentType
    print(result)
