"""The engine in its own processes, and the caller's workflows on threads with decoded audio."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile  # pyright: ignore[reportMissingTypeStubs] - it ships no types
from numpy.typing import NDArray

from musicai_sdk import CustomWorkflow, MusicAiClient
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine.audio import resample
from musicai_sdk.sandbox.engine.task import Output, Task
from musicai_sdk.sandbox.engine.workflows import WORKFLOWS
from support.memory import PEAK_MEMORY, needs_proc

SOUNDFILE: Any = soundfile
SONGS = Path(__file__).parents[2] / "songs"

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="processes are counted as Linux lists them")


def children() -> set[int]:
    """The processes that this one started and hasn't waited for."""
    found = set[int]()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def noise(path: Path, seconds: float) -> Path:
    rate = 22_050
    random = np.random.default_rng(1)
    with SOUNDFILE.SoundFile(str(path), "w", rate, 2) as file:
        for _ in range(int(seconds)):
            file.write(random.normal(0, 0.1, (rate, 2)))
    return path


@linux_only
def test_processes_start_on_demand_and_end_with_the_sandbox() -> None:
    before = children()
    with Sandbox() as sandbox, sandbox.client() as client:
        client.jobs.run(CustomWorkflow("sdk-test", {"file": SONGS / "block1.ogg"}), timeout=60)
        assert children() == before, "nothing was computed"
        for _ in range(2):
            client.jobs.run(CustomWorkflow("music-ai/generate-chords", {"inputUrl": SONGS / "block1.ogg"}))
        assert len(children() - before) == 1, "successive jobs use the same process"
    assert children() == before


def test_the_api_stays_responsive_while_the_engine_computes(tmp_path: Path) -> None:
    song = noise(tmp_path / "noise.wav", 60)
    with Sandbox(plan=2) as sandbox, sandbox.client() as client:
        jobs = [
            client.jobs.create(CustomWorkflow("music-ai/isolate-drums", {"inputUrl": song})) for _ in range(2)
        ]
        until(lambda: [job["status"] for job in sandbox.jobs] == ["STARTED"] * 2)
        took = list[float]()
        with httpx.Client(base_url=sandbox.base_url, headers={"Authorization": sandbox.api_key}) as api:
            for _ in range(40):
                begin = time.monotonic()
                assert api.get("/application").status_code == 200
                took.append(time.monotonic() - begin)
        assert all(client.jobs.status(job).status == "STARTED" for job in jobs)
        for job in jobs:
            client.jobs.delete(job)
    print(f"\nan answer while two jobs compute: median {1000 * sorted(took)[20]:.1f} ms")
    assert sorted(took)[20] < 0.25


@linux_only
def test_a_deleted_job_stops_computing(tmp_path: Path) -> None:
    before = children()
    with Sandbox(plan=1) as sandbox, sandbox.client() as client:
        job = client.jobs.create(
            CustomWorkflow("music-ai/isolate-drums", {"inputUrl": noise(tmp_path / "noise.wav", 300)})
        )
        until(lambda: len(children() - before) == 1)
        client.jobs.delete(job)
        until(lambda: children() == before)
        begin = time.monotonic()
    assert time.monotonic() - begin < 20


