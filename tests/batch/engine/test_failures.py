"""A service that is unreachable, also for a while, fails no track."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch import Batch, Event, open_ledger
from musicai_sdk.errors import ConnectionFailedError, MusicAiError, NotFoundError
from musicai_sdk.sandbox import Sandbox
from support.batch import echo, make_tracks, posts

NOBODY = "http://127.0.0.1:9"
PAGE = "<html>We'll be back soon</html>"


def test_an_unreachable_service_ends_the_run_and_fails_no_track(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 5)

    def nobody() -> AsyncMusicAiClient:
        return AsyncMusicAiClient("key", base_url="http://127.0.0.1:9/v1", max_retries=0)

    run = Batch("sdk-test", tmp_path / "in", tmp_path / "out", input_name="file", connect=nobody)
    with pytest.raises(ConnectionFailedError):
        run.run()
    with open_ledger(run.ledger) as ledger:
        assert ledger.counts() == {"seen": 5}
    report = echo(sandbox, tmp_path / "in", tmp_path / "out").run()
    assert (report.ok, report.progress.done) == (True, 5)


def test_a_service_that_becomes_unreachable_is_awaited(sandbox: Sandbox, tmp_path: Path) -> None:
    first, second = make_tracks(tmp_path / "in", 2)
    told = list[Event]()
    created = threading.Event()

    def observe(event: Event) -> None:
        told.append(event)
        if event.state == "created":
            created.set()

    def songs() -> Iterator[Path]:
        # The second input comes when the job of the first one exists, so the service has answered before.
        yield first
        assert created.wait(30)
        yield second

    sandbox.faults.add("POST /job", nth=1, job_seconds=5)
    sandbox.faults.add("GET /upload", nth=2, refuse=4.0)
    run = echo(
        sandbox,
        songs(),
        tmp_path / "out",
        max_attempts=1,
        connect=lambda: sandbox.async_client(max_retries=1),
        on_event=observe,
    )
    report = run.run()
    assert (report.ok, report.progress.done, posts(sandbox)) == (True, 2, 2)
    assert any(event.kind == "retry" for event in told)


def test_a_wrong_base_url_ends_the_run_and_fails_no_track(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 5)

    def elsewhere() -> AsyncMusicAiClient:
        return AsyncMusicAiClient(sandbox.api_key, base_url=sandbox.base_url.replace("/v1", "/v9"))

    run = Batch("sdk-test", tmp_path / "in", tmp_path / "out", input_name="file", connect=elsewhere)
    with pytest.raises(NotFoundError, match="base URL"):
        run.run()
    with open_ledger(run.ledger) as ledger:
        assert ledger.counts() == {"seen": 5}


def test_an_unreachable_result_host_fails_only_its_track(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    sandbox.faults.add("GET /cdn/*", status=404)
    echo(sandbox, tmp_path / "in", tmp_path / "out", max_attempts=1).run()
    sandbox.faults.clear()
    (job,) = sandbox.jobs
    sandbox.faults.add(f"GET /job/{job['id']}", body={**job, "result": {"file": f"{NOBODY}/x.wav"}})
    for _ in range(2):
        # It is the first answer of the run.
        report = echo(sandbox, tmp_path / "in", tmp_path / "out", max_attempts=1).run()
        assert report.progress.states == {"failed": 1}
        assert [each.code for each in report.failures()] == ["ConnectionFailedError"]
    make_tracks(tmp_path / "in", 3, start=1)
    report = echo(sandbox, tmp_path / "in", tmp_path / "out", max_attempts=1).run()
    assert report.progress.states == {"failed": 1, "deleted": 3}
    sandbox.faults.clear()
    assert echo(sandbox, tmp_path / "in", tmp_path / "out").run().ok
    assert posts(sandbox) == 4


def test_an_unreachable_upload_host_ends_the_run(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 5)
    sandbox.faults.add("GET /upload", body={"uploadUrl": f"{NOBODY}/a", "downloadUrl": f"{NOBODY}/a"})
    run = echo(sandbox, tmp_path / "in", tmp_path / "out", max_attempts=1)
    with pytest.raises(ConnectionFailedError) as caught:
        run.run()
    assert caught.value.channel == "storage"
    with open_ledger(run.ledger) as ledger:
        assert ledger.counts() == {"seen": 5}
    sandbox.faults.clear()
    assert echo(sandbox, tmp_path / "in", tmp_path / "out").run().progress.done == 5


@pytest.mark.parametrize(
    ("route", "answer"),
    # After a web page or a redirect, the effect of a POST is unknown, so the run searches for its job.
    [("GET /upload", "page"), ("GET /upload", "redirect")],
)
def test_a_web_page_instead_of_the_service_ends_the_run_and_fails_no_track(
    route: str, answer: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    make_tracks(tmp_path / "in", 5)
    if answer == "page":
        sandbox.faults.add(route, status=200, body=PAGE)
    else:
        sandbox.faults.add(route, redirect="https://login.example/")
    run = echo(sandbox, tmp_path / "in", tmp_path / "out", uploads=1, max_attempts=2)
    with pytest.raises(MusicAiError, match="login"):
        run.run()
    with open_ledger(run.ledger) as ledger:
        assert not list(ledger.failures())
        assert set(ledger.counts()) <= {"seen", "uploaded"}
    sandbox.faults.clear()
    assert echo(sandbox, tmp_path / "in", tmp_path / "out").run().progress.done == 5


def test_a_web_page_for_one_track_fails_only_that_track(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 2)
    sandbox.faults.add("GET /upload", status=200, body=PAGE, delay=0.5, nth=1)
    sandbox.faults.add("GET /upload", status=200, body=PAGE, delay=4.0, nth=3)  # the other track continues
    report = echo(sandbox, tmp_path / "in", tmp_path / "out", uploads=1, max_attempts=2).run()
    assert report.progress.states == {"failed": 1, "deleted": 1}
    assert [each.code for each in report.failures()] == ["ResponseError"]


def test_a_temporary_web_page_is_retried(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 3)
    sandbox.faults.add("GET /upload", status=200, body=PAGE, times=2)
    assert echo(sandbox, tmp_path / "in", tmp_path / "out").run().progress.done == 3


def test_a_web_page_after_another_error(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    sandbox.faults.add("GET /upload", status=503, nth=1)
    sandbox.faults.add("GET /upload", status=200, body=PAGE, nth=2)
    run = echo(
        sandbox,
        tmp_path / "in",
        tmp_path / "out",
        max_attempts=2,
        connect=lambda: sandbox.async_client(max_retries=0),
    )
    assert [each.code for each in run.run().failures()] == ["ResponseError"]
