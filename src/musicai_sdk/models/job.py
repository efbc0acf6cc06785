"""Jobs: the whole job, its short state, and the reference that `create` returns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, TypeAlias, cast, get_args

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema
from typing_extensions import override

from musicai_sdk._text import displayed, each_text, letters, safe_repr, without_queries
from musicai_sdk.errors import InputError, JobFailedError, JobNotFinishedError, ResponseError
from musicai_sdk.models._lenient import (
    ORIGINALS,
    Id,
    Maybe,
    MaybeId,
    MaybeObject,
    Time,
    as_it_came,
    originals,
)
from musicai_sdk.models._open import FINAL_STATUSES, JobStatus
from musicai_sdk.models._wire import WireModel
from musicai_sdk.models.outputs import OutputValue
from musicai_sdk.models.result import (
    DeclaredOutput,
    R,
    R_co,
    RawResult,
    WorkflowResult,
    declared_outputs,
)

IDEMPOTENCY_KEY = "musicai_sdk.idempotency_key"
"""The metadata entry with a job's idempotency key."""

KEY_DIGEST = "musicai_sdk.key_digest"
"""The metadata entry with a digest of the idempotency key, by which `musicai_sdk.models.job_key` sees that it is unchanged."""

REQUEST_DIGEST = "musicai_sdk.request"
"""The metadata entry with a digest of the request, for jobs whose idempotency key the caller chose."""


def own_entry(metadata: Mapping[str, Any] | None, name: str) -> str | None:
    """An entry of this package in a job's metadata.

    A service may rename it, as by splitting its name at the dot or replacing the dot, or wrap its value.
    """
    found: object = (metadata or {}).get(name)
    if not isinstance(found, str) and metadata:
        texts = [each for each in _entries(metadata, "", letters(name)) if isinstance(each, str)]
        found = max(texts, key=len, default=None)  # a wrapped value may have a type beside it
    return found if isinstance(found, str) else None


def _entries(value: object, path: str, wanted: str) -> Iterator[object]:
    """The texts below a path whose letters are the wanted ones."""
    if isinstance(value, Mapping) and len(path) <= len(wanted):
        for key, each in cast("Mapping[str, object]", value).items():
            yield from _entries(each, path if path == wanted else path + letters(str(key)), wanted)
    elif isinstance(value, list) and path == wanted:
        yield from cast("list[object]", value)
    elif path == wanted:
        yield value


_OWN_ENTRIES = frozenset((IDEMPOTENCY_KEY, KEY_DIGEST, REQUEST_DIGEST))


def _own_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if key not in _OWN_ENTRIES}


Metadata: TypeAlias = Annotated[
    MaybeObject,
    PlainSerializer(_own_metadata, return_type=dict[str, Any], when_used="json-unless-none"),
]
"""A job's metadata, serialized without the entries that this package adds."""


class JobError(WireModel, frozen=True):
    """Why a job failed. Older answers lack this object (source: official JavaScript client 1.0.21)."""

    code: Maybe[str] = None
    """The kind of error, an open set: `BAD_INPUT`, `TIMEOUT`, `INTERNAL_ERROR`, …"""
    title: Maybe[str] = None
    """A short description, such as `Invalid input`."""
    message: Maybe[str] = None
    """A longer description, such as `File not found.`"""


class WorkflowReference(WireModel, frozen=True):
    """A job's workflow in older answers (source: older official reference and READMEs)."""

    id: Maybe[str] = None
    """The workflow's UUID."""
    name: Maybe[str] = None
    """The workflow's display name, not its slug."""


class JobState(WireModel, frozen=True):
    """A job's id and status (source: the official integration tests)."""

    id: MaybeId = ""
    """The job's id; some answers may leave it out."""
    status: JobStatus = Field(union_mode="left_to_right")
    """The job's status."""

    @property
    def done(self) -> bool:
        """Whether the status is final: SUCCEEDED or FAILED."""
        return self.status in FINAL_STATUSES


_NO_ID = re.compile(r"\W*|0+(-0+)*|.*[\s/].*|null|none|undefined|nan|true|false", re.IGNORECASE | re.DOTALL)
"""Texts that programs send in place of an id that they don't have."""


