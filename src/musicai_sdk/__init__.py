"""The Music.AI API in Python: upload a song, run a workflow on it, read the typed results.

```python
from pathlib import Path
from musicai_sdk import MusicAiClient
from musicai_sdk.workflows import GenerateChords

with MusicAiClient() as client:  # MUSIC_AI_API_KEY
    job = client.jobs.run(GenerateChords(input_url=Path("song.mp3")))
    for chord in client.files.read(job.result.chords):
        print(chord.start, chord.chord_majmin)
    client.jobs.download(job, "chords")
    client.jobs.delete(job)
```

`AsyncMusicAiClient` has the same names with `await` in front. `musicai_sdk.workflows` has the workflows,
`musicai_sdk.models` what the service sends, `musicai_sdk.errors` the errors, `musicai_sdk.batch` whole catalogues,
`musicai_sdk.sandbox` the service on your own machine, and `musicai_sdk.compat` the published 1.0 client.

For those who work on the package: a room is a package below this one. It imports only from rooms above or beside it in
this list, and its docstring says what it is for and where to add things.

- `errors`, `models`, `workflows`: the errors, what the service sends, what callers ask for
- `_io`: the blocking and the asynchronous driver, the only room of the client that imports httpx
- `_core`: the logic, written once as coroutines over the drivers' protocol
- `resources`, `client`: the public methods; the synchronous ones are generated
- `music`, `storage`, `codegen`, `compat`, `batch`, `sandbox`: chord tables, buckets, generated workflow classes, 1.0
  programs, catalogues, and the service on loopback
- `cli`, `mcp`, `testing`: the command `musicai`, the server for agents, the fixtures for pytest

Beside the rooms, for all of them: `_files` (atomic writes), `_locks` (locks on files), `_names` (file names), `_text`
(URLs without secrets), `_containers` (chunks and boxes of audio files), `_platform` (shells and streams), `_job_search` (whether a paid job exists), `_preload` (what a
long run loads first), `_progress` (bars on standard error), `_notebook` (tables in notebooks), `_frames` (tables for
pandas), `_credentials` (stored keys), `_doctor` (the checks of `musicai doctor`).

One call: `client.jobs.run` (`resources.jobs`) → `_core.run` → `_core.create`, which uploads inputs and posts the job →
`_core.wait` → the driver in `_io`. The answer becomes a `Job` (`models.job`). `_core` lists the steps in between.

One track of a batch: `batch.inputs` reads it, `batch.ledger` keeps its state, `batch.engine.decide` chooses what to do,
`batch.engine.steps` does it with the client: upload, create, wait, download. `batch.results` writes and verifies the
files, and only then is the job deleted.
"""

from __future__ import annotations

from importlib import import_module

# Type checkers know this name; importing `typing` for it would take most of this import's time. It isn't plain False,
# because jedi, which follows values, would consider the block below unreachable.
TYPE_CHECKING = __name__ == ""

if TYPE_CHECKING:
    from musicai_sdk._core.options import RequestOptions
    from musicai_sdk._io.record import Exchange
    from musicai_sdk.client import AsyncMusicAiClient, MusicAiClient
    from musicai_sdk.errors import MusicAiError
    from musicai_sdk.models import (
        CUSTOM_STORAGE,
        CustomStorage,
        FileOutput,
        FileUrl,
        Filters,
        Job,
        JobRef,
        JobStatus,
        JsonFile,
        JsonOutput,
        Unknown,
        UploadedFile,
    )
    from musicai_sdk.workflows import (
        CustomWorkflow,
        FileInput,
        RawResult,
        Workflow,
        WorkflowResult,
        output,
        param,
    )

__version__ = "2.0.0"

__all__ = [
    "CUSTOM_STORAGE",
    "AsyncMusicAiClient",
    "CustomStorage",
    "CustomWorkflow",
    "Exchange",
    "FileInput",
    "FileOutput",
    "FileUrl",
    "Filters",
    "Job",
    "JobRef",
    "JobStatus",
    "JsonFile",
    "JsonOutput",
    "MusicAiClient",
    "MusicAiError",
    "RawResult",
    "RequestOptions",
    "Unknown",
    "UploadedFile",
    "Workflow",
    "WorkflowResult",
    "output",
    "param",
]

_HOMES = {
    "musicai_sdk._core.options": ("RequestOptions",),
    "musicai_sdk._io.record": ("Exchange",),
    "musicai_sdk.client": ("AsyncMusicAiClient",),
    "musicai_sdk.resources._sync.client": ("MusicAiClient",),
    "musicai_sdk.errors": ("MusicAiError",),
    "musicai_sdk.workflows": (
        *("CustomWorkflow", "FileInput", "RawResult", "Workflow", "WorkflowResult", "output", "param"),
    ),
}
"""The modules of the public names; all others are in `musicai_sdk.models`. Importing this package loads none of them."""


if not TYPE_CHECKING:  # otherwise type checkers would accept every misspelt name

    def __getattr__(name: str) -> object:
        """Loads a public name at first use."""
        if name in (
            "batch",
            "codegen",
            "compat",
            "errors",
            "mcp",
            "models",
            "music",
            "sandbox",
            "storage",
            "workflows",
        ):
            return import_module(f"{__name__}.{name}")
        if name not in __all__:
            moved = f": use musicai_sdk.compat.{name}" if name in ("process_folder", "utils") else ""
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}{moved}")
        home = next((module for module, names in _HOMES.items() if name in names), "musicai_sdk.models")
        value = getattr(import_module(home), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        """The public names."""
        return sorted({*globals(), *__all__})
