"""POSTs whose answers are lost: how often they are looked for before they are sent again."""

from __future__ import annotations

from pathlib import Path

from batch.support import echo, make_tracks, posts
from musicai_sdk.batch import Event
from musicai_sdk.sandbox import Sandbox


def test_looked_for_once_and_sent_again(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    sandbox.faults.add("POST /job", reset="before", nth=1, times=2)
    events = list[Event]()
    batch = echo(
        sandbox, tmp_path / "in", tmp_path / "out", grace=0.0, retry_uncertain=True, on_event=events.append
    )
    assert batch.run().ok
    asked = [(entry.method, entry.path) for entry in sandbox.requests]
    assert posts(sandbox) == 3
    last = max(index for index, what in enumerate(asked) if what == ("POST", "/v1/job"))
    # After each lost answer one look, the run's: that for all of them.
    assert asked[:last].count(("GET", "/v1/job")) == 2
    assert [event.state for event in events if event.kind == "state"].count("uncertain") == 2
    assert sandbox.jobs == []
