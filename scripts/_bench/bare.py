"""The six exchanges of a track on one connection, and nothing else, by the standard library or by httpx; see `measure`."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from urllib.parse import urlsplit

from measure import KEY, Task, catalogue_file, measure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from measure import Work

    Exchange = Callable[[str, str, bytes | None], bytes]
    """Sends a request (method, path, body), and returns the body of the answer."""


def standard_library(task: Task) -> Work:
    connection = HTTPConnection(urlsplit(task.origin).netloc)

    def exchange(method: str, path: str, body: bytes | None) -> bytes:
        connection.request(method, path, body, {"Authorization": KEY})
        return connection.getresponse().read()

    return tracks(task, exchange)


def with_httpx(task: Task) -> Work:
    import httpx

    client = httpx.Client(base_url=task.origin, headers={"Authorization": KEY})

    def exchange(method: str, path: str, body: bytes | None) -> bytes:
        return client.request(method, path, content=body).content

    return tracks(task, exchange)


def tracks(task: Task, exchange: Exchange) -> Work:
    content = catalogue_file(0)

    def track() -> None:
        exchange("GET", "/v1/upload", None)
        exchange("PUT", "/put/1", content)
        asked = {"name": "song", "workflow": "any", "params": {"inputUrl": f"{task.origin}/in/1"}}
        job_id = json.loads(exchange("POST", "/v1/job", json.dumps(asked).encode()))["id"]
        exchange("GET", f"/v1/job/{job_id}", None)
        exchange("GET", "/out/1", None)
        exchange("DELETE", f"/v1/job/{job_id}", None)

    def work() -> None:
        for _ in range(task.count):
            track()

    return work


if __name__ == "__main__":
    measure({"catalogue": standard_library, "catalogue by httpx": with_httpx})
