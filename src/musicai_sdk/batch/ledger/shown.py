"""A run for people: as a line, in a notebook, and its tracks as rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from musicai_sdk._notebook import Html, badge, card, facts, link, note, player, relative, safe, table
from musicai_sdk._text import duration, size, without_queries
from musicai_sdk.batch.events import Progress
from musicai_sdk.batch.ledger.states import SAFE, TABLE, UNSETTLED
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.results.output import MANIFEST, OutputRecord
from musicai_sdk.batch.text import redacted

LISTED = 10
"""The most tracks in a notebook's cell."""


def summary(progress: Progress) -> str:
    """`23 of 24 inputs done (3 by earlier runs), 1 failed, in 12 s`."""
    done = f"{progress.done:,} of {progress.known:,} input{'' if progress.known == 1 else 's'} done"
    counts = {
        "failed": progress.failed,
        "duplicates": progress.duplicates,
        "rejected": progress.rejected,
        "with missing files": progress.missing,
        "waiting for a higher limit": progress.waiting,
    }
    earlier = f" ({progress.skipped:,} by earlier runs)" if progress.skipped else ""
    parts = [done + earlier, *(f"{count:,} {what}" for what, count in counts.items() if count)]
    return f"{', '.join(parts)}, in {duration(progress.seconds)}"


def track_row(track: Track, outputs: Sequence[OutputRecord]) -> dict[str, Any]:
    """A track as plain data, without signed URLs."""
    known = track.created_at is not None and track.finished_at is not None
    return {
        "source": redacted(track.source),
        "state": track.state,
        "folder": track.folder,
        "job_id": track.job_id,
        "seconds": (track.finished_at or 0) - (track.created_at or 0) if known else None,
        "attempts": track.attempts,
        "error_code": track.error_code,
        "error_message": without_queries(track.error_message) if track.error_message else None,
        "outputs": {each.name: each.path for each in outputs if each.name != MANIFEST},
        "bytes": track.bytes_downloaded,
    }


ROW = tuple(track_row(Track("", "seen", "", "", "", "", ""), ()))
"""The columns of the rows."""


def html(
    title: str,
    progress: Progress,
    places: dict[str, object],
    rows: Iterable[dict[str, Any]] = (),
    total: int = 0,
    out: Path | None = None,
) -> str:
    """A run in a notebook: figures, places, and the first tracks with links and players.

    Args:
        title: The workflow.
        progress: The figures.
        places: The ledger and the results.
        rows: The first tracks, as `track_row` returns them.
        total: The number of tracks.
        out: The output folder, if the results are in one.
    """
    moved = f"{size(progress.bytes_uploaded)} up, {size(progress.bytes_downloaded)} down"
    shown = [(relative(row["source"]), *_track(row, out)) for row in rows]
    tracks = table(("input", "state", "results"), shown) if shown else ""
    more = note(f"and {total - len(shown):,} more: .rows has all of them") if total > len(shown) else ""
    return card(title, note(summary(progress)), facts({"moved": moved, **places}), tracks, more)


def place(path: Path) -> Html:
    """A link to a file or folder, with its path."""
    return link(path, str(path))


def _track(row: dict[str, Any], out: Path | None) -> tuple[Html, Html]:
    state = row["state"]
    good = True if state in SAFE else False if state in UNSETTLED else None
    if row["error_code"]:
        found = Html(f"{safe(row['error_code'])}: {safe(row['error_message'])}")
    elif out is None:
        found = Html("<br>".join(safe(path) for path in row["outputs"].values()))
    else:
        found = Html("<br>".join(player(out / path) for path in row["outputs"].values()))
    return badge(TABLE[state].label, good=good), found
