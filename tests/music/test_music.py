"""The helpers for results, checked with tools that read their output."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np
import pytest

from musicai_sdk import MusicAiClient, music
from musicai_sdk.errors import InputError
from musicai_sdk.models import Beat, Chord, LyricLine, Word
from musicai_sdk.workflows import GenerateChords

CHORDS = [
    Chord(start=0.74, end=2.34, chord_majmin="E:maj", chord_basic_pop="E"),
    Chord(start=2.34, end=4.0, chord_majmin="C#:min"),
    Chord(start=4.5, end=5.0, chord_majmin="N"),
]
LINES = [
    LyricLine(start=0.5, end=1.75, text=" Hello \n there"),
    LyricLine(start=2.0, end=2.5, text="  "),
    LyricLine(
        start=3661.999,
        end=3661.0,
        text="<b> & --> you",
        words=(Word(word="Hello", start=61.5, end=62), Word(word="you", start=62.004, end=63)),
    ),
]


@pytest.mark.parametrize(
    ("time", "label"),
    [(0.0, None), (0.74, "E:maj"), (2.339, "E:maj"), (2.34, "C#:min"), (4.2, None), (4.5, "N"), (5.0, None)],
)
def test_chord_at(time: float, label: str | None) -> None:
    chord = music.chord_at(CHORDS, time)
    assert (chord.chord_majmin if chord else None) == label
    assert music.chord_at([], time) is None


def test_mir_eval_reads_lab_files(client: MusicAiClient, song: Path, tmp_path: Path) -> None:
    chords = client.files.read(client.jobs.run(GenerateChords(input_url=song)).result.chords)
    (tmp_path / "song.lab").write_text(music.to_lab(chords))
    judge: Any = mir_eval
    intervals, labels = judge.io.load_labeled_intervals(str(tmp_path / "song.lab"))
    ours, names = music.labelled_intervals(chords)
    assert labels == names
    assert np.array_equal(intervals, np.array(ours))
    assert judge.chord.evaluate(np.array(ours), names, intervals, labels)["majmin"] == 1.0


def test_lyrics_as_text() -> None:
    assert music.to_text(LINES) == "Hello there\n<b> & --> you\n"
    assert music.to_text([]) == ""


def test_lyrics_as_lrc() -> None:
    assert music.to_lrc(LINES) == "[00:00.50]Hello there\n[61:02.00]<b> & --> you\n"
    assert music.to_lrc(LINES, words=True).splitlines()[1] == "[61:02.00]<01:01.50>Hello <01:02.00>you"
    for line in music.to_lrc(LINES).splitlines():
        assert re.fullmatch(r"\[\d{2,}:[0-5]\d\.\d\d\].+", line)


def test_lyrics_as_srt() -> None:
    assert music.to_srt(LINES) == (
        "1\n00:00:00,500 --> 00:00:01,750\nHello there\n\n2\n01:01:01,999 --> 01:01:01,999\n<b> & --> you\n"
    )
    assert music.to_srt([]) == ""


def test_lyrics_as_webvtt() -> None:
    assert music.to_vtt(LINES) == (
        "WEBVTT\n\n00:00:00.500 --> 00:00:01.750\nHello there\n\n"
        "01:01:01.999 --> 01:01:01.999\n&lt;b&gt; &amp; --&gt; you\n"
    )
    assert music.to_vtt([]) == "WEBVTT\n"


def test_rounded_seconds_never_reach_sixty() -> None:
    assert music.to_lrc([LyricLine(start=59.999, end=60, text="x")]) == "[01:00.00]x\n"
    assert music.to_srt([LyricLine(start=-0.5, end=59.9999, text="x")]).splitlines()[1] == (
        "00:00:00,000 --> 00:01:00,000"
    )


def test_lyrics_without_times() -> None:
    lines = [
        LyricLine(text="No time"),
        LyricLine(text="One word", words=(Word(word="One"), Word(word="word", start=1.5, end=2.0))),
        LyricLine(text="No end", start=3.0),
        LyricLine(text="The end", start=4.0, end=5.0),
    ]
    assert music.to_text(lines) == "No time\nOne word\nNo end\nThe end\n"
    assert (
        music.to_lrc(lines, words=True)
        == "[00:01.50]One <00:01.50>word\n[00:03.00]No end\n[00:04.00]The end\n"
    )
    assert [line for line in music.to_srt(lines).splitlines() if "-->" in line] == [
        "00:00:01,500 --> 00:00:02,000",
        "00:00:03,000 --> 00:00:04,000",
        "00:00:04,000 --> 00:00:05,000",
    ]
    assert "No time" not in music.to_vtt(lines)


def test_tables_escape_control_characters() -> None:
    assert "\x1b" not in str(music.table([LyricLine(text="\x1b[2Jx", start=0, end=1)]))


def test_tables() -> None:
    shown: Any = music.table(CHORDS)
    assert str(shown).splitlines() == [
        "start  end   chord_majmin  chord_basic_pop",
        "0.74   2.34  E:maj         E",
        "2.34   4.00  C#:min",
        "4.50   5.00  N",
    ]
    assert repr(shown) == str(shown)
    html = shown._repr_html_()
    assert html.count("<tr>") == 4
    assert ">C#:min</td>" in html
    words = music.table(LINES)
    assert isinstance(words, music.Table)
    assert "&lt;b&gt; &amp; --&gt; you" in words._repr_html_()
    assert "Hello you" in str(words)
    assert str(music.table([Beat(time=0.5, beat_num=1)])) == "time  beat_num\n0.50  1"
    assert str(music.table([])) == ""


@pytest.mark.parametrize(
    "rows",
    [
        None,
        [1],
        "abc",
        {"a": 1},
        [Chord(start=0, end=1, chord_majmin="N"), Beat(time=0.0, beat_num=1)],
        iter(()),
    ],
)
def test_a_table_needs_models_of_one_kind(rows: Any) -> None:
    with pytest.raises(InputError, match="models of one kind"):
        music.table(rows)
