"""The numbers of file calls and threads for a track of a catalogue, which must not grow unnoticed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from musicai_sdk.sandbox import Sandbox
from support.batch import make_tracks

PROGRAM = """
import json, sys, threading
from collections import Counter
from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch import Batch

KINDS = {
    **dict.fromkeys(("stat", "lstat", "fstat"), "status"),
    **dict.fromkeys(("seek", "lseek", "tell"), "seek"),
    **{name: name for name in ("open", "read", "mkdir", "fsync")},
}
STARTS = {"threads.py": "run", "base_events.py": "run_in_executor"}  # what passes work to a thread
calls = Counter()

def is_of_a_track(frame):
    # Not of the ledger, which commits a varying number of tracks together, nor of an import.
    names = []
    while frame is not None:
        names.append(frame.f_code.co_filename.replace("\\\\", "/"))
        frame = frame.f_back
    return not any("/batch/ledger/" in name or "importlib" in name for name in names)

def note(frame, event, argument):
    if event == "c_call":
        kind = KINDS.get(argument.__name__)
        on_file = kind is not None and type(argument.__self__).__name__ in ("module", "FileIO", "LockableFile")
        if on_file and is_of_a_track(frame):
            calls[kind] += 1
    elif event == "call" and frame.f_code.co_name == STARTS.get(frame.f_code.co_filename.rpartition("/")[2]):
        calls["thread"] += is_of_a_track(frame)

def run(name):
    connect = lambda: AsyncMusicAiClient(key, base_url=base_url)
    batch = Batch("sdk-test", f"{folder}/{name}", f"{folder}/out {name}", input_name="file", poll_interval=0.2,
                  connect=connect)
    return batch.run().progress.done, Counter(calls)

key, base_url, folder = sys.argv[1:]
threading.setprofile(note)
sys.setprofile(note)
(_, none), (few, first), (many, second) = run("none"), run("few"), run("many")
first, second = first - none, second - first
print(json.dumps({kind: (second[kind] - first[kind]) / (many - few) for kind in sorted(second)}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="files are forced onto the disk in another way")
def test_a_track(sandbox: Sandbox, tmp_path: Path) -> None:
    for start, (name, count) in enumerate({"none": 1, "few": 4, "many": 24}.items()):
        make_tracks(tmp_path / name, count, start * 100)
    command = [sys.executable, "-W", "error", "-c", PROGRAM, sandbox.api_key, sandbox.base_url, str(tmp_path)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    calls = json.loads(ran.stdout)
    # fsync of the output, the manifest, the track's folder and two folders above it.
    assert calls.pop("fsync") == 5
    assert calls.pop("thread") == 3, "the upload, the download, and reading the results back"
    # One status is that of the input after its last byte, which shows whether it was written to during the upload.
    # One status call looks for results that the ledger doesn't know, before anything is paid.
    limits = {"mkdir": 2, "open": 8, "read": 9, "seek": 3, "status": 18}
    assert not {kind: number for kind, number in calls.items() if number > limits[kind]}
