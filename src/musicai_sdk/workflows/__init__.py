"""Workflows as types: the parameters of a job, and its result.

An instance of a workflow class holds the parameters of one job. The job's `result` has one typed field per output:

```python
job = client.jobs.run(IsolateDrums(input_url=Path("song.mp3")))
client.files.download(job.result.kick_drum, "kick.wav")
```

The service doesn't publish the parameters and outputs of workflows (it lists only names and slugs), so declare your own
workflows as classes:

```python
class LoudnessResult(WorkflowResult):
    bpm: str
    mastered: FileOutput = output("Mastered mix")      # the wire name, if it isn't the field's name in camelCase

class Loudness(Workflow[LoudnessResult], slug="acme-loudness"):
    input_url: FileInput                               # sent as "inputUrl"
    target: float = param("Target LUFS", default=-14)  # another wire name
```

or run them without a type: `CustomWorkflow("acme-loudness", {"inputUrl": Path("song.mp3")})`.
`musicai_sdk.codegen` writes the classes for all workflows of an account from its finished jobs.

Importing this package is cheap: each class is loaded at its first use.

For developers: this room uses only `models`, `errors` and `_text`, and the rooms above may use it. `base.py` has the base class,
`annotations.py` reads the annotations of subclasses, `inputs.py` decides which values are files. To add a built-in
workflow, add a JSON file to `schemas/workflows` and run `scripts/generate`, which writes `templates.py` and the names
below; a file input of a new kind belongs into `inputs.py`.
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
"""The modules of the names that aren't generated."""


if not TYPE_CHECKING:  # type checkers would accept every misspelt name

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
