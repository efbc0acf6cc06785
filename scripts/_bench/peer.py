"""The same cases with the published musicai-sdk 1.0.4: python peer.py CASE BASE_URL N prints its figures as JSON."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


cpu = time.process_time()
from musicai_sdk import MusicAiClient  # noqa: E402 - measured

imported = time.process_time() - cpu


def connected() -> Any:
    client: Any = MusicAiClient(KEY)
    client.base_url = BASE
    return client


if CASE == "import":
    print(json.dumps({"cpu": imported, "wall": 0, "memory": 0}))
elif CASE == "first job":
    connected().get_job("27803abe")["status"]
    print(json.dumps({"cpu": time.process_time() - cpu, "wall": 0, "memory": 0}))
else:
    client = connected()
    client.get_application_info()
    if CASE.endswith("upload"):
        measured(lambda: client.upload_file(sys.argv[4]))
    elif CASE.endswith("download"):
        measured(lambda: client.download_file(BASE.replace("/v1", "/file"), sys.argv[4]))
    elif CASE.endswith("get"):
        measured(lambda: [client.get_job("27803abe") for _ in range(COUNT)])
    elif CASE == "jobs":
        from concurrent.futures import ThreadPoolExecutor

        def one(_: int) -> None:
            job_id = client.add_job("song", "any", {"inputUrl": "https://host/song.mp3"})["id"]
            assert client.wait_for_job_completion(job_id)["status"] == "SUCCEEDED"

        def work() -> None:
            with ThreadPoolExecutor(16) as pool:
                list(pool.map(one, range(COUNT)))

        measured(work)
    elif CASE == "parse":
        body = Path(sys.argv[4]).read_bytes()
        measured(lambda: [json.loads(body) for _ in range(COUNT)])
