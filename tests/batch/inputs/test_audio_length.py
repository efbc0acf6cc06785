"""The length of audio, compared with libsndfile, and files without a length or with a wrong one."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from conftest import SONGS
from musicai_sdk.batch.inputs.audio_length import audio_length

RATE = 44_100
FRAMES = 3 * RATE + 777


def sound(form: str, subtype: str | None = None, rate: int = RATE) -> bytes:
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, FRAMES)
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=form, subtype=subtype)
    return file.getvalue()


def length(content: bytes) -> int | None:
    return audio_length(io.BytesIO(content))


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, name) + content


@pytest.mark.parametrize(
    ("form", "subtype"),
    [
        *(("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "ULAW"), ("WAVEX", "PCM_24"), ("RF64", "PCM_16")),
        *(("AIFF", "PCM_16"), ("AIFF", "FLOAT"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("MP3", None)),
    ],
)
def test_formats(form: str, subtype: str | None) -> None:
    assert length(sound(form, subtype)) == round(FRAMES / RATE * 1000)


def test_opus() -> None:
    assert length(sound("OGG", "OPUS", 48_000)) == round(FRAMES / 48)


@pytest.mark.parametrize("path", sorted(SONGS.glob("*.ogg")), ids=lambda path: path.name)
def test_real_songs(path: Path) -> None:
    assert length(path.read_bytes()) == round(soundfile.info(path).duration * 1000)


@pytest.mark.parametrize("version", [0, 1])
def test_mp4(version: int) -> None:
    form = ">BxxxIIII" if version == 0 else ">BxxxQQIQ"
    header = box(b"mvhd", struct.pack(form, version, 0, 0, 600, 90_300) + bytes(80))
    media = struct.pack(">I4sQ", 1, b"mdat", 16 + 50) + bytes(50)  # with a 64-bit size
    assert length(box(b"ftyp", b"M4A \0\0\0\0") + media + box(b"moov", box(b"free", b"") + header)) == 150_500


@pytest.mark.parametrize("duration", [0, 90_300, 0xFFFF_FFFF])
def test_fragments_and_unknown_durations_of_mp4(duration: int) -> None:
    header = box(b"mvhd", struct.pack(">BxxxIIII", 0, 0, 0, 600, duration) + bytes(80))
    extended = box(b"mvex", box(b"mehd", bytes(8))) if duration == 90_300 else b""
    fragments = box(b"moof", b"") + box(b"mdat", bytes(500))
    assert length(box(b"ftyp", b"iso5\0\0\0\0") + box(b"moov", header + extended) + fragments) is None


def test_aiff_with_packets_instead_of_samples() -> None:
    """An `ima4` packet has 64 samples: a minute would count as one second."""
    whole = sound("AIFF", "FLOAT")
    assert whole[8:12] == b"AIFC"
    assert length(whole.replace(b"fl32", b"ima4", 1).replace(b"FL32", b"ima4", 1)) is None
    assert length(whole) == round(FRAMES / RATE * 1000)


def test_several_mp3_in_one_file() -> None:
    """The first one's header has the length of the first one only."""
    whole = sound("MP3")
    assert b"Xing" in whole[:200] or b"Info" in whole[:200]
    assert length(whole + b"TAG" + bytes(125)) == round(FRAMES / RATE * 1000)
    assert length(whole + whole + whole) is None
    tagged = b"ID3\3\0\0\0\0\2\0TIT2\0\0\0\4\0\0\0abc" + bytes(242)
    assert length(tagged + whole) == round(FRAMES / RATE * 1000)
    assert length(tagged + whole * 3) is None


@pytest.mark.parametrize(("form", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("FLAC", "PCM_16")])
def test_several_streams_in_one_file(form: str, subtype: str) -> None:
    """The headers of the first one tell only its own length."""
    whole = sound(form, subtype, 48_000)
    assert length(whole) == round(FRAMES / 48)
    assert length(whole * 3) is None


@pytest.mark.parametrize("before", range(9))
def test_another_stream_at_the_border_of_what_is_read_at_once(before: int) -> None:
    whole = sound("FLAC")
    padding = bytes(12 + (1 << 20) - len(whole) - before)
    assert length(whole + padding + b"fLa") is not None
    assert length(whole + padding + whole) is None


def test_a_wav_that_contradicts_itself() -> None:
    whole = sound("WAV", "PCM_16")
    rate = struct.pack("<I", 2 * RATE)
    assert whole.count(rate) == 1
    assert length(whole.replace(rate, struct.pack("<I", 200 * RATE))) is None


def test_the_real_size_takes_precedence_over_the_header() -> None:
    whole = sound("WAV", "PCM_16")
    data = whole.index(b"data")
    half = whole[: data + 8 + RATE]  # half a second of 16 bits
    assert length(half) == 500
    for stated in (0, 0xFFFF_FFFF):  # as of a stream
        assert length(half[: data + 4] + struct.pack("<I", stated) + half[data + 8 :]) == 500


def test_lengths_are_never_estimated() -> None:
    assert length(sound("WAV", "IMA_ADPCM")) is None
    assert length(sound("FLAC")[:18] + bytes(8) + b"no frames") is None


@pytest.mark.parametrize("form", ["WAV", "AIFF", "FLAC", "OGG", "MP3"])
def test_damaged_files(form: str) -> None:
    whole, draw = sound(form), np.random.default_rng(2)
    for _ in range(60):
        content = bytearray(whole[: int(draw.integers(0, 400))])
        for place in draw.integers(0, max(len(content), 1), 4) if content else ():
            content[place] = int(draw.integers(0, 256))
        found = length(bytes(content))
        assert found is None or found > 0


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"RIFF",
            b"RIFF\0\0\0\0WAVE",
            b"RIFF\0\0\0\0AVI LIST",
            b"RIFF\0\0\0\0WAVE" + bytes(10_000_000),
        ),
        *(b"ID3" * 50, b"\xff\xfb" * 500, b"<!doctype html>", b"\0\0\0\x10ftypM4A \0\0\0\0" + bytes(1000)),
    ],
    ids=lambda content: repr(content[:12]),
)
def test_no_audio(content: bytes) -> None:
    assert length(content) is None


def test_an_mp3_where_soundfile_is_missing(tmp_path: Path) -> None:
    (tmp_path / "song.mp3").write_bytes(sound("MP3"))
    program = (
        "import sys; sys.modules['soundfile'] = None\n"
        "from musicai_sdk.batch.inputs.audio_length import audio_length\n"
        f"print(audio_length(open({str(tmp_path / 'song.mp3')!r}, 'rb')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "None\n"
