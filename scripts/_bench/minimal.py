"""The floor: the least code that does the same work with httpx and pydantic. See `measure` for the arguments.

It has no retries, time limits, checks, logs or clear errors. Like the package, it uses httpx's transports and one model
with the fields of a job. For a catalogue it also keeps a ledger and forces files onto the disk, but it can't continue
an interrupted run.
"""

from __future__ import annotations

import os

from measure import JOB, KEY, Task, measure, repeat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from ssl import SSLContext
    from typing import Any

    from measure import Work

BLOCK = 1024 * 1024


def job_model() -> Any:
    """A model of a job, with the same types as in the package."""
    from datetime import datetime
    from typing import Literal

    from pydantic import BaseModel, ConfigDict
    from pydantic.alias_generators import to_camel

    class Job(BaseModel):
        model_config = ConfigDict(frozen=True, extra="allow", alias_generator=to_camel)
        id: str
        status: Literal["QUEUED", "STARTED", "SUCCEEDED", "FAILED"] | str  # noqa: PYI051 - as the package has it
        app: str | None = None
        name: str | None = None
        batch_name: str | None = None
        metadata: dict[str, object] | None = None
        workflow: str | None = None
        workflow_params: dict[str, object] | None = None
        result: dict[str, object] | None = None
        error: dict[str, object] | None = None
        created_at: datetime | None = None
        started_at: datetime | None = None
        completed_at: datetime | None = None

    return Job


def trusted(task: Task) -> SSLContext:
    """The TLS context of a transport; an empty one for plain HTTP, as in the package."""
    import ssl

    if task.origin.startswith("https"):
        return ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def connected_get(task: Task) -> Work:
    """A function that gets and parses the job, over one connection."""
    import httpx
    from pydantic import TypeAdapter

    transport = httpx.HTTPTransport(verify=trusted(task))
    validate = TypeAdapter(job_model()).validate_json
    headers = {"Authorization": KEY, "Accept": "*/*"}
    url = httpx.URL(f"{task.base_url}/job/{JOB}")

    def get() -> object:
        response = transport.handle_request(httpx.Request("GET", url, headers=headers))
        return validate(response.read())

    return get


def first_job(task: Task) -> Work:
    def work() -> None:
        job: Any = connected_get(task)()
        assert job.status == "SUCCEEDED"

    return work


def get(task: Task) -> Work:
    get_job = connected_get(task)
    get_job()
    return lambda: repeat(get_job, task.count)


def async_get(task: Task) -> Work:
    import asyncio

    import httpx
    from pydantic import TypeAdapter

    runner = asyncio.Runner()
    transport = httpx.AsyncHTTPTransport(verify=trusted(task))
    validate = TypeAdapter(job_model()).validate_json
    headers = {"Authorization": KEY, "Accept": "*/*"}
    url = httpx.URL(f"{task.base_url}/job/{JOB}")

    async def get_jobs(count: int) -> None:
        for _ in range(count):
            response = await transport.handle_async_request(httpx.Request("GET", url, headers=headers))
            validate(await response.aread())

    runner.run(get_jobs(1))
    return lambda: runner.run(get_jobs(task.count))


def upload(task: Task) -> Work:
    import httpx
    from typing_extensions import override

    transport = httpx.HTTPTransport(verify=trusted(task))
    size = os.stat(task.file).st_size  # noqa: PTH116 - pathlib would be loaded

    class Stream(httpx.SyncByteStream, httpx.AsyncByteStream):
        @override
        def __iter__(self) -> Iterator[bytes]:
            with open(task.file, "rb", buffering=0) as file:  # noqa: PTH123 - as above
                while block := file.read(BLOCK):
                    yield block

        @override
        def __aiter__(self) -> AsyncIterator[bytes]:
            raise NotImplementedError

    def work() -> None:
        for method, target in (("GET", f"{task.base_url}/upload"), ("PUT", f"{task.origin}/put")):
            request = httpx.Request(method, target, headers={"Authorization": KEY})
            if method == "PUT":
                request.headers["Content-Length"] = str(size)
                request.stream = Stream()
            transport.handle_request(request).read()

    return work


