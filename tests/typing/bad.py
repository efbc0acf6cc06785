"""Mistakes that type checkers must find: each line with a mark, and no other, is an error.

A mark names mypy's error code and pyright's rule, so that a line can't be an error for another reason.
"""
# One statement a line, and each of them is wrong on purpose.
# fmt: off
# ruff: noqa: B007, B018, F401, I001

from __future__ import annotations

from pathlib import Path
from typing import Literal

from musicai_sdk import (
    AsyncMusicAiClient,
    CustomWorkflow,
    FileOutput,
    Filters,
    Job,
    JobRef,
    JobStatus,
    JsonFile,
    MusicAiClient,
    Workflow,
    WorkflowResult,
    param,
)
from musicai_sdk import MusicAICleint  # E: attr-defined, reportAttributeAccessIssue
from musicai_sdk.models import Beat, Chord, FiltersDict
from musicai_sdk.models import Jobb  # E: attr-defined, reportAttributeAccessIssue
from musicai_sdk.workflows import GenerateChords, GenerateChordsResult, IsolateDrums, IsolateDrumsResult


class LoudnessResult(WorkflowResult):
    mastered: FileOutput


class Loudness(Workflow[LoudnessResult], slug="acme-loudness"):
    input_url: str
    target: float = param("Target LUFS", default=-14.0)
    mode: Literal["fast", "best"] = "best"


class NoResult(Workflow[int], slug="acme-number"):  # E: type-var, reportInvalidTypeArguments
    pass


def workflows(song: Path) -> None:
    GenerateChords(input_ulr=song)  # E: call-arg, reportCallIssue
    GenerateChords(input_url=song, tempo=120)  # E: call-arg, reportCallIssue
    GenerateChords(input_url=3)  # E: arg-type, reportArgumentType
    GenerateChords(input_url=b"RIFF")  # E: arg-type, reportArgumentType
    GenerateChords(input_url=None)  # E: arg-type, reportArgumentType
    GenerateChords()  # E: call-arg, reportCallIssue
    GenerateChords(song)  # E: call-arg, reportCallIssue
    Loudness(target=-9.0)  # E: call-arg, reportCallIssue
    Loudness(input_url="a.wav", target="loud")  # E: arg-type, reportArgumentType
    Loudness(input_url="a.wav", mode="slow")  # E: arg-type, reportArgumentType
    CustomWorkflow()  # E: call-arg, reportCallIssue
    CustomWorkflow("acme", [song])  # E: arg-type, reportArgumentType
    workflow = GenerateChords(input_url=song)
    workflow.input_url = "b.mp3"  # E: misc, reportAttributeAccessIssue
    Loudness(input_url="a.wav").target = 0.0  # E: misc, reportAttributeAccessIssue


