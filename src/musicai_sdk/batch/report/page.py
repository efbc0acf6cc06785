"""Writes the page and its table as streams, so that memory use doesn't depend on the number of tracks."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from urllib.parse import quote

from musicai_sdk._files import replacing
from musicai_sdk.batch.ledger.states import STATES, TABLE, UNSETTLED, State
from musicai_sdk.batch.report.format import moment, number, text, without_queries
from musicai_sdk.batch.report.query import ReportView
from musicai_sdk.batch.report.rows import Row, Rows, encoded, written
from musicai_sdk.batch.report.summary import retry, summary, when

REPORT = "report.html"
"""The page's name in the output folder."""
LISTED = 10_000
"""The most tracks that a page lists, because nobody scrolls further. For a larger run, the CSV file has all tracks."""
_TABLE_ENDING = ".tracks.csv"


def write_report(ledger: str | os.PathLike[str], path: str | os.PathLike[str] | None = None) -> Path:
    """Writes a report of a run as one HTML page: counts, durations, failures, and every track with links and players.

    The page needs no network and no files other than the results, which it links to relative to its own folder. It never
    contains a signed URL. It can be written during a run, and replaces an older page in one step.

    If a run has more than 10,000 tracks, the page lists only 10,000, including the failed ones, and links to a CSV file
    beside it (`report.tracks.csv`), which has a line for every track. In that file, text that a spreadsheet would
    evaluate as a formula begins with an apostrophe.

    Args:
        ledger: The run's ledger, `Report.ledger`, or its output folder.
        path: The page's file; `report.html` in the output folder when left out.

    Returns:
        The page's path.

    Raises:
        LedgerError: the ledger doesn't exist, or can't be read.
        OSError: the page can't be written.
    """
    with ReportView(ledger) as view, view.snapshot():
        target = Path(path).absolute() if path is not None else view.out / REPORT
        counts = view.counts()
        table = target.with_name(target.stem + _TABLE_ENDING) if sum(counts.values()) > LISTED else None
        if table is not None:
            with replacing(table, errors="replace", durable=False) as file:
                csv.writer(file, lineterminator="\n").writerows(view.table())
        with replacing(target, errors="replace", durable=False) as file:
            file.writelines(_page(view, target.parent, counts, table))
    return target


def _page(view: ReportView, folder: Path, counts: Mapping[State, int], table: Path | None) -> Iterator[str]:
    style, script, page = (
        files("musicai_sdk.batch.report").joinpath(f"page.{kind}").read_text("utf-8")
        for kind in ("css", "js", "html")
    )
    span = view.span()
    values = {
        "policy": _policy(style, script),
        "title": text(f"{view.workflow} · batch report"),
        "style": style,
        "workflow": text(view.workflow),
        "when": when(span),
        "summary": summary(view, counts, span),
        "failures": "" if any(counts.get(state) for state in UNSETTLED) else "hidden",
        "retry": retry(view, counts),
        "more": _more(sum(counts.values()), table),
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


def _more(total: int, table: Path | None) -> str:
    """The note that tracks are left out, and where to find them."""
    if table is None:
        return ""
    return (
        f'<p class="note">These are {number(LISTED)} of {number(total)} tracks, the failed ones among them:'
        f' <a href="./{quote(table.name)}" download>{text(table.name)}</a> has a line for every track.</p>'
    )


def _rows(view: ReportView, rows: Rows) -> Iterator[Row]:
    # Both are in the order of the tracks.
    copies = view.copies()
    copy = next(copies, None)
    for outputs in view.listed(LISTED):
        others: list[str] = []
        while copy is not None and copy[0] <= outputs[0][0]:
            if copy[0] == outputs[0][0]:
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
