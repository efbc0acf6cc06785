"""Jobs: the whole object, the short state, and what `create` returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, TypeAlias, cast, get_args

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema
from typing_extensions import override

from musicai_sdk._text import without_queries
from musicai_sdk.errors import JobFailedError, JobNotFinishedError, ResponseError
from musicai_sdk.models._lenient import (
    Identifier,
    Lenient,
    Maybe,
    MaybeObject,
    Time,
    as_it_came,
    identifier,
    originals,
)
from musicai_sdk.models._open import FINAL_STATUSES, JobStatus
from musicai_sdk.models._wire import WireModel
from musicai_sdk.models.outputs import OutputValue
from musicai_sdk.models.result import R, R_co, RawResult, WorkflowResult

IDEMPOTENCY_KEY = "musicai_sdk.idempotency_key"
"""The metadata key under which a job carries its idempotency token."""


REQUEST_DIGEST = "musicai_sdk.request"
"""The metadata key of the digest of what a job with a token of the caller's was created for."""


def _own_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if key not in (IDEMPOTENCY_KEY, REQUEST_DIGEST)}


Metadata: TypeAlias = Annotated[
    MaybeObject, PlainSerializer(_own_metadata, return_type=dict[str, Any], when_used="json-unless-none")
]
"""A job's metadata; written as JSON without the token that this package adds."""


class JobError(WireModel, frozen=True):
    """Why a job failed. Older answers have no such object (source: official JavaScript client 1.0.21)."""

    code: Maybe[str] = None
    """An open set: `BAD_INPUT`, `TIMEOUT`, `INTERNAL_ERROR`, …"""
    title: Maybe[str] = None
    """A short description, such as `Invalid input`."""
    message: Maybe[str] = None
    """A longer description, such as `File not found.`"""


class WorkflowReference(WireModel, frozen=True):
    """How older answers name a job's workflow (source: older official reference and READMEs)."""

    id: Maybe[str] = None
    """The workflow's UUID."""
    name: Maybe[str] = None
    """The workflow's display name, not its slug."""


class JobState(WireModel, frozen=True):
    """The cheap answer to "how far is it?" (source: the official integration tests)."""

    id: Annotated[str, Lenient(identifier, default="")] = ""
    """The job's id; some answers are said to leave it out."""
    status: JobStatus = Field(union_mode="left_to_right")
    """Where the job is."""

    @property
    def done(self) -> bool:
        """Whether the status is final: SUCCEEDED or FAILED."""
        return self.status in FINAL_STATUSES


class JobCreated(WireModel, frozen=True):
    """The answer to a create (source: official quick start)."""

    id: Annotated[str, Identifier()]
    """The new job's id, a UUID."""

    @model_validator(mode="before")
    @classmethod
    def _older_name(cls, data: Any) -> Any:
        """Takes `jobId` where there is no `id`: older answers had both (source: a Dart client's fixture)."""
        answer: Mapping[str, Any] = cast("Any", data) if isinstance(data, Mapping) else {}
        if answer.get("jobId") and not answer.get("id"):
            return {**answer, "id": answer["jobId"]}
        return cast("Any", data)


