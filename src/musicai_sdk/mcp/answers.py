"""What the tools take and give: the models from which the schemas of the protocol are made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue

LIMIT = 500
"""Entries of one answer unless the agent asks for another number: enough for a song, and not too many to read."""
LONGEST_WAIT = 50.0
"""Seconds that `get_job` waits at most: clients of the protocol often give up after a minute."""


class Model(BaseModel):
    """The base of arguments and answers: nothing else than what is declared. Field docstrings go into the schemas."""

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
    """The slug, as `list_workflows` gives it."""
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
    """Which part of which job's output."""

    job_id: Name
    """The id that `process` gave."""
    offset: Annotated[int, Field(ge=0)] = 0
    """How many entries to leave out at the start."""
    limit: Annotated[int, Field(ge=1, le=10_000)] = LIMIT
    """How many entries to return at most."""


class ReadArguments(PageArguments):
    """Which output of which job."""

    output: Name | None = None
    """The output, as `get_job` names it. Left out: the one that fits by its name."""


class ReadLyricsArguments(ReadArguments):
    """Which output of which job, and how detailed."""

    words: bool = False
    """Whether to give the times of the words too."""


class ReadOutputArguments(PageArguments):
    """Which output of which job."""

    output: Name
    """The output, as `get_job` names it."""


class DownloadArguments(Model):
    """The results of which job, and where to."""

    job_id: Name
    """The id that `process` gave."""
    folder: Annotated[str, Field(max_length=4000)] | None = None
    """A folder in an allowed one, in which the job gets a folder of its own. Left out: the first allowed one."""


class ErrorDetails(Model):
    """Why a call has failed."""

    code: str
    """What kind of error it is, such as `outside_root` or `budget_used`."""
    message: str
    """What has happened."""
    what_to_do: str
    """What to do next."""
    retryable: bool
    """Whether the same call may succeed later."""


class ErrorAnswer(Model):
    """What any tool gives when it fails."""

    error: ErrorDetails
    """Why, and what to do next."""


class WorkflowEntry(Model):
    """One workflow."""

    slug: str
    """What `process` takes."""
    name: str | None = None
    """Its display name."""
    description: str | None = None
    """What it does."""
    origin: Literal["account", "template"]
    """`account`: the account lists it. `template`: one that accounts usually have; yours may lack it."""
    inputs: list[str] | None = None
    """The parameters, where they are known: the service doesn't publish them."""
    outputs: list[str] | None = None
    """The outputs, where they are known."""


class Workflows(Model):
    """The workflows that can be asked for."""

    workflows: list[WorkflowEntry]
    """Those of the account first."""


class JobOutput(Model):
    """One output of a job."""

    name: str
    """What the read tools take."""
    kind: Literal["json", "file", "value", "own storage"]
    """`json`: read it; `file`: download it; `value`: it is here; `own storage`: in a bucket of the user's."""
    value: JsonValue = None
    """The value, of the kind `value`."""


class JobFailure(Model):
    """Why a job failed, in the service's words."""

    code: str | None = None
    """An open set: `BAD_INPUT`, `TIMEOUT`, …"""
    title: str | None = None
    """A short description."""
    message: str | None = None
    """A longer one."""


class JobAnswer(Model):
    """A job as it is now."""

    job_id: str | None = None
    """Its id: the handle for the other tools. None while the input is being uploaded."""
    status: str
    """`CREATING` while the input is being uploaded, then `QUEUED`, `STARTED`, `SUCCEEDED`, `FAILED` or a new one."""
    finished: bool
    """Whether the status is final."""
    repeated: bool | None = None
    """Of `process`: whether the same request had this job already, so that nothing was paid for."""
    workflow: str | None = None
    """The workflow's slug."""
    name: str | None = None
    """The job's name: that of the input."""
    created_at: datetime | None = None
    """When it was created."""
    completed_at: datetime | None = None
    """When it ended."""
    failure: JobFailure | None = None
    """Why it failed."""
    outputs: list[JobOutput] | None = None
    """What it has given, once it has succeeded."""
    next_step: str
    """What to do next."""


class Page(Model):
    """A part of a list."""

    job_id: str
    """The job."""
    output: str
    """The output that was read."""
    total: int
    """How many entries there are."""
    next_offset: int | None = None
    """The `offset` of the next part; None at the end."""


class ChordEntry(Model):
    """One chord segment; times in seconds from the start of the input."""

    start: float
    """Where it begins."""
    end: float
    """Where it ends."""
    chord: str
    """Reduced to major and minor: `E:maj`, `C#:min`; `N` for no chord."""
    label: str | None = None
    """With sevenths, as in pop charts: `Emaj7`."""
    bass: str | None = None
    """The bass note of a slash chord."""
    bar: int | None = None
    """The bar that it begins in."""
    beat: int | None = None
    """The beat of the bar that it begins at."""


class Chords(Page):
    """Chords in the order of time."""

    chords: list[ChordEntry]
    """The segments."""


class BeatEntry(Model):
    """One beat."""

    time: float
    """Seconds from the start of the input."""
    beat: int | None = None
    """Its place in the bar; 1 is a downbeat."""


class Beats(Page):
    """Beats in the order of time."""

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
    """One line; times in seconds from the start of the input, None where they aren't known."""

    text: str
    """The line."""
    start: float | None = None
    """Where it begins."""
    end: float | None = None
    """Where it ends."""
    words: list[WordEntry] | None = None
    """Its words, if they were asked for."""


class Lyrics(Page):
    """Lyrics in the order of time."""

    lines: list[LineEntry]
    """The lines."""


class OutputContent(Model):
    """Any output that isn't a recording."""

    job_id: str
    """The job."""
    output: str
    """The output that was read."""
    content: JsonValue
    """What is in it; of a list the part that was asked for."""
    total: int | None = None
    """Of a list, how many entries it has."""
    next_offset: int | None = None
    """Of a list, the `offset` of the next part; None at the end."""


class DownloadedOutput(Model):
    """One file."""

    output: str
    """The output's name."""
    path: str
    """Where it is."""
    bytes: int
    """Its size."""


class Downloaded(Model):
    """Where the results of a job are."""

    job_id: str
    """The job."""
    status: Literal["DONE", "DOWNLOADING"]
    """`DOWNLOADING`: it takes longer, and goes on. Repeat the call to wait for it."""
    folder: str
    """The folder with everything."""
    files: list[DownloadedOutput]
    """The files, once they are all there."""
    missing: list[str]
    """Outputs that the workflow usually has and this job doesn't."""
    next_step: str
    """What to do next."""


class Limits(Model):
    """What this server may do."""

    max_jobs: int
    """How many jobs it may create in all, restarts included."""
    jobs_created: int
    """How many it has created; a request whose answer was lost counts."""
    jobs_left: int
    """How many are left."""
    roots: list[str]
    """The folders that it may read and write. Relative paths are relative to the first one."""
