"""A thousand jobs by 32 concurrent clients: none fails, none is lost, and memory stays constant."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, gc, threading, time
import httpx
from musicai_sdk.sandbox import Sandbox

def resident():
    gc.collect()
    getattr(ctypes.CDLL(None), "malloc_trim", lambda _: 0)(0)  # What is free already, and not given back yet.
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6

def make(task):
    (task.folder / "out.wav").write_bytes(b"x" * 10_000)
    return {"out": task.folder / "out.wav", "n": task.params["n"]}

errors, seen, lock = [], {}, threading.Lock()

def client(base_url, key, numbers):
    try:
        with httpx.Client(base_url=base_url, headers={"Authorization": key}, timeout=60) as api:
            for number in numbers:
                body = {"name": "n", "workflow": "make", "params": {"n": number}}
                job_id = api.post("/job", json=body).raise_for_status().json()["id"]
                while api.get(f"/job/{job_id}/status").raise_for_status().json()["status"] != "SUCCEEDED":
                    time.sleep(0.01)
                job = api.get(f"/job/{job_id}").raise_for_status().json()
                assert len(api.get(job["result"]["out"]).raise_for_status().content) == 10_000
                with lock:
                    assert job_id not in seen
                    seen[job_id] = job["result"]["n"]
                api.delete(f"/job/{job_id}").raise_for_status()
                assert api.get(f"/job/{job_id}").status_code == 404
    except BaseException as error:
        errors.append(repr(error))

def rush(sandbox, jobs):
    threads = [
        threading.Thread(target=client, args=(sandbox.base_url, sandbox.api_key, range(number, jobs, 32)))
        for number in range(32)
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

with Sandbox(workflows={"make": make}) as sandbox:
    rush(sandbox, 200)
    seen.clear()
    sandbox.reset()
    before, begin = resident(), time.monotonic()
    rush(sandbox, 1000)
    took = time.monotonic() - begin
    lost = set(range(1000)) - set(seen.values())
    requests = len(sandbox.requests)
    left = len(sandbox.jobs)
    sandbox.reset()
    print(len(errors), len(lost), left, requests, round(took, 1), round(resident() - before, 1))
    for error in errors[:3]:
        print(error)
"""


def test_a_thousand_jobs_by_32_clients() -> None:
    if sys.platform != "linux":
        pytest.skip("memory is read as Linux gives it")
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        timeout=115,
    )
    assert answer.returncode == 0, answer.stderr
    errors, lost, left, requests, took, grown = map(float, answer.stdout.splitlines()[0].split())
    print(
        f"\n1,000 jobs by 32 clients: {errors:.0f} errors, {lost:.0f} lost, {left:.0f} left over, {requests:.0f} requests "
        f"in {took:.1f} s, memory {grown:+.1f} MB"
    )
    assert (errors, lost, left) == (0, 0, 0), answer.stdout
    assert grown < 25