def running(client: MusicAiClient, song: Path) -> None:
    client.jobs.run({"workflow": "music-ai/generate-chords", "params": {}})  # E: call-overload, reportArgumentType
    client.jobs.run("music-ai/generate-chords")  # E: call-overload, reportArgumentType
    client.jobs.run(GenerateChords)  # E: call-overload, reportArgumentType
    client.jobs.run(GenerateChords(input_url=song), "name")  # E: call-overload, reportArgumentType
    client.jobs.run(GenerateChords(input_url=song), timeout="60")  # E: call-overload, reportArgumentType
    client.jobs.run(GenerateChords(input_url=song), request_timout=5)  # E: call-overload, reportCallIssue
    client.jobs.run(GenerateChords(input_url=song), on_update=print_text)  # E: arg-type, reportArgumentType
    client.jobs.create(GenerateChords(input_url=song), max_retries="3")  # E: arg-type, reportArgumentType
    client.jobs.create(GenerateChords(input_url=song), copy_results_to={"a": song})  # E: dict-item, reportArgumentType
    client.jobs.create("acme", {"inputUrl": song})  # E: arg-type, reportCallIssue
    client.jobs.create(GenerateChords(input_url=song), "chords")  # E: call-arg, reportCallIssue
    client.jobs.run("acme")  # E: call-overload, reportArgumentType
    client.jobs.run("name", "acme", {"inputUrl": song})  # E: call-overload, reportCallIssue
    client.jobs.run(GenerateChords(input_url=song), {"inputUrl": song})  # E: call-overload, reportArgumentType
    client.create_job("name", "acme", {})  # E: attr-defined, reportAttributeAccessIssue
    client.jobs.creat(GenerateChords(input_url=song))  # E: attr-defined, reportAttributeAccessIssue
    client.job.run(GenerateChords(input_url=song))  # E: attr-defined, reportAttributeAccessIssue
    drums: Job[IsolateDrumsResult] = client.jobs.run(GenerateChords(input_url=song))  # E: arg-type, reportAssignmentType
    created: JobRef[IsolateDrumsResult] = client.jobs.create(IsolateDrums(input_url=song))
    takes_chords(client.jobs.wait(created))  # E: arg-type, reportArgumentType
    takes_chords(created)  # E: arg-type, reportArgumentType
    takes_chords(client.jobs.get("id"))  # E: arg-type, reportArgumentType
    client.jobs.get("id", GenerateChordsResult)  # E: arg-type, reportArgumentType
    client.jobs.get(17)  # E: call-overload, reportCallIssue
    client.jobs.wait(created, 60)  # E: call-overload, reportCallIssue
    client.jobs.wait_all(created)  # E: call-overload, reportCallIssue
    client.jobs.find("key").result  # E: union-attr, reportOptionalMemberAccess
    print(drums)


def print_text(text: str) -> None:
    print(text)


def takes_chords(job: Job[GenerateChordsResult]) -> None:
    print(job.result.chrods)  # E: attr-defined, reportAttributeAccessIssue
    job.status = "QUEUED"  # E: misc, reportAttributeAccessIssue
    job.result = job.result  # E: misc, reportAttributeAccessIssue
    print(job.createdAt)  # E: attr-defined, reportAttributeAccessIssue
    print(job.error.code)  # E: union-attr, reportOptionalMemberAccess
    print(job.created_at.isoformat())  # E: union-attr, reportOptionalMemberAccess
    job["status"] = "QUEUED"  # E: index, reportIndexIssue


def files(client: MusicAiClient, job: Job[IsolateDrumsResult], chords: Job[GenerateChordsResult]) -> None:
    client.files.read(job.result.kick_drum)  # E: arg-type, reportArgumentType
    client.files.read("https://cdn.example.com/chords.json")  # E: arg-type, reportArgumentType
    client.files.read(chords.result)  # E: arg-type, reportArgumentType
    client.files.read(chords.outputs["chords"])  # E: arg-type, reportArgumentType
    client.files.read(3)  # E: arg-type, reportArgumentType
    client.files.read(JsonFile("https://cdn.example.com/chords.json", list[Chord]))[0].chrod_majmin  # E: attr-defined, reportAttributeAccessIssue
    client.files.read(JsonFile("https://cdn.example.com/chords.json", Chord))[0]  # E: index, reportIndexIssue
    client.files.read(JsonFile[list[Chord]]("https://cdn.example.com/chords.json"))[0].chrod_majmin  # E: attr-defined, reportAttributeAccessIssue
    JsonFile[list[Beat]]("https://cdn.example.com/chords.json", list[Chord])  # E: arg-type, reportArgumentType
    beats: JsonFile[list[Beat]] = JsonFile("https://cdn.example.com/chords.json", list[Chord])  # E: arg-type, reportAssignmentType
    client.files.read(chords.result.chords)[0].chord_minmaj  # E: attr-defined, reportAttributeAccessIssue
    text: list[str] = client.files.read(chords.result.chords)  # E: arg-type, reportAssignmentType
    client.files.download(job.result.kick_drum)  # E: call-arg, reportCallIssue
    client.files.upload(3)  # E: arg-type, reportArgumentType
    client.files.upload("song.mp3", progress=print)  # E: arg-type, reportArgumentType
    client.jobs.download(job)  # E: call-arg, reportCallIssue
    print(text, beats)


