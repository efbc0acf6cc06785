"""Lyrics as text and subtitles. Lines without text are omitted everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from musicai_sdk.models import LyricLine


def to_text(lines: Sequence[LyricLine]) -> str:
    """Lyrics as plain text.

    Args:
        lines: Sorted by time.
    """
    return "".join(f"{text}\n" for _, text in _sung(lines))


def to_lrc(lines: Sequence[LyricLine], *, words: bool = False) -> str:
    """Lyrics as an LRC file for music players, `[mm:ss.xx]text`.

    Args:
        lines: Sorted by time. Lines without any time, of their own or of a word, are omitted.
        words: Whether to add the time of each word, `<mm:ss.xx>word`, if the lyrics have words.
    """
    text = ""
    for line, start, _, content in _timed(lines):
        if words and line.words:
            content = " ".join(
                f"{'' if word.start is None else f'<{_lrc_time(word.start)}>'}{_one_line(word.word)}"
                for word in line.words
            )
        text += f"[{_lrc_time(start)}]{content}\n"
    return text


def to_srt(lines: Sequence[LyricLine]) -> str:
    """Lyrics as SubRip subtitles (`.srt`).

    Args:
        lines: Sorted by time. Lines without any time, of their own or of a word, are omitted.
    """
    cues = (
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{text}\n"
        for number, (_, start, end, text) in enumerate(_timed(lines), 1)
    )
    return "\n".join(cues)


def to_vtt(lines: Sequence[LyricLine]) -> str:
    """Lyrics as WebVTT subtitles (`.vtt`) for browsers.

    Args:
        lines: Sorted by time. Lines without any time, of their own or of a word, are omitted.
    """
    cues = (
        f"{_clock(start, '.')} --> {_clock(end, '.')}\n{_escaped(text)}\n"
        for _, start, end, text in _timed(lines)
    )
    return "\n".join(["WEBVTT\n", *cues])


def _sung(lines: Sequence[LyricLine]) -> Iterator[tuple[LyricLine, str]]:
    return ((line, text) for line in lines if (text := _one_line(line.text)))


def _timed(lines: Sequence[LyricLine]) -> Iterator[tuple[LyricLine, float, float, str]]:
    """Lines with start, end and text. A line without an end ends where the next one starts."""
    sung = [(line, start, text) for line, text in _sung(lines) if (start := _start(line)) is not None]
    for number, (line, start, text) in enumerate(sung):
        end = _end(line)
        if end is None:
            end = sung[number + 1][1] if number + 1 < len(sung) else start
        yield line, start, max(start, end), text


def _start(line: LyricLine) -> float | None:
    """The start of a line: its own, or else that of the first word with one."""
    if line.start is not None:
        return line.start
    return next((word.start for word in line.words if word.start is not None), None)


def _end(line: LyricLine) -> float | None:
    if line.end is not None:
        return line.end
    return next((word.end for word in reversed(line.words) if word.end is not None), None)


def _one_line(text: str) -> str:
    # A blank line would end a subtitle.
    return " ".join(text.split())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _lrc_time(seconds: float) -> str:
    hundredths = max(0, round(seconds * 100))
    minutes, rest = divmod(hundredths, 6000)
    return f"{minutes:02}:{rest // 100:02}.{rest % 100:02}"


def _clock(seconds: float, point: str) -> str:
    milliseconds = max(0, round(seconds * 1000))
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"
