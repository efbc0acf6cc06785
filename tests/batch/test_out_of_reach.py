"""A service that isn't there, or isn't there for a while: no track's fault."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch.support import echo, make_tracks, posts
from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch import Batch, Event, open_ledger
from musicai_sdk.errors import ConnectionFailedError, NotFoundError
from musicai_sdk.sandbox import Sandbox


def test_a_service_that_is_not_there_ends_the_run_and_fails_no_track(
    sandbox: Sandbox, tmp_path: Path
) -> None:
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


def test_a_service_that_goes_away_is_waited_for(sandbox: Sandbox, tmp_path: Path) -> None:
    first, second = make_tracks(tmp_path / "in", 2)
    told = list[Event]()
    created = threading.Event()

    def observe(event: Event) -> None:
        told.append(event)
        if event.state == "created":
            created.set()

    def songs() -> Iterator[Path]:
        # The second one comes when the first one's job is made, and not through: the service has been reached.
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
