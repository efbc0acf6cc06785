"""`musicai process folder` as a process, with a sandbox in another process."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
from pathlib import Path

import pytest

from musicai_sdk.batch import open_ledger
from support.batch import SCALE, kill, leftovers, make_tracks, make_wavs, wait_until
from support.cli import ECHO, Command, make_songs
from support.processes import rest_of

LEDGER = ".musicai-batch.sqlite3"


def test_a_second_run_skips_finished_files(musicai_there: Command) -> None:
    source, out = musicai_there.folder / "in", musicai_there.folder / "out"
    tracks = make_tracks(source, 6)
    (source / "twin.wav").write_bytes(tracks[0].read_bytes())
    (source / "cover.jpg").write_bytes(b"no sound")

    done = musicai_there(*ECHO)
    assert done.stdout == "out/report.html\n"
    assert "6 of 7 inputs done, 1 duplicate in " in done.stderr
    assert (out / "report.html").stat().st_size > 1000
    results = {path.read_bytes() for path in out.rglob("file.wav")}
    assert results == {path.read_bytes() for path in tracks}
    assert musicai_there.service.jobs() == []
    assert not leftovers(out)

    make_tracks(source, 2, start=20)
    message = musicai_there.here(*ECHO, "--dry-run", MUSIC_AI_API_KEY="").stdout
    assert [line.split()[:2] for line in message.splitlines()] == [
        ["2", "new:"],
        ["7", "done"],
        ["cost", "2"],
    ]
    assert "9 of 9 inputs done (7 by earlier runs)" in musicai_there.here(*ECHO, "--no-report").stderr


def test_killed_three_times(musicai_there: Command) -> None:
    count = round(12 * SCALE)
    source, out = musicai_there.folder / "songs", musicai_there.folder / "out"
    make_songs(source, count)
    run = ("process", "folder", "music-ai/generate-chords", "songs", "out", "--keep-jobs")
    arguments = (*run, "--grace", "1", "--concurrency", "3")
    for goal in sorted(random.sample(range(1, count * 3 // 4), 3)):
        process = musicai_there.start(*arguments)
        wait_until(lambda: len(musicai_there.service.jobs()) >= goal)  # noqa: B023
        kill(process)
        assert process.returncode == -signal.SIGKILL
        print(f"killed at {goal} jobs", end="; ")
    done = musicai_there(*arguments)
    assert f"{count} of {count} inputs done" in done.stderr
    assert len(musicai_there.service.jobs()) == count
    assert len(list(out.glob("*/chords.json"))) == count
    assert not leftovers(out)


def test_a_killed_dask_worker(musicai_there: Command) -> None:
    count = round(8 * SCALE)
    source, out = musicai_there.folder / "in", musicai_there.folder / "out"
    tracks = make_tracks(source, count)
    musicai_there.service.add_fault("GET /cdn/*", delay=0.2, times=count)
    process = musicai_there.start(*ECHO, "--keep-jobs", "--dask", "local", "--grace", "1")
    wait_until(lambda: len(musicai_there.service.jobs()) >= 3)
    worker = max(_workers(process.pid))
    os.kill(worker, signal.SIGKILL)
    output, message = process.communicate(timeout=100)
    assert process.returncode == 0, (output, message)
    assert f"{count} of {count} inputs done" in message
    assert len(musicai_there.service.jobs()) == count
    results = [path.read_bytes() for path in out.rglob("file.wav")]
    assert sorted(results) == sorted(path.read_bytes() for path in tracks)
    assert not leftovers(out)


def _workers(parent: int) -> list[int]:
    """The processes that Dask has started for a command."""
    found = list[int]()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            status = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(status[1]) == parent and b"spawn_main" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def test_failures_are_listed_and_retried(musicai_there: Command) -> None:
    source = musicai_there.folder / "in"
    make_songs(source, 2)
    (source / "text.wav").write_text("no sound at all")
    (source / "empty.wav").touch()
    arguments = ("process", "folder", "music-ai/generate-chords", "in", "out", "--no-report")
    message = musicai_there.here(*arguments, code=1).stderr
    assert "2 of 3 inputs done, 1 failed, 1 rejected" in message
    assert "rejected: in/empty.wav: it is empty" in message
    assert message.count("failed: in/text.wav: BAD_INPUT: ") == 2, "when it happens, and at the end"
    assert "--retry-failed" in message
    (source / "empty.wav").unlink()
    assert musicai_there.here(*arguments, "--dry-run").stdout.splitlines() == [
        "        0  new",
        "        2  done before",
        "        1  failed before: skipped without --retry-failed or --retry-uncertain",
    ]
    message = musicai_there.here(*arguments, "--dry-run", "--retry-failed").stdout
    assert "1  failed before: retried" in message
    message = musicai_there.here(*arguments, "--retry-failed", code=1).stderr
    assert "tried 2 times" in message
    assert len(musicai_there.service.jobs()) == 2, "failed jobs are kept"


def test_fresh_asks_and_archives_the_ledger(musicai_there: Command) -> None:
    out = musicai_there.folder / "out"
    make_tracks(musicai_there.folder / "in", 3)
    assert "new ledger" not in musicai_there.here(*ECHO, "--keep-jobs", "--fresh").stderr
    assert "3  new" in musicai_there.here(*ECHO, "--fresh", "--dry-run").stdout
    musicai_there.here(*ECHO, "--keep-jobs", "--fresh", code=1, text="n\n")
    assert len(musicai_there.service.jobs()) == 3
    message = musicai_there.here(*ECHO, "--keep-jobs", "--fresh", text="y\n").stderr
    assert "paid for again" in message
    assert len(musicai_there.service.jobs()) == 6
    [old] = [path for path in out.glob(".musicai-batch.*.sqlite3") if path.name != LEDGER]
    assert str(old.name) in message
    for ledger in (old, out / LEDGER):
        with open_ledger(ledger) as view:
            assert view.counts() == {"verified": 3}
    musicai_there.here(*ECHO, "--keep-jobs", "--fresh", "--yes")
    assert len(musicai_there.service.jobs()) == 9


def test_a_limit_ends_the_run_and_a_greater_one_continues(musicai_there: Command) -> None:
    make_wavs(musicai_there.folder / "in", [30.0] * 6)
    priced = (*ECHO, "--price", "0.10/min + 0.01/job", "--no-report")
    limited = (*priced, "--max-jobs", "4")
    assert musicai_there.here(*limited, "--dry-run").stdout.splitlines()[1:] == [
        "     cost  6 jobs, 3.0 minutes of audio, a price of 0.36",
        "    limit  4 jobs, 2.0 minutes of audio, a price of 0.24; 2 jobs would wait",
    ]
    plan = json.loads(musicai_there.here(*limited, "--dry-run", "--json").stdout)
    assert (plan["waiting"], plan["cost"]) == (
        2,
        {"jobs": 4, "minutes": 2.0, "unmeasured": 0, "money": "0.24"},
    )
    done = musicai_there.here(*limited, code=6)
    assert "4 of 6 inputs done, 2 waiting for a higher limit in " in done.stderr
    assert "\npaid for 4 jobs, 2.0 minutes of audio, a price of 0.24\n" in done.stderr
    assert "\nmax_jobs=4 is reached: 2 inputs left; the same command with a higher limit" in done.stderr

    summary = musicai_there.here(*priced, "--max-cost", "0.30", "--json", code=6).values[-1]
    assert (summary["budget"], summary["waiting"]) == ("max_cost=0.30 is reached", 1)
    assert (summary["cost"], summary["total_cost"]["money"]) == (
        {"jobs": 1, "minutes": 0.5, "unmeasured": 0, "money": "0.06"},
        "0.3",
    )
    done = musicai_there.here(*ECHO)
    assert "paid for by all runs: 6 jobs, 3.0 minutes of audio, a price of 0.36" in done.stderr
    status = musicai_there.here("batch", "status", "out")
    assert "     cost  6 jobs, 3.0 minutes of audio, a price of 0.36\n" in status.stdout
    page = (musicai_there.folder / "out" / "report.html").read_text("utf-8")
    assert "<dt>Price of the jobs</dt><dd>0.36</dd>" in page


def test_a_limit_of_minutes_leaves_files_of_unknown_length(musicai_there: Command) -> None:
    make_tracks(musicai_there.folder / "in", 2)
    dry = musicai_there.here(*ECHO, "--dry-run", "--price", "1/min").stdout
    assert "cost  2 jobs, a price of at least 0, 2 with audio of unknown length\n" in dry
    done = musicai_there.here(*ECHO, "--max-minutes", "10", code=6)
    assert "2 inputs left because the length of the audio is unknown: pass it as audio_seconds" in done.stderr
    assert not musicai_there.service.jobs()


def test_events_as_json(musicai_there: Command) -> None:
    make_tracks(musicai_there.folder / "in", 3)
    done = musicai_there("--json", *ECHO)
    assert done.stderr == ""
    kinds = [value["kind"] for value in done.values]
    assert (kinds[0], kinds[-2], kinds[-1]) == ("started", "ended", "summary")
    states = [value["state"] for value in done.values if value["kind"] == "state"]
    assert sorted(set(states)) == sorted(
        ["seen", "uploaded", "creating", "created", "finished", "downloaded", "verified", "deleted"]
    )
    assert len(states) == 24
    summary = done.values[-1]
    assert (summary["done"], summary["failed"], summary["report"]) == (
        3,
        0,
        str(musicai_there.folder / "out" / "report.html"),
    )
    planned = musicai_there.here("--json", *ECHO, "--dry-run").values
    assert planned == [
        {
            **dict.fromkeys(
                ("new", "retried", "continued", "unanswered", "failed", "duplicates", "upload", "missing"), 0
            ),
            **{key: {"jobs": 0, "minutes": 0.0, "unmeasured": 0, "money": None} for key in ("total", "cost")},
            "waiting": 0,
            "finished": 3,
            "rejected": [],
        }
    ]


def test_a_closed_pipe_drains_the_run(musicai_there: Command) -> None:
    make_tracks(musicai_there.folder / "in", 40)
    musicai_there.service.add_fault("GET /cdn/*", delay=0.2, times=20)
    with musicai_there.start("--json", *ECHO, "--keep-jobs") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["kind"] == "started"
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == 1
    assert len(musicai_there.service.jobs()) < 40
    assert "40 of 40 inputs done" in musicai_there.here(*ECHO, "--keep-jobs").stderr
    assert len(musicai_there.service.jobs()) == 40


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT, signal.SIGINT]])
def test_signals(musicai_there: Command, signals: list[signal.Signals]) -> None:
    make_tracks(musicai_there.folder / "in", 24)
    musicai_there.service.add_fault("GET /cdn/*", delay=0.4, times=10)
    process = musicai_there.start(*ECHO, "--keep-jobs", "--concurrency", "6")
    assert process.stderr is not None
    wait_until(lambda: len(musicai_there.service.jobs()) >= 6)
    message = ""
    for number in signals:
        process.send_signal(number)
        if not message:
            while "Ctrl-C again stops at once" not in message:
                message = process.stderr.readline()
                assert message, "the command has ended"
    output, rest = rest_of(process)
    if len(signals) == 1:
        assert process.returncode == 130
        assert "Traceback" not in rest
        assert output == "out/report.html\n"
        assert re.search(r"ended early(, the same command|: .+ at the service, and the same command)", rest)
    else:
        # The second one may arrive while the interpreter ends (-2, which a shell calls 130 too), or interrupt the
        # closing of a connection, which is then left to the garbage collector: `-W error` makes that a warning.
        assert process.returncode in (130, -signal.SIGINT)
        assert "Traceback" not in rest.partition("Exception ignored in")[0]
        assert output == "" or process.returncode != 130
        assert "musicai: interrupted\n" in rest or process.returncode != 130
    assert "24 of 24 inputs done" in musicai_there.here(*ECHO, "--keep-jobs", "--grace", "1").stderr
    assert len(musicai_there.service.jobs()) == 24


def test_watch(musicai_there: Command) -> None:
    source, out = musicai_there.folder / "in", musicai_there.folder / "out"
    make_tracks(source, 2)
    process = musicai_there.start(*ECHO, "--watch", "--settle", "0.3", "--keep-jobs")
    wait_until(lambda: len(list(out.rglob("file.wav"))) == 2)
    make_tracks(source, 1, start=9)

    def verified() -> int:
        with open_ledger(out / LEDGER) as view:
            return view.counts().get("verified", 0)

    wait_until(lambda: verified() == 3)
    process.send_signal(signal.SIGINT)
    _output, message = process.communicate(timeout=20)
    assert process.returncode == 0, "Ctrl-C is the normal end"
    assert "3 inputs done" in message
    assert "ended early" not in message
    assert len(musicai_there.service.jobs()) == 3


def test_a_manifest_with_parameters(musicai_there: Command) -> None:
    make_tracks(musicai_there.folder, 2)
    (musicai_there.folder / "songs.csv").write_text(
        "input,name,n\npart 0/track 0.wav,first,1\npart 1/track 1.wav,second,2\n"
    )
    arguments = ["out" if each == "out" else "songs.csv" if each == "in" else each for each in ECHO]
    musicai_there.here(*arguments, "--keep-jobs", "--param", "s=x", "--concurrency", "1", "--uploads", "1")
    jobs = {job.name: job for job in musicai_there.service.jobs()}
    params = {name: job.workflow_params or {} for name, job in jobs.items()}
    assert {(name, each["n"], each["s"]) for name, each in params.items()} == {
        ("first", 1, "x"),
        ("second", 2, "x"),
    }
    assert (musicai_there.folder / "out" / "second" / "file.wav").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "out", "--watch"], "--watch needs a folder"),
        (["in", "out", "--watch", "--dask", "local"], "--watch runs in this process"),
        (["song.wav", "out", "--glob", "*.wav"], "--glob needs a folder"),
        (["in", "s3://bucket/results"], "need --ledger"),
        (["in", "out", "--concurrency", "0"], "--concurrency"),
        (["in", "out", "--param", "inputUrl=x"], "it takes the input"),
        (["in", "out"], "nothing to process"),
        (["nowhere", "out"], "there is no 'nowhere'"),
        (["nowhere", "out", "--dry-run"], "there is no 'nowhere'"),
        (["", "out"], "there is no ''"),
        (["foo://x/y", "out"], "can't read 'foo://x/y'"),
        (["in", "foo://x/y"], "can't write to 'foo://x/y'"),
        (["in", "out", "--settle", "nan"], "--settle"),
        (["in", "out", "--max-jobs", "-1"], "--max-jobs"),
        (["in", "out", "--max-minutes", "nan"], "'nan' is not a number of 0 or more"),
        (["in", "out", "--max-cost", "5"], "--max-cost needs --price"),
        (["in", "out", "--price", "0.05"], "write 0.05/min, 0.10/job"),
    ],
)
def test_wrong_usage(musicai_there: Command, arguments: list[str], message: str) -> None:
    (musicai_there.folder / "in").mkdir()
    (musicai_there.folder / "song.wav").touch()
    done = musicai_there.here("process", "folder", "sdk-test", *arguments, code=2)
    assert message in done.stderr
    assert done.stdout == ""
    assert not (musicai_there.folder / "out" / "report.html").exists()
