"""The length of audio, read from the headers of a file. A length that can't be read is None, never an estimate."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, BinaryIO

from musicai_sdk._containers import boxes, chunks
from musicai_sdk._files import reading
from musicai_sdk.batch.inputs.row import InputRow

_HEAD = 12
_TAIL = 1 << 16
"""The last page of an Ogg stream is at most this long."""
_TAGS = 1 << 15
"""The most bytes of the tags behind an MP3."""
_FLAC_STREAM = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
"""The start of a FLAC stream: the marker, and the header of the block that describes it."""
_OGG_STREAM = re.compile(rb"OggS\x00[\x02\x03\x06\x07]")
"""The start of the first page of a stream."""
_LONGEST_START = 8
_BLOCK = 1 << 20
_UNIFORM = (1, 3, 6, 7, 0xFFFE)
"""The formats of a WAV file in which each second has the same number of bytes: PCM, floats, A-law, µ-law, extensible."""
_AIFC = 22
"""The size of a `COMM` chunk that names a compression."""
_UNCOMPRESSED = (
    *(b"NONE", b"sowt", b"twos", b"raw ", b"in24", b"in32", b"fl32", b"FL32", b"fl64", b"FL64"),
    *(b"alaw", b"ALAW", b"ulaw", b"ULAW"),
)
"""The kinds of AIFF-C in which a frame is one sample of each channel (source: QuickTime File Format, sound formats)."""
_UNKNOWN = (0, 0xFFFFFFFF, 0xFFFFFFFF_FFFFFFFF)
"""Durations in a movie header that mean that it is unknown."""
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


def _wav(file: BinaryIO) -> float | None:
    """The size of the data divided by the bytes per second. The real size takes precedence over the header's."""
    total, rate, long = _size(file), 0, 0
    for at, name, size in chunks(file, "<", b"WAVE"):
        if name == b"ds64":
            (_, long) = struct.unpack("<QQ", file.read(16))
        elif name == b"fmt ":
            form, _, frequency, rate, frame = struct.unpack("<HHIIH", file.read(14))
            # Decoders calculate with the frequency; a file that contradicts itself has no known length.
            if form not in _UNIFORM or rate != frequency * frame:
                return None
        elif name == b"data":
            stated = size if size not in _UNSTATED else long or total
            return min(stated, total - at - 8) / rate
    return None


def _aiff(file: BinaryIO) -> float | None:
    for _, name, size in chunks(file, ">", b"AIF"):
        if name == b"COMM":
            _, frames, _, exponent, mantissa = struct.unpack(">HIHHQ", file.read(18))
            if size >= _AIFC and file.read(4) not in _UNCOMPRESSED:
                return None  # frames may be packets of many samples
            # The rate is an 80-bit float.
            rate: float = mantissa * 2.0 ** ((exponent & 0x7FFF) - 16383 - 63)
            return float(frames / rate)
    return None


def _has_several(file: BinaryIO, start: re.Pattern[bytes]) -> bool:
    """Whether another recording begins in a file, so that the headers of the first one tell only its own length."""
    file.seek(_HEAD)
    before = b""
    while block := file.read(_BLOCK):
        if start.search(before + block):
            return True
        before = block[-_LONGEST_START:]
    return False


def _flac(file: BinaryIO) -> float | None:
    if _has_several(file, _FLAC_STREAM):
        return None
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
    if _has_several(file, _OGG_STREAM):
        return None
    file.seek(max(0, _size(file) - _TAIL))
    tail = file.read()
    at = tail.rfind(b"OggS")
    if at < 0 or tail[at + 14 : at + 18] != serial:
        return None
    return (int.from_bytes(tail[at + 6 : at + 14], "little", signed=True) - before) / rate


def _mp4(file: BinaryIO) -> float | None:
    """The duration in the movie header. A fragmented file has its own for each fragment, and is None."""
    found, total = None, _size(file)
    for at, name, header, size in boxes(file, 0, total):
        if name == b"moov":
            movie = boxes(file, at + header, min(total, at + size))
            break
    else:
        return None
    for at, name, header, size in movie:
        if name == b"mvhd":
            file.seek(at + header)
            form = ">BxxxQQIQ" if file.read(1) == b"\x01" else ">BxxxIIII"
            file.seek(at + header)
            _, _, _, scale, duration = struct.unpack(form, file.read(struct.calcsize(form)))
            if duration in _UNKNOWN:
                return None
            found = float(duration / scale)
        if name == b"mvex" or 0 < size < header:
            return None
    return found


def _has_more_than_stated(file: BinaryIO) -> bool:
    """Whether an MP3 is longer than its first frame says (Xing, Info), as if it were several files in one."""
    file.seek(0)
    head = file.read(10)
    start = 0
    if head.startswith(b"ID3"):
        start = 10 + sum((byte & 0x7F) << 7 * (3 - place) for place, byte in enumerate(head[6:10]))
    file.seek(start)
    frame = file.read(200)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0:
        return False
    (flags,) = struct.unpack_from(">I", frame, at + 4)
    if not flags & 2:
        return False
    (stated,) = struct.unpack_from(">I", frame, at + 8 + 4 * (flags & 1))
    return bool(_size(file) - start > stated + _TAGS + stated // 50)


def _mp3(file: BinaryIO) -> float | None:
    """Decoded frames: the headers of an MP3 may say nothing, or something wrong."""
    try:
        soundfile: Any = import_module("soundfile")
    except (ImportError, OSError):  # not installed, or without its library
        return None
    if _has_more_than_stated(file):
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
