"""The sandbox's audio engine: signal processing on the uploaded audio, with numpy and soundfile alone.

It gives clients results that follow from the audio that they sent. It is an approximation of the service. The figures
below are from synthesised songs, which are easier than recordings: they say nothing about the service, and recordings
come out worse.

The method, by module:

- `audio` decodes what libsndfile reads (WAV, FLAC, OGG, Opus, MP3), resamples, and writes 16-bit WAV.
- `spectrum` and `chroma`: a tuning estimate, the energy of each semitone, log compression, and the floor of the
  spectrum subtracted; ten frames a second. The lowest strong note, for basses.
- `chords`: centred correlation with major and minor templates (seventh chords help to find the root), a state for no
  chord, and a Viterbi decoder. Noise, drums and a lone sine are `N`. `voicing` adds sevenths and slash basses.
- `beats`: spectral flux, tempo from its autocorrelation, Ellis's dynamic programming, downbeats where chords change and
  the bass enters.
- `key` from the duration of each chord; `spelling` and `segments` write the chords file in the service's form.
- `separation`: median-filter masks for kick and snare, the centre of the stereo image for vocals. The parts sum to the
  mix, up to the rounding to 16 bits, unless one of them is clipped.
- `workflows`: the function of each slug. `processes` runs them in processes of their own (`worker`).

Measured with mir_eval, on the chords file, whose changes are snapped to beats:

| what | on | figure |
| --- | --- | --- |
| chords, majmin overlap | the 4 songs in `tests/songs` | 0.95, the worst 0.89 |
| chords, sevenths overlap | the 4 songs in `tests/songs` | 0.93, the worst 0.83 (0.71 with triads alone) |
| chords, majmin overlap | 20 unseen synthesised songs | 0.92, the worst 0.73 (jazz with free bass notes) |
| beats, F-measure | the 4 songs in `tests/songs` | 0.90 |
| beats, F-measure | 20 unseen synthesised songs | 0.93, 1.00 with drums |
| key | the same 24 songs | 24 right |
| kick drum, SI-SDR | a synthesised drum loop; with strings | 3.8 to 17 dB; -6.4 to 11 dB |
| snare drum, SI-SDR | the same | -4.6 to 8 dB; -11 to 6 dB |
| vocals, SI-SDR | a synthesised lead in a wide mix | -0.7 to 12.5 dB |

Chords and beats of a 40 s song take about half a second, ten minutes of drums about 20 s.

Limits: bars have four beats; a slow song without drums may come out at half or double its tempo; chords are major or
minor, with a seventh or without, so that the complex spellings are the simple ones; without a steady beat, bars follow
the changes of chords; a melody without chords may be heard as the chord of its overtones; `vocals` is everything tonal in
the centre, a lead guitar included, and lacks backing vocals at the sides. A mono mix fails as `NOT_MODELLED`: noise is
never returned as a stem. AAC (M4A, MP4) is refused with advice: libsndfile has no decoder, and PyAV, the smallest one
on PyPI, would more than double the size of the installed extra.

To add a workflow, touch two files: a function of a `Task` in `workflows`, registered in `WORKFLOWS` under its slug, with
the description that `GET /workflow` shows as the first line of its docstring; and its work in `analysis`, which may
import numpy. A description in `schemas/workflows` makes the typed class (`scripts/generate`). Change `ENGINE` whenever
results change. `api.catalogue` and `api.work` import from here, the dashboard decodes audio with `audio`, and workflow
functions of users import `Task`, `WorkflowFailure` and `bad_input`; the engine knows nothing of HTTP.
"""

from __future__ import annotations

from musicai_sdk.sandbox.engine.task import Handler, Output, Task, WorkflowFailure, bad_input
from musicai_sdk.sandbox.engine.workflows import WORKFLOWS

ENGINE = "musicai-sandbox-dsp/2"
"""The name and version of the engine. The version changes with its results."""

__all__ = ["ENGINE", "WORKFLOWS", "Handler", "Output", "Task", "WorkflowFailure", "bad_input"]
