"""The simulated service with its storage: stores uploads, returns results, and checks each request of a batch."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import override

from musicai_sdk._io.protocol import Request
from musicai_sdk.batch.ledger.files import LEDGER
from simulation.io import Answer
from simulation.service import Service

_OUTPUTS = ("vocals", "bass")


@dataclass
class Order:
    """A paid job, and its request."""

    id: str
    key: str
    content: bytes
    """The content of its input. Each content must be paid once."""
    fails: bool


class Studio(Service):
    """A service whose jobs have results. It checks the ledger whenever a job is created or deleted.

    Args:
        arguments: As for `Service`.
        out: The batch's output folder.
    """

    def __init__(self, *arguments: Any, out: Path) -> None:
        super().__init__(*arguments)
        self.out = out
        self.orders = list[Order]()
        """Every job that a batch has paid for."""
        self.wrong = list[str]()
        """The violations, in words."""
        self._uploads = dict[str, bytes]()
        self._objects = dict[str, bytes]()

    def store(self, request: Request) -> Answer:
        """Acts on a request to the storage."""
        path = urlsplit(request.url).path
        if request.method == "PUT":
            assert isinstance(request.body, bytes)
            self._uploads[path] = request.body
            return Answer(200, b"")
        found = self._objects.get(path)
        if found is None:
            return Answer(404, b"<Error><Code>NoSuchKey</Code></Error>", {"content-type": "application/xml"})
        headers = {"content-type": "audio/wav", "etag": f'"{path}"', "accept-ranges": "bytes"}
        first = int(request.headers.get("Range", "bytes=0-")[6:-1])
        headers["content-length"] = str(len(found) - first)
        if not first:
            return Answer(200, found, headers)
        headers["content-range"] = f"bytes {first}-{len(found) - 1}/{len(found)}"
        return Answer(206, found[first:], headers)

    @override
    def answer(
        self, client: str, method: str, path: str, query: str, body: bytes | None
    ) -> tuple[int, bytes]:
        if method == "DELETE":
            self._check_delete(path.rpartition("/")[2])
        if (method, path) == ("GET", "/upload"):
            url = f"https://s/in/{len(self._uploads)}-{self.world.random.getrandbits(32)}"
            return 200, json.dumps({"uploadUrl": f"{url}?sign=1", "downloadUrl": f"{url}?sign=2"}).encode()
        return super().answer(client, method, path, query, body)

    @override
    def _create(self, client: str, asked: dict[str, Any]) -> str:
        job_id = super()._create(client, asked)
        stored = self.jobs[job_id]
        stored.record = replace(stored.record, params=asked["params"])
        url: str = asked["params"]["file"]
        content = self._uploads.get(urlsplit(url).path)
        if content is None:
            content = url.encode()
            if url.startswith("https://s/"):
                self.wrong.append(f"job {job_id} was paid for, and its input was never uploaded")
        order = Order(job_id, self.paid[-1].key, content, stored.record.status == "FAILED")
        self.orders.append(order)
        for name in _OUTPUTS:
            self._objects[f"/out/{job_id}/{name}.wav"] = _recording(job_id, name)
        if not self._ask("SELECT 1 FROM job_attempts WHERE idempotency_key = ?", order.key):
            self.wrong.append(f"job {job_id} was paid for, and the ledger knows of no attempt {order.key}")
        return job_id

    @override
    def _result(self, job_id: str) -> dict[str, Any]:
        urls = [f"https://s/out/{job_id}/{name}.wav?sign=3" for name in _OUTPUTS]
        return {"vocals": urls[0], "bpm": "64", "stems": {"files": urls[1:]}}

    def _check_delete(self, job_id: str) -> None:
        if job_id not in {order.id for order in self.orders}:
            self.wrong.append(f"job {job_id} was deleted, and it is no batch's")
            return
        states = self._ask("SELECT state FROM tracks WHERE job_id = ?", job_id)
        if states not in (["verified"], ["deleted"]):
            self.wrong.append(f"job {job_id} was deleted in state {states}")
        if missing := self.missing(job_id):
            self.wrong.append(f"job {job_id} was deleted, and these results aren't on the disk: {missing}")

    def missing(self, job_id: str) -> list[str]:
        """Returns the results of a job that aren't on the disk."""
        there = {path.read_bytes() for path in self.out.rglob("*.wav")}
        return [name for name in _OUTPUTS if _recording(job_id, name) not in there]

    def _ask(self, question: str, value: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.out / LEDGER}?mode=ro", uri=True)) as db:
            return [row[0] for row in db.execute(question, [value])]


def _recording(job_id: str, name: str) -> bytes:
    sound = f"{name} of {job_id} ".encode() * 8
    return b"RIFF" + (len(sound) + 4).to_bytes(4, "little") + b"WAVE" + sound
