"""The six exchanges of a track on one connection of the standard library, and nothing else; see `measure`."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from urllib.parse import urlsplit

from measure import KEY, Task, catalogue_file, measure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from measure import Work


def exchanges(task: Task) -> Work:
    connection = HTTPConnection(urlsplit(task.origin).netloc)
    content = catalogue_file(0)

    def exchange(method: str, path: str, body: bytes | None = None) -> bytes:
        connection.request(method, path, body, {"Authorization": KEY})
        return connection.getresponse().read()

    def track() -> None:
        exchange("GET", "/v1/upload")
        exchange("PUT", "/put/1", content)
        asked = {"name": "song", "workflow": "any", "params": {"inputUrl": f"{task.origin}/in/1"}}
        job_id = json.loads(exchange("POST", "/v1/job", json.dumps(asked).encode()))["id"]
        exchange("GET", f"/v1/job/{job_id}")
        exchange("GET", "/out/1")
        exchange("DELETE", f"/v1/job/{job_id}")

    def work() -> None:
        for _ in range(task.count):
            track()

    return work


if __name__ == "__main__":
    measure({"catalogue": exchanges})
