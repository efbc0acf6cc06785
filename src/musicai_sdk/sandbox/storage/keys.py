"""Where objects are stored: the paths of uploads and results, and how long their signed URLs live."""

from __future__ import annotations

import uuid
from typing import Final
from urllib.parse import quote

BUCKET: Final = "moises-sandbox"
"""The bucket of uploads; the service's begins with `moises` too (source: official clients and documentation)."""
CDN: Final = "cdn"
"""The bucket of results. Fault routes name it: `GET /cdn/*`."""
UPLOAD_LIFETIME: Final = 86_400.0
"""How long the URLs of an upload live, in seconds (source: a captured job, for the download URL)."""
RESULT_LIFETIME: Final = 596_160.0
"""How long the URL of a result lives, in seconds: 6.9 days (source: a captured job)."""

_FOLDERS = 4
_LONGEST_NAME = 200


def upload_key(upload_id: str) -> str:
    """Returns the key of an upload: it has neither a name nor an extension (source: a captured job)."""
    return f"{BUCKET}/developer-portal/{upload_id}"


def result_key(job_id: str, job_name: str, output: str, suffix: str) -> str:
    """Returns the key of a result: the file is called `<job name>--<output><suffix>` (source: a captured job).

    Args:
        job_id: The job.
        job_name: The job's name; a very long one is cut.
        output: The output's name.
        suffix: The file's extension with its dot, or nothing.
    """
    folder = uuid.uuid5(uuid.NAMESPACE_URL, job_id)
    return f"{CDN}/orchestrator/{folder}/{job_id}/{job_name[:_LONGEST_NAME]}--{output}{suffix}"


def is_result(key: str) -> bool:
    """Whether the object is a job's output: clients can read it, and not write it."""
    return key.startswith(f"{CDN}/")


def lifetime(key: str) -> float:
    """Returns how long a signed URL of the object lives, in seconds."""
    return RESULT_LIFETIME if is_result(key) else UPLOAD_LIFETIME


def url_path(key: str) -> str:
    """Returns the path of an object's URL. A slash in the name of a result is quoted: the last part is the file."""
    return "/" + "/".join(quote(part, safe="") for part in key.split("/", _FOLDERS))
