"""Runs without faults, and runs in which single tracks fail."""

from __future__ import annotations

import asyncio
import csv
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import soundfile

from conftest import SONGS
from musicai_sdk.batch import Batch, Event, Folder, Input, Manifest, open_ledger
from musicai_sdk.errors import AuthenticationError, InputError, NotFoundError
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine.task import Output, Task
from musicai_sdk.workflows import FileInput, GenerateChords, Workflow, param
from support.batch import echo, leftovers, make_tracks, posts


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_a_folder(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    paths = make_tracks(tmp_path / "in", 24)
    (tmp_path / "in" / "cover.jpg").write_bytes(b"no track")
    events = list[Event]()
    batch = echo(sandbox, tmp_path / "in", out, on_event=events.append)
    report = batch.run()

    assert report.ok
    assert not report.failures()
    assert (report.progress.done, report.progress.known, report.progress.states) == (24, 24, {"deleted": 24})
    assert report.progress.bytes_uploaded == sum(path.stat().st_size for path in paths)
    assert posts(sandbox) == 24
    assert not sandbox.jobs
    assert not leftovers(out)
    for path in paths:
        folder = out / path.relative_to(tmp_path / "in").with_suffix("")
        assert (folder / "file.wav").read_bytes() == path.read_bytes()
        assert json.loads((folder / "workflow.results.json").read_text()) == {"file": "./file.wav"}
    states = Counter(event.state for event in events if event.kind == "state")
    life = ("seen", "uploaded", "creating", "created", "finished", "downloaded", "verified", "deleted")
    assert states == dict.fromkeys(life, 24)
    assert [events[0].kind, events[-1].kind] == ["started", "ended"]
    assert all(json.loads(json.dumps(event.to_dict())) for event in events)
    with open_ledger(report.ledger) as ledger:
        assert ledger.workflow == "sdk-test"
        assert not list(ledger.check(out))
        assert {stage.count for stage in ledger.durations().values()} == {24}
        assert all(track.job_id and len(outputs) == 2 for track, outputs in ledger.tracks())


def test_lists_instead_of_polls(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    make_tracks(tmp_path / "in", 40)
    sandbox.faults.add("POST /job", job_seconds=1)
    echo(sandbox, tmp_path / "in", out, in_flight=40).run()
    asked = Counter(
        f"{entry.method} {'/v1/job' if entry.path == '/v1/job' else 'one'}"
        for entry in sandbox.requests
        if entry.path.startswith("/v1/job")
    )
    # One by one, each of the 40 would need five requests. Waits for the first and the last job may poll their short
    # status. Each job is fetched once when it has ended, because a list may leave parts out.
    assert 40 <= asked["GET one"] < 60
    assert asked["GET one"] + asked["GET /v1/job"] < 100


def test_a_second_run_does_nothing(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    paths = make_tracks(tmp_path / "in", 8)
    echo(sandbox, tmp_path / "in", out).run()
    before = len(sandbox.requests)
    paths[0].rename(paths[0].with_name("renamed.wav"))
    (tmp_path / "in" / "copy.wav").write_bytes(paths[1].read_bytes())
    report = echo(sandbox, tmp_path / "in", out).run()
    assert (report.progress.known, report.progress.skipped, report.progress.done) == (9, 9, 9)
    assert len(sandbox.requests) == before
    make_tracks(tmp_path / "in", 1, start=100)
    assert echo(sandbox, tmp_path / "in", out).run().progress.done == 10
    assert posts(sandbox) == 9


def test_equal_contents_share_a_job(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in "abcdef":
        (tmp_path / "in" / f"{name}.wav").write_bytes(b"the same")
    report = echo(sandbox, tmp_path / "in", out).run()
    assert report.ok
    assert posts(sandbox) == 1
    assert report.progress.done + report.progress.duplicates == 6
    with open_ledger(report.ledger) as ledger:
        assert len({folder for _, folder in ledger.inputs()}) == 1
        assert len(list(ledger.inputs())) == 6


def test_parameters_make_other_tracks(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    path = make_tracks(tmp_path, 1)[0]
    inputs = [Input(str(path), {"level": level}) for level in (1, 2, 2)]
    report = echo(sandbox, inputs, out, params={"fixed": True}, keep_jobs=True).run()
    assert report.ok
    params: list[Any] = [job["workflowParams"] for job in sandbox.jobs]
    assert sorted((each["level"], each["fixed"]) for each in params) == [(1, True), (2, True)]
    assert (out / "track 0").is_dir()
    assert (out / "track 0 (2)").is_dir()


def test_keep_jobs_keeps_jobs(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    make_tracks(tmp_path / "in", 5)
    report = echo(sandbox, tmp_path / "in", out, keep_jobs=True).run()
    assert report.progress.states == {"verified": 5}
    assert len(sandbox.jobs) == 5
    report = echo(sandbox, tmp_path / "in", out).run()
    assert (report.progress.states, report.progress.done) == ({"deleted": 5}, 5)
    assert not sandbox.jobs
    assert posts(sandbox) == 5


def test_result_folders_are_safe_and_unique(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    paths = make_tracks(tmp_path / "in", 4)
    names = ["../../escape", "CON", "con", "a/../b?"]
    report = echo(
        sandbox, [Input(str(path), name=name) for path, name in zip(paths, names, strict=True)], out
    ).run()
    assert report.ok
    assert sorted(
        path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_dir() and path != out
    ) == ["_CON", "_con (2)", "a", "a/b_", "escape"]
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


def test_manifests(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    make_tracks(tmp_path, 4)
    with (tmp_path / "songs.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ["path", "level", "name"],
                ["part 0/track 0.wav", "3", ""],
                ["part 1/track 1.wav", "high", "own/name"],
                ["part 2/track 2.wav", "1"],
                ["", "1", "x"],
                ["part 3/missing.wav", "", ""],
            ]
        )
    report = echo(sandbox, tmp_path / "songs.csv", out, keep_jobs=True).run()
    assert (report.progress.done, report.progress.rejected, report.ok) == (2, 3, False)
    params: list[Any] = [job["workflowParams"] for job in sandbox.jobs]
    assert {each["level"] for each in params} == {3, "high"}
    assert (out / "own/name/file.wav").is_file()
    assert (out / "part 0/track 0/file.wav").is_file()
    with open_ledger(report.ledger) as ledger:
        reasons = {Path(rejected.source).name: rejected.reason for rejected in ledger.rejected()}
    assert reasons["songs.csv line 4"] == "it has 2 columns, and the header has 3"
    assert reasons["songs.csv line 5"] == "it has no input, path or url"
    assert "No such file" in reasons["missing.wav"]

    lines = [
        '{"path": "part 0/track 0.wav", "level": 3}',
        "{broken",
        "[]",
        '{"path": "part 3/track 3.wav"}',
        "",
    ]
    (tmp_path / "songs.jsonl").write_text("\n".join(lines))
    report = echo(sandbox, Manifest(tmp_path / "songs.jsonl"), out, keep_jobs=True).run()
    assert (report.progress.done, report.progress.skipped, report.progress.rejected) == (2, 1, 2)
    with open_ledger(report.ledger) as ledger:
        assert [each.source.rpartition(" ")[2] for each in ledger.rejected()] == ["2", "3"]


def test_urls_are_not_uploaded(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    with sandbox.client() as client:
        urls = [client.files.upload(path).url for path in make_tracks(tmp_path, 3)]
    assert "Signature" in urls[0]
    report = echo(sandbox, urls, out).run()
    assert report.ok
    assert report.progress.bytes_uploaded == 0
    again = [url.replace("Signature=", "Signature=other") for url in urls]
    assert echo(sandbox, again, out).run().progress.skipped == 3
    with open_ledger(report.ledger) as ledger:
        assert all("Signature" not in track.source for track, _ in ledger.tracks())


def test_a_blocking_iterator_does_not_block_the_run(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    first, second = make_tracks(tmp_path, 2)
    arrived = threading.Event()

    def watch() -> Iterator[Path]:
        yield first
        assert arrived.wait(30)
        yield second

    def on_event(event: Event) -> None:
        if event.state == "verified":
            arrived.set()

    assert echo(sandbox, watch(), out, on_event=on_event).run().progress.done == 2


def test_a_drain_does_not_wait_for_a_blocking_iterator(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    path = make_tracks(tmp_path, 1)[0]
    forever = threading.Event()

    def watch() -> Iterator[Path]:
        yield path
        forever.wait(60)

    def on_event(event: Event) -> None:
        if event.state == "deleted":
            batch.drain()

    batch = echo(sandbox, watch(), out, on_event=on_event)
    began = time.monotonic()
    report = batch.run()
    assert (report.progress.done, report.progress.draining, report.ok) == (1, True, False)
    assert time.monotonic() - began < 20
    forever.set()


def test_songs_with_a_workflow_class(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    for number, song in enumerate(sorted(SONGS.glob("*.ogg"))):
        samples, rate = soundfile.read(song, frames=8 * 48_000)
        soundfile.write(tmp_path / f"song {number}.wav", samples, rate)
    connect = sandbox.async_client
    report = Batch(GenerateChords, Folder(tmp_path, recursive=False), out, connect=connect).run()
    assert report.ok
    assert all(json.loads(path.read_text()) for path in out.rglob("chords.json"))
    assert len(list(out.rglob("chords.json"))) == report.progress.done == 4
    by_slug = Batch("music-ai/generate-chords", Folder(tmp_path, recursive=False), out, connect=connect).run()
    assert by_slug.progress.skipped == 4, "a class and its slug mean the same tracks"


class Louder(Workflow[Any], slug="acme/louder"):
    song: FileInput
    level: float = param("Level dB", default=3.0)


def test_a_class_checks_its_parameters(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    @sandbox.workflow("acme/louder")
    def louder(task: Task) -> dict[str, Output]:
        return {"level": task.params["Level dB"], "song": task.fetch("song")}

    path = str(make_tracks(tmp_path, 1)[0])
    rows = [
        Input(path),
        Input(path, {"level": "loud"}),
        Input(path, {"pitch": 1}),
        Input(path, {"level": 2.0}),
    ]
    report = Batch(Louder, rows, out, connect=sandbox.async_client).run()
    assert (report.progress.done, report.progress.rejected) == (2, 2)
    with pytest.raises(InputError, match="Louder has no parameter 'input'"):
        Batch(Louder, rows, out, input_name="input")


def test_a_failed_track_stops_no_other_and_can_be_retried_alone(
    sandbox: Sandbox, tmp_path: Path, out: Path
) -> None:
    make_tracks(tmp_path / "in", 10)
    sandbox.faults.add("POST /job", nth=3, times=2, job_error="BAD_INPUT")
    sandbox.faults.add("POST /job", nth=6, status=422)
    report = echo(sandbox, tmp_path / "in", out, keep_jobs=True).run()
    assert report.progress.states == {"verified": 7, "failed": 3}
    failures = report.failures()
    assert sorted(failure.code for failure in failures) == ["BAD_INPUT", "BAD_INPUT", "UNPROCESSABLE_ENTITY"]
    assert all(failure.attempts == 1 and failure.message for failure in failures)

    before = posts(sandbox)
    assert echo(sandbox, tmp_path / "in", out, keep_jobs=True).run().progress.failed == 3
    assert posts(sandbox) == before, "only on request"
    report = echo(sandbox, tmp_path / "in", out, keep_jobs=True, retry_failed=True).run()
    assert report.ok
    assert posts(sandbox) == before + 3
    assert len(sandbox.jobs) == 12


def test_results_that_cannot_be_fetched_cost_no_second_job(
    sandbox: Sandbox, tmp_path: Path, out: Path
) -> None:
    make_tracks(tmp_path / "in", 2)
    fault = sandbox.faults.add("GET /cdn/*", status=404)
    report = echo(sandbox, tmp_path / "in", out, max_attempts=1).run()
    assert {failure.code for failure in report.failures()} == {"TransferError"}
    assert all(failure.job_id for failure in report.failures())
    sandbox.faults.remove(fault.id)
    assert echo(sandbox, tmp_path / "in", out, retry_failed=True).run().ok
    assert posts(sandbox) == 2


def test_temporary_errors_are_retried(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    make_tracks(tmp_path / "in", 3)
    sandbox.faults.add("GET /upload", status=503, times=2)
    events = list[Event]()
    impatient = partial(sandbox.async_client, max_retries=0)
    report = echo(sandbox, tmp_path / "in", out, on_event=events.append, connect=impatient).run()
    assert report.ok
    assert [event.attempts for event in events if event.kind == "retry"] == [1, 1]
    assert posts(sandbox) == 3


def test_a_failed_poll_is_reported_and_fails_no_track(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    make_tracks(tmp_path / "in", 3)
    sandbox.faults.add("GET /job*", status=503, times=2)
    events = list[Event]()
    impatient = partial(sandbox.async_client, max_retries=0)
    assert echo(sandbox, tmp_path / "in", out, on_event=events.append, connect=impatient).run().ok
    told = [event.message for event in events if event.kind == "warning"]
    assert [("a poll failed" in message) for message in told] == [True, True]


def test_an_old_upload_is_sent_again(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    make_tracks(tmp_path / "in", 3)
    report = echo(sandbox, tmp_path / "in", out, upload_lifetime=0).run()
    assert report.ok
    assert sum(entry.path == "/v1/upload" for entry in sandbox.requests) == 6
    assert posts(sandbox) == 3


def test_errors_that_all_tracks_would_get_end_the_run(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    make_tracks(tmp_path / "in", 30)
    with pytest.raises(AuthenticationError):
        echo(sandbox, tmp_path / "in", out, connect=partial(sandbox.async_client, api_key="wrong")).run()
    with pytest.raises(NotFoundError, match="no-such"):
        Batch("no-such", tmp_path / "in", tmp_path / "other", connect=sandbox.async_client).run()
    assert posts(sandbox) <= 10
    assert echo(sandbox, tmp_path / "in", out).run().progress.done == 30


def test_on_a_running_loop(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    make_tracks(tmp_path / "in", 3)

    async def main() -> None:
        batch = echo(sandbox, tmp_path / "in", out)
        report = await batch.run_async()
        assert report.ok
        assert batch.progress == report.progress or batch.progress.done == 3

    asyncio.run(main())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"retry_failed": "false"}, "retry_failed must be True or False, not 'false'"),
        ({"retry_uncertain": 0}, "retry_uncertain must be True or False"),
        ({"keep_jobs": "no"}, "keep_jobs must be True or False"),
        ({"adopt": "false"}, "adopt must be True or False"),
        ({"in_flight": "3"}, "in_flight must be a whole number"),
        ({"uploads": 2.5}, "uploads must be a whole number"),
        ({"downloads": True}, "downloads must be a whole number"),
        ({"max_attempts": None}, "max_attempts must be a whole number"),
        ({"shards": "2"}, "shards must be a whole number or None"),
        ({"grace": "1"}, "grace must be a number"),
        ({"grace": float("nan")}, "grace must be 0 or more seconds"),
        ({"job_timeout": "5"}, "job_timeout must be a number or None"),
        ({"params": 3}, "params must map names to values"),
        ({"input_name": 3}, "input_name must be the name of a parameter"),
        ({"on_event": 3}, "on_event must be a function"),
        ({"connect": 3}, "connect must be a function"),
        ({"executor": 3}, r"executor must be a concurrent\.futures\.Executor"),
    ],
)
def test_options_of_another_type(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    """As a configuration file has them. A true string in place of False would pay again."""
    with pytest.raises(InputError, match=message):
        Batch("sdk-test", [], tmp_path / "out", **options)
    assert list(tmp_path.iterdir()) == []
