"""A job that fails: what it says, and that there is nothing to download."""

# pyright: basic

import os

import requests

from musicai_sdk.compat import MusicAiClient

client = MusicAiClient(api_key=os.environ["MUSIC_AI_API_KEY"], job_monitor_interval=0.1)
client.base_url = os.environ["MUSIC_AI_BASE_URL"]
job_id = client.add_job("fails", "music-ai/generate-chords", {"inputUrl": "https://127.0.0.1:9/no.mp3"})["id"]
job = client.wait_for_job_completion(job_id)
print(job["status"], job["error"], job.get("result"), job["completedAt"] is not None)
if job["status"] == "SUCCEEDED":
    print("Job succeeded!")
else:
    print("Job failed!", (job.get("error") or {}).get("code"))
try:
    client.download_job_results(job, "out")
except requests.HTTPError as error:
    print(str(error)[:81], "failed" in str(error))
print(os.path.exists("out"))
client.delete_job(job_id)
