"""A job service on loopback with configurable pages, answers and POSTs."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

from musicai_sdk import AsyncMusicAiClient

Job = dict[str, Any]
WAV = b"RIFF\0\0\0\0WAVE" + bytes(range(256))
Paging = Callable[[list[Job], int, int], list[Job]]


def plain_pages(jobs: list[Job], page: int, size: int) -> list[Job]:
    return jobs[page * size : (page + 1) * size]


class JobService:
    """The jobs, newest first, and the form of their answers."""

    def __init__(self) -> None:
        self.jobs = list[Job]()
        self.posts = list[dict[str, Any]]()
        self.requests = list[str]()
        self.paging: Paging = plain_pages
        self.listed: Callable[[Job], Job] = dict
        """Returns a job in the form of a list item."""
        self.fetched: Callable[[Job], Job] = dict
        """Returns a job in the form of `GET /job/{id}`."""
        self.answer: tuple[int, bytes] | None = None
        """The answer to POST /job after creating the job, instead of its id."""
        self.delivers: Callable[[dict[str, Any]], bool] = lambda _body: True
        """Whether a POST arrives at once; otherwise call `deliver`."""
        self.between_pages: Callable[[int], object] = lambda _page: None
        self.result: Callable[[Job], Any] = lambda _job: {"bpm": "120"}
        """The result of a new job."""
        self.file: Callable[[str], tuple[bytes, str]] = lambda _path: (WAV, "audio/wav")
        """The body and the type of a result file, by its path below `/files/`."""
        self.deleted = list[str]()
        self.envelope: dict[str, Any] | None = None
        """What is beside the list of jobs in an object; None for a bare list."""
        self.list_status = 200
        """The status of the answers to GET /job."""
        self.list_headers = dict[str, str]()
        """More headers of the answers to GET /job."""
        self.unknown = 0
        """How many requests for an existing job are answered as if there were none."""
        self.kept: dict[str, Any] | None = None
        """The answer to a DELETE that deletes nothing; None to delete the job."""
        self.named: Callable[[str], str] = str
        """The id in the answer to POST /job, for the job's own id."""
        self.cache: dict[str, tuple[int, bytes, str]] | None = None
        """The first answer to every GET, which a cache before the service repeats; None without a cache."""
        self.status = "SUCCEEDED"
        """The status of a new job."""
        self.base_url = ""

    def await_request(self, start: str) -> None:
        """Blocks until a request that begins with this text has arrived."""
        while not any(each.startswith(start) for each in self.requests):
            time.sleep(0.01)

    def deliver(self, body: dict[str, Any], **fields: Any) -> Job:
        """Creates the job of a POST."""
        job = {
            "id": str(uuid.uuid4()),
            "status": self.status,
            "name": body.get("name"),
            "workflow": body["workflow"],
            "workflowParams": body.get("params", {}),
            "metadata": body.get("metadata", {}),
            **fields,
        }
        job.setdefault("result", self.result(job))
        self.jobs.insert(0, job)
        return job

    def file_url(self, job: Job, name: str) -> str:
        """The signed URL of a result file."""
        origin = self.base_url.removesuffix("/v1")
        return f"{origin}/files/{job['id']}/{name}?X-Goog-Signature=5ec2e7"

    def add_others(self, count: int, **fields: Any) -> None:
        """Adds jobs of other programs."""
        for number in range(count):
            body = {"name": f"other {number}", "workflow": "other-workflow", "params": {"n": number}}
            self.deliver(body, **fields)


@contextmanager
def serving(service: JobService) -> Generator[JobService]:
    """Serves it on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(
            self,
            status: int,
            body: bytes,
            content_type: str = "application/json",
            headers: Mapping[str, str] | None = None,
        ) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            if 300 <= status < 400:
                self.send_header("Location", "/v1/elsewhere")
            self.end_headers()
            self.wfile.write(body)
            if service.cache is not None and self.command == "GET":
                service.cache.setdefault(self.path, (status, body, content_type))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            service.requests.append("POST")
            service.posts.append(body)
            if not service.delivers(body):
                self.close_connection = True
                return
            job = service.deliver(body)
            self.reply(*(service.answer or (200, json.dumps({"id": service.named(job["id"])}).encode())))

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            service.requests.append(f"GET {self.path}")
            query = parse_qs(url.query)
            if self.path in (service.cache or {}) and self.headers["Cache-Control"] != "no-cache":
                self.reply(*(service.cache or {})[self.path])
                return
            if url.path.startswith("/files/"):
                self.reply(200, *service.file(url.path.removeprefix("/files/")))
                return
            if url.path == "/v1/application":
                self.reply(200, b'{"id": "an application"}')
                return
            if url.path == "/v1/job":
                page, size = int(query["page"][0]), int(query["size"][0])
                shown = service.paging(service.jobs, page, size)
                page_of_jobs: Any = [service.listed(job) for job in shown]
                if service.envelope is not None:
                    page_of_jobs = {"jobs": page_of_jobs, **service.envelope}
                body = json.dumps(page_of_jobs).encode()
                self.reply(service.list_status, body, headers=service.list_headers)
                service.between_pages(page)
                return
            wanted = url.path.split("/")[3]
            found = [service.fetched(job) for job in service.jobs if job["id"] == wanted]
            if found and service.unknown:
                service.unknown -= 1
                found = []
            if not found:
                self.reply(404, b'{"message": "no such job"}')
            elif url.path.endswith("/status"):
                self.reply(200, json.dumps({"id": wanted, "status": found[0]["status"]}).encode())
            else:
                self.reply(200, json.dumps(found[0]).encode())

        def do_DELETE(self) -> None:
            wanted = self.path.split("/")[3]
            service.requests.append(f"DELETE {self.path}")
            if service.kept is not None:
                self.reply(200, json.dumps(service.kept).encode())
                return
            service.deleted.append(wanted)
            service.jobs = [job for job in service.jobs if job["id"] != wanted]
            self.reply(200, json.dumps({"id": wanted}).encode())

        @override
        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    service.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def quick_run(service: JobService) -> dict[str, Any]:
    """The options of a batch that polls often, tries once, and waits little for lost jobs."""
    return {
        "input_name": "file",
        "poll_interval": 0.2,
        "grace": 0.5,
        "max_attempts": 1,
        "connect": lambda: AsyncMusicAiClient("key", base_url=service.base_url, max_retries=0),
    }
