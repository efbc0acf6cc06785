"""Finds the chords of a real song in a sandbox on this machine. `scripts/demo` runs this in its own environment."""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from musicai_sdk._platform import escape_unencodable
from musicai_sdk.errors import MusicAiError
from musicai_sdk.models import Chord
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import GenerateChords

SONG = Path(__file__).parents[1] / "tests" / "songs" / "band0.ogg"


def step(text: str) -> None:
    print(f"\n{text}", flush=True)


def table(chords: Sequence[Chord]) -> None:
    row = "{:>8}  {:>8}  {:>8}  {:<8}  {}".format
    print(row("start", "end", "bar.beat", "chord", "pop"))
    for chord in chords:
        place = "-" if chord.start_bar is None else f"{chord.start_bar}.{chord.start_beat}"
        pop = chord.chord_complex_pop or "-"
        print(row(f"{chord.start:.2f}", f"{chord.end:.2f}", place, chord.chord_majmin, pop))


def figures(chords: Sequence[Chord], seconds: float) -> None:
    length = chords[-1].end if chords else 0.0
    held = defaultdict[str, float](float)
    for chord in chords:
        held[chord.chord_majmin] += chord.end - chord.start
    print(f"length          {length:.1f} s, {max((chord.end_bar or 0 for chord in chords), default=0)} bars")
    print(f"chords          {len(chords)} segments, {len(held.keys() - {'N'})} different chords")
    longest = sorted(held, key=lambda name: held[name], reverse=True)[:3]
    print(f"most held       {', '.join(f'{name} ({held[name]:.1f} s)' for name in longest)}")
    print(f"upload and job  {seconds:.1f} s, {length / seconds:.0f} times as fast as the song plays")


def demo(song: Path) -> Path:
    """Finds and prints the chords of a song, and returns the folder that they were downloaded to."""
    step("Starting a sandbox: the service's API on this machine, with real audio analysis.")
    with Sandbox() as sandbox, sandbox.client() as client:
        print(sandbox.base_url)

        step(f"Uploading {song} and running {GenerateChords.slug} on it.")
        started = time.monotonic()
        job = client.jobs.run(
            GenerateChords(input_url=song), on_update=lambda state: print(f"job {state.id}: {state.status}")
        )
        seconds = time.monotonic() - started

        step("Reading the chords, typed.")
        chords = client.files.read(job.result.chords)
        table(chords)
        print()
        figures(chords, seconds)

        folder = Path("chords", song.stem)
        step(f"Downloading the job's files to {folder.absolute()}")
        files = client.jobs.download(job, folder)
        for path in (*files.values(), files.manifest):
            print(f"{path.stat().st_size:>9,} bytes  {path}")

        step("Deleting the job.")
        client.jobs.delete(job)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Finds the chords of a song in a sandbox of the Music.AI API on this machine.",
    )
    parser.add_argument(
        "song", nargs="?", type=Path, default=SONG, help="any audio file; by default a song of the tests"
    )
    escape_unencodable()
    song: Path = parser.parse_args().song
    try:
        folder = demo(song)
    except (MusicAiError, OSError) as error:
        print(f"scripts/demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("scripts/demo: stopped", file=sys.stderr)
        return 130
    print(f"\nscripts/demo: done, the chords of {song.name} are in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
