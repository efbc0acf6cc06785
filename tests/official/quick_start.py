"""The official Python client, unmodified: its README's quick start, and what else the README shows."""

# Another package of the same name as the one that type checkers see here.
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false, reportCallIssue=false, reportIndexIssue=false
# pyright: reportArgumentType=false, reportOptionalSubscript=false

import os
import sys

from musicai_sdk import MusicAiClient

song, folder = sys.argv[1:]

# As the README has it, but for the address.
music_ai = MusicAiClient(api_key=os.environ["MUSIC_AI_API_KEY"], job_monitor_interval=0.1)
music_ai.base_url = os.environ["MUSIC_AI_BASE_URL"]

song_url = music_ai.upload_file(song)

job_id = music_ai.add_job(
    "My first job",
    "music-ai/generate-chords",
    {
        "inputUrl": song_url,
    },
)["id"]

job = music_ai.wait_for_job_completion(job_id)

if job["status"] == "SUCCEEDED":
    files = music_ai.download_job_results(job, f"{folder}/chords")
    print("Result:", files)
else:
    print("Job failed!")

music_ai.delete_job(job_id)

# The rest of the README: custom storage, lists with filters, workflows, the application.
targets = {}
for output in ("Kick drum", "Snare drum"):
    targets[output] = music_ai._request(
        "get", f"{music_ai.base_url}/upload", headers=music_ai.get_headers()
    ).json()
drums_id = music_ai.add_job(
    "job-1",
    "music-ai/isolate-drums",
    {
        "inputUrl": song_url,
    },
    metadata={"customer": "42"},
    copy_results_to={output: urls["uploadUrl"] for output, urls in targets.items()},
)["id"]
drums = music_ai.wait_for_job_completion(drums_id)
print("Custom storage:", drums["result"]["Kick drum"], drums["result"]["Snare drum"], drums["metadata"])
for output, urls in targets.items():
    music_ai.download_file(urls["downloadUrl"], f"{folder}/custom/{output}.wav")
print("Downloads:", sorted(music_ai.download_job_results(drums_id, f"{folder}/drums")))

filters = {"status": ["SUCCEEDED"], "workflow": ["music-ai/isolate-drums"]}
print("Jobs:", [job["id"] == drums_id for job in music_ai.list_jobs(filters)])
print("No jobs:", music_ai.list_jobs({"workflow": "nobody/nothing"}))
print(
    "Workflows:",
    "music-ai/generate-chords" in [each["slug"] for each in music_ai.list_workflows()["workflows"]],
)
print("Application:", music_ai.get_application_info()["name"])
try:
    music_ai.add_job("job", "nobody/nothing", {})
except Exception as error:  # noqa: BLE001 - whatever it raises
    print("Unknown workflow:", error)
music_ai.delete_job(drums_id)
print("Left:", music_ai.list_jobs())
