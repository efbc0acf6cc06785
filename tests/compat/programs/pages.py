"""Walks through its jobs page by page, filters them, and cleans up."""

import os
import sys
from typing import Any

from musicai_sdk.compat import MusicAiClient

client = MusicAiClient(api_key=os.environ["MUSIC_AI_API_KEY"], job_monitor_interval=0.1)
client.base_url = os.environ["MUSIC_AI_BASE_URL"]
print(client.list_jobs())
url = client.upload_file(sys.argv[1])
ids = [client.add_job(f"job {n}", "sdk-test", {"file": url})["id"] for n in range(5)]
for job_id in ids:
    client.wait_for_job_completion(job_id)

page = 0
while True:
    jobs = client.list_jobs({"page": page, "size": 2})
    if not jobs:
        break
    print(page, [job["name"] for job in jobs])
    page += 1

searches: list[dict[str, Any]] = [
    {},
    {"status": "SUCCEEDED"},
    {"status": ["SUCCEEDED"]},
    {"status": ("FAILED",)},
    {"status": "SUCCEEDED", "workflow": "sdk-test", "size": 3},
    {"workflow": ["nobody/nothing"]},
    {"workflow": "sdk-test", "page": 1, "size": 3},
    {"page": 99},
    {"status": []},
    {"sort": "name", "deep": True},
]
for filters in searches:
    print(filters, [job["name"] for job in client.list_jobs(filters=filters)])
print(type(client.list_jobs(None)), {type(job).__name__ for job in client.list_jobs()})

workflows = client.list_workflows()
print(type(workflows), list(workflows), [workflow["slug"] for workflow in workflows["workflows"]])
print(
    client.list_workflows({"size": 1, "sort": "name"}), client.list_workflows(filters={"page": 1, "size": 1})
)
for job in client.list_jobs():
    client.delete_job(job["id"])
print(client.list_jobs())
