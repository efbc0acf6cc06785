"""What users of the published 1.0.4 wrote: every line must be accepted by mypy and pyright in their strictest settings."""

from __future__ import annotations

from typing import Any, assert_type

from musicai_sdk import AsyncMusicAiClient, Job, MusicAiClient
from musicai_sdk.models import Application, JobState, WorkflowList


def arguments_by_their_names(music_ai: MusicAiClient) -> None:
    url = music_ai.upload_file(file_path="song.mp3", timeout=30)
    added = music_ai.add_job(job_name="a", workflow_slug="b", params={"inputUrl": url}, timeout=30)
    assert_type(music_ai.wait_for_job_completion(id=added, timeout=30), Job[Any])
    assert_type(music_ai.wait_for_job_completion(id=added), Job[Any])
    job = music_ai.get_job(job_id=added["id"], timeout=30)
    paths = music_ai.download_job_results(job_id_or_job_data=job, output_dir="out", timeout=30)
    assert_type(paths, list[str])
    music_ai.download_job_results(job, output_dir="out")
    music_ai.download_file(url=url, file_destination="a.wav", timeout=None)
    music_ai.list_workflows(filters={"page": 0, "size": 10}, timeout=30)
    music_ai.list_jobs(filters={"page": 0, "size": 10, "status": ["FAILED"]}, timeout=30)


def arguments_by_their_places(music_ai: MusicAiClient) -> None:
    url = music_ai.upload_file("song.mp3", 30)
    added = music_ai.add_job("a", "b", {"inputUrl": url}, 30, metadata={"a": 1})
    assert_type(music_ai.get_job(added, 30), Job[Any])
    assert_type(music_ai.get_job_status(added, 30), JobState)
    assert_type(music_ai.wait_for_job_completion(added, 30), Job[Any])
    assert_type(music_ai.list_jobs({}, 30), list[Job[Any]])
    assert_type(music_ai.list_workflows(None, None), WorkflowList)
    assert_type(music_ai.get_application_info(30), Application)
    assert_type(music_ai.download_job_results(added, "out", 30), list[str])
    music_ai.download_file(url, "a.wav", 30)
    music_ai.delete_job(added, 30)


def answers_as_dictionaries(music_ai: MusicAiClient) -> None:
    added = music_ai.add_job("a", "b", {})
    print(added.get("id"), "id" in added, {**added}, music_ai.delete_job(added)["id"])
    assert_type(dict(music_ai.get_job(added) | {"mine": 1}), dict[str, Any])
    music_ai.download_job_results({"id": added}, "out")


def settings(music_ai: MusicAiClient | AsyncMusicAiClient) -> None:
    music_ai.timeout = None
    music_ai.job_monitor_interval = music_ai.job_monitor_interval * 2
    music_ai.save_output_to_folder = not music_ai.save_output_to_folder
    music_ai.user_agent = f"mine ({music_ai.user_agent})"
    music_ai.api_key = music_ai.api_key.strip()
    assert_type(music_ai.get_headers(), dict[str, str])


async def asynchronously(music_ai: AsyncMusicAiClient) -> None:
    url = await music_ai.upload_file("song.mp3", 30)
    added = await music_ai.add_job("a", "b", {"inputUrl": url}, 30)
    job = await music_ai.wait_for_job_completion(id=added["id"], timeout=30)
    assert_type(job, Job[Any])
    assert_type(await music_ai.download_job_results(job, output_dir="out"), list[str])
    await music_ai.list_workflows({"size": 10}, 30)
    await music_ai.list_jobs({"page": 1}, 30)
