"""`musicai job …`: exit codes that say whether everything is here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.test_app import Musicai
from musicai_sdk.sandbox import Sandbox
from support.job_service import JobService, serving


@pytest.mark.parametrize(
    ("value", "code"), [("gs://bucket/vocals.wav", 1), ("/files/vocals.wav", 1), ("4/4", 0)]
)
def test_download_of_a_result_that_cannot_be_fetched(
    sandbox: Sandbox, tmp_path: Path, value: str, code: int
) -> None:
    body = {"id": "j", "status": "SUCCEEDED", "result": {"vocals": value, "bpm": "120"}}
    sandbox.faults.add("GET /job/{id}", body=body)
    musicai = Musicai(sandbox, tmp_path)
    musicai("job", "download", "j", "out", code=code)
    assert ("can't be downloaded: 'vocals'" in musicai.stderr) == bool(code)
    assert (tmp_path / "out" / "workflow.results.json").exists()


@pytest.fixture
def ignoring() -> Iterator[JobService]:
    """A service that ignores the filters of its list."""
    service = JobService()
    for number, (workflow, status, fields) in enumerate(
        [
            ("acme/stems", "SUCCEEDED", {"batchName": "a"}),
            ("acme/chords", "SUCCEEDED", {"batchName": "b"}),
            ("acme/chords", "FAILED", dict[str, str]()),
            ({"id": "27803abe", "name": "Stems"}, "STARTED", {"batchName": "a"}),
            (None, "QUEUED", dict[str, str]()),
        ]
    ):
        service.deliver(
            {"workflow": workflow, "name": str(number)}, id=f"job-{number}", status=status, **fields
        )
    with serving(service):
        yield service


@pytest.mark.parametrize(
    ("filters", "deleted", "unseen"),
    [
        (["--workflow", "acme/stems"], {"job-0"}, 2),
        (["--workflow", "Stems"], {"job-0"}, 2),
        (["--workflow", "acme/stem"], set[str](), 3),
        (["--status", "FAILED"], {"job-2"}, 0),
        (["--batch", "a"], {"job-0", "job-3"}, 2),
        (["--batch", "a", "--status", "started"], {"job-3"}, 0),
        (["--status", "QUEUED", "--status", "STARTED"], {"job-3", "job-4"}, 0),
        (["--all"], {"job-0", "job-1", "job-2", "job-3", "job-4"}, 0),
    ],
)
def test_only_jobs_that_show_that_they_match_are_deleted(
    sandbox: Sandbox,
    ignoring: JobService,
    tmp_path: Path,
    filters: list[str],
    deleted: set[str],
    unseen: int,
) -> None:
    musicai = Musicai(sandbox, tmp_path)
    musicai(
        *("job", "delete", *filters, "--yes"), code=1 if unseen else 0, MUSIC_AI_BASE_URL=ignoring.base_url
    )
    assert set(ignoring.deleted) == deleted
    assert (f"{unseen} listed jobs, such as job-" in musicai.stderr) == bool(unseen)


def test_a_list_of_jobs_that_do_not_match_is_a_warning(
    sandbox: Sandbox, ignoring: JobService, tmp_path: Path
) -> None:
    musicai = Musicai(sandbox, tmp_path)
    printed = musicai("job", "list", "--workflow", "acme/stems", MUSIC_AI_BASE_URL=ignoring.base_url)
    assert len(printed.splitlines()) == len(ignoring.jobs)
    assert "don't match the filters (workflow=['acme/stems'])" in musicai.stderr