def parse(task: Task) -> Work:
    from types import GenericAlias

    from pydantic import TypeAdapter

    with open(task.file, "rb") as file:  # noqa: PTH123 - like the others
        body = file.read()
    page: Any = GenericAlias(list, (job_model(),))
    validate: Any = TypeAdapter(page).validate_json
    assert len(validate(body)) == 100
    return lambda: repeat(lambda: validate(body), task.count)


STATES = ("seen", "creating", "created", "downloaded", "deleted")
"""The states that a ledger must record durably, so that after a power cut nothing is paid twice or deleted too early."""


def catalogue(task: Task) -> Work:
    """Processes tiny files in six exchanges each, with a ledger in SQLite and results that survive a power cut."""
    import asyncio
    import hashlib
    import json
    import shutil
    import sqlite3
    import tempfile
    from pathlib import Path

    import httpx
    from measure import JOB_SECONDS, catalogue_file
    from pydantic import TypeAdapter

    folder = Path(tempfile.mkdtemp(dir=task.file))
    for number in range(task.count):
        (folder / f"{number}.wav").write_bytes(catalogue_file(number))
    ledger = sqlite3.connect(folder / "ledger.sqlite3", isolation_level=None)
    ledger.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE tracks (number INTEGER PRIMARY KEY, state TEXT, digest TEXT, job TEXT)"
    )
    validate = TypeAdapter(job_model()).validate_json
    headers = {"Authorization": KEY, "Accept": "*/*"}

    def note(number: int, state: str, *, digest: str = "", job: str = "") -> None:
        ledger.execute(
            "INSERT INTO tracks VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state,"
            " job = max(job, excluded.job)",
            (number, state, digest, job),
        )

    def keep(number: int, content: bytes) -> None:
        part, target = folder / f"{number}.part", folder / f"{number}.json"
        with part.open("wb", buffering=0) as file:
            file.write(content)
            os.fsync(file.fileno())
        part.replace(target)
        opened = os.open(folder, os.O_RDONLY)
        os.fsync(opened)
        os.close(opened)
        # The package reads every result back and compares digests.
        assert hashlib.md5(target.read_bytes(), usedforsecurity=False).digest()

    async def process() -> None:
        # A connection for each task, because httpcore takes longer to choose one from a large pool than an exchange takes.
        tls = trusted(task)

        async def exchange(
            transport: httpx.AsyncHTTPTransport, method: str, url: str, content: bytes | None = None
        ) -> bytes:
            request = httpx.Request(method, url, headers=headers, content=content)
            response = await transport.handle_async_request(request)
            return await response.aread()

        async def track(transport: httpx.AsyncHTTPTransport, number: int) -> None:
            content = (folder / f"{number}.wav").read_bytes()
            note(number, STATES[0], digest=hashlib.sha256(content).hexdigest())
            place = json.loads(await exchange(transport, "GET", f"{task.base_url}/upload"))
            await exchange(transport, "PUT", place["uploadUrl"], content)
            asked = {"name": "song", "workflow": "any", "params": {"inputUrl": place["downloadUrl"]}}
            note(number, STATES[1])
            made = json.loads(
                await exchange(transport, "POST", f"{task.base_url}/job", json.dumps(asked).encode())
            )
            note(number, STATES[2], job=made["id"])
            await asyncio.sleep(JOB_SECONDS)
            job: Any = validate(await exchange(transport, "GET", f"{task.base_url}/job/{made['id']}"))
            for url in job.result.values():
                keep(number, await exchange(transport, "GET", url))
            note(number, STATES[3])
            await exchange(transport, "DELETE", f"{task.base_url}/job/{made['id']}")
            note(number, STATES[4])

        numbers = iter(range(task.count))

        async def work_through() -> None:
            async with httpx.AsyncHTTPTransport(verify=tls) as transport:
                for number in numbers:
                    await track(transport, number)

        await asyncio.gather(*(work_through() for _ in range(64)))

    def work() -> None:
        asyncio.run(process())
        ledger.close()
        shutil.rmtree(folder)

    return work


if __name__ == "__main__":
    measure(
        {
            "catalogue 64": catalogue,
            "first job": first_job,
            "get": get,
            "async get": async_get,
            "upload": upload,
            "parse": parse,
        }
    )
