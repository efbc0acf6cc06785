"""POSTs whose answers are lost: the searches before they are sent again."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from musicai_sdk import AsyncMusicAiClient, CustomWorkflow
from musicai_sdk.batch import Batch, Event
from musicai_sdk.sandbox import Sandbox
from support.batch import echo, in_ledger, lost_post, make_tracks, posts, wait_until
from support.job_service import JobService, plain_pages, serving


def others(sandbox: Sandbox, path: Path, count: int) -> list[str]:
    """Newer jobs of another program with the same workflow, the newest last."""
    with sandbox.client() as client:
        url = client.files.upload(path).url
        return [client.jobs.create(CustomWorkflow("sdk-test", {"file": url})).id for _ in range(count)]


def pages(sandbox: Sandbox, since: int) -> list[str]:
    """The requested pages of the whole list, as `number/size`. Polls request the jobs of one workflow."""
    asked = sandbox.requests[since:]
    return [
        "/".join(part.partition("=")[2] for part in entry.query.split("&")[-2:])
        for entry in asked
        if (entry.method, entry.path) == ("GET", "/v1/job") and "workflow=" not in entry.query
    ]


def test_each_lost_answer_takes_one_search(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    sandbox.faults.add("POST /job", reset="before", nth=1, times=2)
    events = list[Event]()
    batch = echo(
        sandbox, tmp_path / "in", tmp_path / "out", grace=0.0, retry_uncertain=True, on_event=events.append
    )
    assert batch.run().ok
    asked = [(entry.method, entry.path) for entry in sandbox.requests]
    assert posts(sandbox) == 3
    last = max(index for index, what in enumerate(asked) if what == ("POST", "/v1/job"))
    # One search of the run after each lost answer.
    assert asked[:last].count(("GET", "/v1/job")) == 2
    assert [event.state for event in events if event.kind == "state"].count("uncertain") == 2
    assert sandbox.jobs == []


def test_an_uncertain_track_reports_the_search(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    sandbox.faults.add("POST /job", reset="before", nth=1)
    report = echo(sandbox, tmp_path / "in", tmp_path / "out", grace=0.0).run()
    (failure,) = report.failures()
    assert (failure.state, failure.code) == ("uncertain", "CreateUncertainError")
    assert "the service lists no such job" in failure.message
    assert "--retry-uncertain" in failure.message


def test_a_job_on_a_later_page_while_others_are_deleted(sandbox: Sandbox, tmp_path: Path) -> None:
    """The job moves up to the first page after that page was read."""
    (path,) = make_tracks(tmp_path / "in", 1)
    lost_post(sandbox, tmp_path / "in", tmp_path / "out")
    newer = others(sandbox, path, 100)
    batch = echo(sandbox, tmp_path / "in", tmp_path / "out", grace=0.0)
    in_ledger(batch, "UPDATE tracks SET state = 'creating'")
    sent, since = posts(sandbox), len(sandbox.requests)
    slow = sandbox.faults.add("GET /job", delay=0.7, nth=2)

    def delete_one() -> None:
        wait_until(lambda: slow.calls == 2)
        with sandbox.client() as client:
            client.jobs.delete(newer[-1])

    deleting = threading.Thread(target=delete_one)
    deleting.start()
    report = batch.run()
    deleting.join()
    assert slow.hits == 1
    assert report.ok
    assert posts(sandbox) == sent
    assert pages(sandbox, since)[:3] == ["0/100", "1/100", "0/100"]


def test_a_job_that_is_on_no_page_is_absent(sandbox: Sandbox, tmp_path: Path) -> None:
    (path,) = make_tracks(tmp_path / "in", 1)
    lost_post(sandbox, tmp_path / "in", tmp_path / "out")
    with sandbox.client() as client:
        for job in client.jobs.list():
            client.jobs.delete(job)
    others(sandbox, path, 101)
    batch = echo(sandbox, tmp_path / "in", tmp_path / "out", grace=0.0)
    in_ledger(batch, "UPDATE tracks SET state = 'creating'")
    sent, since = posts(sandbox), len(sandbox.requests)
    assert batch.run().ok
    assert posts(sandbox) == sent + 1
    walked = [page for page in pages(sandbox, since) if page.endswith(("/100", "/87"))]
    assert walked[:4] == ["0/100", "1/100", "0/100", "1/100"]


def test_a_clock_that_was_days_ahead_at_the_post(sandbox: Sandbox, tmp_path: Path) -> None:
    """By the ledger's time the POST left after jobs that are older than the list's newest, and newer than its job."""
    (path,) = make_tracks(tmp_path / "in", 1)
    lost_post(sandbox, tmp_path / "in", tmp_path / "out")
    others(sandbox, path, 1)
    batch = echo(sandbox, tmp_path / "in", tmp_path / "out", grace=0.0)
    in_ledger(batch, "UPDATE tracks SET state = 'creating', creating_at = ?", time.time())
    sandbox.clock.advance(10)
    others(sandbox, path, 1)
    sent = posts(sandbox)
    assert batch.run().ok
    assert posts(sandbox) == sent


def test_a_list_that_leaves_out_jobs_that_exist_proves_nothing(tmp_path: Path) -> None:
    """It shows only jobs that have ended."""
    songs = [f"https://songs/{number}.wav" for number in range(3)]
    with serving(JobService()) as service:
        service.status = "STARTED"
        service.paging = lambda jobs, page, size: plain_pages(
            [job for job in jobs if job["status"] == "SUCCEEDED"], page, size
        )
        batch = Batch(
            "sdk-test",
            songs,
            tmp_path,
            input_name="file",
            poll_interval=0.2,
            grace=0.5,
            max_attempts=1,
            job_timeout=1.0,
            connect=lambda: AsyncMusicAiClient("key", base_url=service.base_url, max_retries=0),
        )
        batch.run()
        assert len(service.posts) == 3
        # As if it had been killed before the answer to one POST was on the disk.
        in_ledger(
            batch,
            "UPDATE tracks SET state = 'creating', job_id = NULL WHERE rowid = 2",
        )
        report = batch.run()
        assert len(service.posts) == 3
        failure = next(each for each in report.failures() if each.state == "uncertain")
        assert "exists but isn't listed" in failure.message
        for job in service.jobs:
            job["status"] = "SUCCEEDED"
        assert batch.run().ok
        assert len(service.posts) == 3
