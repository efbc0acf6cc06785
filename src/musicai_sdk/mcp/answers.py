"""The arguments and answers of the tools. The schemas of the protocol are generated from these models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue

LIMIT = 500
"""The default number of entries in one answer: enough for a song, and not too many to read."""
LONGEST_WAIT = 50.0
"""The most seconds that `get_job` waits: MCP clients often give up after a minute."""


class Model(BaseModel):
    """The base of arguments and answers. It rejects undeclared fields, and copies field docstrings into the schemas."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True
    )


Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=300)]
"""An id, a slug, or the name of a parameter or an output."""


class NoArguments(Model):
    """No arguments."""


class ProcessArguments(Model):
    """What to process."""

    workflow: Name
    """The slug, as `list_workflows` returns it."""
    input: Annotated[str, Field(min_length=1, max_length=8000)]
    """A file in an allowed folder, or the https:// URL of one."""
    input_name: Name = "inputUrl"
    """The workflow's parameter that takes the input."""
    params: Mapping[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """Other parameters of the workflow, by their names."""


class JobArguments(Model):
    """Which job, and how long to wait for it."""

    job_id: Name
    """The id that `process` gave."""
    wait_seconds: Annotated[float, Field(ge=0, le=LONGEST_WAIT)] = 0
    """How long to wait for the job to finish."""


class PageArguments(Model):
    """A job, and a range of entries of its output."""

    job_id: Name
    """The id that `process` gave."""
    offset: Annotated[int, Field(ge=0)] = 0
    """The number of entries to skip at the start."""
    limit: Annotated[int, Field(ge=1, le=10_000)] = LIMIT
    """The most entries to return. Fewer if they are long: see `next_offset`."""


class ReadArguments(PageArguments):
    """Which output of which job."""

    output: Name | None = None
    """The output, as `get_job` names it. By default, the output whose name fits the tool."""


class ReadLyricsArguments(ReadArguments):
    """A job, one of its outputs, and the level of detail."""

    words: bool = False
    """Whether to return the times of the words too."""


class ReadOutputArguments(PageArguments):
    """Which output of which job."""

    output: Name
    """The output, as `get_job` names it."""


class DownloadArguments(Model):
    """A job, and the folder for its results."""

    job_id: Name
    """The id that `process` gave."""
    folder: Annotated[str, Field(max_length=4000)] | None = None
    """A folder inside an allowed folder. The results go into a new folder in it, named after the job. By default, the
    first allowed folder."""


class ErrorDetails(Model):
    """Why a call failed."""

    code: str
    """The kind of error, such as `outside_root` or `budget_used`."""
    message: str
    """What happened."""
    what_to_do: str
    """What to do next."""
    retryable: bool
    """Whether the same call may succeed later."""


class ErrorAnswer(Model):
    """The answer of any tool that fails."""

    error: ErrorDetails
    """The reason for the failure, and what to do next."""


class WorkflowEntry(Model):
    """One workflow."""

    slug: str
    """The slug to pass to `process`."""
    name: str | None = None
    """The display name."""
    description: str | None = None
    """What the workflow does."""
    origin: Literal["account", "template"]
    """`account`: the account lists this workflow. `template`: accounts usually have this workflow, but yours may lack
    it."""
    inputs: list[str] | None = None
    """The parameters, if known. The service doesn't publish them."""
    outputs: list[str] | None = None
    """The outputs, if known."""


class Workflows(Model):
    """The workflows that `process` accepts."""

    workflows: list[WorkflowEntry]
    """The workflows, the account's own first."""


class JobOutput(Model):
    """One output of a job."""

    name: str
    """The name to pass to the read tools."""
    kind: Literal["json", "file", "value", "own storage"]
    """`json`: use a read tool. `file`: use download_results. `value`: the value is below. `own storage`: the output is
    in the user's bucket."""
    value: JsonValue = None
    """The value, if `kind` is `value` and it isn't long. read_output has longer ones."""


class JobFailure(Model):
    """Why a job failed, in the service's words."""

    code: str | None = None
    """An open set: `BAD_INPUT`, `TIMEOUT`, …"""
    title: str | None = None
    """A short description."""
    message: str | None = None
    """A longer description."""


class JobAnswer(Model):
    """The current state of a job."""

    job_id: str | None = None
    """The job's id, to pass to the other tools. None while the input is being uploaded."""
    status: str
    """`CREATING` while the input is being uploaded, then `QUEUED`, `STARTED`, `SUCCEEDED`, `FAILED` or a new one."""
    finished: bool
    """Whether the status is final."""
    repeated: bool | None = None
    """Only from `process`: true if an earlier call of the same request created this job, so this call cost nothing."""
    workflow: str | None = None
    """The workflow's slug."""
    name: str | None = None
    """The job's name, which is the input's name."""
    created_at: datetime | None = None
    """When the job was created."""
    completed_at: datetime | None = None
    """When the job ended."""
    failure: JobFailure | None = None
    """Why the job failed."""
    outputs: list[JobOutput] | None = None
    """The outputs of a job that succeeded."""
    next_step: str
    """What to do next."""


class Page(Model):
    """A part of a list."""

    job_id: str
    """The job."""
    output: str
    """The output that was read."""
    total: int
    """The total number of entries."""
    next_offset: int | None = None
    """The `offset` of the next part; None at the end."""


class ChordEntry(Model):
    """One chord segment; times in seconds from the start of the input."""

    start: float
    """Where it begins."""
    end: float
    """Where it ends."""
    chord: str
    """The chord reduced to major and minor: `E:maj`, `C#:min`; `N` for no chord."""
    label: str | None = None
    """The chord with sevenths, as in pop charts: `Emaj7`."""
    bass: str | None = None
    """The bass note of a slash chord."""
    bar: int | None = None
    """The bar in which the chord begins."""
    beat: int | None = None
    """The beat of the bar on which the chord begins."""


class Chords(Page):
    """Chords, ordered by time."""

    chords: list[ChordEntry]
    """The chord segments."""


class BeatEntry(Model):
    """One beat."""

    time: float
    """Seconds from the start of the input."""
    beat: int | None = None
    """The number of the beat in its bar; 1 is a downbeat."""


class Beats(Page):
    """Beats, ordered by time."""

    beats: list[BeatEntry]
    """The beats."""


class WordEntry(Model):
    """One word."""

    word: str
    """The word."""
    start: float | None = None
    """Seconds from the start of the input."""
    end: float | None = None
    """Seconds from the start of the input."""


class LineEntry(Model):
    """One line. Times are in seconds from the start of the input; None if unknown."""

    text: str
    """The line."""
    start: float | None = None
    """Where it begins."""
    end: float | None = None
    """Where it ends."""
    words: list[WordEntry] | None = None
    """The words, if the call requested them."""


class Lyrics(Page):
    """Lyrics, ordered by time."""

    lines: list[LineEntry]
    """The lines."""


class OutputContent(Model):
    """Any output that isn't a recording."""

    job_id: str
    """The job."""
    output: str
    """The output that was read."""
    content: JsonValue
    """The content; for a list, the requested entries."""
    total: int | None = None
    """The total number of entries, for a list."""
    next_offset: int | None = None
    """The `offset` of the next part, for a list; None at the end."""


class DownloadedOutput(Model):
    """One file."""

    output: str
    """The output's name."""
    path: str
    """The file's path."""
    bytes: int
    """The file's size in bytes."""


class Downloaded(Model):
    """The downloaded results of a job."""

    job_id: str
    """The job."""
    status: Literal["DONE", "DOWNLOADING"]
    """`DOWNLOADING`: the download continues after this call. Repeat the call to wait for it."""
    folder: str
    """The folder with all results."""
    files: list[DownloadedOutput]
    """The files, once all are complete."""
    missing: list[str]
    """Outputs that the workflow usually has and this job lacks."""
    next_step: str
    """What to do next."""


class Limits(Model):
    """The limits of this server."""

    max_jobs: int
    """The most jobs that the server may create in total, across restarts."""
    jobs_created: int
    """The number of jobs created so far, including requests whose answer was lost."""
    jobs_left: int
    """The number of jobs that may still be created."""
    roots: list[str]
    """The folders that the server may read and write. Relative paths start at the first one."""
