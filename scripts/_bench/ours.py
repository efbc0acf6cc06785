"""One case of this package, in a process of its own: python ours.py CASE BASE_URL N prints its figures as JSON."""

from __future__ import annotations

import time

CPU = time.process_time()
import json  # noqa: E402 - what a bare process costs is measured before
import re  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

CASE, BASE, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
KEY = "27803abe-ec15-4f74-9e8a-18a99627e9b0"


def peak() -> int:
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) * 1024


def measured(work: Callable[[], object]) -> None:
    before, cpu, wall = peak(), time.process_time(), time.perf_counter()
    work()
    figures = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "memory": peak() - before,
    }
    print(json.dumps(figures))


if CASE == "import":
    cpu = time.process_time()

    print(json.dumps({"cpu": time.process_time() - cpu, "wall": 0, "memory": 0}))
elif CASE == "first job":
    cpu = time.process_time()
    from musicai_sdk import MusicAiClient

    MusicAiClient(KEY, base_url=BASE).jobs.get("27803abe").status  # noqa: B018
    print(json.dumps({"cpu": time.process_time() - cpu, "wall": 0, "memory": 0}))
elif CASE.startswith("async"):
    import asyncio

    from musicai_sdk import AsyncMusicAiClient

    async def main() -> None:
        async with AsyncMusicAiClient(KEY, base_url=BASE) as client:
            await client.application.get()
            cpu, wall, before = time.process_time(), time.perf_counter(), peak()
            if CASE == "async get":
                for _ in range(COUNT):
                    await client.jobs.get("27803abe")
            elif CASE == "async upload":
                await client.files.upload(sys.argv[4])
            else:
                await client.files.download(BASE.replace("/v1", "/file"), sys.argv[4])
            figures = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
            print(json.dumps({**figures, "memory": peak() - before}))

    asyncio.run(main())
else:
    from musicai_sdk import CustomWorkflow, MusicAiClient

    with MusicAiClient(KEY, base_url=BASE) as client:
        client.application.get()
        if CASE == "upload":
            measured(lambda: client.files.upload(sys.argv[4]))
        elif CASE == "download":
            measured(lambda: client.files.download(BASE.replace("/v1", "/file"), sys.argv[4]))
        elif CASE == "get":
            measured(lambda: [client.jobs.get("27803abe") for _ in range(COUNT)])
        elif CASE == "jobs":
            from concurrent.futures import ThreadPoolExecutor

            asked = CustomWorkflow("any", {"inputUrl": "https://host/song.mp3"})

            def work() -> None:
                with ThreadPoolExecutor(16) as pool:
                    futures = [pool.submit(client.jobs.create, asked) for _ in range(COUNT)]
                    jobs = [future.result() for future in futures]
                done = client.jobs.wait_all(jobs)
                assert all(each.succeeded for each in done)

            measured(work)
        elif CASE == "parse":
            from musicai_sdk._core.operations import LIST_JOBS, adapter

            body = Path(sys.argv[4]).read_bytes()
            parse = adapter(LIST_JOBS.answer).validate_json
            parse(body)
            measured(lambda: [parse(body) for _ in range(COUNT)])