def lists(client: MusicAiClient) -> None:
    client.jobs.list(status=["SUCEEDED"])  # E: list-item, reportArgumentType
    client.jobs.list(status="SUCEEDED")  # E: arg-type, reportArgumentType
    client.jobs.list(status=["succeeded"])  # E: list-item, reportArgumentType
    client.jobs.list(state=["FAILED"])  # E: call-arg, reportCallIssue
    client.jobs.list(["FAILED"])  # E: call-arg, reportCallIssue
    client.jobs.list(workflow=[GenerateChords])  # E: list-item, reportArgumentType
    client.jobs.list(limit="5")  # E: arg-type, reportArgumentType
    len(client.jobs.list())  # E: arg-type, reportArgumentType
    client.jobs.list().first().id  # E: union-attr, reportOptionalMemberAccess
    print(client.jobs.list()[0])  # E: index, reportIndexIssue
    print(list(client.jobs.list())[0].result.vocals)  # E: attr-defined, reportAttributeAccessIssue
    print(client.jobs.wait_all(["id"])[0].result.vocals)  # E: attr-defined, reportAttributeAccessIssue
    for job in client.jobs.list(workflow=["music-ai/generate-chords"]):
        takes_chords(job)  # E: arg-type, reportArgumentType
    for drums in client.jobs.list(workflow=IsolateDrums):
        takes_chords(drums)  # E: arg-type, reportArgumentType
    Filters(status=["SUCEEDED"])  # E: list-item, reportArgumentType
    Filters(batchName="spring")  # E: call-arg, reportCallIssue
    filters: FiltersDict = {"states": ["FAILED"]}  # E: typeddict-unknown-key, reportAssignmentType
    Filters().status = None  # E: misc, reportAttributeAccessIssue
    print(filters)


def statuses(status: JobStatus) -> str:
    if status == "SUCCEEDED":
        return "read"
    print(status.done)  # E: union-attr, reportAttributeAccessIssue
    wrong: JobStatus = "DONE"  # E: assignment, reportAssignmentType
    return wrong


def older_code(music_ai: MusicAiClient) -> None:
    music_ai.add_job("name", "slug")  # E: call-arg, reportCallIssue
    music_ai.add_job("name", "slug", {}, metadta={})  # E: call-arg, reportCallIssue
    music_ai.add_job("name", "slug", {})["status"]  # E: call-overload, reportCallIssue
    music_ai.get_job(7)  # E: arg-type, reportArgumentType
    music_ai.list_jobs(["FAILED"])  # E: arg-type, reportArgumentType
    number: int = music_ai.upload_file("song.mp3")  # E: assignment, reportAssignmentType
    MusicAiClient(timeout="60")  # E: arg-type, reportArgumentType
    MusicAiClient(key="a")  # E: call-arg, reportCallIssue
    music_ai.base_url = None  # E: assignment, reportAttributeAccessIssue
    print(number)


async def asynchronous(client: AsyncMusicAiClient, song: Path) -> None:
    client.jobs.run(GenerateChords(input_url=song)).result  # E: attr-defined, reportAttributeAccessIssue
    client.jobs.delete("id")  # E: unused-coroutine, reportUnusedCoroutine
    client.files.read((await client.jobs.get("id", GenerateChords)).result.chords)[0]  # E: index, reportIndexIssue
    takes_chords(client.jobs.run(GenerateChords(input_url=song)))  # E: arg-type, reportArgumentType
    for job in client.jobs.list():  # E: attr-defined, reportGeneralTypeIssues
        print("a job")
    with client:  # E: attr-defined, reportGeneralTypeIssues
        pass
    (await client.jobs.run(GenerateChords(input_ulr=song))).result  # E: call-arg, reportCallIssue


async def wrong_colour(client: MusicAiClient) -> None:
    await client.jobs.get("id")  # E: misc, reportGeneralTypeIssues
    async for job in client.jobs.list():  # E: attr-defined, reportGeneralTypeIssues
        print("a job")