class JobCreated(WireModel, frozen=True):
    """The answer to a create (source: official quick start)."""

    id: Id
    """The new job's id, a UUID."""

    @model_validator(mode="before")
    @classmethod
    def _older_name(cls, data: Any) -> Any:
        """Reads `jobId` in place of a missing `id`: older answers had both (source: a Dart client's fixture)."""
        answer: Mapping[str, Any] = cast("Any", data) if isinstance(data, Mapping) else {}
        if answer.get("jobId") and not answer.get("id"):
            return {**answer, "id": answer["jobId"]}
        return cast("Any", data)

    @field_validator("id")
    @classmethod
    def _is_an_id(cls, value: str) -> str:
        """Rejects placeholders: a request whose job is unknown must be searched for, not polled under a wrong id."""
        if _NO_ID.fullmatch(value):
            raise ValueError("not the id of a job")
        return value


class Job(WireModel, Generic[R_co], frozen=True):
    """One job. The `result` of a `Job[GenerateChordsResult]` is a `GenerateChordsResult`.

    Only `id` and `status` are always present. Any other field is None if the answer lacks it or its value is
    unreadable; `raw` has unreadable values. A job is a snapshot: fetch it again to see changes.
    """

    id: Id
    """The job's id, a UUID."""
    status: JobStatus = Field(union_mode="left_to_right")
    """The job's status."""
    name: Maybe[str] = None
    """The name that the create request gave."""
    app: Maybe[str] = None
    """The name (not the id) of the application whose key created the job."""
    # left_to_right, because pydantic's search for the best match would cost a tenth of the time to read a page of jobs.
    workflow: Maybe[Annotated[str | WorkflowReference, Field(union_mode="left_to_right")]] = None
    """The workflow's slug; older answers have an object with id and name."""
    workflow_params: MaybeObject = None
    """The parameters of the create request."""
    raw_metadata: Metadata = Field(None, validation_alias="metadata", serialization_alias="metadata")
    """The whole metadata, with the entries of this package, which `metadata` leaves out. None if the service sent none,
    or something other than an object or the JSON text of one."""
    batch_name: Maybe[str] = None
    """The job's batch; None for jobs created through the API."""
    raw_result: MaybeObject = Field(None, validation_alias="result", serialization_alias="result")
    """The outputs by wire name; None until the job has succeeded. `result` is the typed view."""
    error: Maybe[JobError] = None
    """Why the job failed; None for a job that hasn't failed."""
    created_at: Time = None
    """The time of creation."""
    started_at: Time = None
    """The time when processing began; None while the job is queued."""
    completed_at: Time = None
    """The time when the job ended; None until then."""
    raw_created_at: Any = as_it_came("createdAt")
    """The JSON value of `created_at`."""
    raw_started_at: Any = as_it_came("startedAt")
    """The JSON value of `started_at`."""
    raw_completed_at: Any = as_it_came("completedAt")
    """The JSON value of `completed_at`."""

    result_type: ClassVar[type[WorkflowResult]] = RawResult
    """The type of `result`. Typed calls set it on each job that they return."""
    _from_list: ClassVar[bool] = False
    """Whether the job was read from a list, which may leave parts of it out. See `mark_listed`."""
    _declared: ClassVar[Sequence[DeclaredOutput] | None] = None
    """The outputs that its workflow declares, if `result_type` doesn't say. See `declare_outputs`."""

    if not TYPE_CHECKING:

        def __class_getitem__(cls, parameter: Any) -> GenericAlias:
            # pydantic would create a class for each parameter. That leaks memory, and such classes don't pickle.
            return GenericAlias(cls, parameter)

    @classmethod
    @override
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler, /) -> CoreSchema:
        """Supports fields of type `Job[SomeResult]` in other models, and binds that result type."""
        result_type = next(iter(get_args(source)), None)
        schema = handler(source) if source is cls else handler.generate_schema(cls)
        if not (isinstance(result_type, type) and issubclass(result_type, WorkflowResult)):
            return schema  # Job, Job[Any]: nothing to bind
        return core_schema.no_info_after_validator_function(
            lambda job: job.with_result_type(result_type), schema
        )

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata that you sent, without the entries of this package; empty if you sent none."""
        return _own_metadata(self.raw_metadata or {})

    @property
    def idempotency_key(self) -> str | None:
        """The key under which this package created the job; None for other jobs."""
        return own_entry(self.raw_metadata, IDEMPOTENCY_KEY)

    @property
    def done(self) -> bool:
        """Whether the status is final: SUCCEEDED or FAILED."""
        return self.status in FINAL_STATUSES

    @property
    def succeeded(self) -> bool:
        """Whether the job has results."""
        return self.status == "SUCCEEDED"

    @property
    def failed(self) -> bool:
        """Whether the job failed."""
        return self.status == "FAILED"

    @property
    def result(self) -> R_co:
        """The outputs as the workflow's result type.

        Raises:
            JobNotFinishedError: the job hasn't finished yet.
            JobFailedError: the job failed.
            ResponseError: the outputs don't fit the type; the text names the fields, and `outputs` has all outputs.
        """
        self.raise_for_success()
        return cast("R_co", self._read(self.result_type))

    @property
    def outputs(self) -> Mapping[str, OutputValue]:
        """Every output by wire name, as `FileUrl`, `CUSTOM_STORAGE` or a JSON value; empty until the job succeeds.

        Raises:
            ResponseError: the service's result isn't an object of outputs; `raw` has it.
        """
        if self.unreadable_result:
            raise ResponseError(
                f"the result of job {self.id} isn't an object of outputs; job.raw['result'] holds it",
                field="result",
                body=without_queries(str(self.raw["result"]))[:10_000],
            )
        return _OUTPUTS.validate_python(self.raw_result or {})

    @property
    def failure(self) -> JobError:
        """Why the job failed: `error`, or the text that the service sent instead of an object; empty if unknown."""
        if self.error is not None:
            return self.error
        message = originals(self).get("error")
        return JobError(message=message if isinstance(message, str) else None)

    @property
    def unreadable_result(self) -> bool:
        """Whether the service sent a result that isn't an object of outputs. Only `raw` has that value."""
        return self.raw_result is None and originals(self).get("raw_result") is not None

    def raise_for_failure(self) -> None:
        """Raises `JobFailedError`, with the service's code, title and message, if the job failed."""
        if self.failed:
            error = self.failure
            reason = ": ".join(part for part in (error.code, error.title, error.message) if part)
            raise JobFailedError(f"job {self.id} failed: {reason or 'the service gave no reason'}", job=self)

    def raise_for_success(self) -> None:
        """Raises `JobFailedError` or `JobNotFinishedError` unless the job has succeeded."""
        self.raise_for_failure()
        if not self.succeeded:
            raise JobNotFinishedError(
                f"job {self.id} is {self.status} and has no results yet; client.jobs.wait(job) waits for them",
                job_id=self.id,
                status=self.status,
            )

    def with_result_type(self, result_type: type[WorkflowResult]) -> Job[Any]:
        """A copy of the job whose `result` is a `result_type`."""
        if result_type is self.result_type:
            return self
        job: Job[Any] = self.model_copy()
        # Not a field, because the server doesn't send it, and not a private attribute, which would slow down all
        # parsing.
        object.__setattr__(job, "result_type", result_type)
        return job

    def _read(self, result_type: type[WorkflowResult]) -> WorkflowResult:
        if self.unreadable_result:
            _ = self.outputs  # raises
        raw = self.raw_result or {}
        try:
            return result_type.model_validate(raw)
        except ValidationError as error:
            fields = list(
                dict.fromkeys(str(problem["loc"][0]) for problem in error.errors() if problem["loc"])
            )
            raise ResponseError(
                f"the result of job {self.id} doesn't fit {result_type.__name__}: {', '.join(fields)} missing or of"
                f" another kind; it has {without_queries(', '.join(raw)) or 'no outputs'}; job.outputs has them untyped",
                field=fields[0] if fields else None,
                body=safe_repr(dict(self.outputs)),
            ) from None

    def _repr_html_(self) -> str:
        """The job in a notebook: status, times and outputs, without parameters and signed URLs."""
        from musicai_sdk.models._shown import job_html  # here: only notebooks need it

        return job_html(self)

    @override
    def __hash__(self) -> int:
        return hash(self.id)

    @override
    def __repr_args__(self) -> Any:
        # Omit the parameters and the result, because they contain signed URLs.
        yield "id", self.id
        yield "status", self.status
        yield "workflow", displayed(self.workflow)
        yield "name", displayed(self.name)
        for name in ("created_at", "completed_at"):
            if (moment := getattr(self, name)) is not None:
                yield name, moment.isoformat(sep=" ", timespec="seconds")
        yield "outputs", displayed(list(self.raw_result or {}))