@linux_only
def test_a_process_that_dies_fails_its_job(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = children()
    with Sandbox(plan=1) as sandbox, sandbox.client() as client:
        song = noise(tmp_path / "noise.wav", 300)
        job = client.jobs.create(CustomWorkflow("music-ai/isolate-drums", {"inputUrl": song}))
        until(lambda: len(children() - before) == 1)
        (process,) = children() - before
        os.kill(process, signal.SIGKILL)
        assert client.jobs.wait(job, timeout=60).error.code == "INTERNAL_ERROR"  # type: ignore[union-attr] # pyright: ignore[reportOptionalMemberAccess]
        assert "exit code -9" in caplog.text
        again = client.jobs.run(
            CustomWorkflow("music-ai/generate-chords", {"inputUrl": SONGS / "block1.ogg"})
        )
        assert again.status == "SUCCEEDED"


def test_a_script_without_a_main_guard(tmp_path: Path) -> None:
    # Processes of `multiprocessing` would run it again, from its first line.
    script = tmp_path / "script.py"
    script.write_text(f"""
from pathlib import Path
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import GenerateChords
with Sandbox() as sandbox, sandbox.client() as client:
    print(client.jobs.run(GenerateChords(input_url=Path({str(SONGS / "block1.ogg")!r}))).status)
""")
    answer = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", str(script)],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert (answer.stdout, answer.stderr) == ("SUCCEEDED\n", "")


def test_errors_in_a_process(tmp_path: Path) -> None:
    (tmp_path / "song.txt").write_text("no audio")
    with Sandbox() as sandbox, sandbox.client() as client:
        for source in (tmp_path / "song.txt", "https://example.invalid/x.mp3"):
            job = client.jobs.create(CustomWorkflow("music-ai/generate-chords", {"inputUrl": source}))
            error = client.jobs.wait(job, timeout=60).error
            assert error is not None
            assert error.code == "BAD_INPUT"


def test_every_workflow_has_a_description() -> None:
    with Sandbox() as sandbox, sandbox.client() as client:
        listed = {workflow.slug: workflow.description for workflow in client.workflows.list()}
    assert set(listed) == set(WORKFLOWS)
    assert all(listed.values())


def test_a_workflow_of_the_callers_own_over_decoded_audio() -> None:
    seen = list[tuple[int, ...]]()
    with Sandbox() as sandbox, sandbox.client() as client:

        @sandbox.workflow("acme/loudness")
        def loudness(task: Task) -> dict[str, Output]:
            """Loudness of a file, as its root mean square."""
            audio = task.audio("inputUrl")
            seen.append(audio.samples.shape)
            rms = float(np.sqrt(np.mean(np.square(audio.samples))))
            return {"dBFS": round(20 * np.log10(rms), 1), "seconds": round(audio.seconds, 1)}

        described = {workflow.slug: workflow.description for workflow in client.workflows.list()}
        assert described["acme/loudness"] == "Loudness of a file, as its root mean square."
        job = client.jobs.run(CustomWorkflow("acme/loudness", {"inputUrl": SONGS / "block1.ogg"}), timeout=60)
        assert job.status == "SUCCEEDED"
        assert -40 < float(str(job["result"]["dBFS"])) < 0
        assert float(str(job["result"]["seconds"])) > 10
        assert seen
        without = client.jobs.create(CustomWorkflow("acme/loudness", {}))
        assert "missing" in str(client.jobs.wait(without, timeout=60).error)


def chords_of(client: MusicAiClient, song: Path) -> list[dict[str, object]]:
    job = client.jobs.run(CustomWorkflow("music-ai/generate-chords", {"inputUrl": song}), timeout=60)
    answer: list[dict[str, object]] = httpx.get(str(job["result"]["chords"])).json()
    return answer


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("opus", {"format": "OGG", "subtype": "OPUS"}),
        ("mp3", {"format": "MP3"}),
        ("ogg", {"format": "OGG"}),
        ("flac", {"format": "FLAC"}),
        ("wav", {"format": "WAV"}),
    ],
)
def test_input_formats(tmp_path: Path, suffix: str, options: dict[str, str]) -> None:
    read: tuple[NDArray[np.float32], int] = SOUNDFILE.read(
        str(SONGS / "block1.ogg"), dtype="float32", always_2d=True
    )
    target = 48_000
    resampled = resample(read[0].mean(axis=1), read[1], target)[: 20 * target]
    song = tmp_path / f"song.{suffix}"
    with SOUNDFILE.SoundFile(str(song), "w", target, 1, **options) as file:
        for start in range(0, len(resampled), target):
            file.write(resampled[start : start + target])
    with Sandbox() as sandbox, sandbox.client() as client:
        names = {str(chord["chord_majmin"]) for chord in chords_of(client, song)}
    assert len(names - {"N"}) >= 3


@needs_proc
def test_ten_minutes_in_bounded_memory(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from musicai_sdk.sandbox.engine.analysis import chords_and_beats
chords_and_beats(Path(sys.argv[1]), Path(sys.argv[2]))
print(peak_memory() // 2**20)
"""
    song = noise(tmp_path / "noise.wav", 600)
    answer = subprocess.run(
        [sys.executable, "-c", PEAK_MEMORY + program, str(song), str(tmp_path)],
        capture_output=True, text=True, check=True, timeout=110,
    )  # fmt: skip
    print(f"\nchords and beats of ten minutes of stereo: at most {int(answer.stdout)} MB")
    assert int(answer.stdout) < 450
