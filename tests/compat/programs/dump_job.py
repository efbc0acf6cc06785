"""Writes a job as JSON, as scripts do that keep a log of what they have paid for."""

# pyright: basic

import json
import os
import sys

from musicai_sdk.compat import MusicAiClient

client = MusicAiClient(api_key=os.environ["MUSIC_AI_API_KEY"], job_monitor_interval=0.1)
client.base_url = os.environ["MUSIC_AI_BASE_URL"]

url = client.upload_file(file_path=sys.argv[1])
added = client.add_job(job_name="dump", workflow_slug="sdk-test", params={"file": url})
print(type(added), list(added))
job = client.wait_for_job_completion(added["id"])
print(json.dumps(job, indent=2))
print(json.dumps(job))
print(job)
print(type(job), {name: type(value).__name__ for name, value in job.items()})
print(isinstance(job, dict), job == json.loads(json.dumps(job)), job == client.get_job(added["id"]))
print(type(job["result"]), type(job["workflowParams"]), type(job["metadata"]), type(job["status"]))
job["note"] = "mine"
job["metadata"]["more"] = 1
print({**job, "status": None}["note"], sorted(job), len(job), job.pop("note"), job.get("note", "gone"))
print(client.get_job_status(added["id"]))
print(client.delete_job(added["id"]))