def read_job(data: Mapping[str, Any]) -> Job[Any]:
    """The job in a dictionary, perhaps one that was read from a file.

    Raises:
        InputError: it isn't a job's.
    """
    try:
        job = Job[Any].model_validate(dict(data))
    except ValidationError as error:
        from musicai_sdk.models.problems import problems  # here: it is rarely needed

        raise InputError(f"this dictionary isn't a job's: {problems(error, 'job')}") from None
    if job.unreadable_result:
        raise InputError("this dictionary isn't a job's: its result isn't an object of outputs")
    return job


_OUTPUTS: TypeAdapter[dict[str, OutputValue]] = TypeAdapter(
    dict[str, OutputValue], config={"defer_build": True}
)


def change_errors(answer: object, change: Callable[[str], str]) -> None:
    """Changes the texts in the errors of new jobs: of one, or of those on a page."""
    for each in cast("list[object]", answer) if isinstance(answer, list) else (answer,):
        if not isinstance(each, Job) or (each.error is None and ORIGINALS not in each.__dict__):
            continue
        job = cast("Any", each)
        if job.error is None:  # perhaps not an object
            kept = originals(job)
            if "error" in kept:
                kept["error"] = each_text(kept["error"], change)
        elif change(text := f"{vars(job.error)}{job.error.model_extra}") != text:
            changed = JobError.model_validate(each_text(job.error.raw, change))
            object.__setattr__(job, "error", changed)  # see `with_result_type`


