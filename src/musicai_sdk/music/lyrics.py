"""Lyrics as text and as subtitles. Lines without text are left out everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from musicai_sdk.models import LyricLine


def to_text(lines: Sequence[LyricLine]) -> str:
    """Lyrics as plain text, a line each.

    Args:
        lines: In the order of time.
    """
    return "".join(f"{text}\n" for _, text in _sung(lines))


def to_lrc(lines: Sequence[LyricLine], *, words: bool = False) -> str:
    """Lyrics as an LRC file, `[mm:ss.xx]text`, as music players show them.

    Args:
        lines: In the order of time.
        words: Also a time before each word, `<mm:ss.xx>word`, where the lyrics have words.
    """
    text = ""
    for line, content in _sung(lines):
        if words and line.words:
            content = " ".join(f"<{_lrc_time(word.start)}>{_one_line(word.word)}" for word in line.words)
        text += f"[{_lrc_time(line.start)}]{content}\n"
    return text


def to_srt(lines: Sequence[LyricLine]) -> str:
    """Lyrics as SubRip subtitles (`.srt`).

    Args:
        lines: In the order of time.
    """
    cues = (
        f"{number}\n{_clock(line.start, ',')} --> {_clock(max(line.start, line.end), ',')}\n{text}\n"
        for number, (line, text) in enumerate(_sung(lines), 1)
    )
    return "\n".join(cues)


def to_vtt(lines: Sequence[LyricLine]) -> str:
    """Lyrics as WebVTT subtitles (`.vtt`), as browsers read them.

    Args:
        lines: In the order of time.
    """
    cues = (
        f"{_clock(line.start, '.')} --> {_clock(max(line.start, line.end), '.')}\n{_escaped(text)}\n"
        for line, text in _sung(lines)
    )
    return "\n".join(["WEBVTT\n", *cues])


def _sung(lines: Sequence[LyricLine]) -> Iterator[tuple[LyricLine, str]]:
    return ((line, text) for line in lines if (text := _one_line(line.text)))


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
