"""Programs for the published `musicai-sdk` 1.0.4 (and 0.x) by one import.

```python
from musicai_sdk.compat import MusicAiClient   # the only line that changes
```

Answers are plain dictionaries with the JSON of the service; errors are also those of `requests`, if it is installed; files
and error texts are named as in 1.0. The work is done by this package: it retries failed requests, never repeats a paid POST
blindly, and renames a download to its final name only when it is complete.

To move to the typed client call by call, use `music_ai.typed`, which has the same settings:

| 1.0 (`music_ai`, returns dictionaries) | typed (`client = musicai_sdk.MusicAiClient()`) |
| --- | --- |
| `upload_file("song.mp3")` → `str` | `client.files.upload("song.mp3").url`; a workflow uploads `Path("song.mp3")` itself |
| `add_job(name, "music-ai/generate-chords", {"inputUrl": url})["id"]` | `client.jobs.create(GenerateChords(input_url=url), name=name).id` |
| `add_job(name, "my-slug", {…}, metadata=…, copy_results_to=…)` | `client.jobs.create(CustomWorkflow("my-slug", {…}), name=name, metadata=…, copy_results_to=…)` |
| `get_job(job_id)["result"]["chords"]` | `client.jobs.get(job_id, GenerateChords).result.chords` |
| `get_job(job_id)`, for its JSON | `client.jobs.get(job_id).raw` |
| `get_job_status(job_id)["status"]` | `client.jobs.status(job_id).status` |
| `wait_for_job_completion(job_id)`, without a limit | `client.jobs.wait(job_id, timeout=None)`; the default is an hour |
| `upload_file`, `add_job` and `wait_for_job_completion` | `client.jobs.run(GenerateChords(input_url=Path("song.mp3")))` |
| `list_jobs({"status": ["FAILED"]})`, one page | `client.jobs.list(status=["FAILED"])`, all pages |
| `delete_job(job_id)` | `client.jobs.delete(job_id)` |
| `download_job_results(job, folder)` → `{output: path}` | `client.jobs.download(job, folder)`, a mapping of outputs to `Path` |
| `workflow.result.json` | `workflow.results.json`; `manifest=` names it |
| `download_file(url, path)` | `client.files.download(url, path)` |
| `list_workflows()["workflows"]`, one page | `client.workflows.list()`, all pages |
| `get_application_info()["name"]` | `client.application.get().name` |
| `except requests.HTTPError`, `"404" in str(error)` | `except NotFoundError`; `StatusError` has `status`, `code`, `message`, `body` |
| `except requests.ConnectionError`, `requests.Timeout` | `except ConnectionFailedError`, `RequestTimeoutError` |
| `job_monitor_interval=`, `save_output_to_folder=`, `user_agent=`, `timeout=` | the same |
| `timeout=(connect, read)`, by default no timeout | `connect_timeout=`, `request_timeout=` of each call; the default is 60 s |
| `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE` | the same; `SSL_CERT_FILE` and `ssl_context=` come first |
| 0.x: `create_job(job_name=…, workflow_id=…, params=…)` | `client.jobs.create(CustomWorkflow(workflow_id, params), name=job_name)` |
| 0.x: `get_jobs()` | `client.jobs.list()` |
| 0.x: `process_folder(folder, out, slug, parallelism=5, client=…)` | `musicai_sdk.batch.Batch(slug, folder, out, input_name="inputUrl", in_flight=5).run()` |

What differs from 1.0.4:

- A list in the filters of `list_jobs` and `list_workflows` is sent whole; 1.0 sent only its last value. None is not sent.
- `delete_job` returns `{"id": …}` whatever the service answers.
- The first poll comes after half a second, and polls slow down to `job_monitor_interval`; a failed poll doesn't end a wait.
- An empty file isn't uploaded. Output names become safe file names, and `http://` outputs are downloaded too.
- Error texts quote URLs without their queries. This package's own explanation is a note on the error, which tracebacks
  show.
- A client is pickled without its key; `copy.copy` keeps it.
- Arguments that can't be right are refused before anything is sent, by the classes of `requests` that 1.0 raised.
- Unknown options of `add_job` raise `TypeError`.
- Redirects aren't followed; they raise `requests.TooManyRedirects`, which is also a `requests.HTTPError`.

For developers: this room uses only the public client, its models and errors, and `_credentials`, `_files`, `_text` and `_names`. `client.py` has the methods, in the order of
1.0; `client_settings.py` the attributes and timeouts; `answers.py` the dictionaries; `errors.py` the classes that are also
errors of `requests`. To add a difference, list it above; `tests/compat/programs` holds programs that must print the same
with 1.0.4 and with this room.
"""

from __future__ import annotations

from musicai_sdk.compat import utils as utils
from musicai_sdk.compat.answers import JobDict, JobFilters, JobOptions, Timeout
from musicai_sdk.compat.client import MusicAiClient
from musicai_sdk.compat.process_folder import process_folder

__all__ = ["JobDict", "JobFilters", "JobOptions", "MusicAiClient", "Timeout", "process_folder"]
