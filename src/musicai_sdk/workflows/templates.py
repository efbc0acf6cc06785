"""Typed classes of the workflows that every account has (`music-ai/…`)."""

from __future__ import annotations

from musicai_sdk.models.chords import Chord
from musicai_sdk.models.outputs import FileOutput, JsonOutput
from musicai_sdk.models.result import WorkflowResult, output
from musicai_sdk.workflows.base import FileInput, Workflow


class GenerateChordsResult(WorkflowResult, frozen=True):
    """What `GenerateChords` returns (source: third-party users)."""

    chords: JsonOutput[list[Chord]] = output("chords", "chords map")
    """The chord segments, a JSON file: `client.files.read(job.result.chords)` is a `list[Chord]`."""


class GenerateChords(Workflow[GenerateChordsResult], slug="music-ai/generate-chords"):
    """Recognises the chords of a song (source: official READMEs; one team reports that its account lacks it)."""

    input_url: FileInput
    """The song: a URL, a local path, or an uploaded file."""


class IsolateDrumsResult(WorkflowResult, frozen=True):
    """What `IsolateDrums` returns (source: official READMEs)."""

    kick_drum: FileOutput = output("Kick drum")
    """The kick drum alone, WAV."""
    snare_drum: FileOutput = output("Snare drum")
    """The snare drum alone, WAV."""
    other: FileOutput = output("Other")
    """Everything else, WAV."""


class IsolateDrums(Workflow[IsolateDrumsResult], slug="music-ai/isolate-drums"):
    """Separates a mix into kick drum, snare drum and everything else (source: official READMEs)."""

    input_url: FileInput
    """The song: a URL, a local path, or an uploaded file."""


class StemsVocalsAccompanimentResult(WorkflowResult, frozen=True):
    """What `StemsVocalsAccompaniment` returns (source: third-party users)."""

    vocals: FileOutput
    """The singing alone, WAV."""
    accompaniment: FileOutput = output("accompaniment", "accompaniments")
    """Everything but the singing, WAV. Some documents spell the output `accompaniments`; both are read."""


class StemsVocalsAccompaniment(
    Workflow[StemsVocalsAccompanimentResult], slug="music-ai/stems-vocals-accompaniment"
):
    """Separates the singing from the rest (source: official quick start)."""

    input_url: FileInput
    """The song: a URL, a local path, or an uploaded file."""
