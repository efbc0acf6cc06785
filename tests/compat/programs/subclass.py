"""A subclass with headers of its own, and names that aren't ASCII."""

# pyright: basic
# mypy: disable-error-code="explicit-override"

import json
import os
import sys

from musicai_sdk.compat import MusicAiClient


class TracedClient(MusicAiClient):
    def __init__(self, api_key: str) -> None:
        self.traced = 0
        super().__init__(api_key, job_monitor_interval=0.1)
        self.base_url = os.environ["MUSIC_AI_BASE_URL"]

    def get_headers(self) -> dict[str, str]:
        self.traced += 1
        return {**super().get_headers(), "X-Trace": "17", "User-Agent": "traced/1"}


client = TracedClient(os.environ["MUSIC_AI_API_KEY"])
print(client.get_application_info()["name"], client.traced > 0)
url = client.upload_file(sys.argv[1])
job_id = client.add_job("Für ♥", "music-ai/generate-chords", {"inputUrl": url}, metadata={"é": "♥"})["id"]
job = client.wait_for_job_completion(job_id)
print(job["name"], job["metadata"])
print(
    client.download_job_results({**job, "result": {**job["result"], "Größe": "ü", "bpm": 64.0}}, sys.argv[2])
)
with open(os.path.join(sys.argv[2], "workflow.result.json")) as file:
    text = file.read()
print(text)
print(json.loads(text))
