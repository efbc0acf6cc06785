"""Workflows as types: what to ask for, and what comes back.

A workflow class holds the parameters of one run; running it gives a job whose `result` has one typed field per
output:

```python
job = client.jobs.run(IsolateDrums(input_url=Path("song.mp3")))
client.files.download(job.result.kick_drum, "kick.wav")
```

The service doesn't publish what a workflow takes or gives (it lists names and slugs only), so a workflow of your own
is declared once, as a class:

```python
class LoudnessResult(WorkflowResult):
    bpm: str
    mastered: FileOutput = output("Mastered mix")      # the wire name, where it differs from the field's name

class Loudness(Workflow[LoudnessResult], slug="acme-loudness"):
    input_url: FileInput                               # sent as "inputUrl"
    target: float = param("Target LUFS", default=-14)  # a wire name of its own
```

or asked for without a type: `CustomWorkflow("acme-loudness", {"inputUrl": Path("song.mp3")})`. Or let
`musicai_sdk.codegen` write the classes of all workflows of an account, from its finished jobs.

Importing this package loads nothing; a class is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musicai_sdk.models.result import RawResult, WorkflowResult, output
    from musicai_sdk.workflows.base import CustomWorkflow, FileInput, Workflow, param
    from musicai_sdk.workflows.templates import (
        ChordsAndBeatMapping,
        ChordsAndBeatMappingResult,
        GenerateChords,
        GenerateChordsResult,
        GetAcapella,
        GetAcapellaResult,
        IsolateDrums,
        IsolateDrumsResult,
        StemSeparationSuite,
        StemSeparationSuiteResult,
        StemsVocalsAccompaniment,
        StemsVocalsAccompanimentResult,
        StemsVocalsDrumsBassOther,
        StemsVocalsDrumsBassOtherResult,
    )

__all__ = [
    "ChordsAndBeatMapping",
    "ChordsAndBeatMappingResult",
    "CustomWorkflow",
    "FileInput",
    "GenerateChords",
    "GenerateChordsResult",
    "GetAcapella",
    "GetAcapellaResult",
    "IsolateDrums",
    "IsolateDrumsResult",
    "RawResult",
    "StemSeparationSuite",
    "StemSeparationSuiteResult",
    "StemsVocalsAccompaniment",
    "StemsVocalsAccompanimentResult",
    "StemsVocalsDrumsBassOther",
    "StemsVocalsDrumsBassOtherResult",
    "Workflow",
    "WorkflowResult",
    "output",
    "param",
]

_BASE = {
    "CustomWorkflow": "musicai_sdk.workflows.base",
    "FileInput": "musicai_sdk.workflows.base",
    "RawResult": "musicai_sdk.models.result",
    "Workflow": "musicai_sdk.workflows.base",
    "WorkflowResult": "musicai_sdk.models.result",
    "output": "musicai_sdk.models.result",
    "param": "musicai_sdk.workflows.base",
}
"""Where the names live that aren't generated."""


if not TYPE_CHECKING:  # to a type checker it would make every misspelt name one of ours

    def __getattr__(name: str) -> object:
        """Loads a public name at its first use."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_BASE.get(name, "musicai_sdk.workflows.templates")), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        """The public names."""
        return sorted({*globals(), *__all__})
