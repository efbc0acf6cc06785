"""What a run does with a track, and that the dry run predicts it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk.batch import Batch, Event, Plan, plan
from musicai_sdk.batch.engine.decide import PAYS, Standing, decide, repeats_post, resumed
from musicai_sdk.batch.errors import JOB_GONE, SOURCE_GONE
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.batch.ledger.states import FETCHABLE, OPEN, SAFE, STATES, TABLE, State
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.sandbox import Sandbox
from support.batch import echo, in_ledger, make_tracks, posts

CODES = (None, SOURCE_GONE, JOB_GONE, "BAD_INPUT", "TransferError")
STANDINGS = [
    *(Standing(state) for state in STATES if state != "failed"),
    *(
        Standing("failed", code, resume_at)
        for code in CODES[1:]
        for resume_at in ("seen", "uploaded", *FETCHABLE)
        # `SOURCE_GONE` occurs before the upload, `JOB_GONE` after the creation.
        if not (resume_at in FETCHABLE and code in (SOURCE_GONE, JOB_GONE, "BAD_INPUT"))
    ),
]
"""Every combination of the properties of a track."""


CHOICES = [
    RunOptions(slug="", wire_input="", out="", keep_jobs=keep, retry_failed=failed, retry_uncertain=uncertain)
    for keep, failed, uncertain in itertools.product((True, False), repeat=3)
]


@pytest.mark.parametrize("options", CHOICES)
def test_only_requested_actions_pay(options: RunOptions) -> None:
    assert decide(None, options, in_inputs=True) == "create"
    for stands in STANDINGS:
        for in_inputs in (True, False):
            action = decide(stands, options, in_inputs=in_inputs)
            info = TABLE[stands.state]
            if info.safe or info.fetchable or stands.resume_at in FETCHABLE:
                assert action not in PAYS
            if action in PAYS and stands.state == "failed":
                assert in_inputs
                assert options.retry_failed or stands.error_code == SOURCE_GONE
            if stands.state == "uncertain":
                assert (action in PAYS) == options.retry_uncertain
            if info.owed:
                assert action in ("continue", "find", "retry")


@pytest.mark.parametrize("options", CHOICES)
@pytest.mark.parametrize("state", OPEN)
@pytest.mark.parametrize("uncertain_before", [True, False])
def test_a_post_is_repeated_only_with_proof_or_on_request(
    state: State, options: RunOptions, uncertain_before: bool
) -> None:
    retried = options.retry_uncertain
    absent = repeats_post(state, options, absent=True, uncertain_before=uncertain_before)
    assert absent == (state == "creating" or retried)
    # Without proof, a request to retry applies only to what the user has seen.
    unproven = repeats_post(state, options, absent=False, uncertain_before=uncertain_before)
    assert unproven == (retried and uncertain_before)


@pytest.mark.parametrize("options", CHOICES)
@pytest.mark.parametrize("state", SAFE)
def test_missing_results_are_fetched_from_a_kept_job_and_never_paid_again(
    state: State, options: RunOptions
) -> None:
    for in_inputs in (True, False):
        action = decide(Standing(state), options, in_inputs=in_inputs, missing=True)
        assert action == ("continue" if "deleted" in TABLE[state].next else "leave")


@pytest.mark.parametrize("options", CHOICES)
def test_the_ledger_selects_the_tracks_that_a_run_continues(options: RunOptions, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite3", "slug", "input")
    with ledger.transaction() as db:
        for number, stands in enumerate(STANDINGS):
            db.execute(
                "INSERT INTO tracks (key, state, source, content, params, folder, sample, error_code, resume_at,"
                " attempts, bytes_downloaded) VALUES (?, ?, 's', 'c', '{}', ?, '0', ?, ?, 0, 0)",
                [str(number), stands.state, str(number), stands.error_code, stands.resume_at],
            )
    given = {int(track.key) for track in ledger.unfinished(options)}
    ledger.close()
    wanted = ("retry", "continue", "find", "clean_up")
    assert given == {
        number
        for number, stands in enumerate(STANDINGS)
        if decide(stands, options, in_inputs=False) in wanted
    }
    assert "deleted" not in resumed(options)


def stood(batch: Batch, path: Path, stands: Standing, sandbox: Sandbox) -> None:
    """Moves a finished track to another state, with a job at the service only if the state has one."""
    columns: dict[str, Any] = {
        "state": stands.state,
        "error_code": stands.error_code,
        "resume_at": stands.resume_at,
    }
    here = {stands.state, stands.resume_at} & {*FETCHABLE, *SAFE}
    if not here:
        with sandbox.client() as client:
            (job,) = [job for job in client.jobs.list() if job.name == path.stem]
            client.jobs.delete(job)
        if stands.state not in ("creating", "uncertain"):
            columns |= {"idempotency_key": None, "creating_at": None}
        if stands.error_code != JOB_GONE:
            columns["job_id"] = None
    names = ", ".join(f"{name} = ?" for name in columns)
    in_ledger(batch, f"UPDATE tracks SET {names} WHERE source = ?", *columns.values(), str(path))


def told(found: Plan) -> dict[str, int]:
    return {name: getattr(found, name) for name in ("new", "retried", "continued", "finished", "failed")}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("retry_failed", "retry_uncertain"), list(itertools.product((True, False), repeat=2))
)
@pytest.mark.parametrize("met", ["all", "half"])
def test_the_plan_predicts_what_the_run_pays(
    met: str, retry_failed: bool, retry_uncertain: bool, sandbox: Sandbox, tmp_path: Path
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    options: dict[str, Any] = {"retry_failed": retry_failed, "retry_uncertain": retry_uncertain}
    paths = make_tracks(source, 2 * len(STANDINGS))
    batch = echo(sandbox, source, out, keep_jobs=True)
    assert batch.run().ok
    for number, path in enumerate(paths):
        stood(batch, path, STANDINGS[number // 2], sandbox)
    new = make_tracks(tmp_path / "more", 1, start=1000)
    inputs = [*(paths if met == "all" else paths[::2]), *new]
    found = plan("sdk-test", inputs, out, input_name="file", **options)
    before = posts(sandbox)
    events = list[Event]()
    echo(sandbox, inputs, out, keep_jobs=True, grace=0.0, on_event=events.append, **options).run()
    assert found.new > 1
    # No job of a lost POST exists, so all of them are sent again.
    assert posts(sandbox) - before == found.new + found.retried + found.unanswered, told(found)
    after = plan("sdk-test", inputs, out, input_name="file", **options)
    assert (after.new, after.continued) == (0, 0)


def test_a_lost_post_whose_job_exists_costs_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 2)
    batch = echo(sandbox, source, out, keep_jobs=True)
    assert batch.run().ok
    states: list[State] = ["creating", "uncertain"]
    for number, state in enumerate(states):
        in_ledger(batch, "UPDATE tracks SET state = ?, job_id = NULL WHERE rowid = ?", state, number + 1)
    found = plan("sdk-test", source, out, input_name="file", retry_uncertain=True)
    assert told(found) == {"new": 0, "retried": 1, "continued": 1, "finished": 0, "failed": 0}
    before = posts(sandbox)
    assert echo(sandbox, source, out, keep_jobs=True, retry_uncertain=True).run().ok
    assert posts(sandbox) == before
