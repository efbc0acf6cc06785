"""Programs for 1.0.4 on `musicai_sdk.compat`, accepted by mypy and pyright in their strictest settings."""

from __future__ import annotations

from typing import Any, assert_type, cast

from musicai_sdk.compat import JobDict, JobFilters, MusicAiClient, process_folder
from musicai_sdk.compat.utils import get_user_agent


def quick_start() -> None:
    music_ai = MusicAiClient(api_key="your-api-key")

    song_url = music_ai.upload_file("./song.mp3")

    job_id = music_ai.add_job(
        "My first job",
        "music-ai/generate-chords",
        {
            "inputUrl": song_url,
        },
    )["id"]

    job = music_ai.wait_for_job_completion(job_id)

    if job["status"] == "SUCCEEDED":
        files = music_ai.download_job_results(job, "./chords")
        print("Result:", files)
    else:
        print("Job failed!")

    music_ai.delete_job(job_id)


def annotated_as_dictionaries(music_ai: MusicAiClient, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = music_ai.get_job(job_id)
    jobs: list[dict[str, Any]] = music_ai.list_jobs()
    status: dict[str, Any] = music_ai.get_job_status(job_id)
    added: dict[str, Any] = music_ai.add_job(
        "name", "slug", {}, metadata={"a": 1}, copy_results_to={"a": "b"}
    )
    workflows: dict[str, Any] = music_ai.list_workflows()
    application: dict[str, Any] = music_ai.get_application_info()
    files: dict[str, Any] = music_ai.download_job_results(job_id, "out")
    print(jobs, status, added, workflows, application, files)
    return job


def typed_as_far_as_it_goes(music_ai: MusicAiClient, job_id: str) -> str:
    assert_type(music_ai.upload_file("song.mp3"), str)
    assert_type(music_ai.get_job_status(job_id), dict[str, str])
    assert_type(music_ai.download_job_results(job_id, "out"), dict[str, str])
    assert_type(music_ai.list_workflows()["workflows"][0], dict[str, Any])
    job: JobDict = cast("Any", music_ai.get_job(job_id))
    assert_type(job["createdAt"], str)
    return music_ai.add_job("name", "slug", {"inputUrl": "https://a.example/b"})["id"]


def arguments(music_ai: MusicAiClient, job_id: str) -> None:
    music_ai.get_job(job_id=job_id, timeout=(3.05, 27))
    music_ai.wait_for_job_completion(id=job_id, timeout=None)
    music_ai.add_job(job_name="a", workflow_slug="b", params={}, timeout=30)
    music_ai.download_job_results(job_id_or_job_data={"id": job_id, "status": "SUCCEEDED"}, output_dir="out")
    filters = {"status": ["SUCCEEDED", "FAILED"], "workflow": ["a", "b"]}
    music_ai.list_jobs(filters=filters)
    checked: JobFilters = {"status": "FAILED", "page": 0, "size": 10}
    music_ai.list_jobs(checked, 30)
    music_ai.timeout = (3.05, None)
    music_ai.create_job(job_name="a", workflow_id="b", params={})
    process_folder("in", "out", workflow_id="b", parallelism=5, delete=True, client=music_ai)
    print(music_ai.get_jobs(), get_user_agent())