class Job(WireModel, Generic[R_co], frozen=True):
    """One job. `Job[GenerateChordsResult]` is a job whose `result` is a `GenerateChordsResult`.

    Only `id` and `status` are certain; everything else may be null or absent in some answers. What can't be read is
    None too, and then `raw` has what came. A job is a snapshot: fetch it again to see it change.
    """

    id: Annotated[str, Identifier()]
    """The job's id, a UUID."""
    status: JobStatus = Field(union_mode="left_to_right")
    """Where the job is."""
    name: Maybe[str] = None
    """As it was sent."""
    app: Maybe[str] = None
    """The name (not the id) of the application whose key created the job."""
    # The first that fits: pydantic's search for the best fit would cost a tenth of the time to read a page of jobs.
    workflow: Maybe[Annotated[str | WorkflowReference, Field(union_mode="left_to_right")]] = None
    """The workflow's slug; older answers have an object with id and name."""
    workflow_params: MaybeObject = None
    """The parameters as they were sent."""
    raw_metadata: Metadata = Field(None, validation_alias="metadata", serialization_alias="metadata")
    """The metadata; `metadata` is it without this package's own entries. None when there is none, or when what came
    is neither an object nor the JSON text of one."""
    batch_name: Maybe[str] = None
    """The batch that the job is part of; null for jobs created through the API."""
    raw_result: MaybeObject = Field(None, validation_alias="result", serialization_alias="result")
    """The outputs by wire name as they came; null until the job has succeeded. `result` is the typed view."""
    error: Maybe[JobError] = None
    """Why it failed; null unless it did."""
    created_at: Time = None
    """When it was created."""
    started_at: Time = None
    """When its processing began; null while it is queued."""
    completed_at: Time = None
    """When it ended; null until then."""
    raw_created_at: Any = as_it_came("createdAt")
    """`created_at` as it came."""
    raw_started_at: Any = as_it_came("startedAt")
    """`started_at` as it came."""
    raw_completed_at: Any = as_it_came("completedAt")
    """`completed_at` as it came."""

    result_type: ClassVar[type[WorkflowResult]] = RawResult
    """The type of `result`; each job that a typed call returned has its own."""

    if not TYPE_CHECKING:

        def __class_getitem__(cls, parameter: Any) -> GenericAlias:
            # pydantic would make a new class for every parameter: a leak, and nothing that pickles.
            return GenericAlias(cls, parameter)

    @classmethod
    @override
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler, /) -> CoreSchema:
        """Lets other models have a field of type `Job[SomeResult]`, and binds that result type."""
        result_type = next(iter(get_args(source)), None)
        schema = handler(source) if source is cls else handler.generate_schema(cls)
        if not (isinstance(result_type, type) and issubclass(result_type, WorkflowResult)):
            return schema  # Job, Job[Any]: nothing to bind
        return core_schema.no_info_after_validator_function(
            lambda job: job.with_result_type(result_type), schema
        )

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata as you sent it: without the token that this package adds, empty when there was none."""
        return _own_metadata(self.raw_metadata or {})

    @property
    def idempotency_key(self) -> str | None:
        """The token under which this package created the job; None for jobs made otherwise."""
        key = (self.raw_metadata or {}).get(IDEMPOTENCY_KEY)
        return key if isinstance(key, str) else None

    @property
    def done(self) -> bool:
        """Whether the status is final: SUCCEEDED or FAILED."""
        return self.status in FINAL_STATUSES

    @property
    def succeeded(self) -> bool:
        """Whether the results are there."""
        return self.status == "SUCCEEDED"

    @property
    def failed(self) -> bool:
        """Whether the job ended without results."""
        return self.status == "FAILED"

    @property
    def result(self) -> R_co:
        """The outputs as the workflow's result type.

        Raises:
            JobNotFinishedError: the job hasn't finished yet.
            JobFailedError: the job failed.
            ResponseError: the outputs don't fit the type; the text names the fields, and `outputs` has them all.
        """
        self.raise_for_success()
        return cast("R_co", self._read(self.result_type))

    @property
    def outputs(self) -> Mapping[str, OutputValue]:
        """Every output by wire name, each as `FileUrl`, `CUSTOM_STORAGE` or a JSON value; empty until it succeeded.

        Raises:
            ResponseError: the service sent a result that isn't an object of outputs; `raw` has it.
        """
        if self.unreadable_result:
            raise ResponseError(
                f"the result of job {self.id} isn't an object of outputs; job.raw['result'] has what came",
                field="result",
                body=without_queries(str(self.raw["result"]))[:10_000],
            )
        return _OUTPUTS.validate_python(self.raw_result or {})

    @property
    def failure(self) -> JobError:
        """What the service said about a failure: `error`, or the text that came in its place; empty when it said nothing."""
        if self.error is not None:
            return self.error
        said = originals(self).get("error")
        return JobError(message=said if isinstance(said, str) else None)

    @property
    def unreadable_result(self) -> bool:
        """Whether there is a result, but not as outputs by name: it is in `raw` only, and must not pass for an empty one."""
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
                f"job {self.id} is {self.status}: it has no results yet; client.jobs.wait(job) waits for them",
                job_id=self.id,
                status=self.status,
            )

    def with_result_type(self, result_type: type[WorkflowResult]) -> Job[Any]:
        """The same job, whose `result` is read as `result_type`."""
        if result_type is self.result_type:
            return self
        job: Job[Any] = self.model_copy()
        # Neither a field (it isn't the server's) nor a private attribute (those slow down every job that is parsed).
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
                f" another kind; it has {', '.join(raw) or 'no outputs'}; job.outputs gives them untyped",
                field=fields[0] if fields else None,
                body=repr(dict(self.outputs)),
            ) from None

    @override
    def __hash__(self) -> int:
        return hash(self.id)

    @override
    def __repr_args__(self) -> Any:
        # Not the parameters and not the result: they hold signed URLs.
        yield "id", self.id
        yield "status", self.status
        yield "workflow", self.workflow
        yield "name", self.name
        yield "outputs", list(self.raw_result or {})


_OUTPUTS: TypeAdapter[dict[str, OutputValue]] = TypeAdapter(
    dict[str, OutputValue], config={"defer_build": True}
)


class JobPage(list[Job[R]]):
    """The jobs on one page of a list, as the service sent them."""

    def __init__(self, jobs: Iterable[Job[R]], *, asked: int, unreadable: int = 0) -> None:
        super().__init__(jobs)
        self.asked: int = asked
        """How many jobs were asked for. A shorter page may be the end of the list, or all that the service gives."""
        self.unreadable: int = unreadable
        """How many more were on the page and can't be read, such as one without an id."""


@dataclass(frozen=True, slots=True)
class JobRef(Generic[R_co]):
    """A job that was created: its id, and the type that its result will have."""

    id: str
    """The job's id."""
    result_type: type[WorkflowResult] = field(default=RawResult, repr=False)
    """The type of the job's `result`."""
    idempotency_key: str | None = None
    """The token in the job's metadata by which `client.jobs.find` recovers it."""
