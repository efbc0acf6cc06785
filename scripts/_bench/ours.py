"""This package in its own process; see `measure` for its arguments."""

from __future__ import annotations

from measure import AT_ONCE, IN_FLIGHT, JOB, KEY, Task, at_once, calls, measure, repeat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from measure import Work

    from musicai_sdk import AsyncMusicAiClient, MusicAiClient


def load(_: Task) -> Work:
    def work() -> None:
        import musicai_sdk  # noqa: F401 # pyright: ignore[reportUnusedImport] - measured

    return work


def first_job(task: Task) -> Work:
    def work() -> None:
        from musicai_sdk import MusicAiClient

        assert MusicAiClient(KEY, base_url=task.base_url).jobs.get(JOB).status == "SUCCEEDED"

    return work


def connect(task: Task) -> MusicAiClient:
    """A client that has made its first request."""
    from musicai_sdk import MusicAiClient

    client = MusicAiClient(KEY, base_url=task.base_url)
    client.jobs.get(JOB)
    return client


class Blocking:
    """The synchronous client."""

    def __init__(self, task: Task) -> None:
        self._client = connect(task)

    def get(self) -> object:
        return self._client.jobs.get(JOB)

    def upload(self, path: str) -> object:
        return self._client.files.upload(path)

    def download(self, url: str, path: str) -> object:
        return self._client.files.download(url, path)


def asynchronous(
    begin: Callable[[AsyncMusicAiClient, Task], Callable[[], Coroutine[None, None, object]]],
) -> Callable[[Task], Work]:
    """A case of the asynchronous client, which has made its first request."""

    def prepare(task: Task) -> Work:
        import asyncio

        from musicai_sdk import AsyncMusicAiClient

        runner = asyncio.Runner()
        client = AsyncMusicAiClient(KEY, base_url=task.base_url)
        runner.run(client.jobs.get(JOB))
        work = begin(client, task)
        return lambda: runner.run(work())

    return prepare


def async_get(client: AsyncMusicAiClient, task: Task) -> Callable[[], Coroutine[None, None, object]]:
    async def work() -> None:
        for _ in range(task.count):
            await client.jobs.get(JOB)

    return work


def async_get_at_once(client: AsyncMusicAiClient, task: Task) -> Callable[[], Coroutine[None, None, object]]:
    async def some() -> None:
        for _ in range(task.count // AT_ONCE):
            await client.jobs.get(JOB)

    async def work() -> None:
        import asyncio

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(some())

    return work


def jobs(task: Task) -> Work:
    """Creates jobs in 16 threads, and waits for all of them."""
    from musicai_sdk import CustomWorkflow

    client = connect(task)
    asked = CustomWorkflow("any", {"inputUrl": "https://host/song.mp3"})

    def create() -> str:
        return client.jobs.create(asked).id

    def work() -> None:
        done = client.jobs.wait_all([str(each) for each in at_once([create] * task.count)])
        assert all(each.succeeded for each in done)

    return work


def wait(task: Task) -> Work:
    from simulated import Service, wait_for_all

    service = Service(task.count)
    return lambda: wait_for_all(service)


def parse(task: Task) -> Work:
    """Reads a page of jobs as the client does."""
    from musicai_sdk._core.operations import LIST_JOBS, adapter

    with open(task.file, "rb") as file:  # noqa: PTH123 - like the peer
        body = file.read()
    validate = adapter(LIST_JOBS.answer).validate_json
    assert len(validate(body)) == 100
    return lambda: repeat(lambda: validate(body), task.count)


def parallel_download(task: Task) -> Work:
    """Downloads a file over four connections."""
    client = connect(task)
    return lambda: client.files.download(task.url, task.file, connections=4)


def resume(task: Task) -> Work:
    """Runs a finished catalogue again."""
    from pathlib import Path

    from finished import COUNT, batch

    again = batch(Path(task.file))

    def work() -> None:
        progress = again.run().progress
        assert (progress.skipped, progress.missing) == (COUNT, 0)

    return work


def report(task: Task) -> Work:
    """Writes the report of a finished catalogue."""
    from pathlib import Path

    from finished import ledger_of

    import musicai_sdk.batch.report

    return lambda: musicai_sdk.batch.report.write_report(ledger_of(Path(task.file)))


def catalogue(in_flight: int, *, urls: bool) -> Callable[[Task], Work]:
    """Processes tiny files, or URLs, in a complete run."""

    def prepare(task: Task) -> Work:
        import shutil
        import tempfile
        from pathlib import Path

        from measure import Counted, catalogue_file

        from musicai_sdk import AsyncMusicAiClient
        from musicai_sdk._preload import load_all
        from musicai_sdk.batch import Batch

        load_all()
        folder = Path(tempfile.mkdtemp(dir=task.file))
        songs, out = folder / "songs", folder / "out"
        songs.mkdir()
        for number in range(0 if urls else task.count):
            (songs / f"{number:06}.wav").write_bytes(catalogue_file(number))
        batch = Batch(
            "music-ai/generate-chords",
            [f"https://host/{number}.wav" for number in range(task.count)] if urls else songs,
            out,
            input_name="inputUrl",
            in_flight=in_flight,
            connect=lambda: AsyncMusicAiClient(KEY, base_url=task.base_url),
        )

        def work() -> Counted:
            report = batch.run()
            assert report.ok
            assert report.progress.done == task.count
            ledger = sum(file.stat().st_size for file in out.glob(f"{batch.ledger.name}*"))
            shutil.rmtree(folder)
            return Counted(ledger=ledger / task.count)

        return work

    return prepare


CASES = {
    "import": load,
    "first job": first_job,
    **calls(Blocking),
    "async get": asynchronous(async_get),
    "async get at once": asynchronous(async_get_at_once),
    "async upload": asynchronous(lambda client, task: lambda: client.files.upload(task.file)),
    "async download": asynchronous(lambda client, task: lambda: client.files.download(task.url, task.file)),
    "jobs": jobs,
    "wait": wait,
    "parallel download": parallel_download,
    "parse": parse,
    "resume": resume,
    "report": report,
    **{f"catalogue {number}": catalogue(number, urls=False) for number in IN_FLIGHT},
    **{f"catalogue of URLs {number}": catalogue(number, urls=True) for number in IN_FLIGHT},
}

if __name__ == "__main__":
    measure(CASES)
