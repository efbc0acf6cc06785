"""Writes the page as a stream, so that its memory use doesn't depend on the number of tracks."""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from itertools import islice
from pathlib import Path
from string import Template
from urllib.parse import quote

from musicai_sdk._files import replacing
from musicai_sdk.batch.ledger.states import STATES, TABLE, UNSETTLED
from musicai_sdk.batch.report.format import moment, number, text, without_queries
from musicai_sdk.batch.report.query import ReportView
from musicai_sdk.batch.report.rows import Row, Rows, encoded, written
from musicai_sdk.batch.report.summary import retry, summary, when

REPORT = "report.html"
"""The page's name in the output folder."""
LISTED = 250_000
"""The most tracks that a page lists: browsers can't handle many more."""


def write_report(ledger: str | os.PathLike[str], path: str | os.PathLike[str] | None = None) -> Path:
    """Writes a report of a run as one HTML page: counts, durations, failures, and every track with links and players.

    The page needs no network and no other files but the results, which it links to relative to its own folder. It never
    contains a signed URL. It can be written during a run, and replaces an older page in one step.

    Args:
        ledger: The run's ledger, `Report.ledger`.
        path: The page's file; `report.html` in the output folder when left out.

    Returns:
        The page's path.

    Raises:
        LedgerError: the ledger doesn't exist, or can't be read.
        OSError: the page can't be written.
    """
    with ReportView(ledger) as view, view.snapshot():
        target = Path(path).absolute() if path is not None else view.out / REPORT
        with replacing(target, errors="replace", durable=False) as file:
            file.writelines(_page(view, target.parent))
    return target


def _page(view: ReportView, folder: Path) -> Iterator[str]:
    style, script, page = (
        files("musicai_sdk.batch.report").joinpath(f"page.{kind}").read_text("utf-8")
        for kind in ("css", "js", "html")
    )
    counts, span = view.counts(), view.span()
    total = sum(counts.values())
    more = (
        f'<p class="note">The first {number(LISTED)} of {number(total)} tracks; '
        "<code>musicai batch export</code> gives all of them.</p>"
    )
    values = {
        "policy": _policy(style, script),
        "title": text(f"{view.workflow} · batch report"),
        "style": style,
        "workflow": text(view.workflow),
        "when": when(span),
        "summary": summary(view, counts, span),
        "failures": "" if any(counts.get(state) for state in UNSETTLED) else "hidden",
        "retry": retry(view, counts),
        "more": more if total > LISTED else "",
        "written": moment(time.time()),
        "script": script,
    }
    rows = Rows(view.root())
    streamed: dict[str, Callable[[], Iterator[str]]] = {
        "rows": lambda: written(_rows(view, rows)),
        "rejects": lambda: written(
            [rows.name(each.source), without_queries(each.reason)] for each in view.rejected()
        ),
        # After the rows, which collect the texts that the page contains once.
        "facts": lambda: iter([encoded(_facts(view, rows, folder))]),
    }
    for name, pieces in streamed.items():
        before, _, page = page.partition(f"${name}")
        yield Template(before).substitute(values)
        yield from pieces()
    yield Template(page).substitute(values)


def _rows(view: ReportView, rows: Rows) -> Iterator[Row]:
    # Both are in the order of the tracks.
    copies = view.copies()
    copy = next(copies, None)
    for outputs in islice(view.listed(), LISTED):
        others: list[str] = []
        while copy is not None and copy[0] == outputs[0][0]:
            others.append(copy[1])
            copy = next(copies, None)
        yield rows.row(outputs, others)


def _facts(view: ReportView, rows: Rows, folder: Path) -> dict[str, object]:
    return {
        "root": view.root(),
        "base": "" if view.bucket else _base(view.out, folder),
        "bucket": view.bucket,
        "states": STATES,
        "words": {state: info.label for state, info in TABLE.items()},
        "texts": rows.texts.texts,
        "shapes": rows.shapes.texts,
    }


def _base(out: Path, folder: Path) -> str:
    """The output folder, relative to the page's folder."""
    try:
        relative = Path(os.path.relpath(out.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return f"{out.resolve().as_uri()}/"
    return "./" if relative == "." else f"./{quote(relative)}/"


def _policy(style: str, script: str) -> str:
    """The content security policy: the page may run its own script, and play files."""
    digests = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}';"
        " img-src data:; media-src 'self' file:; base-uri 'none'; form-action 'none'"
    )
