"""Finds its own jobs by metadata, and has results copied to a storage of its own."""

# pyright: basic

import os
import sys

from musicai_sdk.compat import MusicAiClient

song = sys.argv[1]
client = MusicAiClient(api_key=os.environ["MUSIC_AI_API_KEY"], job_monitor_interval=0.1)
client.base_url = os.environ["MUSIC_AI_BASE_URL"]
url = client.upload_file(song)

tagged = client.add_job("tagged", "sdk-test", {"file": url}, metadata={"customer": "42", "tags": ["a", "b"]})
plain = client.add_job("plain", "sdk-test", {"file": url})
empty = client.add_job("empty", "sdk-test", {"file": url}, metadata={})
for added in (tagged, plain, empty):
    job = client.wait_for_job_completion(added["id"])
    print(job["name"], job["metadata"], job["workflowParams"].keys())
mine = [job["name"] for job in client.list_jobs() if (job.get("metadata") or {}).get("customer") == "42"]
print(mine)

target = os.environ["UPLOAD_URL"]
job_id = client.add_job(
    "copied", "music-ai/isolate-drums", {"inputUrl": url}, copy_results_to={"Kick drum": target}
)["id"]
job = client.wait_for_job_completion(job_id)
print({name: value if value == "[custom storage]" else "a URL" for name, value in job["result"].items()})
print(sorted(client.download_job_results(job, "copied")), sorted(os.listdir("copied")))
