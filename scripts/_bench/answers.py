"""The answers of the benchmark's API: jobs with a given duration, and fixed answers for the rest."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs

SIGNED_URL = "https://storage.googleapis.com/moises-bucket/" + "x" * 36 + "?X-Goog-Signature=" + "f" * 512
"""With the length of real URLs."""

_TEMPLATE = {
    "id": "@id@",
    "app": "Default Application",
    "name": "song",
    "batchName": None,
    "metadata": "@metadata@",
    "workflow": "music-ai/stems-vocals-accompaniment",
    "workflowParams": {"inputUrl": "@url@"},
    "status": "@status@",
    "result": "@result@",
    "error": None,
    "createdAt": "@created@",
    "startedAt": "@started@",
    "completedAt": "@completed@",
}
_RESULT = {"vocals": "@url@", "accompaniment": "@url@"}


@dataclass(frozen=True)
class Made:
    """A job; its times are the clock's, in seconds."""

    created: float
    starts: float
    ends: float
    metadata: str = "{}"


class Api:
    """The jobs of one application, by the given clock."""

    def __init__(self, clock: Callable[[], float], seconds: float = 1.0, url: str = SIGNED_URL) -> None:
        self.clock = clock
        self.seconds = seconds
        """The duration of a new job in seconds."""
        self.requests = 0
        self.made: dict[str, Made] = {}
        self._order: list[str] = []
        self._sent: dict[tuple[str, str], bytes] = {}
        self._lock = threading.Lock()
        self._epoch = time.time() - clock()
        self._text, self._result = (json.dumps(each).replace("@url@", url) for each in (_TEMPLATE, _RESULT))
        # The times of the fixed job, which ended before this started.
        self._old = Made(clock() - 20, clock() - 19, clock() - 1)

    def reset(self) -> int:
        """Forgets the jobs, and returns the number of requests since the last call."""
        with self._lock:
            counted, self.requests = self.requests, 0
            self.made, self._order, self._sent = {}, [], {}
        return counted

    def add(self, job_id: str, made: Made) -> None:
        """Creates a job now."""
        with self._lock:
            self.made[job_id] = made
            self._order.append(job_id)

    def answer(self, method: str, target: str, body: bytes, origin: str) -> bytes:
        """The body of the answer to a request for a path below the address, query included."""
        with self._lock:
            self.requests += 1
        path, _, query = target.partition("?")
        match path.split("/")[2:]:
            case ["upload"]:
                return json.dumps({"uploadUrl": f"{origin}/put", "downloadUrl": f"{origin}/file"}).encode()
            case ["application"]:
                return b'{"id": "27803abe-ec15-4f74-9e8a-18a99627e9b0", "name": "Default Application"}'
            case ["job"] if method == "POST":
                return self._create(json.loads(body))
            case ["job"]:
                return self._page(parse_qs(query))
            case ["job", job_id]:
                return self.job(job_id)
            case ["job", job_id, "status"]:
                return json.dumps({"id": job_id, "status": self.status(job_id)}).encode()
            case _:
                raise ValueError(f"no such operation on the bench: {method} {path}")

    def job(self, job_id: str) -> bytes:
        """The JSON of a job; an unknown job has already succeeded."""
        made = self._found(job_id)
        status = self._status(made)
        if (known := self._sent.get((job_id, status))) is not None:
            return known
        text = (
            self._text.replace("@id@", job_id)
            .replace("@status@", status)
            .replace('"@metadata@"', made.metadata)
            .replace('"@result@"', self._result if status == "SUCCEEDED" else "null")
            .replace("@created@", self._time(made.created))
            .replace('"@started@"', "null" if status == "QUEUED" else f'"{self._time(made.starts)}"')
            .replace('"@completed@"', f'"{self._time(made.ends)}"' if status == "SUCCEEDED" else "null")
        )
        self._sent[job_id, status] = sent = text.encode()
        return sent

    def status(self, job_id: str) -> str:
        """The status of a job."""
        return self._status(self._found(job_id))

    def page_of(self, job_ids: list[str]) -> bytes:
        """A page with these jobs."""
        return b"[" + b",".join(map(self.job, job_ids)) + b"]"

    def _create(self, asked: dict[str, object]) -> bytes:
        job_id = str(uuid.uuid4())
        now = self.clock()
        self.add(job_id, Made(now, now, now + self.seconds, json.dumps(asked.get("metadata") or {})))
        return json.dumps({"id": job_id}).encode()

    def _page(self, query: dict[str, list[str]]) -> bytes:
        number, size = (
            int(query.get(name, [default])[0]) for name, default in (("page", "0"), ("size", "100"))
        )
        wanted = set(query.get("status", ()))
        with self._lock:
            newest_first = self._order[::-1]
        if wanted:
            newest_first = [each for each in newest_first if self._status(self.made[each]) in wanted]
        return self.page_of(newest_first[number * size : (number + 1) * size])

    def _found(self, job_id: str) -> Made:
        return self.made.get(job_id, self._old)

    def _status(self, made: Made) -> str:
        now = self.clock()
        return "SUCCEEDED" if now >= made.ends else "STARTED" if now >= made.starts else "QUEUED"

    def _time(self, clock: float) -> str:
        moment = datetime.fromtimestamp(self._epoch + clock, UTC)
        return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
