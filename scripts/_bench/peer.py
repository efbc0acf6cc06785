"""The published musicai-sdk 1.0.4 in its own process; see `measure` for its arguments."""

from __future__ import annotations

from measure import JOB, KEY, Task, at_once, calls, measure, repeat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from measure import Work


def load(_: Task) -> Work:
    def work() -> None:
        import musicai_sdk  # noqa: F401 # pyright: ignore[reportUnusedImport] - measured

    return work


def make(task: Task) -> Any:
    """Its client; the type checkers see this package under the same name."""
    from musicai_sdk import MusicAiClient

    client: Any = MusicAiClient(KEY)
    client.base_url = task.base_url
    return client


def first_job(task: Task) -> Work:
    def work() -> None:
        assert make(task).get_job(JOB)["status"] == "SUCCEEDED"

    return work


class Blocking:
    """The client after its first request."""

    def __init__(self, task: Task) -> None:
        self._client = make(task)
        self._client.get_job(JOB)

    def get(self) -> object:
        return self._client.get_job(JOB)

    def upload(self, path: str) -> object:
        return self._client.upload_file(path)

    def download(self, url: str, path: str) -> object:
        return self._client.download_file(url, path)


def jobs(task: Task) -> Work:
    """Creates jobs and waits for each, in 16 threads."""
    client = make(task)
    client.get_job(JOB)

    def one() -> None:
        job_id = client.add_job("song", "any", {"inputUrl": "https://host/song.mp3"})["id"]
        assert client.wait_for_job_completion(job_id)["status"] == "SUCCEEDED"

    return lambda: at_once([one] * task.count)


def catalogue(task: Task) -> Work:
    """Uploads, creates, waits, downloads and deletes, in 16 threads."""
    import shutil
    import tempfile
    from functools import partial
    from pathlib import Path

    from measure import catalogue_file

    client = make(task)
    folder = Path(tempfile.mkdtemp(dir=task.file))
    for number in range(task.count):
        (folder / f"{number}.wav").write_bytes(catalogue_file(number))

    def track(number: int) -> None:
        url = client.upload_file(str(folder / f"{number}.wav"))
        job_id = client.add_job("song", "music-ai/generate-chords", {"inputUrl": url})["id"]
        job = client.wait_for_job_completion(job_id)
        client.download_file(job["result"]["Chords"], str(folder / f"{number}.json"))
        client.delete_job(job_id)

    def work() -> None:
        at_once([partial(track, number) for number in range(task.count)])
        shutil.rmtree(folder)

    return work


def waiting(threads: int | None) -> Callable[[Task], Work]:
    """All jobs at the same time, or in some threads."""

    def wait(task: Task) -> Work:
        from simulated import Service, wait_for_each

        service = Service(task.count)
        client = make(task)
        return lambda: wait_for_each(service, client, threads)

    return wait


def parse(task: Task) -> Work:
    """Reads a page of jobs as `requests` does."""
    import json

    with open(task.file, "rb") as file:  # noqa: PTH123 - like the peer
        body = file.read()
    assert len(json.loads(body)) == 100
    return lambda: repeat(lambda: json.loads(body), task.count)


def look_up(task: Task) -> Work:
    from pathlib import Path

    import finished

    return lambda: finished.look_up(Path(task.file))


if __name__ == "__main__":
    measure(
        {
            "import": load,
            "first job": first_job,
            **calls(Blocking),
            "parallel download": calls(Blocking)["download"],
            "jobs": jobs,
            "wait": waiting(None),
            "wait in 16 threads": waiting(16),
            "parse": parse,
            "resume": look_up,
            "report": look_up,
            "catalogue": catalogue,
        }
    )
