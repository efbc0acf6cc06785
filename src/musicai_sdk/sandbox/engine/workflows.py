"""The workflows that the sandbox models, by slug. The first line of each docstring is its description."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from musicai_sdk.sandbox.engine.task import Handler, Output, Task


def _chords_and_beats(task: Task) -> dict[str, Output]:
    """Chords, beats, key and tempo of a song (approximate: triads, sevenths and slash basses, bars of four)."""
    from musicai_sdk.sandbox.engine.analysis import chords_and_beats  # Imports numpy, as below.

    return chords_and_beats(task.fetch("inputUrl"), task.folder)


def _chords(task: Task) -> dict[str, Output]:
    """Chords of a song with their bars and beats (approximate: triads, sevenths and slash basses)."""
    return {"chords": _chords_and_beats(task)["chords"]}


def _isolate_drums(task: Task) -> dict[str, Output]:
    """Kick drum, snare drum and the rest of a mix (approximate: median filters)."""
    from musicai_sdk.sandbox.engine.analysis import drums

    return drums(task.fetch("inputUrl"), task.folder)


def _drums_other(task: Task) -> dict[str, Output]:
    """Drums and the rest of a mix (approximate: harmonic-percussive separation). The sandbox's own, not the service's."""
    from musicai_sdk.sandbox.engine.analysis import percussive

    return percussive(task.fetch("inputUrl"), task.folder)


def _vocals_accompaniment(task: Task) -> dict[str, Output]:
    """Vocals and accompaniment of a stereo mix (approximate: tonal sounds in the centre)."""
    from musicai_sdk.sandbox.engine.analysis import vocals

    return vocals(task.fetch("inputUrl"), task.folder)


def _sdk_test(task: Task) -> dict[str, Output]:
    """Returns its input file, as the official clients' own tests expect."""
    return {"file": task.fetch("file")}


WORKFLOWS: Mapping[str, Handler] = {
    "music-ai/generate-chords": _chords,
    "music-ai/chords-and-beat-mapping": _chords_and_beats,
    "music-ai/get-acapella": _vocals_accompaniment,
    "music-ai/isolate-drums": _isolate_drums,
    "music-ai/stems-vocals-accompaniment": _vocals_accompaniment,
    "sandbox/drums-other": _drums_other,
    "sdk-test": _sdk_test,
}
"""Each workflow's function by its slug."""

LIGHT = frozenset({"sdk-test"})
"""The slugs of workflows that compute nothing, and run without a process."""
