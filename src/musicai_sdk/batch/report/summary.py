"""The top of the page: counts, durations, sizes, and advice on failures. It works without JavaScript."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from musicai_sdk._platform import quoted
from musicai_sdk.batch.inputs.kinds import is_url
from musicai_sdk.batch.ledger.files import LEDGER
from musicai_sdk.batch.ledger.states import BEST_FIRST, SAFE, TABLE, UNSETTLED, State
from musicai_sdk.batch.ledger.view import Durations
from musicai_sdk.batch.report.format import duration, moment, number, size, text
from musicai_sdk.batch.report.query import ReportView, Span
from musicai_sdk.batch.text import redacted_json

_STAGES = {
    "upload": ("Upload", "including hashing and waiting for a slot"),
    "service": ("At the service", "queue and processing"),
    "download": ("Download", "including verification"),
    "whole": ("A track as a whole", "from first sight to verified results"),
}
_RETRIES: tuple[tuple[State, str, str], ...] = (
    (
        "failed",
        "--retry-failed",
        (
            "The same command again with <code>--retry-failed</code> tries the failed tracks again, and skips finished ones."
            " It uses paid jobs; it pays for a new job only if the old one failed at the service."
        ),
    ),
    (
        "uncertain",
        "--retry-uncertain",
        (
            "For uncertain tracks, the answer to a paid request was lost. Every run searches for their jobs;"
            " <code>--retry-uncertain</code> sends a request again if its job isn't found."
        ),
    ),
)
"""The states whose tracks can be tried again, each with the option for that and an explanation."""


def when(span: Span) -> str:
    """The begin and the end of a run, as HTML."""
    first, last = span
    if first is None or last is None:
        return "Nothing has happened yet."
    return f"{moment(first)} to {moment(last)}"


def summary(view: ReportView, counts: Mapping[State, int], span: Span) -> str:
    """The counts with their bar, the figures, and the durations."""
    parts = (_headline(counts), _bar(counts), _figures(view, span))
    return f'<div class="card">{"".join(parts)}</div>{_durations(view.durations())}'


def retry(view: ReportView, counts: Mapping[State, int]) -> str:
    """Advice on failures: the command that tries them again."""
    offered = [(option, text_of) for state, option, text_of in _RETRIES if counts.get(state)]
    if not offered:
        return ""
    options = [option for option, _ in offered]
    said = "".join(f"<p>{text_of}</p>" for _, text_of in offered)
    return f'<div class="card retry">{said}<pre>{text(command(view, *options))}</pre></div>'


def command(view: ReportView, *options: str) -> str:
    """The command line of the run with additional options, as far as the ledger knows it."""
    root = view.root()
    # Single URLs have no folder in common.
    parts = [
        "musicai",
        "process",
        "folder",
        view.workflow,
        root.rstrip("/\\") if root and not is_url(root) else "…",
    ]
    parts += [view.bucket or str(view.out), *options]
    if view.bucket or view.path.absolute() != view.out / LEDGER:
        parts += ["--ledger", str(view.path.absolute())]
    if view.input_name != "inputUrl":
        parts += ["--input-name", view.input_name]
    for name, value in json.loads(redacted_json(view.common_params() or "{}")).items():
        parts += ["--param", f"{name}={_given(value)}"]
    return " ".join(part if part == "…" else quoted(part) for part in parts)


def _given(value: Any) -> str:
    """A parameter's value for the command line: text, quoted if it would be read as JSON."""
    try:
        json.loads(value)
    except (TypeError, ValueError):
        return value if isinstance(value, str) else json.dumps(value)
    return json.dumps(value)


def _headline(counts: Mapping[State, int]) -> str:
    total = sum(counts.values())
    done, failed = (sum(counts.get(state, 0) for state in states) for states in (SAFE, UNSETTLED))
    left = total - done - failed
    if not total:
        said = "No tracks yet."
    elif done == total:
        said = (
            f"All {number(total)} tracks have their results." if total > 1 else "The track has its results."
        )
    else:
        said = f"{number(done)} of {number(total)} tracks have their results."
    others = [f'<a href="#failures">{number(failed)} failed</a>'] * bool(failed)
    others += [f"{number(left)} in progress; the same command continues them"] * bool(left)
    return f'<p class="headline">{said}{"<small>" + " · ".join(others) + "</small>" if others else ""}</p>'


def _bar(counts: Mapping[State, int]) -> str:
    present: list[tuple[State, int]] = [(state, counts[state]) for state in BEST_FIRST if counts.get(state)]
    if not present:
        return ""
    total, x, pieces = sum(counts.values()), 0.0, list[str]()
    for state, count in present:
        # Even a small share must be visible.
        width = max(0.4, 100 * count / total)
        x = min(x, 100 - width)
        pieces.append(f'<rect class="{state}" x="{x:.2f}%" width="{width:.2f}%" height="100%"/>')
        x += width
    label = ", ".join(f"{TABLE[state].label} {number(count)}" for state, count in present)
    items = "".join(
        f'<li><button type="button" data-state="{state}" title="Show these tracks">'
        f'<svg class="{state}" aria-hidden="true"><rect width="100%" height="100%"/></svg>'
        f"<span>{TABLE[state].label}</span> <b>{number(count)}</b></button></li>"
        for state, count in present
    )
    bar = f'<svg class="bar" role="img" aria-label="Tracks by state: {label}">{"".join(pieces)}</svg>'
    return f'{bar}<ul class="legend">{items}</ul>'


def _figures(view: ReportView, span: Span) -> str:
    uploaded, downloaded = view.bytes()
    first, last = span
    figures = {
        "Inputs": number(view.count("inputs")),
        "Uploaded": size(uploaded),
        "Result files": number(view.count("outputs")),
        "Downloaded": size(downloaded),
    }
    cost = view.cost()
    if cost.jobs:
        figures["Jobs paid for"] = number(cost.jobs)
        if cost.jobs > cost.unmeasured:
            figures["Minutes of audio"] = f"{cost.minutes:,.1f}"
        if cost.unmeasured:
            figures["Jobs of unknown length"] = number(cost.unmeasured)
        if cost.money is not None:
            figures["Price of the jobs"] = f"{cost.money:,f}"
    if first is not None and last is not None:
        figures["From first to last"] = duration(last - first)
    listed = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in figures.items())
    return f'<dl class="figures">{listed}</dl>'


def _durations(found: Mapping[str, Durations]) -> str:
    if not found:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{name} <small>{what}</small></th>'
        + "".join(f"<td>{duration(value)}</td>" for value in (took.median, took.p95, took.longest))
        + f"<td>{number(took.count)}</td></tr>"
        for stage, (name, what) in _STAGES.items()
        if (took := found.get(stage)) is not None
    )
    titles = "".join(f'<th scope="col">{title}</th>' for title in ("Median", "95 %", "Longest", "Tracks"))
    return (
        '<div class="card"><table><caption>How long it took</caption>'
        f'<thead><tr><th scope="col"></th>{titles}</tr></thead><tbody>{rows}</tbody></table></div>'
    )
