"""A service for whole catalogues on one thread: jobs that end after a given time, and tiny files.

`python catalogue_server.py SECONDS` prints its port, and ends with its standard input. It parses as little as possible,
so that the measured client is the bottleneck. GET /counted returns the counts since the last call, and forgets all jobs.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sys
import time
from dataclasses import dataclass
from itertools import count, islice
from urllib.parse import parse_qs

from typing_extensions import override

OUTPUT = json.dumps([{"start": 0, "end": 2.5, "chord_majmin": "C:maj"}] * 20).encode()
_MD5 = base64.b64encode(hashlib.md5(OUTPUT, usedforsecurity=False).digest()).decode()
_OUTPUT_HEAD = f"x-goog-hash: md5={_MD5}\r\nContent-Type: application/json\r\n"


@dataclass(slots=True)
class Job:
    """A job; `ends` is a time of the monotonic clock."""

    fields: dict[str, object]
    ends: float


class Service:
    """The jobs and the counts."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._numbers = count()
        self.origin = ""
        self.connections = 0
        self._cpu = 0.0
        self._reset()

    def _reset(self) -> None:
        self._jobs = dict[str, Job]()
        self.requests = self.connections = self._open = self.most_open = 0
        self._cpu = time.process_time()

    def opened(self, change: int) -> None:
        """Notes that a connection was opened or closed."""
        self._open += change
        self.connections += change > 0
        self.most_open = max(self.most_open, self._open)

    def answer(self, method: str, target: str, body: bytes) -> tuple[str, bytes]:
        """More headers and the body of an answer."""
        self.requests += 1
        path, _, query = target.partition("?")
        match path.split("/")[1:]:
            case ["out", _]:
                return _OUTPUT_HEAD, OUTPUT
            case ["put", _]:
                return "", b""
            case ["v1", *parts]:
                return "Content-Type: application/json\r\n", json.dumps(
                    self._api(method, parts, query, body)
                ).encode()
            case ["counted"]:
                counted = {
                    "requests": self.requests - 1,
                    "connections": self.connections,
                    "most_open": self.most_open,
                    "received": 0,
                    "cpu": time.process_time() - self._cpu,
                }
                self._reset()
                return "", json.dumps(counted).encode()
            case _:
                raise ValueError(f"no such operation on the bench: {method} {target}")

    def _api(self, method: str, parts: list[str], query: str, body: bytes) -> object:
        match method, parts:
            case "GET", ["upload"]:
                number = next(self._numbers)
                return {
                    "uploadUrl": f"{self.origin}/put/{number}",
                    "downloadUrl": f"{self.origin}/in/{number}",
                }
            case "GET", ["application"]:
                return {"id": "27803abe-ec15-4f74-9e8a-18a99627e9b0", "name": "Default Application"}
            case "POST", ["job"]:
                return self._create(json.loads(body))
            case "GET", ["job"]:
                asked = parse_qs(query)
                page, size = (
                    int(asked.get(name, [other])[0]) for name, other in (("page", "0"), ("size", "100"))
                )
                newest_first = reversed(self._jobs)
                return [self._job(each) for each in islice(newest_first, page * size, (page + 1) * size)]
            case "GET", ["job", job_id]:
                return self._job(job_id)
            case "GET", ["job", job_id, "status"]:
                return {"id": job_id, "status": self._job(job_id)["status"]}
            case "DELETE", ["job", job_id]:
                del self._jobs[job_id]
                return {"id": job_id}
            case _:
                raise ValueError(f"no such operation on the bench: {method} {parts}")

    def _create(self, asked: dict[str, object]) -> dict[str, str]:
        job_id = f"{next(self._numbers):08}-0000-4000-8000-000000000000"
        fields = {
            "id": job_id,
            "app": "Default Application",
            "batchName": None,
            "error": None,
            "workflowParams": asked.pop("params"),
            "createdAt": "2026-01-01T00:00:00.000Z",
            **asked,
        }
        self._jobs[job_id] = Job(fields, time.monotonic() + self._seconds)
        return {"id": job_id}

    def _job(self, job_id: str) -> dict[str, object]:
        job = self._jobs[job_id]
        if time.monotonic() < job.ends:
            return {**job.fields, "status": "STARTED", "result": None}
        return {**job.fields, "status": "SUCCEEDED", "result": {"Chords": f"{self.origin}/out/{job_id}.json"}}


class Connection(asyncio.Protocol):
    """One connection."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._received = bytearray()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._service.opened(1)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._service.opened(-1)

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].decode("latin-1")
            lowered = head.lower()
            _, _, rest = lowered.partition("\r\ncontent-length:")
            whole = end + 4 + (int(rest.partition("\r\n")[0]) if rest else 0)
            if len(self._received) < whole:
                return
            method, target, _ = head.partition("\r\n")[0].split(" ")
            headers, body = self._service.answer(method, target, bytes(self._received[end + 4 : whole]))
            del self._received[:whole]
            self._transport.write(
                f"HTTP/1.1 200 OK\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body
            )
            if "\r\nconnection: close" in lowered:
                self._transport.close()


async def main() -> None:
    service = Service(float(sys.argv[1]))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", 0, backlog=8192)
    port = server.sockets[0].getsockname()[1]
    service.origin = f"http://127.0.0.1:{port}"
    print(port, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
