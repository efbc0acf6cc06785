"""The display of a run: its picture, its lines, and when `Batch` shows them."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from musicai_sdk.batch import Batch, Event, InFlight, Progress
from musicai_sdk.batch.progress.formatting import printable, rate, shortened
from musicai_sdk.batch.progress.lines import Lines
from musicai_sdk.batch.progress.phrases import activity
from musicai_sdk.batch.progress.screen import Frame, Screen
from musicai_sdk.errors import InputError
from musicai_sdk.sandbox import Sandbox
from support.batch import Service, echo, make_tracks
from support.cli import Command, plain

PROGRESS = Progress(
    states={},
    known=1300,
    complete=True,
    done=640,
    failed=3,
    skipped=12,
    duplicates=7,
    rejected=1,
    bytes_uploaded=310_000_000,
    bytes_downloaded=12_000_000,
    seconds=300.0,
    rate=2.1,
    eta=340.0,
    draining=False,
    active=(
        InFlight("/music/one.wav", "seen", 990.0, 450, 1000),
        InFlight("/music/" + "long " * 40 + "name.wav", "created", 995.0),
        *(InFlight(f"/music/{number}.wav", "finished", 999.0) for number in range(20)),
    ),
)


def drawn(progress: Progress, width: int = 90, height: int = 16) -> list[str]:
    console = Console(record=True, width=width, height=height, file=io.StringIO(), force_terminal=True)
    console.print(Frame(progress, 1000.0))
    return console.export_text().splitlines()


def test_the_screen() -> None:
    lines = drawn(PROGRESS)
    assert lines[0].endswith(" 50 % 640 of 1,300 3 failed")
    assert lines[0].count("━") + lines[0].count("╸") + lines[0].count("╺") == 40
    assert (
        lines[1] == "  2.1/s · 6 min left · 22 in flight · 310 MB up · 12 MB down · 12 done before · 7 dup…"
    )
    assert re.fullmatch(r"  uploading    10 s /music/one\.wav  45 %\s*", lines[2])
    assert re.fullmatch(r"  processing  5\.0 s …[ long]+name\.wav\s*", lines[3])
    assert lines[-1] == "  and 12 more"
    assert max(map(len, lines)) <= 90
    assert len(lines) == 13


def test_the_screen_in_other_states() -> None:
    assert not drawn(replace(PROGRESS, known=0, done=0, failed=0, duplicates=0, active=()))[0].startswith(
        "━" * 41
    )
    assert "left" not in "".join(drawn(replace(PROGRESS, draining=True)))
    assert drawn(replace(PROGRESS, complete=False, eta=None))[0].endswith("640 of 1,300 so far 3 failed")
    ended = drawn(replace(PROGRESS, done=1290, active=(), rate=0.0, eta=None))
    assert ended[0].startswith("━" * 40 + " 100 % 1,290 of 1,300")
    waiting = replace(PROGRESS, known=650, done=640, complete=False, active=())
    assert "waiting for inputs" in drawn(waiting)[1]
    elsewhere = replace(PROGRESS, active=(), states={"created": 8, "deleted": 640})
    assert "8 processing" in drawn(elsewhere)[1]
    assert len(drawn(PROGRESS, width=40, height=6)) == 2


def test_the_screen_shows_labels_of_states() -> None:
    """People would read "deleted" as a loss of results."""
    assert activity("deleted") == "done"
    ended = replace(PROGRESS, active=(InFlight("/music/one.wav", "deleted", 990.0),))
    assert "deleted" not in "".join(drawn(ended))


def test_formatting() -> None:
    assert [rate(value) for value in (12.34, 2.1, 0.25, 0.001)] == ["12/s", "2.1/s", "15/min", "3.6/h"]
    assert shortened("/music/song.wav", 9) == "…song.wav"
    assert printable("a\x1b[31mb\nc") == "a\N{REPLACEMENT CHARACTER}[31mb c"
    assert printable("see https://x.y/z?sig=secret") == "see https://x.y/z?…"


def slowly(sandbox: Sandbox, tmp_path: Path, on_event: Callable[[Event], object]) -> Batch:
    make_tracks(tmp_path / "in", 12)
    (tmp_path / "in" / "empty.wav").touch()
    sandbox.faults.add("GET /cdn/*", delay=0.2, times=12)
    return echo(sandbox, tmp_path / "in", tmp_path / "out", on_event=on_event)


def test_lines(sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Lines(shortest=0.05) as display:
        batch = slowly(sandbox, tmp_path, display)
        display.follow(lambda: batch.progress, batch.drain)
        assert batch.run().progress.done == 12
    lines = capsys.readouterr().err.splitlines()
    assert sum("rejected: " in line for line in lines) == 1
    figures = [line for line in lines if " done, " in line]
    assert len(figures) > 2
    assert all(line != following for line, following in pairwise(figures)), "no line repeats the one before"
    assert re.match(r"\d+ of 12( so far)? done, ", figures[-1])
    assert "\x1b" not in "".join(lines)


def test_the_screen_without_the_command(sandbox: Sandbox, tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=30)
    with Screen(console) as display:
        batch = slowly(sandbox, tmp_path, display)
        display.follow(lambda: batch.progress)
        batch.run()
    assert isinstance(console.file, io.StringIO)
    text = plain(console.file.getvalue())
    assert "100 % 12 of 12" in text
    assert "empty.wav: it is empty" in text


def test_lines_for_a_batch_that_asks_for_them(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_tracks(tmp_path / "in", 3)
    events = list[Event]()
    echo(sandbox, tmp_path / "in", tmp_path / "silent", on_event=events.append).run()
    assert capsys.readouterr().err == "", "standard error isn't a terminal"
    batch = echo(sandbox, tmp_path / "in", tmp_path / "out", on_event=events.append, progress=True)
    batch.run()
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("3 of 3 done, ")
    assert [each.kind for each in events].count("started") == 2
    assert batch.run().progress.skipped == 3, "a batch may run again, with a new display"
    assert "3 done before" in capsys.readouterr().err
    echo(sandbox, tmp_path / "in", tmp_path / "out", progress=False).run()
    assert capsys.readouterr().err == ""


def test_only_the_run_consumes_iterators(sandbox: Sandbox, tmp_path: Path) -> None:
    paths = map(str, make_tracks(tmp_path / "in", 3))
    assert echo(sandbox, paths, tmp_path / "out", progress=True).run().progress.done == 3


def test_progress_must_be_true_false_or_none(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="progress must be True, False or None"):
        echo(sandbox, [], tmp_path / "out", progress="yes")


RUN = """
import sys
from musicai_sdk import batch
report = batch.run("sdk-test", "in", "out", input_name="file", poll_interval=0.2, **eval(sys.argv[1]))
print(report)
"""


@pytest.mark.parametrize(("given", "drawn"), [("{}", True), ("dict(progress=False)", False)])
def test_a_batch_in_a_terminal(given: str, drawn: bool, running: Service, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 4)
    program = (sys.executable, "-W", "error", "-c", RUN)
    done = Command(running, tmp_path).in_terminal(given, program=program)
    assert done.code == 0, done.stderr
    assert "<Report: 4 of 4 inputs done, in " in plain(done.stderr)
    assert bool(re.search(r"━+ 100 % 4 of 4", plain(done.stderr))) == drawn
