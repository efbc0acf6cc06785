"""The length of audio, read from the headers of a file. A length that can't be read is None, never an estimate."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, BinaryIO

from musicai_sdk._files import reading
from musicai_sdk.batch.inputs.row import InputRow

_HEAD = 12
_CHUNKS = 10_000
"""The most chunks to read in a file: garbage may have a billion."""
_TAIL = 1 << 16
"""The last page of an Ogg stream is at most this long."""
_UNIFORM = (1, 3, 6, 7, 0xFFFE)
"""The formats of a WAV file in which each second has the same number of bytes: PCM, floats, A-law, µ-law, extensible."""
_UNSTATED = (0, 0xFFFFFFFF)
"""Sizes of a chunk that is stated elsewhere, or that the writer of a stream didn't know."""


def measure(item: InputRow) -> None:
    """Fills in the length of a file's audio, if it can be read. It replaces the length that the user gave."""
    if item.url is None:
        with suppress(OSError), reading(item.source) as (file, _):
            item.audio_ms = audio_length(file) or item.audio_ms


def audio_length(file: BinaryIO) -> int | None:
    """The length of a file's audio in milliseconds; None if it can't be read.

    WAV, AIFF, FLAC, Ogg (Vorbis, Opus) and MP4 (M4A, MOV) are read here; MP3 by `soundfile`, where it is installed.
    """
    file.seek(0)
    head = file.read(_HEAD)
    try:
        for magic, read in _READERS.items():
            if head.startswith(magic):
                seconds = read(file)
                break
        else:
            seconds = _mp4(file) if head[4:8] == b"ftyp" else None
    except (struct.error, ValueError, IndexError, ZeroDivisionError, OverflowError):
        return None
    return round(seconds * 1000) or None if seconds is not None and 0 < seconds < 1e9 else None


def _size(file: BinaryIO) -> int:
    return file.seek(0, 2)


def _chunks(file: BinaryIO, order: str, kind: bytes) -> Iterator[tuple[int, bytes, int]]:
    """The chunks of a file of this kind, each with its position and size; the file is at the chunk's content."""
    total, at = _size(file), _HEAD
    file.seek(8)
    if not file.read(4).startswith(kind):
        return
    for _ in range(_CHUNKS):
        file.seek(at)
        if at + 8 > total:
            return
        name, size = struct.unpack(f"{order}4sI", file.read(8))
        yield at, name, size
        at += 8 + size + size % 2


def _wav(file: BinaryIO) -> float | None:
    """The size of the data divided by the bytes per second. The real size takes precedence over the header's."""
    total, rate, long = _size(file), 0, 0
    for at, name, size in _chunks(file, "<", b"WAVE"):
        if name == b"ds64":
            (_, long) = struct.unpack("<QQ", file.read(16))
        elif name == b"fmt ":
            form, _, _, rate = struct.unpack("<HHII", file.read(12))
            if form not in _UNIFORM:
                return None
        elif name == b"data":
            stated = size if size not in _UNSTATED else long or total
            return min(stated, total - at - 8) / rate
    return None


def _aiff(file: BinaryIO) -> float | None:
    for _, name, _ in _chunks(file, ">", b"AIF"):
        if name == b"COMM":
            _, frames, _, exponent, mantissa = struct.unpack(">HIHHQ", file.read(18))
            # The rate is an 80-bit float.
            rate: float = mantissa * 2.0 ** ((exponent & 0x7FFF) - 16383 - 63)
            return float(frames / rate)
    return None


def _flac(file: BinaryIO) -> float | None:
    file.seek(18)
    packed = int.from_bytes(file.read(8), "big")
    frames = packed & 0xF_FFFF_FFFF
    return frames / (packed >> 44) if frames else None  # 0 frames: unknown


def _ogg(file: BinaryIO) -> float | None:
    """The position of the last page, for a file with one stream of Vorbis or Opus."""
    file.seek(0)
    first = file.read(256)
    serial = first[14:18]
    packet = first[27 + first[26] :]
    if packet.startswith(b"\x01vorbis"):
        rate, before = int.from_bytes(packet[12:16], "little"), 0
    elif packet.startswith(b"OpusHead"):
        rate, before = 48_000, int.from_bytes(packet[10:12], "little")
    else:
        return None
    file.seek(max(0, _size(file) - _TAIL))
    tail = file.read()
    at = tail.rfind(b"OggS")
    if at < 0 or tail[at + 14 : at + 18] != serial:
        return None
    return (int.from_bytes(tail[at + 6 : at + 14], "little", signed=True) - before) / rate


def _mp4(file: BinaryIO) -> float | None:
    """The duration in the movie header."""
    at, end = 0, _size(file)
    for _ in range(_CHUNKS):
        file.seek(at)
        if at + 8 > end:
            break
        size, name = struct.unpack(">I4s", file.read(8))
        header = 8
        if size == 1:
            (size,), header = struct.unpack(">Q", file.read(8)), 16
        if name == b"moov":
            at, end = at + header, min(end, at + size)
            continue
        if name == b"mvhd":
            form = ">BxxxQQIQ" if file.read(1) == b"\x01" else ">BxxxIIII"
            file.seek(at + header)
            _, _, _, scale, duration = struct.unpack(form, file.read(struct.calcsize(form)))
            return float(duration / scale)
        if size < header:
            return None
        at += size
    return None


def _mp3(file: BinaryIO) -> float | None:
    """Decoded frames: the headers of an MP3 may say nothing, or something wrong."""
    try:
        soundfile: Any = import_module("soundfile")
    except (ImportError, OSError):  # not installed, or without its library
        return None
    file.seek(0)
    try:
        info = soundfile.info(file)
        return float(info.frames / info.samplerate) if info.format == "MP3" else None
    except (RuntimeError, TypeError):
        return None


_READERS: Mapping[bytes, Callable[[BinaryIO], float | None]] = {
    b"RIFF": _wav,
    b"RF64": _wav,
    b"FORM": _aiff,
    b"fLaC": _flac,
    b"OggS": _ogg,
    b"ID3": _mp3,
    b"\xff\xfb": _mp3,
    b"\xff\xfa": _mp3,
    b"\xff\xf3": _mp3,
    b"\xff\xf2": _mp3,
}
