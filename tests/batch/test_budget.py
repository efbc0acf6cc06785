"""Budgets: what all runs of a ledger may pay for, and how a run reports it."""

from __future__ import annotations

import itertools
import pickle
import signal
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk.batch import (
    Batch,
    Event,
    Input,
    Manifest,
    Plan,
    Price,
    Report,
    Watch,
    open_ledger,
    plan,
    write_report,
)
from musicai_sdk.batch.engine import scheduler
from musicai_sdk.errors import InputError
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import GenerateChords
from support.batch import Service, echo, kill, leftovers, make_tracks, make_wavs, posts, wait_until

LEDGER = ".musicai-batch.sqlite3"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def at_home(running: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    for name, value in running.variables.items():
        monkeypatch.setenv(name, value)
    return running


def planned(inputs: Any, out: Path, **options: Any) -> Plan:
    return plan("sdk-test", inputs, out, input_name="file", **options)


def shape(report: Report) -> tuple[int, int, int]:
    """The numbers of done and waiting inputs, and of the ledger's paid jobs."""
    return report.progress.done, report.progress.waiting, report.total_cost.jobs


def test_a_run_stops_at_max_jobs_and_a_greater_one_continues(
    sandbox: Sandbox, tmp_path: Path, out: Path
) -> None:
    make_tracks(tmp_path / "in", 30)
    events = list[Event]()
    report = echo(sandbox, tmp_path / "in", out, max_jobs=10, on_event=events.append).run()
    assert (shape(report), posts(sandbox)) == ((10, 20, 10), 10)
    assert not report.ok
    assert not report.failures()
    assert report.progress.budget == "max_jobs=10 is reached"
    assert report.progress.complete
    assert not sandbox.jobs, "jobs under way are completed"
    assert [event.message for event in events if event.kind == "budget"] == [
        "max_jobs=10 is reached: jobs under way are completed, and the other inputs wait for a run with a higher limit"
    ]

    before = len(sandbox.requests)
    report = echo(sandbox, tmp_path / "in", out, max_jobs=10).run()
    assert shape(report) == (10, 20, 10)
    assert len(sandbox.requests) - before <= 1, "for the application; nothing is uploaded needlessly"
    report = echo(sandbox, tmp_path / "in", out, max_jobs=0).run()
    assert (shape(report), posts(sandbox)) == ((10, 20, 10), 10)

    report = echo(sandbox, tmp_path / "in", out, max_jobs=30).run()
    assert (shape(report), posts(sandbox)) == ((30, 0, 30), 30)
    assert report.ok, "the limit is used up, and nothing waits"
    assert (report.cost.jobs, report.total_cost.jobs) == (20, 30)
    assert not leftovers(out)


def test_new_files_are_not_read_once_the_limit_is_reached(
    sandbox: Sandbox, tmp_path: Path, out: Path
) -> None:
    paths = make_tracks(tmp_path / "in", 3)
    assert echo(sandbox, paths, out, max_jobs=3).run().ok
    paths[0].rename(tmp_path / "renamed.wav")
    (tmp_path / "new.wav").write_bytes(b"RIFF another content")
    inputs = [tmp_path / "renamed.wav", *paths[1:], tmp_path / "new.wav"]
    report = echo(sandbox, inputs, out, max_jobs=3).run()
    assert (report.progress.done, report.progress.waiting) == (3, 1), "a renamed file costs nothing"
    with open_ledger(out / LEDGER) as view:
        assert sum(view.counts().values()) == 3, "an upload that no job can follow would be useless"


def test_minutes_and_money(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    make_wavs(tmp_path / "in", [6.0] * 10)
    prices = {"sdk-test": Price(per_minute="0.1", per_job=Decimal("0.001")), "another": Price(per_job=9)}
    limits: dict[str, Any] = {"prices": prices, "max_minutes": 0.35}
    expected = planned(tmp_path / "in", out, **limits)
    assert (expected.total.jobs, expected.total.minutes, expected.total.money) == (10, 1.0, Decimal("0.11"))
    assert (expected.cost.jobs, expected.waiting, expected.cost.money) == (3, 7, Decimal("0.033"))
    report = echo(sandbox, tmp_path / "in", out, in_flight=3, **limits).run()
    assert (shape(report), report.progress.budget) == ((3, 7, 3), "max_minutes=0.35 is reached")
    assert report.cost == expected.cost
    assert "0.033" in write_report(report.ledger).read_text("utf-8")

    limits = {"prices": prices, "max_cost": "0.05"}
    expected = planned(tmp_path / "in", out, **limits)
    assert (expected.cost.jobs, expected.waiting) == (1, 6)
    report = echo(sandbox, tmp_path / "in", out, **limits).run()
    assert (shape(report), report.cost) == ((4, 6, 4), expected.cost)
    report = echo(sandbox, tmp_path / "in", out).run()
    assert report.ok
    assert report.total_cost.money == Decimal("0.11"), "the latest price is in the ledger"
    assert planned(tmp_path / "in", out).total.jobs == 0
    make_wavs(tmp_path / "more", [60.0])
    expected = planned(tmp_path / "more", out)
    assert (expected.total.money, expected.cost.money) == (Decimal("0.101"), Decimal("0.101"))
    assert echo(sandbox, tmp_path / "more", out).run().cost == expected.cost


def test_an_unknown_length_is_never_guessed(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    known, unknown = make_wavs(tmp_path / "in", [6.0, 600.0]), make_tracks(tmp_path / "in", 2)
    prices = {"sdk-test": Price(per_minute=0.1)}
    expected = planned([*known, *unknown], out, prices=prices)
    assert (expected.total.jobs, expected.total.unmeasured) == (4, 2)
    assert (expected.total.minutes, expected.total.money) == (10.1, Decimal("1.01"))
    events = list[Event]()
    limits: dict[str, Any] = {"max_minutes": 1, "on_event": events.append}
    report = echo(sandbox, [*unknown, known[1], known[0]], out, **limits).run()
    assert (shape(report), report.progress.unmeasured) == ((1, 3, 1), 2)
    assert (report.progress.budget, report.ok) == ("", False)
    reasons = {Path(event.source).name: event.message for event in events if event.kind == "budget"}
    assert reasons["song 001.wav"] == "it alone needs more than max_minutes=1"
    assert "length of its audio is unknown, and max_minutes would need it" in reasons["track 0.wav"]

    lengths = [Input(str(path), audio_seconds=3.0) for path in unknown]
    report = echo(sandbox, [*lengths, *known], out, **limits).run()
    assert (shape(report), report.progress.unmeasured) == ((3, 1, 3), 0)
    assert report.total_cost.minutes == pytest.approx(0.2)


def test_a_manifest_has_lengths(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    file = make_wavs(tmp_path, [6.0])[0]
    manifest = tmp_path / "songs.csv"
    manifest.write_text(
        f"input,audio_seconds,level\nhttps://example.invalid/1.wav,90,1\n{file.name},50,2\n"
        "https://example.invalid/2.wav,long,3\nhttps://example.invalid/3.wav,,4\n"
    )
    expected = planned(Manifest(manifest), out)
    assert (expected.total.jobs, expected.total.unmeasured, expected.total.minutes) == (3, 1, 1.6)
    assert [each.reason for each in expected.rejected] == [
        "its audio_seconds must be a number of seconds above 0, not 'long'"
    ]
    report = echo(sandbox, Manifest(manifest), out).run()
    with open_ledger(report.ledger) as view:
        assert {track.params for track, _ in view.tracks()} == {f'{{"level":{level}}}' for level in (1, 2, 4)}
        assert {each.audio_ms for each in view.attempts()} == {6000, 90_000, None}, (
            "the file's length takes precedence"
        )


def test_retried_jobs_count(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    make_tracks(tmp_path / "in", 4)
    sandbox.faults.add("POST /job", job_error="INTERNAL_ERROR", times=3)
    limits: dict[str, Any] = {"max_jobs": 5, "in_flight": 1}
    report = echo(sandbox, tmp_path / "in", out, **limits).run()
    assert (report.progress.done, report.progress.failed, report.total_cost.jobs) == (1, 3, 4)
    assert planned(tmp_path / "in", out, max_jobs=5, retry_failed=True).waiting == 2
    report = echo(sandbox, tmp_path / "in", out, retry_failed=True, **limits).run()
    assert (shape(report), report.progress.failed) == ((2, 2, 5), 2), "a waiting track is still failed"
    report = echo(sandbox, tmp_path / "in", out, retry_failed=True, max_jobs=7).run()
    assert (shape(report), report.ok) == ((4, 0, 7), True)


def test_a_refused_request_costs_nothing_and_a_lost_answer_does(
    sandbox: Sandbox, tmp_path: Path, out: Path
) -> None:
    make_tracks(tmp_path / "in", 6)
    sandbox.faults.add("POST /job", status=400, nth=1)
    sandbox.faults.add("POST /job", reset="after", nth=2)
    report = echo(sandbox, tmp_path / "in", out, max_jobs=3, in_flight=1).run()
    assert report.total_cost.jobs == 3
    with open_ledger(report.ledger) as view:
        assert sorted(each.outcome for each in view.attempts()) == ["refused", *["succeeded"] * 3]
    sandbox.faults.clear()
    sandbox.faults.add("POST /job", reset="after", nth=1)
    sandbox.faults.add("GET /job", body=[], times=100)
    report = echo(sandbox, tmp_path / "in", out, max_jobs=4, grace=0.0).run()
    assert report.progress.states["uncertain"] == 1
    sandbox.faults.clear()
    report = echo(sandbox, tmp_path / "in", out, max_jobs=4).run()
    assert (report.progress.done, report.total_cost.jobs) == (4, 4), "the job was found"


def test_a_watch_ends_at_its_limit(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    make_tracks(tmp_path / "in", 3)
    report = echo(sandbox, Watch(tmp_path / "in", settle=0.1), out, max_jobs=2).run()
    assert (shape(report), report.progress.complete) == ((2, 1, 2), False)


def test_an_endless_source_ends_at_its_limit(
    sandbox: Sandbox, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "_PATIENCE", 0.5)  # instead of half a minute
    inputs = (f"https://example.invalid/{number}.wav" for number in itertools.count())
    report = echo(sandbox, inputs, out, max_jobs=2).run()
    assert (report.total_cost.jobs, report.progress.complete) == (2, False)
    assert report.progress.waiting > 0


def test_concurrent_tracks_share_the_limit(sandbox: Sandbox, tmp_path: Path, out: Path) -> None:
    make_tracks(tmp_path / "in", 60)
    report = echo(sandbox, tmp_path / "in", out, max_jobs=7, in_flight=50, uploads=20).run()
    assert (shape(report), posts(sandbox)) == ((7, 53, 7), 7)


@pytest.mark.timeout(200)
def test_killed_five_times(running: Service, tmp_path: Path, out: Path) -> None:
    make_tracks(tmp_path / "in", 30)
    options: dict[str, Any] = {"keep_jobs": True, "max_jobs": 24, "in_flight": 2}
    for number in range(5):
        process = running.start(tmp_path / "in", out, die_at=["creating", 3], **options)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL, number
        with open_ledger(out / LEDGER) as view:
            assert view.cost().jobs <= 24
    progress = running.run(tmp_path / "in", out, **options)
    assert (progress["done"], progress["waiting"]) == (24, 6)
    assert progress["budget"] == "max_jobs=24 is reached"
    assert len(running.jobs()) == 24


def test_shards_share_the_limit(at_home: Service, tmp_path: Path, out: Path) -> None:
    make_tracks(tmp_path / "in", 24)
    events = list[Event]()
    with ThreadPoolExecutor(3) as executor:

        def run(**options: Any) -> Report:
            return Batch(
                "sdk-test", tmp_path / "in", out, input_name="file", executor=executor, shards=3, in_flight=12,
                poll_interval=0.2, grace=1.0, keep_jobs=True, **options,
            ).run()  # fmt: skip

        report = run(max_jobs=10, on_event=events.append)
        assert (shape(report), report.progress.budget) == ((10, 14, 10), "max_jobs=10 is reached")
        assert len(at_home.jobs()) == 10
        assert sum(event.kind == "budget" for event in events) == 1
        assert shape(run(max_jobs=11)) == (11, 13, 11)
        report = run(max_jobs=24)
        assert (shape(report), report.ok) == ((24, 0, 24), True)
    assert len(at_home.jobs()) == 24
    assert not leftovers(out)


def test_shards_that_die_never_exceed_the_limit(running: Service, tmp_path: Path, out: Path) -> None:
    make_tracks(tmp_path / "in", 24)
    options: dict[str, Any] = {"keep_jobs": True, "max_jobs": 9}
    process = running.start(tmp_path / "in", out, dask=2, **options)
    wait_until(lambda: len(running.jobs()) >= 3, 60, process=process)
    kill(process)
    progress = running.run(tmp_path / "in", out, **options)
    assert (progress["done"], progress["waiting"], len(running.jobs())) == (9, 15, 9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_jobs": -1}, "max_jobs must be a whole number of 0 or more"),
        ({"max_jobs": 1.5}, "max_jobs must be a whole number"),
        ({"max_jobs": True}, "max_jobs must be a whole number"),
        ({"max_minutes": -0.1}, "max_minutes must be a number of 0 or more"),
        ({"max_minutes": 1e12}, "max_minutes must be a number of 0 or more, below 1,000,000,000,000"),
        ({"max_minutes": float("nan")}, "max_minutes must be a number"),
        ({"max_cost": 5}, "max_cost needs the price of music-ai/generate-chords"),
        ({"max_cost": "five", "prices": {GenerateChords: Price(per_job=1)}}, "max_cost must be a number"),
        ({"prices": {GenerateChords: 0.05}}, r"must be Price\(per_minute=…\)"),
        ({"prices": {3: Price(per_job=1)}}, "prices must map workflow classes or slugs"),
        ({"prices": [(GenerateChords, Price(per_job=1))]}, "prices must map workflow classes or slugs"),
        ({"prices": "0.05/min"}, "prices must map workflow classes or slugs"),
        ({"max_minutes": "1e-9999999"}, "max_minutes must have at most 100 decimal places"),
    ],
)
def test_wrong_limits(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    for use in (Batch, plan):
        with pytest.raises(InputError, match=message):
            use(GenerateChords, [], tmp_path / "out", **options)


def test_prices() -> None:
    assert Price(per_minute=0.1).per_minute == Decimal("0.1")
    assert Price.parse("0.05/min + 0.10/job") == Price(per_minute="0.05", per_job="0.10")
    for price in (
        Price(per_job="2E+3"),
        Price(per_minute="1E-7"),
        Price(per_minute=0),
        Price(per_minute=1, per_job=3),
    ):
        assert Price.parse(str(price)) == pickle.loads(pickle.dumps(price)) == price
    for text in ("", "0.05", "0.05/hour", "x/min", "1/min+2/min", "-1/job", "nan/min", "/min"):
        with pytest.raises(InputError):
            Price.parse(text)
    with pytest.raises(InputError, match="per_minute= or per_job="):
        Price()


def test_a_class_has_the_price_of_its_slug(sandbox: Sandbox, tmp_path: Path) -> None:
    make_wavs(tmp_path / "in", [30.0])
    for key in (GenerateChords, GenerateChords.slug):
        found = plan(GenerateChords, tmp_path / "in", tmp_path / "out", prices={key: Price(per_minute=1)})
        assert found.cost.money == Decimal("0.5")
