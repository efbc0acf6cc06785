"""The functions behind the routes of a small web service: what they return is made into JSON."""

import json
import os
import sys
from typing import Any

from musicai_sdk.compat import MusicAiClient

music_ai = MusicAiClient(os.environ["MUSIC_AI_API_KEY"], 0.1)
music_ai.base_url = os.environ["MUSIC_AI_BASE_URL"]


def jsonify(*args: Any, **kwargs: Any) -> str:
    """As Flask's."""
    return json.dumps(args[0] if args else kwargs, sort_keys=True)


def submit(path: str) -> dict[str, Any]:
    return music_ai.add_job("web", "sdk-test", {"file": music_ai.upload_file(path)})


def status(job_id: str) -> dict[str, Any]:
    return music_ai.get_job_status(job_id)


def details(job_id: str) -> dict[str, Any]:
    return music_ai.get_job(job_id)


def history() -> list[dict[str, Any]]:
    return music_ai.list_jobs()


job_id = submit(sys.argv[1])["id"]
done: dict[str, Any] = music_ai.wait_for_job_completion(job_id)
print(jsonify({"jobId": job_id, "details": done}))
print(jsonify(status=status(job_id)))
print(jsonify(details(job_id)), jsonify(jobs=history()))
print(jsonify(music_ai.get_application_info()))
print(jsonify(music_ai.delete_job(job_id)), jsonify(history()))
