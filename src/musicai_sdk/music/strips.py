"""A coloured strip over the time: chords, sections and lyrics at a glance."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydantic import BaseModel

from musicai_sdk._notebook import Html, cell, safe

_ROOTS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_CHORD = re.compile(r"([A-G]#?):(maj|min)")
_NARROW = 3.0
"""The least share of the strip, in per cent, in which a label is written."""
_BACKGROUND = "rgba(128,128,128,.2)"


class _Segment(NamedTuple):
    start: float
    end: float
    label: str


def strip(models: Sequence[BaseModel]) -> Html:
    """The strip, with each label as a tooltip; empty unless the models have starts, ends and labels."""
    segments = list(_segments(models))
    if not segments:
        return Html()
    first, last = segments[0].start, max(each.end for each in segments)
    if last <= first:
        return Html()
    labels = list(dict.fromkeys(each.label for each in segments))
    parts, at = list[str](), first
    for each in segments:
        if each.start > at:
            parts.append(_part(each.start - at, last - first, "", "", "transparent"))
        if each.end > max(at, each.start):
            title = f"{each.label}  {each.start:.2f}–{each.end:.2f} s"
            colour = _colour(each.label, labels)
            parts.append(
                _part(each.end - max(at, each.start), last - first, title, _name(each.label), colour)
            )
        at = max(at, each.end)
    times = f"<span>{_clock(first)}</span><span>{_clock(last)}</span>"
    return Html(
        f'<div style="margin:4px 0;max-width:1000px"><div style="display:flex;height:26px;border-radius:4px;'
        f'overflow:hidden;background:{_BACKGROUND}">{"".join(parts)}</div><div style="display:flex;'
        f'justify-content:space-between;font-size:11px;opacity:.7">{times}</div></div>'
    )


def _segments(models: Sequence[BaseModel]) -> Iterator[_Segment]:
    for each in models:
        label = next(
            (
                value
                for name in ("chord_majmin", "label", "text")
                if isinstance(value := getattr(each, name, None), str)
            ),
            None,
        )
        start, end = (getattr(each, name, None) for name in ("start", "end"))
        if label and isinstance(start, float | int) and isinstance(end, float | int):
            yield _Segment(start, end, cell(label))


def _part(seconds: float, whole: float, title: str, name: str, colour: str) -> str:
    share = 100 * seconds / whole
    return (
        f'<div title="{safe(title)}" style="flex:none;width:{share:.3f}%;background:{colour};color:#111;'
        "font-size:11px;line-height:26px;text-align:center;white-space:nowrap;overflow:hidden;"
        f'box-sizing:border-box;border-right:1px solid rgba(255,255,255,.4)">'
        f"{safe(name) if share >= _NARROW else ''}</div>"
    )


def _name(label: str) -> str:
    """A chord as musicians write it, such as `C#m`; any other label unchanged."""
    found = _CHORD.fullmatch(label)
    return f"{found[1]}{'m' if found[2] == 'min' else ''}" if found else label


def _colour(label: str, labels: Sequence[str]) -> str:
    """A hue for each root, darker in minor; of other labels one for each, by the order of their first segments."""
    if label == "N":
        return "transparent"
    if found := _CHORD.fullmatch(label):
        return f"hsl({30 * _ROOTS.index(found[1])},{'60%,78%' if found[2] == 'maj' else '45%,62%'})"
    return f"hsl({(47 * labels.index(label)) % 360},50%,75%)"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
