"""The audio engine against references: synthesised songs, synthetic clips, and files without music."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from musicai_sdk.sandbox.engine import WORKFLOWS, Task
from musicai_sdk.sandbox.engine.audio import ANALYSIS_RATE, write_wav
from musicai_sdk.sandbox.engine.beats import BeatGrid, find_beats
from musicai_sdk.sandbox.engine.chords import LABELS, Chord, find_chords
from musicai_sdk.sandbox.engine.chroma import tuning
from musicai_sdk.sandbox.engine.key import Key, find_key
from musicai_sdk.sandbox.engine.segments import beat_list, chord_segments
from musicai_sdk.sandbox.engine.spelling import spell
from musicai_sdk.sandbox.engine.voicing import MAJOR_SEVENTH, MINOR_SEVENTH, Voicing
from support.signals import F32, MIR_EVAL, SONGS, drum_parts, map_beats, noise, run, tone, triad

if TYPE_CHECKING:
    pass

FIELDS = [
    *(
        "start",
        "end",
        "start_bar",
        "start_beat",
        "end_bar",
        "end_beat",
        "chord_majmin",
        "bass",
        "bass_nashville",
    ),
    *("chord_complex_jazz", "chord_simple_jazz", "chord_basic_jazz"),
    *("chord_complex_pop", "chord_simple_pop", "chord_basic_pop"),
    *("chord_complex_nashville", "chord_simple_nashville", "chord_basic_nashville"),
]


def labels(signal: F32) -> list[str]:
    return [chord.label for chord in find_chords(signal, len(signal) / ANALYSIS_RATE)]


def overlap(segments: list[dict[str, Any]], truth: dict[str, Any]) -> float:
    intervals = np.array([[part["start"], part["end"]] for part in truth["chords"]])
    found, names = MIR_EVAL.util.adjust_intervals(
        np.array([[part["start"], part["end"]] for part in segments]),
        [part["chord_majmin"] for part in segments],
        intervals.min(),
        intervals.max(),
        "N",
        "N",
    )
    expected = [part["chord_majmin"] for part in truth["chords"]]
    merged, wanted, got = MIR_EVAL.util.merge_labeled_intervals(intervals, expected, found, names)
    durations = MIR_EVAL.util.intervals_to_durations(merged)
    return float(MIR_EVAL.chord.weighted_accuracy(MIR_EVAL.chord.majmin(wanted, got), durations))


def steady(first: float, period: float, count: int, downbeat: int) -> BeatGrid:
    return BeatGrid(np.asarray(first + period * np.arange(count), dtype=np.float64), downbeat)


def beat_f(beats: list[dict[str, Any]], truth: dict[str, Any]) -> float:
    trim = MIR_EVAL.beat.trim_beats
    found = np.array([beat["time"] for beat in beats], dtype=float)
    return float(MIR_EVAL.beat.f_measure(trim(np.array(truth["beats"], dtype=float)), trim(found)))


def contiguous(segments: list[dict[str, Any]], seconds: float) -> bool:
    edges = [segments[0]["start"], *(part["end"] for part in segments)]
    return (
        abs(edges[-1] - seconds) <= 0.01
        and all(low < high for low, high in pairwise(edges))
        and [part["start"] for part in segments] == edges[:-1]
        and all(round(edge, 2) == edge for edge in edges)
    )


def test_songs_reach_the_minimum_scores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chord_scores: dict[str, float] = {}
    beat_scores: dict[str, float] = {}
    lines: list[str] = []
    for song in SONGS:
        truth = json.loads(song.with_suffix(".json").read_text(encoding="utf-8"))
        began = time.perf_counter()
        found = map_beats(tmp_path, song)
        took = time.perf_counter() - began
        chord_scores[song.stem] = overlap(found["chords"], truth)
        beat_scores[song.stem] = beat_f(found["beats"], truth)
        lines.append(
            f"{song.stem:8} chords {chord_scores[song.stem]:.3f}  beats {beat_scores[song.stem]:.3f}  "
            f"bpm {found['bpm']} ({truth['bpm']})  key {found['key']} ({truth['key']})  {took:.2f} s"
        )
        assert contiguous(found["chords"], truth["duration"])
        assert all(list(part) == FIELDS for part in found["chords"])
        assert found["key"] == truth["key"]
        assert found["bpm"].isdecimal(), "the service sends the tempo as text"
        ratio = float(found["bpm"]) / truth["bpm"]
        assert min(abs(ratio / octave - 1) for octave in (0.5, 1, 2)) < 0.04
    chords, beats = list(chord_scores.values()), list(beat_scores.values())
    with capsys.disabled():
        print("", *lines, f"mean     chords {np.mean(chords):.3f}  beats {np.mean(beats):.3f}", sep="\n")
    assert np.mean(chords) >= 0.85
    assert min(chords) >= 0.75
    assert np.mean(beats) >= 0.8
    assert min(beats) >= 0.6


@pytest.mark.parametrize("timbre", [(1, 1.0, 0.0), (3, 0.5, 0.0), (8, 0.8, 1.0)])
@pytest.mark.parametrize("minor", [False, True])
def test_every_triad_is_right(minor: bool, timbre: tuple[int, float, float]) -> None:
    partials, falloff, decay = timbre
    for root, name in enumerate(["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]):
        sound = triad(root, minor, 3, partials=partials, falloff=falloff, decay=decay)
        assert labels(sound) == [f"{name}:{'min' if minor else 'maj'}"]


@pytest.mark.parametrize("cents", [-45, -30, 0, 30, 45])
@pytest.mark.parametrize("tonic", [0, 5, 10])
def test_progression_in_and_out_of_tune(cents: int, tonic: int) -> None:
    degrees = [(0, False), (9, True), (5, False), (7, False)] * 2
    sound = np.concatenate([triad((tonic + step) % 12, minor, 2, cents) for step, minor in degrees])
    names = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]
    chords = find_chords(sound, len(sound) / ANALYSIS_RATE)
    wanted = [f"{names[(tonic + step) % 12]}:{'min' if minor else 'maj'}" for step, minor in degrees]
    assert [chord.label for chord in chords] == wanted
    assert np.allclose([chord.start for chord in chords], np.arange(8) * 2, atol=0.15)
    assert str(find_key(chords)) == f"{names[tonic]} major"
    assert abs(tuning(sound) - cents / 100) < 0.05


def test_noise_drums_and_sines_have_no_chords() -> None:
    rumble = np.cumsum(noise(12))
    clicks = np.zeros(12 * ANALYSIS_RATE, dtype=np.float32)
    clicks[:: ANALYSIS_RATE // 2] = 1
    clips: dict[str, F32] = {
        **{f"noise {seed}": noise(12, seed) for seed in range(3)},
        "noise 60 dB down": noise(12) * np.float32(1e-3),
        "brown noise": np.asarray(rumble / np.abs(rumble).max(), dtype=np.float32),
        "silence": np.zeros(12 * ANALYSIS_RATE, dtype=np.float32),
        "clicks": clicks,
        **{f"sine {midi}": tone([midi], 12, partials=1) for midi in (43, 57, 60.3, 69, 83)},
        **{
            f"drums {bpm}": np.asarray(sum(drum_parts(12, bpm)), dtype=np.float32)
            for bpm in (80, 110, 150, 171)
        },
    }
    assert {name: labels(clip) for name, clip in clips.items() if labels(clip) != ["N"]} == {}


def test_drums_determine_the_beat() -> None:
    for bpm in (84, 96, 110, 140):
        sound = np.asarray(sum(drum_parts(20, bpm)), dtype=np.float32)
        grid = find_beats(sound, [])
        assert grid is not None
        assert abs(grid.bpm - bpm) <= 1
        truth = np.arange(len(grid.times)) * 60 / bpm
        assert np.abs(grid.times - truth).max() < 0.05
        assert grid.downbeat % 2 == 0, "the bar begins on a kick"


def test_chord_changes_set_the_downbeat() -> None:
    beat = 0.6
    roots = [0, 0, 5, 5, 5, 5, 7, 7, 7, 7, 0, 0, 0, 0, 9, 9, 9, 9, 5, 5, 5, 5, 0, 0]
    sound = np.concatenate([triad(root, root == 9, beat, decay=4) for root in roots])
    grid = find_beats(sound, find_chords(sound, len(roots) * beat))
    assert grid is not None
    assert grid.bpm == 100
    assert grid.downbeat == 2
    assert [entry["beatNum"] for entry in cast("list[dict[str, int]]", beat_list(grid))[:7]] == [
        3,
        4,
        1,
        2,
        3,
        4,
        1,
    ]


def test_nothing_periodic_has_no_beat() -> None:
    for sound in (noise(12), np.zeros(12 * ANALYSIS_RATE, dtype=np.float32), triad(0, False, 12), noise(0.1)):
        assert find_beats(sound, []) is None


def test_relative_keys_are_distinguished() -> None:
    def key(*names: str) -> str:
        return str(find_key([Chord(at, at + 1, name) for at, name in enumerate(names)]))

    assert key("C:maj", "A:min", "F:maj", "G:maj") == "C major"
    assert key("A:min", "D:min", "E:maj", "A:min") == "A minor"
    assert key("N", "F#:min", "B:min", "C#:min", "F#:min", "N") == "F# minor"
    assert find_key([Chord(0, 1, "N")]) is None


def test_spelling() -> None:
    key = Key(4, minor=False)
    assert list(spell("E:maj", key).values()) == ["E:maj", None, None, *["E"] * 6, *["1"] * 3]
    assert list(spell("C#:min", key).values())[3::3] == ["C#-", "C#m", "6-"]
    assert spell("A#:maj", key)["chord_basic_nashville"] == "b5"
    assert list(spell("N", None).values()) == ["N", None, None, *["N"] * 9]
    assert list(spell("N", key)) == FIELDS[6:]


def test_spelling_of_sevenths_and_basses() -> None:
    """As in real files: in minor, degrees are relative to the minor tonic; the bass is in no spelling."""

    def fields(label: str, key: Key, voicing: Voicing) -> list[str | None]:
        spelled = spell(label, key, voicing)
        assert list(spelled) == FIELDS[6:]
        assert [spelled[f"chord_simple_{style}"] for style in ("jazz", "pop", "nashville")] == [
            spelled[f"chord_complex_{style}"] for style in ("jazz", "pop", "nashville")
        ]
        parts = ("chord_simple_jazz", "chord_simple_pop", "chord_simple_nashville", "chord_basic_nashville")
        return [spelled[part] for part in (*parts, "bass", "bass_nashville")]

    major, minor = Key(4, minor=False), Key(9, minor=True)
    assert fields("E:maj", major, Voicing(MAJOR_SEVENTH, 11)) == ["EΔ7", "Emaj7", "1Δ7", "1", "B", "5"]
    assert fields("B:maj", major, Voicing(MINOR_SEVENTH)) == ["B7", "B7", "57", "5", None, None]
    assert fields("A:maj", minor, Voicing(MINOR_SEVENTH)) == ["A7", "A7", "17", "1", None, None]
    assert fields("A:min", minor, Voicing(MINOR_SEVENTH, 0)) == ["A-7", "Am7", "1-7", "1-", "C", "b3"]
    degrees = [spell(label, minor)["chord_basic_nashville"] for label in ("A:min", "C:maj", "F:maj", "G:maj")]
    assert degrees == ["1-", "b3", "b6", "b7"]


SEVENTHS = [
    (False, (0, 4, 7), None),
    (False, (0, 4, 7, 10), MINOR_SEVENTH),
    (False, (0, 4, 7, 11), MAJOR_SEVENTH),
    (True, (0, 3, 7), None),
    (True, (0, 3, 7, 10), MINOR_SEVENTH),
]


def test_sevenths() -> None:
    right = 0
    for minor, intervals, seventh in SEVENTHS:
        for root in range(12):
            notes = [36 + root, *(60 + root + interval for interval in intervals)]
            (chord,) = find_chords(tone(notes, 3), 3)
            assert (chord.label, chord.voicing.bass) == (LABELS[root + 12 * minor], None)
            right += chord.voicing.seventh == seventh
    assert right >= 57, "overtones can hide or imitate a major seventh"


@pytest.mark.parametrize("bass", [4, 7, 11])
def test_slash_chords(bass: int) -> None:
    """A bass line that passes through other notes makes no slash chord."""
    for root in range(12):
        notes = [60 + root + interval for interval in (0, 4, 7, 11)]
        (chord,) = find_chords(tone([36 + (root + bass) % 12, *notes], 3), 3)
        assert (chord.label, chord.voicing.bass) == (LABELS[root], (root + bass) % 12)
        line = np.concatenate([tone([36 + (root + step) % 12, *notes], 0.75) for step in (0, 2, 4, 7)])
        assert {chord.voicing.bass for chord in find_chords(line, 3)} == {None}


def test_the_first_segment_is_where_the_music_starts(tmp_path: Path) -> None:
    """Chords without a beat are counted in bars all the same: real files have nulls in a single segment alone."""
    silence = np.zeros(round(1.5 * ANALYSIS_RATE), dtype=np.float32)
    music = [triad(root, root == 9, 2.5) for root in (0, 9, 5, 7, 0)]
    write_wav(tmp_path / "late.wav", np.concatenate([silence, *music])[None], ANALYSIS_RATE)
    segments = map_beats(tmp_path, tmp_path / "late.wav")["chords"]
    assert [part["chord_majmin"] for part in segments] == ["C:maj", "A:min", "F:maj", "G:maj", "C:maj"]
    assert segments[0]["start"] == pytest.approx(1.5, abs=0.3)
    assert (segments[0]["start_bar"], segments[0]["start_beat"]) in ((0, 4), (1, 1))
    assert all(part["end_bar"] is not None for part in segments)


def test_bars_and_beats() -> None:
    grid = steady(0.74, 0.8, 12, 2)
    assert [grid.position(time) for time in (0.74, 1.55, 2.34, 2.9, 5.54)] == [
        (0, 3),
        (0, 4),
        (1, 1),
        (1, 1),
        (2, 1),
    ]
    assert [grid.position(time) for time in (0.0, 9.54, 10.34, 11.94)] == [(0, 2), (3, 2), (3, 3), (4, 1)]
    late = steady(20, 0.8, 12, 0)
    assert late.position(0.0) == (0, 1)
    chords = [
        Chord(0, 2.4, "E:maj"),
        Chord(2.4, 2.45, "A:maj"),
        Chord(2.45, 3.4, "E:maj"),
        Chord(3.4, 9, "N"),
    ]
    segments = cast("list[dict[str, Any]]", chord_segments(chords, grid, Key(4, minor=False)))
    assert [(part["start"], part["end"], part["chord_majmin"]) for part in segments] == [
        (0.0, 3.4, "E:maj"),
        (3.4, 9.0, "N"),
    ]
    assert [part["end_bar"] for part in segments] == [1, 3]


@pytest.mark.parametrize("seed", range(20))
def test_segments_are_contiguous(seed: int) -> None:
    random = np.random.default_rng(seed)
    edges = [0.0, *np.cumsum(random.uniform(0.01, 1.5, random.integers(1, 40))).tolist()]
    names = [str(name) for name in random.choice(["C:maj", "G:maj", "A:min", "N"], len(edges) - 1)]
    chords = [Chord(low, high, name) for low, high, name in zip(edges[:-1], edges[1:], names, strict=True)]
    grid = steady(random.uniform(0, 1), random.uniform(0.3, 1.2), 8, int(random.integers(4)))
    for beats in (None, grid):
        segments = cast("list[dict[str, Any]]", chord_segments(chords, beats, find_key(chords)))
        assert contiguous(segments, edges[-1])
        assert segments[0]["chord_majmin"] != "N" or len(segments) == 1
        assert all(one["chord_majmin"] != other["chord_majmin"] for one, other in pairwise(segments))
        counted = beats is not None or len(segments) > 1
        assert all((part["start_bar"] is not None) == counted for part in segments)
        places = [(part["start_bar"], part["start_beat"]) for part in segments]
        assert not counted or places == sorted(places)


def test_audio_without_music_is_one_null_segment(tmp_path: Path) -> None:
    source = tmp_path / "silence.wav"
    for seconds in (0.001, 0.2, 12.0):
        write_wav(source, np.zeros((2, round(44_100 * seconds)), dtype=np.float32), 44_100)
        found = map_beats(tmp_path, source)
        (segment,) = found["chords"]
        assert list(segment) == FIELDS
        assert list(segment.values()) == [0.0, max(seconds, 0.01), *[None] * 4, "N", None, None, *["N"] * 9]
        assert (found["beats"], found["key"], found["bpm"]) == ([], None, None)


def test_short_chord_has_no_bars(tmp_path: Path) -> None:
    source = tmp_path / "chord.wav"
    write_wav(source, triad(2, True, 1)[None], ANALYSIS_RATE)
    chords = run("music-ai/generate-chords", tmp_path, source)
    assert list(chords) == ["chords"]
    (segment,) = json.loads(chords["chords"].read_text(encoding="utf-8"))
    assert (segment["chord_majmin"], segment["chord_basic_nashville"]) == ("D:min", "1-")
    assert segment["start_bar"] is None


def test_missing_parameter(tmp_path: Path) -> None:
    for slug in WORKFLOWS:
        name = "file" if slug == "sdk-test" else "inputUrl"
        with pytest.raises(
            LookupError, match=name
        ):  # `Task.fetch` reports the error, as tests/sandbox/api/test_work.py shows.
            WORKFLOWS[slug](Task({}, tmp_path, lambda asked: Path({"other": "x"}[asked])))


def test_sdk_test_returns_its_input(tmp_path: Path) -> None:
    source = tmp_path / "anything.bin"
    source.write_bytes(b"\x00any bytes")
    assert run("sdk-test", tmp_path, source, "file") == {"file": source}
    assert source.read_bytes() == b"\x00any bytes"
