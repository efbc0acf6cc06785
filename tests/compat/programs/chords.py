"""Reads chords by way of `get`, as programs do that don't know which outputs there are."""

import json
import os
import sys
import tempfile

from musicai_sdk.compat import MusicAiClient

SONG = sys.argv[1]


class Analyzer:
    def __init__(self, api_key: str) -> None:
        self.client = MusicAiClient(api_key=api_key, job_monitor_interval=0.1)
        self.client.base_url = os.environ["MUSIC_AI_BASE_URL"]

    def analyze(self, path: str) -> dict[str, object]:
        url = self.client.upload_file(path)
        job_id = self.client.add_job(
            os.path.basename(path), "music-ai/chords-and-beat-mapping", {"inputUrl": url}
        )["id"]
        job = self.client.wait_for_job_completion(job_id)
        if job.get("status") != "SUCCEEDED":
            raise RuntimeError(f"job {job_id} failed: {job.get('error')}")
        result = job.get("result", {})
        with tempfile.TemporaryDirectory() as folder:
            paths = self.client.download_job_results(job, folder)
            found: dict[str, object] = {}
            for name, path in paths.items():
                if path.endswith(".json"):
                    with open(path) as file:
                        found[name] = json.load(file)
        self.client.delete_job(job_id)
        values = {name: value for name, value in result.items() if name not in paths}
        return {**values, **found}


found = Analyzer(os.environ["MUSIC_AI_API_KEY"]).analyze(SONG)
print(sorted(found))
for name, value in sorted(found.items()):
    print(name, json.dumps(value)[:400])