def mark_listed(jobs: Iterable[Job[Any]]) -> None:
    """Marks jobs as read from a list, which may leave parts of them out."""
    for job in jobs:
        object.__setattr__(job, "_from_list", True)  # see `with_result_type`


def is_listed(job: Job[Any]) -> bool:
    """Whether a job was read from a list, so that its result may be incomplete."""
    return job._from_list  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def declare_outputs(job: Job[Any], declared: Sequence[DeclaredOutput]) -> None:
    """Tells a job the outputs that its workflow's class declares, where the class itself is unknown."""
    object.__setattr__(job, "_declared", declared)


def outputs_declared_for(job: Job[Any]) -> Sequence[DeclaredOutput]:
    """The outputs that the job's workflow declares."""
    declared = job._declared  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return declared_outputs(job.result_type) if declared is None else declared


class JobPage(list[Job[R]]):
    """The jobs on one page of a list, in the service's order."""

    def __init__(self, jobs: Iterable[Job[R]], *, asked: int, unreadable: int = 0) -> None:
        super().__init__(jobs)
        self.asked: int = asked
        """The requested page size. A shorter page may be the end of the list, or the service may cap its pages."""
        self.unreadable: int = unreadable
        """The number of entries on the page that can't be read as a job, for example without an id."""

    def _repr_html_(self) -> str:
        """The jobs in a notebook."""
        from musicai_sdk.models._shown import jobs_html  # here: only notebooks need it

        return jobs_html(f"{len(self):,} job{'' if len(self) == 1 else 's'}", self)


@dataclass(frozen=True, slots=True)
class JobRef(Generic[R_co]):
    """A created job: its id and the type of its result."""

    id: str
    """The job's id."""
    result_type: type[WorkflowResult] = field(default=RawResult, repr=False)
    """The type of the job's `result`."""
    idempotency_key: str | None = None
    """The key in the job's metadata by which `client.jobs.find` finds the job."""
