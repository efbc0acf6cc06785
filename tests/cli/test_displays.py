"""The progress of `musicai process folder` on a terminal."""

from __future__ import annotations

import re

from support.batch import make_tracks
from support.cli import ECHO, Command, plain


def test_the_screen_in_a_terminal(musicai_there: Command) -> None:
    make_tracks(musicai_there.folder / "in", 16)
    (musicai_there.folder / "in" / "empty.wav").touch()
    musicai_there.service.add_fault("GET /cdn/*", delay=0.3, times=15)
    done = musicai_there.in_terminal(*ECHO, NO_COLOR="")
    text = plain(done.stderr)
    assert done.code == 1
    assert "\x1b[?25l" in done.stderr, "the cursor is hidden while it draws"
    assert done.stderr.rstrip().endswith("out/report.html")
    assert re.search(r"\x1b\[[0-9;]*3[0-9]m", done.stderr), "colours"
    assert re.search(r"━+ 100 % 16 of 16", text)
    assert re.search(r"downloading +\d\.\d s in/part \d/track \d+\.wav", text)
    assert re.search(r"\d+ in flight", text)
    assert text.count("rejected: in/empty.wav: it is empty") == 2


def test_ctrl_c_and_no_colour_in_a_terminal(musicai_there: Command) -> None:
    make_tracks(musicai_there.folder / "in", 24)
    musicai_there.service.add_fault("GET /cdn/*", delay=0.5, times=24)
    done = musicai_there.in_terminal(*ECHO, until=lambda text: "downloading" in text, NO_COLOR="1")
    text = plain(done.stderr)
    assert done.code == 130
    assert "Ctrl-C again stops at once" in text
    assert "ended early" in text
    assert not re.search(r"\x1b\[[0-9;]*[34][0-9]m", done.stderr), "no colours"


def test_a_dumb_terminal_gets_lines(musicai_there: Command) -> None:
    make_tracks(musicai_there.folder / "in", 2)
    done = musicai_there.in_terminal(*ECHO, TERM="dumb")
    assert "\x1b" not in done.stderr
    assert done.stderr.splitlines()[0].startswith("2 of 2 inputs done in ")
