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

or asked for without a type: `CustomWorkflow("acme-loudness", {"inputUrl": Path("song.mp3")})`.
"""

from __future__ import annotations

from musicai_sdk.models.result import RawResult, WorkflowResult, output
from musicai_sdk.workflows.base import CustomWorkflow, FileInput, Workflow, param
from musicai_sdk.workflows.templates import (
    GenerateChords,
    GenerateChordsResult,
    IsolateDrums,
    IsolateDrumsResult,
    StemsVocalsAccompaniment,
    StemsVocalsAccompanimentResult,
)

__all__ = [
    "CustomWorkflow",
    "FileInput",
    "GenerateChords",
    "GenerateChordsResult",
    "IsolateDrums",
    "IsolateDrumsResult",
    "RawResult",
    "StemsVocalsAccompaniment",
    "StemsVocalsAccompanimentResult",
    "Workflow",
    "WorkflowResult",
    "output",
    "param",
]
