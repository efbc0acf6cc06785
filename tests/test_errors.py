"""The error tree: pickles, base classes, and no secrets."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from musicai_sdk import errors
from musicai_sdk.errors import MusicAiError
from musicai_sdk.models import Job

FAILED_JOB = Job.model_validate(
    {
        "id": "j",
        "status": "FAILED",
        "error": {"code": "BAD_INPUT", "title": "Invalid input", "message": "No file."},
    }
)
ARGUMENTS: dict[str, object] = {
    "sent": True,
    "status": 418,
    "message": "a teapot",
    "url": "https://host/path?…",
    "job_id": "j",
    "job": FAILED_JOB,
    "idempotency_key": "k",
}


def every_class(base: type[MusicAiError] = MusicAiError) -> list[type[MusicAiError]]:
    """All errors that may reach another process. Those of the MCP server never leave its process."""
    children = [each for each in base.__subclasses__() if not each.__module__.startswith("musicai_sdk.mcp.")]
    return [base, *(found for child in children for found in every_class(child))]


def example(kind: type[MusicAiError]) -> MusicAiError:
    names = inspect.signature(kind).parameters
    return kind("what happened", **{name: value for name, value in ARGUMENTS.items() if name in names})


@pytest.mark.parametrize("kind", every_class())
def test_every_error_pickles_and_copies(kind: type[MusicAiError]) -> None:
    error = example(kind)
    error.add_note("tried twice")
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is kind
        assert str(other) == str(error) == "what happened"
        assert vars(other) == vars(error)


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("ConfigurationError", ValueError),
        ("InputError", ValueError),
        ("ConnectionFailedError", ConnectionError),
        ("RequestTimeoutError", TimeoutError),
        ("SourceNotFoundError", FileNotFoundError),
        ("WaitTimeoutError", TimeoutError),
    ],
)
def test_bases(name: str, builtin: type[Exception]) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, builtin)
    assert issubclass(kind, MusicAiError)


def test_failed_job() -> None:
    error = example(errors.JobFailedError)
    assert isinstance(error, errors.JobFailedError)
    assert (error.job_id, error.code, error.title, error.message) == (
        "j",
        "BAD_INPUT",
        "Invalid input",
        "No file.",
    )


def test_the_tree_is_in_the_module_docstring() -> None:
    assert errors.__doc__ is not None
    for kind in every_class():
        if kind.__module__ == errors.__name__:  # other rooms list their own errors
            assert kind.__name__ in errors.__doc__
