"""What users write: every line must be accepted by mypy and pyright in their strictest settings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, assert_never, assert_type

from musicai_sdk import (
    CUSTOM_STORAGE,
    AsyncMusicAiClient,
    CustomWorkflow,
    Exchange,
    FileInput,
    FileOutput,
    FileUrl,
    Filters,
    Job,
    JobRef,
    JobStatus,
    JsonFile,
    JsonOutput,
    MusicAiClient,
    MusicAiError,
    RawResult,
    RequestOptions,
    Unknown,
    UploadedFile,
    Workflow,
    WorkflowResult,
    music,
    output,
    param,
)
from musicai_sdk.errors import (
    ConnectionFailedError,
    CreateUncertainError,
    IntegrityError,
    JobFailedError,
    JobNotFinishedError,
    RateLimitError,
    ResponseError,
    StatusError,
    TransferError,
    WaitTimeoutError,
)
from musicai_sdk.models import (
    Application,
    Beat,
    Chord,
    CustomStorage,
    DownloadedFile,
    FiltersDict,
    JobError,
    JobFiles,
    JobState,
    OutputValue,
    WorkflowInfo,
    WorkflowList,
    WorkflowReference,
)
from musicai_sdk.workflows import (
    GenerateChords,
    GenerateChordsResult,
    IsolateDrums,
    IsolateDrumsResult,
    StemsVocalsAccompaniment,
    StemsVocalsAccompanimentResult,
)

# Workflows of one's own.


class LoudnessResult(WorkflowResult):
    """With fields of every kind."""

    bpm: str
    mastered: FileOutput = output("Mastered mix", "Master")
    beats: JsonOutput[list[Beat]] = output("Beat map")
    key: str | None = None


class Loudness(Workflow[LoudnessResult], slug="acme-loudness"):
    """With other wire names, and defaults."""

    input_url: FileInput
    reference: FileInput | None = param("Input 2", default=None)
    target: float = param("Target LUFS", default=-14.0)
    tags: Sequence[str] = ()
    mode: Literal["fast", "best"] = "best"


class Louder(Loudness, slug="acme-louder"):
    """Inherits the parameters and the result."""

    ceiling: float = -1.0


def workflows_are_values(song: Path, uploaded: UploadedFile) -> None:
    workflow = Loudness(input_url=song, target=-9.5, tags=["a"], mode="fast")
    assert_type(workflow.target, float)
    assert_type(workflow.slug, str)
    assert_type(workflow.to_params(), Mapping[str, Any])
    for given in ("https://files.example.com/a.wav", "a.wav", song, uploaded):
        assert_type(GenerateChords(input_url=given).input_url, FileInput)
    assert_type(Louder(input_url="a.wav", ceiling=-2.0).reference, FileInput | None)
    assert_type(CustomWorkflow("acme-loudness", {"inputUrl": song}).params, Mapping[str, Any])
    some: list[Workflow[WorkflowResult]] = [workflow, IsolateDrums(input_url=song), CustomWorkflow("a")]
    print(some)


# The new API.


def takes_chords(job: Job[GenerateChordsResult]) -> None:
    assert_type(job.result.chords, JsonFile[list[Chord]] | CustomStorage)


def takes_any_job(job: Job[WorkflowResult]) -> str:
    return job.id


def takes_any_ref(job: JobRef[WorkflowResult]) -> str:
    return job.id


def the_front_page() -> None:
    with MusicAiClient() as client:
        assert_type(client, MusicAiClient)
        job = client.jobs.run(GenerateChords(input_url=Path("song.mp3")))
        assert_type(job, Job[GenerateChordsResult])
        takes_chords(job)
        takes_chords(client.jobs.run(GenerateChords(input_url="song.mp3")))
        chords = client.files.read(job.result.chords)
        assert_type(chords, list[Chord])
        for chord in chords:
            assert_type(chord.start, float)
            assert_type(chord.chord_majmin, str)
            assert_type(chord.start_bar, int | None)
            assert_type(chord.bass, str | None)
        files = client.jobs.download(job, "./chords")
        assert_type(files, JobFiles)
        assert_type(files["chords"], Path)
        assert_type(files.manifest, Path)
        client.jobs.delete(job)


def create_and_follow(client: MusicAiClient, song: Path) -> None:
    created = client.jobs.create(
        IsolateDrums(input_url=song),
        name="drums",
        metadata={"album": 3},
        copy_results_to={"Kick drum": "https://bucket.example.com/kick.wav"},
        idempotency_key="drums-1",
    )
    assert_type(created, JobRef[IsolateDrumsResult])
    assert_type(created.id, str)
    assert_type(created.idempotency_key, str | None)

    job = client.jobs.wait(created, timeout=60)
    assert_type(job, Job[IsolateDrumsResult])
    again = client.jobs.wait(job, timeout=None, on_update=lambda state: print(state.status))
    assert_type(again, Job[IsolateDrumsResult])
    assert_type(client.jobs.wait(created.id), Job[RawResult])

    assert_type(client.jobs.get(created), Job[IsolateDrumsResult])
    assert_type(client.jobs.get(job), Job[IsolateDrumsResult])
    assert_type(client.jobs.get("id", IsolateDrums), Job[IsolateDrumsResult])
    assert_type(client.jobs.get("id", workflow_type=Louder), Job[LoudnessResult])
    assert_type(client.jobs.get("id"), Job[RawResult])
    assert_type(client.jobs.get("id").result["vocals"], Any)
    assert_type(client.jobs.status(job), JobState)
    assert_type(client.jobs.find("drums-1"), Job[RawResult] | None)

    takes_any_job(job)
    takes_any_ref(created)
    jobs: Sequence[Job[WorkflowResult]] = [job, client.jobs.get("id")]
    print(jobs)


def wait_for_many(client: MusicAiClient, songs: list[Path]) -> None:
    created = [client.jobs.create(IsolateDrums(input_url=song)) for song in songs]
    assert_type(created, list[JobRef[IsolateDrumsResult]])
    done = client.jobs.wait_all(created, timeout=600)
    assert_type(done, list[Job[IsolateDrumsResult]])
    assert_type(client.jobs.wait_all(done), list[Job[IsolateDrumsResult]])
    assert_type(client.jobs.wait_all(["id-1", "id-2"]), list[Job[RawResult]])
    assert_type(client.jobs.wait_all({"id-1": 1}.keys()), list[Job[RawResult]])
    assert_type(client.jobs.wait_all(ref for ref in created), list[Job[IsolateDrumsResult]])
    assert_type(client.jobs.wait_all(client.jobs.list(workflow=IsolateDrums)), list[Job[IsolateDrumsResult]])
    assert_type(client.jobs.wait_all(client.jobs.list()), list[Job[RawResult]])
    assert_type(client.jobs.wait_all(["id-1", created[0], done[0]]), list[Job[Any]])
    for job in done:
        job.raise_for_failure()


def own_workflows(client: MusicAiClient, song: Path) -> None:
    result = client.jobs.run(Loudness(input_url=song, mode="fast")).result
    assert_type(result, LoudnessResult)
    assert_type(result.bpm, str)
    assert_type(result.mastered, FileUrl | CustomStorage)
    assert_type(client.files.read(result.beats), list[Beat])
    assert_type(result["Other output"], Any)
    assert_type(client.jobs.run(Louder(input_url=song)), Job[LoudnessResult])
    assert_type(client.jobs.run(CustomWorkflow("acme", {"inputUrl": song})), Job[RawResult])
    assert_type(client.jobs.run("music-ai/generate-chords", {"inputUrl": song}, name="a"), Job[RawResult])
    assert_type(client.jobs.run("acme", params={"inputUrl": song}, timeout=60), Job[RawResult])
    stems = client.jobs.run(StemsVocalsAccompaniment(input_url=song))
    assert_type(stems.result, StemsVocalsAccompanimentResult)


def results_for_tests_of_ones_own() -> None:
    stems = StemsVocalsAccompanimentResult(
        vocals=FileUrl("https://a.example/v.wav"), accompaniment=CUSTOM_STORAGE
    )
    print(stems, LoudnessResult(bpm="64", mastered=CUSTOM_STORAGE))


def run_any(client: MusicAiClient, workflow: Workflow[WorkflowResult]) -> Job[WorkflowResult]:
    return client.jobs.run(workflow)


def outputs_and_custom_storage(client: MusicAiClient, job: Job[IsolateDrumsResult]) -> str:
    kick = job.result.kick_drum
    assert_type(kick, FileUrl | CustomStorage)
    if kick is CUSTOM_STORAGE:
        return "in the bucket"
    assert_type(kick, FileUrl)
    got = client.files.download(kick, Path("kick.wav"), on_progress=lambda done, total: print(done, total))
    assert_type(got, DownloadedFile)
    assert_type(got.path, Path)

    snare = job.result.snare_drum
    if snare is not CUSTOM_STORAGE:
        assert_type(snare, FileUrl)
    print(client.files.download(snare, "snare.wav").size, snare.upper(), json.dumps([kick, snare]))

    assert_type(job.outputs, Mapping[str, OutputValue])
    for name, value in job.outputs.items():
        if isinstance(value, FileUrl):
            client.files.download(value, f"{name}.wav")
    typed = JsonFile("https://cdn.example.com/chords.json", list[Chord])
    assert_type(typed, JsonFile[list[Chord]])
    assert_type(client.files.read(typed), list[Chord])
    assert_type(client.files.read(JsonFile[list[Chord]](kick, list[Chord])), list[Chord])
    assert_type(JsonFile[list[Chord]](kick), JsonFile[list[Chord]])
    assert_type(client.files.read(JsonFile[list[Chord]](kick)), list[Chord])
    assert_type(client.files.read(JsonFile("https://cdn.example.com/b.json", Beat)).time, float)
    assert_type(JsonFile("https://cdn.example.com/chords.json"), JsonFile[Any])
    assert_type(client.files.read(JsonFile("https://cdn.example.com/chords.json")), Any)
    untyped = client.files.read(job["result"]["Kick drum"])
    print(untyped, untyped[0])
    return kick


def where_it_is(status: JobStatus) -> str:
    match status:
        case "QUEUED" | "STARTED":
            return "wait"
        case "SUCCEEDED":
            return "read"
        case "FAILED":
            return "complain"
        case Unknown():
            assert_type(status, Unknown)
            return f"wait ({status.lower()})"
        case _:
            assert_never(status)


def what_it_is(status: JobStatus) -> Literal["known", "new"]:
    if isinstance(status, Unknown):
        return "new"
    assert_type(status, Literal["QUEUED", "STARTED", "SUCCEEDED", "FAILED"])
    return "known"


def fields_of_a_job(job: Job[RawResult]) -> None:
    assert_type(job.status, JobStatus)
    where_it_is(job.status)
    if job.status == "SUCCEEDED":
        print(job.result.model_extra)
    assert_type(job.name, str | None)
    assert_type(job.workflow, str | WorkflowReference | None)
    assert_type(job.metadata, dict[str, Any])
    assert_type(job.error, JobError | None)
    assert_type(job.done, bool)
    if job.created_at is not None and job.completed_at is not None:
        assert_type((job.completed_at - job.created_at).total_seconds(), float)
    assert_type(job["status"], Any)
    assert_type(job.get("createdAt", "never"), Any)
    assert_type(dict(job), dict[str, Any])
    print("result" in job, job.keys(), list(job.items()), {job: 1}, len(job))
    assert_type(list(job), list[str])
    assert_type(job.copy(), dict[str, Any])
    assert_type(list(job.values()), list[Any])
    as_a_mapping: Mapping[str, Any] = job
    rows: list[Mapping[str, Any]] = [job, JobState(status="QUEUED"), Application(id="a")]
    print(as_a_mapping, rows, job == as_a_mapping, job | {"a": 1}, {"a": 1} | job, {**job})
    match job:
        case {"status": "FAILED", "error": {"code": code}}:
            print(code)
        case _:
            pass


def the_other_rooms(client: MusicAiClient) -> None:
    assert_type(client.workflows.list(), list[WorkflowInfo])
    assert_type(client.application.get(), Application)
    assert_type(client.application.get(request_timeout=5, max_retries=0).name, str | None)
    with Path("song.mp3").open("rb") as file:
        uploaded = client.files.upload(file, on_progress=lambda sent, total: None)
    assert_type(uploaded, UploadedFile)
    assert_type(uploaded.url, str)
    client.files.upload(b"RIFF", headers={"X-Team": "a"})
    client.files.upload("song.mp3")
    client.jobs.create(GenerateChords(input_url=uploaded), request_timeout=None)
    options: RequestOptions = {"max_retries": 2}
    client.jobs.get("id", **options)


def lists(client: MusicAiClient) -> None:
    for job in client.jobs.list():
        assert_type(job, Job[RawResult])
        takes_any_job(job)
    for chords in client.jobs.list(workflow=GenerateChords):
        assert_type(chords, Job[GenerateChordsResult])
        takes_chords(chords)
    client.jobs.list(status=["SUCCEEDED", "FAILED"], workflow=("a", "b"), batch_name="spring", page_size=10)
    client.jobs.list(status=[Unknown("PAUSED")])
    client.jobs.list(status="SUCCEEDED", workflow="music-ai/isolate-drums")
    client.jobs.list(status=Unknown("PAUSED"))
    wanted: list[JobStatus] = ["QUEUED", Unknown("PAUSED")]
    assert_type(list(client.jobs.list(status=wanted)), list[Job[RawResult]])
    assert_type(list(client.jobs.list(workflow=["a", "b"])), list[Job[RawResult]])
    assert_type(client.jobs.list(limit=5).first(), Job[RawResult] | None)
    assert_type(
        client.jobs.list(workflow=GenerateChords, limit=None).first(), Job[GenerateChordsResult] | None
    )


def record(client: MusicAiClient) -> None:
    with client.record() as exchanges:
        client.jobs.get("id")
    assert_type(exchanges, list[Exchange])
    assert_type(exchanges[-1].status, int | None)
    assert_type(exchanges[-1].elapsed, float)
    assert_type(exchanges[-1].request_id, str | None)
    assert_type(exchanges[-1].headers, Mapping[str, str])


def errors(client: MusicAiClient) -> None:
    try:
        client.jobs.run(GenerateChords(input_url="song.mp3"))
    except JobFailedError as error:
        assert_type(error.code, str)
        assert_type(error.message, str)
        assert_type(error.job, Job[Any])
    except (JobNotFinishedError, WaitTimeoutError) as error:
        assert_type(error.job_id, str)
        assert_type(error.status, str | None)
    except CreateUncertainError as error:
        client.jobs.find(error.idempotency_key)
    except RateLimitError as error:
        assert_type(error.retry_after, float | None)
    except StatusError as error:
        assert_type(error.status, int)
        assert_type(error.request_id, str | None)
        assert_type(error.attempts, int)
    except ResponseError as error:
        assert_type(error.field, str | None)
        assert_type(error.body, str)
    except IntegrityError as error:
        assert_type(error.url, str | None)
    except TransferError as error:
        assert_type(error.status, int | None)
    except ConnectionFailedError as error:
        assert_type(error.sent, bool)
        built_in: ConnectionError = error
        print(built_in)
    except MusicAiError as error:
        print(error)


def life_cycle() -> None:
    client = MusicAiClient("key", 5.0, save_output_to_folder=False, base_url="https://api.example.com/v1")
    client.base_url = client.base_url + "/"
    client.close()


# The surface of the 1.0 package.


def quick_start() -> None:
    music_ai = MusicAiClient(api_key="your-api-key")
    song_url = music_ai.upload_file("./song.mp3")
    assert_type(song_url, str)
    job_id = music_ai.add_job("My first job", "music-ai/generate-chords", {"inputUrl": song_url})["id"]
    assert_type(job_id, str)
    job = music_ai.wait_for_job_completion(job_id)
    assert_type(job, Job[Any])
    if job["status"] == "SUCCEEDED":
        files = music_ai.download_job_results(job, "./chords")
        assert_type(files, list[str])
    else:
        print(job["error"]["code"])
    music_ai.delete_job(job_id)


def older_code(music_ai: MusicAiClient) -> None:
    as_text: str = music_ai.add_job("a", "b", {}, metadata={"a": 1}, max_retries=0)
    music_ai.get_job(as_text)
    music_ai.get_job(job_id=music_ai.add_job(job_name="a", workflow_slug="b", params={"inputUrl": "c"}))
    state = music_ai.get_job_status(as_text)
    assert_type(state, JobState)
    assert_type(state["status"], Any)

    filters = {"status": ["SUCCEEDED", "FAILED"], "workflow": ["a", "b"]}
    assert_type(music_ai.list_jobs(filters), list[Job[Any]])
    music_ai.list_jobs(filters=filters)
    music_ai.list_jobs({"status": ["SUCCEEDED"], "batchName": "spring"})
    music_ai.list_jobs(Filters(status=["SUCCEEDED", Unknown("PAUSED")], batch_name="spring"))
    typed: FiltersDict = {"status": ["QUEUED"], "batchName": None}
    music_ai.list_jobs({"status": "FAILED", "workflow": "a"})
    one: FiltersDict = {"status": "QUEUED", "workflow": "a"}
    music_ai.list_jobs(one)
    music_ai.list_jobs(typed)
    music_ai.list_jobs()

    music_ai.download_job_results("id", Path("out"), manifest="workflow.result.json")
    music_ai.download_job_results({"id": "a", "status": "SUCCEEDED", "result": {}}, "out")
    music_ai.download_file("https://cdn.example.com/a.wav", "a.wav")
    assert_type(music_ai.list_workflows(), WorkflowList)
    assert_type(music_ai.list_workflows()["workflows"], Any)
    assert_type(music_ai.get_application_info(), Application)
    print(music_ai.get_application_info()["name"], music_ai.get_job("id")["result"]["vocals"])


# The asynchronous twin.


async def the_front_page_async() -> None:
    async with AsyncMusicAiClient() as client:
        assert_type(client, AsyncMusicAiClient)
        job = await client.jobs.run(GenerateChords(input_url=Path("song.mp3")))
        assert_type(job, Job[GenerateChordsResult])
        takes_chords(job)
        assert_type(await client.files.read(job.result.chords), list[Chord])
        assert_type(await client.jobs.download(job, "./chords"), JobFiles)
        await client.jobs.delete(job)


def contents_where_they_are_used(client: MusicAiClient, job: Job[GenerateChordsResult]) -> None:
    assert_type(max(chord.end for chord in client.files.read(job.result.chords)), float)
    print(list(client.files.read(job.result.chords)), music.to_lab(client.files.read(job.result.chords)))
    for number, chord in enumerate(client.files.read(job.result.chords)):
        assert_type((number, chord), tuple[int, Chord])


async def contents_where_they_are_used_async(
    client: AsyncMusicAiClient, job: Job[GenerateChordsResult]
) -> None:
    print(await client.files.read(job.result.chords))
    print(len(await client.files.read(job.result.chords)), list(await client.files.read(job.result.chords)))
    print(music.to_lab(await client.files.read(job.result.chords)))
    assert_type(max(chord.end for chord in await client.files.read(job.result.chords)), float)
    for number, chord in enumerate(await client.files.read(job.result.chords)):
        assert_type((number, chord), tuple[int, Chord])


async def every_verb_async(client: AsyncMusicAiClient, song: Path) -> None:
    created = await client.jobs.create(IsolateDrums(input_url=song))
    assert_type(created, JobRef[IsolateDrumsResult])
    assert_type(await client.jobs.wait(created), Job[IsolateDrumsResult])
    assert_type(await client.jobs.wait("id"), Job[RawResult])
    assert_type(await client.jobs.wait_all([created]), list[Job[IsolateDrumsResult]])
    assert_type(await client.jobs.wait_all(["id", created]), list[Job[Any]])
    assert_type(await client.jobs.get("id", IsolateDrums), Job[IsolateDrumsResult])
    assert_type(await client.jobs.get("id"), Job[RawResult])
    assert_type(await client.jobs.get(created), Job[IsolateDrumsResult])
    assert_type(await client.jobs.status(created), JobState)
    assert_type(await client.jobs.find("key"), Job[RawResult] | None)
    assert_type(await client.files.upload(song), UploadedFile)
    assert_type(await client.files.download("https://cdn.example.com/a.wav", "a.wav"), DownloadedFile)
    assert_type(await client.workflows.list(), list[WorkflowInfo])
    assert_type(await client.application.get(), Application)
    async for job in client.jobs.list(status=["FAILED"]):
        assert_type(job, Job[RawResult])
    assert_type(await client.jobs.list(), list[Job[RawResult]])
    assert_type(await client.jobs.list(workflow=IsolateDrums), list[Job[IsolateDrumsResult]])
    assert_type(await client.jobs.wait_all(await client.jobs.list()), list[Job[RawResult]])
    client.jobs.list(status="FAILED")
    with client.record() as exchanges:
        await client.jobs.get("id")
    assert_type(exchanges, list[Exchange])
    await client.close()


async def quick_start_async() -> None:
    music_ai = AsyncMusicAiClient(api_key="your-api-key")
    song_url = await music_ai.upload_file("./song.mp3")
    job_id = (await music_ai.add_job("My first job", "music-ai/generate-chords", {"inputUrl": song_url}))[
        "id"
    ]
    assert_type(job_id, str)
    job = await music_ai.wait_for_job_completion(job_id)
    if job["status"] == "SUCCEEDED":
        assert_type(await music_ai.download_job_results(job, "./chords"), list[str])
    filters = {"status": ["SUCCEEDED", "FAILED"], "workflow": ["a", "b"]}
    assert_type(await music_ai.list_jobs(filters), list[Job[Any]])
    assert_type(await music_ai.list_workflows(), WorkflowList)
    await music_ai.delete_job(job_id)
