"""The floor: the least that does the same with httpx and pydantic, in its own process; see `measure` for its arguments.

It has no retries, no limits of time, no checks, no log and no clear errors. Like the package, it uses httpx's
transports, and one model with the fields of a job.
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
    """A job with the types that the package has for it."""
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
    import ssl

    if task.origin.startswith("https"):
        return ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def getting(task: Task) -> Work:
    """One connection that gets the job, parsed."""
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
        job: Any = getting(task)()
        assert job.status == "SUCCEEDED"

    return work


def get(task: Task) -> Work:
    one = getting(task)
    one()
    return lambda: repeat(one, task.count)


def async_get(task: Task) -> Work:
    import asyncio

    import httpx
    from pydantic import TypeAdapter

    runner = asyncio.Runner()
    transport = httpx.AsyncHTTPTransport(verify=trusted(task))
    validate = TypeAdapter(job_model()).validate_json
    headers = {"Authorization": KEY, "Accept": "*/*"}
    url = httpx.URL(f"{task.base_url}/job/{JOB}")

    async def some(count: int) -> None:
        for _ in range(count):
            response = await transport.handle_async_request(httpx.Request("GET", url, headers=headers))
            validate(await response.aread())

    runner.run(some(1))
    return lambda: runner.run(some(task.count))


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


if __name__ == "__main__":
    measure(
        {
            "first job": first_job,
            "get": get,
            "async get": async_get,
            "upload": upload,
            "parse": parse,
        }
    )
