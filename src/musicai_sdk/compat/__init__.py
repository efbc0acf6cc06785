"""Programs for the published `musicai-sdk` 1.0.4 (and 0.x) by one import.

```python
from musicai_sdk.compat import MusicAiClient   # the only line that changes
```

Answers are plain dictionaries with the JSON of the service, errors are also those of `requests` if it is installed, files
and texts have the names of 1.0. Below it is this package: failed exchanges are retried, a paid POST is never repeated
blindly, files appear under their names when they are whole.

Moving on to the typed client, call by call; `music_ai.typed` is one with the same settings:

| 1.0 (`music_ai`, returns dictionaries) | typed (`client = musicai_sdk.MusicAiClient()`) |
| --- | --- |
| `upload_file("song.mp3")` → `str` | `client.files.upload("song.mp3").url`; a workflow uploads `Path("song.mp3")` by itself |
| `add_job(name, "music-ai/generate-chords", {"inputUrl": url})["id"]` | `client.jobs.create(GenerateChords(input_url=url), name=name).id` |
| `add_job(name, "my-slug", {…}, metadata=…, copy_results_to=…)` | `client.jobs.create(CustomWorkflow("my-slug", {…}), name=name, metadata=…, copy_results_to=…)` |
| `get_job(job_id)["result"]["chords"]` | `client.jobs.get(job_id, GenerateChords).result.chords` |
| `get_job(job_id)`, for its JSON | `client.jobs.get(job_id).raw` |
| `get_job_status(job_id)["status"]` | `client.jobs.status(job_id).status` |
| `wait_for_job_completion(job_id)`, without end | `client.jobs.wait(job_id, timeout=None)`; an hour when left out |
| `upload_file`, `add_job` and `wait_for_job_completion` | `client.jobs.run(GenerateChords(input_url=Path("song.mp3")))` |
| `list_jobs({"status": ["FAILED"]})`, one page | `client.jobs.list(status=["FAILED"])`, all of them |
| `delete_job(job_id)` | `client.jobs.delete(job_id)` |
| `download_job_results(job, folder)` → `{output: path}` | `client.jobs.download(job, folder)`, a mapping of outputs to `Path` |
| `workflow.result.json` | `workflow.results.json`; `manifest=` names it |
| `download_file(url, path)` | `client.files.download(url, path)` |
| `list_workflows()["workflows"]`, one page | `client.workflows.list()`, all of them |
| `get_application_info()["name"]` | `client.application.get().name` |
| `except requests.HTTPError`, `"404" in str(error)` | `except NotFoundError`; `StatusError` has `status`, `code`, `message`, `body` |
| `except requests.ConnectionError`, `requests.Timeout` | `except ConnectionFailedError`, `RequestTimeoutError` |
| `job_monitor_interval=`, `save_output_to_folder=`, `user_agent=`, `timeout=` | the same |
| `timeout=(connect, read)`, no timeout when left out | `timeout=read`; 60 s when left out |
| `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE` | the same; `SSL_CERT_FILE` and `ssl_context=` come first |
| 0.x: `create_job(job_name=…, workflow_id=…, params=…)` | `client.jobs.create(CustomWorkflow(workflow_id, params), name=job_name)` |
| 0.x: `get_jobs()` | `client.jobs.list()` |
| 0.x: `process_folder(folder, out, slug, parallelism=5, client=…)` | `musicai_sdk.batch.Batch(slug, folder, out, input_name="inputUrl", in_flight=5).run()` |

What differs from 1.0.4:

- All values of a list in `list_jobs` filters count, not the last one only; a filter that doesn't exist is an `InputError`.
- `delete_job` returns `{"id": …}` whatever the service answers.
- Polls begin after half a second and slow down to `job_monitor_interval`; failing ones don't end a wait.
- An empty file isn't uploaded. Output names become safe file names, and `http://` outputs are downloaded too.
- The text of an error has the URLs of the service's answer without their queries. What this package has to say about the
  error is a note on it, which tracebacks show.
- A client pickles without its key.
"""

from __future__ import annotations

from musicai_sdk.compat.answers import JobDict, JobFilters, JobOptions, Timeout
from musicai_sdk.compat.client import MusicAiClient
from musicai_sdk.compat.process_folder import process_folder

__all__ = ["JobDict", "JobFilters", "JobOptions", "MusicAiClient", "Timeout", "process_folder"]
