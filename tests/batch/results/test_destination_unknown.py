"""Results in the output folder that the ledger doesn't know: a track with such results isn't paid for again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from musicai_sdk.batch import LedgerError, archive
from musicai_sdk.sandbox import Sandbox
from support.batch import echo, make_tracks, posts

LEDGER = ".musicai-batch.sqlite3"
CLAIM = ".musicai-batch.ledger"

LOST: dict[str, Callable[[Path, bytes], object]] = {
    "removed": lambda claim, _old: claim.unlink(),
    "blank": lambda claim, _old: claim.write_bytes(bytes(1024)),
    "restored too": lambda claim, old: claim.write_bytes(old),
}


@pytest.mark.parametrize("how", LOST)
def test_an_older_ledger_whose_claim_does_not_show_it(how: str, sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 1)
    assert echo(sandbox, source, out).run().ok
    old, old_claim = (out / LEDGER).read_bytes(), (out / CLAIM).read_bytes()
    make_tracks(source, 5)
    assert echo(sandbox, source, out).run().ok
    before = {path: path.read_bytes() for path in out.rglob("*.*") if path.is_file() and path.parent != out}
    (out / LEDGER).write_bytes(old)
    LOST[how](out / CLAIM, old_claim)
    for _ in range(2):
        with pytest.raises(LedgerError, match=r"results of '.*track \d.wav'.*adopt=True \(--adopt\)"):
            echo(sandbox, source, out).run()
    assert posts(sandbox) == 5
    # The one that the older ledger knows isn't paid for again, and all results stay.
    assert echo(sandbox, source, out, adopt=True).run().ok
    assert posts(sandbox) == 9
    assert {path: path.read_bytes() for path in before} == before
    assert len(list(out.rglob("file.wav"))) == 9
    assert echo(sandbox, source, out).run().progress.skipped == 5
    assert posts(sandbox) == 9


def test_results_of_an_archived_ledger_are_paid_for_again(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 2)
    assert echo(sandbox, source, out).run().ok
    archive(out / LEDGER)
    make_tracks(source, 1)
    assert echo(sandbox, source, out).run().ok
    assert echo(sandbox, source, out).run().ok
    assert posts(sandbox) == 4


def test_a_retry_in_the_folder_of_its_own_results(sandbox: Sandbox, tmp_path: Path) -> None:
    """The job is gone after the run has stored its results, but before the ledger had them."""
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 1)
    sandbox.faults.add("GET /cdn/*", status=404)
    assert not echo(sandbox, source, out, max_attempts=1).run().ok
    (out / "part 0" / "track 0").mkdir(parents=True, exist_ok=True)
    (out / "part 0" / "track 0" / "workflow.results.json").write_text("{}")
    with sandbox.client() as client:
        client.jobs.delete(str(sandbox.jobs[0]["id"]))
    sandbox.faults.clear()
    assert [each.code for each in echo(sandbox, source, out, grace=0.0).run().failures()] == ["JOB_GONE"]
    assert echo(sandbox, source, out, retry_failed=True).run().ok
    assert (posts(sandbox), len(list(out.rglob("file.wav")))) == (2, 1)
