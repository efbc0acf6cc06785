"""Separates drums and works with the paths that the download returns."""

import json
import os
import sys
import wave

from musicai_sdk.compat import MusicAiClient

song, folder = sys.argv[1:]
client = MusicAiClient(api_key=os.environ["MUSIC_AI_API_KEY"], job_monitor_interval=0.1)
client.base_url = os.environ["MUSIC_AI_BASE_URL"]

job_id = client.add_job("stems", "music-ai/isolate-drums", {"inputUrl": client.upload_file(song)})["id"]
job = client.wait_for_job_completion(job_id)
files = client.download_job_results(job, "./stems")
print(type(files), files)
for path in files.values():
    with wave.open(path) as stem:
        print(os.path.basename(path), stem.getframerate(), stem.getnframes())
for stem_name in files.keys():
    print(stem_name, os.path.exists(files[stem_name]), type(files[stem_name]))
print(sorted(os.listdir("stems")))
with open(os.path.join("stems", "workflow.result.json")) as file:
    print(json.load(file))
print(
    client.download_job_results(job_id, os.path.join(folder, "by-id")) == files,
    sorted(os.listdir(f"{folder}/by-id")),
)
client.save_output_to_folder = False
by_url = client.download_job_results(job, f"{folder}/by-url")
print(sorted(by_url), sorted(os.path.splitext(name)[1] for name in by_url.values()))
client.download_file(job["result"]["Other"], f"{folder}/deep/er/other.wav")
print(os.path.getsize(f"{folder}/deep/er/other.wav") == os.path.getsize(files["Other"]))
