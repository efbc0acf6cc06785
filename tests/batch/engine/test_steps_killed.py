"""Runs that are killed at every state and at random: the next run continues, and nothing is paid twice."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
import soundfile

from conftest import SONGS
from musicai_sdk.batch import open_ledger
from support.batch import SCALE, Service, kill, leftovers, make_tracks, results, wait_until
from support.processes import rest_of

TRACKS = int(60 * SCALE)
LEDGER = ".musicai-batch.sqlite3"


def check(running: Service, tracks: list[Path], source: Path, out: Path) -> None:
    """Checks that every track has a result, every result one job, and that no files are left over."""
    folders = [path.relative_to(source).with_suffix("").as_posix() for path in tracks]
    for path, echoed in zip(tracks, results(out, folders), strict=True):
        assert echoed.read_bytes() == path.read_bytes()
    assert len(running.jobs()) == len(tracks)
    keys = Counter(job.idempotency_key for job in running.jobs())
    assert set(keys.values()) == {1}
    assert not leftovers(out)
    with open_ledger(out / LEDGER) as ledger:
        assert not list(ledger.check(out))


@pytest.mark.parametrize(
    "state",
    ["creating", "created", "downloaded"]
    if SCALE < 2
    else ["seen", "uploaded", "creating", "created", "finished", "downloaded", "verified"],
)
def test_killed_at(state: str, running: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    tracks = make_tracks(source, 12)
    process = running.start(source, out, keep_jobs=True, die_at=[state, 5])
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    progress = running.run(source, out, keep_jobs=True)
    assert (progress["done"], progress["states"]) == (12, {"verified": 12})
    check(running, tracks, source, out)


def test_killed_while_the_service_acts(running: Service, tmp_path: Path) -> None:
    """Three jobs exist whose answers were lost, and three POSTs never arrived."""
    source, out = tmp_path / "in", tmp_path / "out"
    tracks = make_tracks(source, 12)
    running.add_fault("POST /job", hang="after", nth=3, times=3)
    running.add_fault("POST /job", hang="before", nth=6, times=3)
    process = running.start(source, out, keep_jobs=True)
    wait_until(lambda: len(running.jobs()) == 9, process=process)
    time.sleep(0.3)
    kill(process)
    with open_ledger(out / LEDGER) as ledger:
        assert ledger.counts()["creating"] == 6
    progress = running.run(source, out, keep_jobs=True)
    assert progress["done"] == 12
    check(running, tracks, source, out)


@pytest.mark.timeout(int(200 + 300 * SCALE))
def test_killed_three_times_at_random(running: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    tracks = make_tracks(source, TRACKS)
    draw = random.Random(61)
    began = time.monotonic()
    for number in range(3):
        process = running.start(source, out, keep_jobs=True)
        jobs = int(TRACKS * draw.uniform(0.2, 0.28) * (number + 1))
        wait_until(lambda least=jobs: len(running.jobs()) >= least, 100 * max(SCALE, 1), process=process)
        time.sleep(draw.random() / 4)
        kill(process)
        with open_ledger(out / LEDGER) as ledger:
            print(f"\nkilled at {len(running.jobs())} jobs:", ledger.counts(), end=" ")
    progress = running.run(source, out, keep_jobs=True)
    print(f"\n{TRACKS} tracks, 3 kills, {time.monotonic() - began:.0f} s:", progress["states"])
    assert progress["done"] == TRACKS
    check(running, tracks, source, out)


def test_killed_with_a_network_that_fails(running: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    tracks = make_tracks(source, int(24 * SCALE))
    for share, fault in (
        (0.06, {"reset": "before"}),
        (0.06, {"reset": "after"}),
        (0.05, {"status": 503}),
        (0.05, {"status": 429, "retry_after": 0}),
    ):
        running.add_fault("POST /job", probability=share, **fault)
    running.add_fault("PUT *", probability=0.05, reset="before")
    # Not every GET, because the service fetches inputs too, and a job without its input fails.
    for route in ("GET /job", "GET /upload", "GET /cdn/*"):
        running.add_fault(route, probability=0.05, reset="after")
    running.add_fault("GET /cdn/*", probability=0.05, truncate=20)
    for jobs in (6, 14):
        process = running.start(source, out, keep_jobs=True, retry_uncertain=True)
        wait_until(lambda least=jobs: _jobs(running) >= least, 90, process=process)
        kill(process)
    progress = running.run(source, out, keep_jobs=True, retry_uncertain=True, retry_failed=True)
    assert (progress["done"], progress["failed"]) == (len(tracks), 0)
    check(running, tracks, source, out)


def _jobs(running: Service) -> int:
    with running.client as client:
        return sum(1 for _ in client.jobs.list(max_retries=9))


def test_lost_posts_are_repeated_only_on_request(running: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    tracks = make_tracks(source, 4)
    running.add_fault("POST /job", nth=2, times=2, reset="before")
    progress = running.run(source, out, keep_jobs=True)
    assert progress["states"] == {"verified": 2, "uncertain": 2}
    with open_ledger(out / LEDGER) as ledger:
        assert {failure.code for failure in ledger.failures()} == {"CreateUncertainError"}
    assert running.run(source, out, keep_jobs=True)["states"] == {"verified": 2, "uncertain": 2}
    assert len(running.jobs()) == 2
    assert running.run(source, out, keep_jobs=True, retry_uncertain=True)["done"] == 4
    check(running, tracks, source, out)


def test_songs_killed_once(running: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for song in sorted(SONGS.glob("*.ogg")):
        samples, rate = soundfile.read(song, frames=30 * 48_000)
        for part in range(3):
            soundfile.write(
                source / f"{song.stem} {part}.wav", samples[part * 48_000 * 6 :][: 48_000 * 6], rate
            )
    options = {"workflow": "music-ai/generate-chords", "input_name": "inputUrl", "keep_jobs": True}
    process = running.start(source, out, **options, die_at=["finished", 3])
    process.communicate(timeout=60)
    progress = running.run(source, out, **options)
    assert (progress["done"], len(running.jobs())) == (12, 12)
    assert len(list(out.rglob("chords.json"))) == 12


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c(presses: int, running: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    tracks = make_tracks(source, 40)
    running.add_fault("GET /cdn/*", delay=0.3, times=20)
    process = running.start(source, out, keep_jobs=True)
    wait_until(lambda: len(running.jobs()) >= 12, process=process)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == b"draining\n"
    if presses == 2:
        process.send_signal(signal.SIGINT)
    output, _errors = rest_of(process)
    took = time.monotonic() - began
    if presses == 1:
        assert process.returncode == 0
        assert took < 10
        with open_ledger(out / LEDGER) as ledger:
            counts = ledger.counts()
        assert not counts.get("creating")
        assert not counts.get("downloaded")
        assert counts.get("verified", 0) < 40
        assert not leftovers(out)
    else:
        assert process.returncode not in (0, None)
        assert not output
    assert running.run(source, out, keep_jobs=True)["done"] == 40
    check(running, tracks, source, out)
