"""Results that an earlier run recorded, and that are missing in the next run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from musicai_sdk.batch import Batch, Event, plan
from musicai_sdk.sandbox import Sandbox
from support.batch import echo, make_tracks, posts


def rename(path: Path) -> None:
    path.rename(path.with_name("renamed.wav"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def remove_all(path: Path) -> None:
    shutil.rmtree(path.parent)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [rename, cut, folder, Path.unlink, remove_all])
def test_the_report_lists_missing_results(
    sandbox: Sandbox, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    tracks = make_tracks(tmp_path / "in", 3)
    run = partial(echo, sandbox, tmp_path / "in", tmp_path / "out")
    assert run().run().ok
    gone = tmp_path / "out" / "part 1" / "track 1" / "file.wav"
    kept = {path.name: path.read_bytes() for path in gone.parent.iterdir()}
    damage(gone)
    warnings = list[str]()

    def note(event: Event) -> None:
        if event.kind == "warning":
            warnings.append(event.message)

    report = run(on_event=note).run()
    progress = report.progress
    assert (report.ok, progress.missing, progress.skipped, progress.done) == (False, 1, 3, 2)
    (found,) = report.damaged()
    assert (found.source, found.folder) == (str(tracks[1]), "part 1/track 1")
    assert str(gone.parent) in found.reason
    (warning,) = warnings
    assert "the results of 1 inputs" in warning
    assert "put the files back" in warning
    planned = plan("sdk-test", tmp_path / "in", tmp_path / "out", input_name="file")
    assert (planned.new, planned.continued, planned.finished, planned.missing) == (0, 0, 2, 1)
    shutil.rmtree(gone.parent, ignore_errors=True)
    gone.parent.mkdir()
    for name, content in kept.items():
        (gone.parent / name).write_bytes(content)
    planned = plan("sdk-test", tmp_path / "in", tmp_path / "out", input_name="file")
    assert (planned.new, planned.continued, planned.finished, planned.missing) == (0, 0, 3, 0)
    again = run().run()
    assert (again.ok, again.progress.missing, again.damaged()) == (True, 0, [])
    assert posts(sandbox) == 3


def test_only_inputs_of_this_run_count(sandbox: Sandbox, tmp_path: Path) -> None:
    first, second = make_tracks(tmp_path / "in", 2)
    assert echo(sandbox, [first, second], tmp_path / "out").run().ok
    (tmp_path / "out" / "track 0" / "file.wav").unlink()
    reports = [echo(sandbox, each, tmp_path / "out").run() for each in (first, second)]
    assert [report.ok for report in reports] == [False, True]


def test_a_renamed_input_without_its_results(sandbox: Sandbox, tmp_path: Path) -> None:
    (path,) = make_tracks(tmp_path / "in", 1)
    assert echo(sandbox, path, tmp_path / "out").run().ok
    other = path.rename(path.with_name("renamed.wav"))
    next((tmp_path / "out").rglob("file.wav")).unlink()
    report = echo(sandbox, other, tmp_path / "out").run()
    assert (report.ok, report.progress.missing, posts(sandbox)) == (False, 1, 1)


def test_results_are_fetched_again_from_a_kept_job(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 2)
    run = partial(echo, sandbox, tmp_path / "in", tmp_path / "out", keep_jobs=True)
    assert run().run().ok
    gone = sorted((tmp_path / "out").rglob("file.wav"))[0]
    before = gone.read_bytes()
    gone.unlink()
    planned = plan("sdk-test", tmp_path / "in", tmp_path / "out", input_name="file")
    assert (planned.new, planned.continued, planned.finished, planned.missing) == (0, 1, 1, 0)
    report = run().run()
    assert (report.ok, report.progress.states, gone.read_bytes()) == (True, {"verified": 2}, before)
    assert (posts(sandbox), len(sandbox.jobs)) == (2, 2)


@pytest.mark.parametrize("keep_jobs", [True, False])
def test_a_deleted_job_is_not_paid_again(sandbox: Sandbox, tmp_path: Path, *, keep_jobs: bool) -> None:
    make_tracks(tmp_path / "in", 2)
    run = partial(echo, sandbox, tmp_path / "in", tmp_path / "out", retry_failed=True, grace=0.1)
    assert run(keep_jobs=True).run().ok
    gone = sorted((tmp_path / "out").rglob("file.wav"))[0]
    before = gone.read_bytes()
    gone.unlink()
    with sandbox.client() as client:
        for job in client.jobs.list():
            client.jobs.delete(job)
    for _ in range(2):
        report = run(keep_jobs=keep_jobs).run()
        assert (report.ok, report.progress.missing, report.progress.done) == (False, 1, 1)
        assert [str(gone) in each.reason for each in report.damaged()] == [True]
    gone.write_bytes(before)
    assert run(keep_jobs=keep_jobs).run().ok
    assert posts(sandbox) == 2


def test_shards_check_for_missing_results(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSIC_AI_API_KEY", sandbox.api_key)
    monkeypatch.setenv("MUSIC_AI_BASE_URL", sandbox.base_url)
    make_tracks(tmp_path / "in", 3)
    with ThreadPoolExecutor(2) as executor:
        run = partial(
            Batch,
            "sdk-test",
            tmp_path / "in",
            tmp_path / "out",
            input_name="file",
            executor=executor,
            poll_interval=0.2,
        )
        assert run(keep_jobs=True).run().ok
        gone = sorted((tmp_path / "out").rglob("file.wav"))[0]
        gone.unlink()
        assert run(keep_jobs=True).run().ok
        assert gone.exists()
        assert run().run().ok
        gone.unlink()
        report = run().run()
        assert (report.ok, report.progress.missing, len(report.damaged())) == (False, 1, 1)
    assert (posts(sandbox), sandbox.jobs) == (3, [])
