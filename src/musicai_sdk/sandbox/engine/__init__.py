"""The sandbox's audio engine: signal processing on the uploaded audio, on numpy and soundfile alone.

It stands in for the real service where a client needs results that follow from the audio it sent. It is an
approximation. The figures below come from synthesised songs, which are easier than records: don't quote them
as the quality of the real service, nor expect the sandbox to be right where the service is.

The method, a module each:

- `audio` decodes what libsndfile reads (WAV, FLAC, OGG, Opus, MP3), resamples, and writes 16-bit WAV.
- `spectrum` and `chroma`: a tuning estimate, the energy of each semitone, log compression, and the floor of
  the spectrum taken away; ten frames a second.
- `chords`: centred correlation with major and minor templates (seventh chords help to find the root and are
  reported as the triad), a state for no chord, and a Viterbi decoder. Noise, drums and a lone sine are `N`.
- `beats`: spectral flux, tempo from its autocorrelation, Ellis's dynamic programming, downbeats where chords
  change and the bass enters.
- `key` from the time that each chord sounds; `spelling` and `segments` write the chords file.
- `separation`: median-filter masks for kick and snare, the centre of the stereo image for vocals. The parts
  sum to the mix, to the rounding of 16 bits, as long as none of them is clipped.
- `workflows`: which of these answers which slug.

Measured, as mir_eval scores it, the chords' changes snapped to the beat as they are in the file:

| what | on | figure |
| --- | --- | --- |
| chords, majmin overlap | the 4 songs in `tests/songs` | 0.95, the worst 0.89 |
| chords, majmin overlap | 20 unseen synthesised songs | 0.92, the worst 0.73 (jazz with free bass notes) |
| beats, F-measure | the 4 songs in `tests/songs` | 0.90 |
| beats, F-measure | 20 unseen synthesised songs | 0.93, 1.00 with drums |
| key | the same 24 songs | 24 right |
| kick drum, SI-SDR | a synthesised drum loop; with strings | 3.8 to 17 dB; -6.4 to 11 dB |
| snare drum, SI-SDR | the same | -4.6 to 8 dB; -11 to 6 dB |
| vocals, SI-SDR | a synthesised lead in a wide mix | -0.7 to 12.5 dB |

A 40 s song takes about half a second for chords and beats together, ten minutes of drums about 20 s.

Limits: bars have four beats; a slow song without drums may come out at half or double its tempo; only major
and minor are told apart, so the complex, simple and basic names are alike and there are no slash chords; a
chord that is found where there is no steady beat has null bars and beats; a melody without chords may be
heard as the chord of its overtones; `vocals` is whatever is tonal in the centre, so a lead guitar is in it
and backing vocals at the sides are not. A mono mix fails as `NOT_MODELLED` rather than return noise.
"""

from __future__ import annotations

from musicai_sdk.sandbox.engine.task import Handler, Output, Task, WorkflowFailure, bad_input
from musicai_sdk.sandbox.engine.workflows import WORKFLOWS

ENGINE = "musicai-sandbox-dsp/1"
"""The name and version of the engine: the version changes when its results do."""

__all__ = ["ENGINE", "WORKFLOWS", "Handler", "Output", "Task", "WorkflowFailure", "bad_input"]
