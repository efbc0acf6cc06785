"""What transfers return."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from typing_extensions import override

from musicai_sdk._text import without_query

RESULT_MANIFEST = "workflow.results.json"
"""The file with a job's whole result, beside its other files. The 1.0 package wrote `workflow.result.json`."""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file in the service's temporary storage; a workflow input takes it as it is."""

    url: str
    """The signed URL under which jobs read it. It expires; the service doesn't say when."""
    size: int
    """How many bytes were sent."""

    @override
    def __repr__(self) -> str:
        return f"UploadedFile({without_query(self.url)!r}, size={self.size})"


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """A file that arrived whole."""

    path: Path
    """Where it is."""
    size: int
    """How many bytes it has."""


@dataclass(frozen=True, slots=True)
class JobFiles(Mapping[str, Path]):
    """The downloaded results of one job: a mapping from output names to paths."""

    folder: Path
    """The folder that everything is in."""
    manifest: Path
    """The JSON file with the whole result, file outputs as paths relative to the folder."""
    files: Mapping[str, DownloadedFile] = field(default_factory=dict[str, DownloadedFile])
    """The files by output name. One that stands inside an output has the whole path, with dots: `stems.0.url`.

    Outputs in your own storage aren't among them.
    """
    missing: tuple[str, ...] = ()
    """The outputs that the result's type declares and the job doesn't have: don't delete the job if you need them."""

    @override
    def __getitem__(self, output: str) -> Path:
        return self.files[output].path

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    @override
    def __len__(self) -> int:
        return len(self.files)
