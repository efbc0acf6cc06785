"""Jobs that have succeeded without usable results are kept, because deleting them would lose paid results."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from musicai_sdk.batch import Batch, Report, open_ledger
from musicai_sdk.sandbox import Sandbox
from support.batch import echo, make_tracks, posts
from support.job_service import JobService, plain_pages, quick_run, serving


def test_a_job_without_a_result_is_kept(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 3)
    sandbox.faults.add("POST /job", job_vanish="result", nth=2)
    report = echo(sandbox, tmp_path / "in", tmp_path / "out", max_attempts=1).run()
    assert report.progress.states == {"deleted": 2, "failed": 1}
    (failure,) = report.failures()
    (job,) = sandbox.jobs
    assert (failure.code, failure.job_id) == ("RESULT_MISSING", job["id"])
    assert "returns no result" in failure.message
    assert len(list((tmp_path / "out").rglob("workflow.results.json"))) == 2
    # Fetching the same job again costs nothing.
    again = echo(sandbox, tmp_path / "in", tmp_path / "out", max_attempts=1, retry_failed=True).run()
    assert again.progress.states == {"deleted": 2, "failed": 1}
    assert posts(sandbox) == 3


def test_a_job_that_appears_late_is_not_paid_twice(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    sandbox.faults.add("GET /job", body=[], times=2)
    unseen = sandbox.faults.add("GET /job/{id}/status", status=404, times=2)
    batch = echo(sandbox, tmp_path / "in", tmp_path / "out", retry_failed=True, grace=30.0)
    assert batch.run().ok
    assert unseen.hits >= 1
    assert posts(sandbox) == 1


def test_a_job_deleted_by_somebody_else_fails_the_track(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    sandbox.faults.add("GET /job", body=[])
    sandbox.faults.add("GET /job/{id}/status", status=404)
    report = echo(sandbox, tmp_path / "in", tmp_path / "out", grace=0.0).run()
    assert [failure.code for failure in report.failures()] == ["JOB_GONE"]
    assert posts(sandbox) == 1


def test_a_single_404_does_not_count_as_gone(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    sandbox.faults.add("GET /job", body=[])
    wrong = sandbox.faults.add("GET /job/{id}/status", status=404, times=1)
    assert echo(sandbox, tmp_path / "in", tmp_path / "out", grace=0.0).run().ok
    assert (wrong.hits, posts(sandbox)) == (1, 1)


def test_a_single_404_during_the_download_does_not_count_as_gone(sandbox: Sandbox, tmp_path: Path) -> None:
    batch = unfetched(sandbox, tmp_path)
    wrong = sandbox.faults.add("GET /job/{id}", status=404, times=1)
    assert batch().run().ok
    assert (wrong.hits, posts(sandbox)) == (1, 1)


def test_a_reappearing_job_is_not_paid_again(sandbox: Sandbox, tmp_path: Path) -> None:
    """The service is asked, which costs nothing, until it answers, before anything is paid again."""
    batch = unfetched(sandbox, tmp_path)
    sandbox.faults.add("GET /job/{id}", status=404)
    sandbox.faults.add("GET /job", body=[])
    (failure,) = batch().run().failures()
    assert failure.code == "JOB_GONE"
    sandbox.faults.clear()
    sandbox.faults.add("GET /job/{id}", status=500, times=2)
    impatient = partial(sandbox.async_client, max_retries=0)
    again = batch(retry_failed=True, connect=impatient, max_attempts=2).run()
    assert ([each.code for each in again.failures()], posts(sandbox)) == (["JOB_GONE"], 1)
    assert batch(retry_failed=True).run().ok
    assert (posts(sandbox), sandbox.jobs) == (1, [])


def test_a_gone_job_is_paid_again_only_on_request(sandbox: Sandbox, tmp_path: Path) -> None:
    batch = unfetched(sandbox, tmp_path)
    with sandbox.client() as client:
        client.jobs.delete(str(sandbox.jobs[0]["id"]))
    assert [each.code for each in batch().run().failures()] == ["JOB_GONE"]
    assert batch().run().progress.states == {"failed": 1}
    assert posts(sandbox) == 1
    assert batch(retry_failed=True).run().ok
    assert posts(sandbox) == 2


def test_a_kept_job_without_local_results_is_not_deleted(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 3)
    run = partial(echo, sandbox, tmp_path / "in", tmp_path / "out")
    first = run(keep_jobs=True).run()
    assert first.progress.states == {"verified": 3}
    gone, other = sorted((tmp_path / "out").rglob("file.wav"))[:2]
    before = gone.read_bytes(), other.read_bytes()
    shutil.rmtree(gone.parent)
    other.write_bytes(other.read_bytes().upper())
    since = len(sandbox.requests)
    assert run().run().progress.states == {"deleted": 3}
    assert (gone.read_bytes(), other.read_bytes()) == before
    fetched = [entry.path for entry in sandbox.requests[since:] if "/cdn/" in entry.path]
    assert len(fetched) == 2, "stored results aren't fetched again"
    assert (posts(sandbox), sandbox.jobs) == (3, [])


def test_a_kept_job_stays_if_its_results_cannot_be_fetched_again(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    run = partial(echo, sandbox, tmp_path / "in", tmp_path / "out", max_attempts=1)
    assert run(keep_jobs=True).run().ok
    next((tmp_path / "out").rglob("file.wav")).unlink()
    sandbox.faults.add("GET /cdn/*", status=404)
    assert run().run().progress.states == {"failed": 1}
    assert len(sandbox.jobs) == 1
    sandbox.faults.clear()
    assert run().run().progress.states == {"deleted": 1}
    assert next((tmp_path / "out").rglob("file.wav")).stat().st_size


def test_a_listed_job_is_not_gone(tmp_path: Path) -> None:
    with serving(JobService()) as service:
        service.unknown = 1_000_000

        def run(**options: Any) -> Report:
            return Batch("slug", ["https://songs/1.wav"], tmp_path, **quick_run(service), **options).run()

        for _ in range(2):
            assert [each.code for each in run(retry_failed=True).failures()] == ["StillListedError"]
        service.unknown = 0
        assert run().ok
        assert len(service.posts) == 1


def test_a_listed_job_is_not_gone_during_the_download(sandbox: Sandbox, tmp_path: Path) -> None:
    batch = unfetched(sandbox, tmp_path)
    sandbox.faults.add("GET /job/{id}", status=404)
    (failure,) = batch(max_attempts=1).run().failures()
    assert failure.code == "StillListedError"
    sandbox.faults.clear()
    assert batch().run().ok
    assert posts(sandbox) == 1


def gone(service: JobService, out: Path) -> Callable[..., Report]:
    """Runs that continue with a track whose job counts as gone."""

    def run(**options: Any) -> Report:
        return Batch("slug", ["https://songs/1.wav"], out, **quick_run(service), **options).run()

    service.status = "STARTED"
    assert not run(job_timeout=0).ok
    (job,), service.jobs = service.jobs, []
    assert [each.code for each in run().failures()] == ["JOB_GONE"]
    service.jobs = [job]
    return run


def test_a_job_that_counted_as_gone_but_is_listed(tmp_path: Path) -> None:
    with serving(JobService()) as service:
        run = gone(service, tmp_path)
        service.unknown = 1_000_000
        service.jobs[0]["status"] = "SUCCEEDED"
        assert [each.code for each in run(retry_failed=True).failures()] == ["StillListedError"]
        service.unknown = 0
        assert run().ok
        assert len(service.posts) == 1


def test_a_list_that_proves_nothing(tmp_path: Path) -> None:
    with serving(JobService()) as service:
        run = gone(service, tmp_path)
        service.jobs.clear()
        service.add_others(3)
        service.paging = lambda jobs, _page, _size: jobs  # the same page, without an end
        assert [each.code for each in run(retry_failed=True).failures()] == ["JOB_GONE"]
        assert len(service.posts) == 1
        service.paging, service.status = plain_pages, "SUCCEEDED"
        assert run(retry_failed=True).ok
        assert len(service.posts) == 2


def test_a_failed_job_that_has_succeeded_since(tmp_path: Path) -> None:
    with serving(JobService()) as service:
        service.status = "FAILED"

        def run(**options: Any) -> Report:
            return Batch("slug", ["https://songs/1.wav"], tmp_path, **quick_run(service), **options).run()

        assert [each.code for each in run().failures()] == ["FAILED"]
        service.jobs[0]["status"] = "SUCCEEDED"
        report = run(retry_failed=True, max_jobs=1)
        assert (report.ok, len(service.posts)) == (True, 1)
        with open_ledger(report.ledger) as ledger:
            assert [(each.number, each.outcome) for each in ledger.attempts()] == [(1, "succeeded")]


def unfetched(sandbox: Sandbox, tmp_path: Path) -> partial[Batch]:
    """Runs that continue with a succeeded job whose results couldn't be fetched."""
    make_tracks(tmp_path / "in", 1)
    run = partial(echo, sandbox, tmp_path / "in", tmp_path / "out", grace=0.0)
    sandbox.faults.add("GET /cdn/*", status=404)
    assert run(max_attempts=1).run().progress.states == {"failed": 1}
    sandbox.faults.clear()
    return run
