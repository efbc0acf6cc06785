"""What a program loads and does for its first job, as counts, because times depend on the machine."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Self, TypeAlias

import pytest

from musicai_sdk import AsyncMusicAiClient, CustomWorkflow, MusicAiClient
from musicai_sdk.sandbox import Sandbox

Figures: TypeAlias = Any

EXTRAS = (
    *("rich", "click", "numpy", "soundfile", "starlette", "uvicorn", "trustme", "obstore", "distributed"),
    *("trio", "h2", "socksio", "brotli", "zstandard"),
)
"""Modules of the package's extras, and those that httpx and httpcore load if installed."""

PREAMBLE = f"""
import json, os, sys
sys.modules.update(dict.fromkeys({EXTRAS!r}))  # they can't be imported
before = set(sys.modules)
def loaded():
    names = sys.modules.keys() - before
    ours = sorted(name for name in names if name.split(".")[0] == "musicai_sdk")
    return {{"ours": ours, "all": len(names), "names": sorted(names)}}
"""
FIRST_JOB = """
from musicai_sdk import MusicAiClient
client = MusicAiClient()
job = client.jobs.get(os.environ["JOB"])
assert (job.id, job.workflow) == (os.environ["JOB"], "sdk-test")
"""
TRANSFERS = """
import asyncio
from musicai_sdk import AsyncMusicAiClient
client.files.upload(b"RIFF")
client.close()

async def main():
    async with AsyncMusicAiClient() as other:
        assert (await other.jobs.get(job)).id == job.id
        await other.files.upload(b"RIFF")

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def secure() -> Iterator[Sandbox]:
    with Sandbox(tls=True) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def environment(secure: Sandbox) -> dict[str, str]:
    with secure.client() as client:
        job = client.jobs.create(CustomWorkflow("sdk-test", {}))
    return {
        **os.environ,
        "MUSIC_AI_API_KEY": secure.api_key,
        "MUSIC_AI_BASE_URL": secure.base_url,
        "SSL_CERT_FILE": str(secure.ca_file),
        "JOB": job.id,
    }


def figures(program: str, environment: dict[str, str]) -> Figures:
    """The JSON output of a program in its own process."""
    command = [sys.executable, "-W", "error", "-c", PREAMBLE + program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_importing_the_client_loads_no_http_connection(environment: dict[str, str]) -> None:
    found = figures(
        "from musicai_sdk import MusicAiClient\nprint(json.dumps(loaded()))",
        environment,
    )
    assert len(found["ours"]) <= 52, found["ours"]
    assert found["all"] <= 245, (found["all"], found["names"])
    assert {"tenacity", "asyncio", "httpcore", "anyio"} & set(found["names"]) == set()


def test_the_first_job(environment: dict[str, str]) -> None:
    found = figures(FIRST_JOB + "print(json.dumps(loaded()))\nclient.close()", environment)
    assert len(found["ours"]) <= 55, found["ours"]
    assert found["all"] <= 310, (found["all"], found["names"])
    # No retries, waits, transfers or event loop, so none of their modules.
    assert {"tenacity", "asyncio", "concurrent.futures"} & set(found["names"]) == set()
    parts = ("_core.creating", "_core.waiting", "_core.downloading", "_core.uploading", "_io.asynchronous")
    rooms = ("batch", "cli", "codegen", "music", "sandbox", "storage")
    assert {f"musicai_sdk.{name}" for name in (*parts, *rooms, "_credentials")} & set(found["ours"]) == set()


def test_the_certificates_are_loaded_once(environment: dict[str, str]) -> None:
    """Both clients, the API and the storage, and the thread of the transfers."""
    found = figures(
        """
import threading
times = []
def watch(frame, event, what):
    if event == "c_call" and what.__name__ in ("load_verify_locations", "load_default_certs"):
        times.append(what.__name__)
threading.setprofile(watch)
sys.setprofile(watch)
"""
        + FIRST_JOB
        + TRANSFERS
        + "sys.setprofile(None)\nprint(json.dumps(times))",
        environment,
    )
    assert found == ["load_verify_locations"]


class Calls:
    """Counts the Python functions that this thread enters: those of this package, and those of the libraries below it."""

    def __init__(self) -> None:
        self.ours = 0
        self.others = 0
        self.passes = 0
        """The passes of the event loop."""
        self.built = list[str]()

    def __enter__(self) -> Self:
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _count(self, frame: Any, event: str, _what: object) -> None:
        if event == "call":
            code = frame.f_code
            self.ours += "musicai_sdk" in code.co_filename
            self.others += "musicai_sdk" not in code.co_filename
            self.passes += code.co_name == "_run_once"
            if code.co_name in ("create_schema_validator", "create_ssl_context", "urlparse"):
                self.built.append(code.co_name)


def test_a_small_request_calls_little_and_builds_nothing_anew(sandbox: Sandbox) -> None:
    """When this was written, 90 and 457 calls. Through an httpx client, the latter are 933."""
    with MusicAiClient(sandbox.api_key, base_url=sandbox.base_url) as client:
        job = client.jobs.create(CustomWorkflow("sdk-test", {}))
        client.jobs.get(job)
        counted = list[Calls]()
        for _ in range(10):
            with Calls() as calls:
                client.jobs.get(job)
            counted.append(calls)
    # An answer that arrives in two parts costs a read more.
    calls = min(counted, key=lambda calls: calls.ours + calls.others)
    assert calls.built == []
    assert calls.ours <= 92
    assert calls.others <= 500


def test_a_small_asynchronous_request_calls_little_and_waits_once(sandbox: Sandbox) -> None:
    """When this was written, 110 and 532 calls, in 2 passes. With httpcore's own locks, 690, in 5 passes."""

    async def main() -> list[Calls]:
        async with AsyncMusicAiClient(sandbox.api_key, base_url=sandbox.base_url) as client:
            job = await client.jobs.create(CustomWorkflow("sdk-test", {}))
            await client.jobs.get(job)
            counted = list[Calls]()
            for _ in range(10):
                with Calls() as calls:
                    await client.jobs.get(job)
                counted.append(calls)
            return counted

    # An answer that arrives in two parts costs a pass more.
    calls = min(asyncio.run(main()), key=lambda calls: calls.ours + calls.others)
    assert calls.built == []
    assert calls.ours <= 115
    assert calls.others <= 580
    assert calls.passes <= 2
