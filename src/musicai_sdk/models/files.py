"""The return values of transfers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from typing_extensions import override

from musicai_sdk._text import redacted_repr, size

RESULT_MANIFEST = "workflow.results.json"
"""The name of the JSON file with a job's whole result. The 1.0 package wrote `workflow.result.json`."""

CONTENT_TYPES = {
    ".aac": "audio/aac",
    ".aiff": "audio/aiff",
    ".aif": "audio/aiff",
    ".csv": "text/csv",
    ".flac": "audio/flac",
    ".json": "application/json",
    ".m4a": "audio/mp4",
    ".mid": "audio/midi",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".txt": "text/plain",
    ".wav": "audio/wav",
}
"""The content types of inputs and outputs, by extension. Those of the standard library differ between systems."""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file in the service's temporary storage. Pass it to a workflow input."""

    url: str
    """The signed URL by which jobs read it. It expires; the service doesn't say when."""
    size: int
    """The size in bytes."""

    __repr__ = redacted_repr


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """A completely downloaded file."""

    path: Path
    """The path."""
    size: int
    """The size in bytes."""


@dataclass(frozen=True, slots=True)
class JobFiles(Mapping[str, Path]):
    """The downloaded results of one job: a mapping from output names to paths."""

    folder: Path
    """The folder with all files."""
    manifest: Path
    """The JSON file with the whole result; file outputs are paths relative to the folder."""
    files: Mapping[str, DownloadedFile] = field(default_factory=dict[str, DownloadedFile])
    """The files by output name. A file inside an output has its path as name: `stems.0.url`.

    Outputs in your own storage aren't included.
    """
    missing: tuple[str, ...] = ()
    """The outputs that the result type declares but the job lacks. If you need them, keep the job."""

    def _repr_html_(self) -> str:
        """The files in a notebook, with links and players."""
        from musicai_sdk import _notebook as html

        rows = [(name, html.player(file.path), size(file.size)) for name, file in self.files.items()]
        missing = html.note(f"missing: {', '.join(self.missing)}") if self.missing else ""
        places = html.facts({"folder": str(self.folder), "whole result": html.link(self.manifest)})
        return html.card(
            f"{len(rows):,} file{'' if len(rows) == 1 else 's'}",
            html.table(("output", "file", "size"), rows),
            places,
            missing,
        )

    @override
    def __getitem__(self, output: str) -> Path:
        return self.files[output].path

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    @override
    def __len__(self) -> int:
        return len(self.files)
