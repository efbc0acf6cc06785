"""Jobs that have succeeded and give nothing: they are kept, because deleting them would lose what was paid for."""

from __future__ import annotations

from pathlib import Path

from batch.support import echo, make_tracks, posts
from musicai_sdk.sandbox import Sandbox


def test_a_job_without_a_result_is_kept(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 3)
    sandbox.faults.add("POST /job", job_vanish="result", nth=2)
    report = echo(sandbox, tmp_path / "in", tmp_path / "out", max_attempts=1).run()
    assert report.progress.states == {"deleted": 2, "failed": 1}
    (failure,) = report.failures()
    (job,) = sandbox.jobs
    assert (failure.code, failure.job_id) == ("TransferError", job["id"])
    assert "gives no result" in failure.message
    assert len(list((tmp_path / "out").rglob("workflow.results.json"))) == 2
    # Asking again costs nothing: it is the same job.
    again = echo(sandbox, tmp_path / "in", tmp_path / "out", max_attempts=1, retry_failed=True).run()
    assert again.progress.states == {"deleted": 2, "failed": 1}
    assert posts(sandbox) == 3


def test_a_job_that_is_shown_late_is_not_paid_for_twice(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    sandbox.faults.add("GET /job", body=[], times=2)
    unseen = sandbox.faults.add("GET /job/{id}/status", status=404, times=2)
    batch = echo(sandbox, tmp_path / "in", tmp_path / "out", retry_failed=True, grace=30.0)
    assert batch.run().ok
    assert unseen.hits >= 1
    assert posts(sandbox) == 1


def test_a_job_that_somebody_deleted(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    sandbox.faults.add("GET /job", body=[])
    sandbox.faults.add("GET /job/{id}/status", status=404)
    report = echo(sandbox, tmp_path / "in", tmp_path / "out", grace=0.0).run()
    assert [failure.code for failure in report.failures()] == ["JOB_GONE"]
    assert posts(sandbox) == 1
