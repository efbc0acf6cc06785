"""The base class of workflows: a slug and parameters as one typed value."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from functools import wraps
from typing import Any, ClassVar, Generic, TypeAlias, cast, dataclass_transform, get_args, get_origin
from weakref import WeakKeyDictionary

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from typing_extensions import override

from musicai_sdk._text import redacted_repr, safe_repr
from musicai_sdk.errors import InputError
from musicai_sdk.models.files import UploadedFile
from musicai_sdk.models.result import R_co, RawResult, WorkflowResult
from musicai_sdk.workflows.annotations import keep_local_names, type_hints

FileInput: TypeAlias = str | os.PathLike[str] | UploadedFile
"""A file input: an `https://` URL or the path of a local file (both may be strings), or an uploaded file.

White space around a URL is ignored. A URL that the service can't read (`s3://…`, `file://…`, `https://` without a host) is
an `InputError` that says what to pass instead.

`client.jobs.create` and `client.jobs.run` upload local files first.
"""

_WIRE_NAME = "musicai_sdk.wire_name"
_KNOWN = {"FileInput": FileInput, "UploadedFile": UploadedFile}
"""Names that annotations may use without an import at run time: linters move such imports into TYPE_CHECKING."""


def param(wire_name: str, *, default: Any = dataclasses.MISSING) -> Any:
    """Declares the wire name of a workflow parameter that isn't the field's name in camelCase.

    `lyrics: FileInput = param("Input 2")` is sent as `"Input 2"`; without it, `input_url` is sent as `inputUrl`.
    """
    return dataclasses.field(default=default, metadata={_WIRE_NAME: wire_name})


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(param,))
class Workflow(Generic[R_co]):
    """A workflow and its parameters; subclass it with one field per parameter.

    ```python
    class IsolateDrums(Workflow[IsolateDrumsResult], slug="music-ai/isolate-drums"):
        input_url: FileInput
    ```

    Subclasses become frozen dataclasses with keyword-only fields, so editors report wrong arguments; the values are
    also checked at run time (`InputError`). The parameter of `Workflow[...]` is the type of the job's `result`.
    """

    slug: str
    """The workflow's slug at the service: `music-ai/…` for templates, or one of your account."""
    result_type: ClassVar[type[WorkflowResult]] = RawResult
    """The type of the job's `result`."""

    @override
    def __init_subclass__(cls, *, slug: str | None = None) -> None:
        """Registers the slug and the result type, and makes the class a frozen, keyword-only dataclass."""
        super().__init_subclass__()
        if slug is not None:
            cls.slug = slug
        for base in cls.__dict__.get("__orig_bases__", ()):
            parameter = next(iter(get_args(base)), None)
            # `Any` is a class as well.
            if (
                get_origin(base) is Workflow
                and isinstance(parameter, type)
                and issubclass(parameter, WorkflowResult)
            ):
                cls.result_type = parameter
        is_own = "__init__" in cls.__dict__
        dataclasses.dataclass(frozen=True, kw_only=True, repr=False)(cls)
        if not is_own:
            _explain_calls(cls)
        keep_local_names(cls)

    def __post_init__(self) -> None:
        """Checks the values against the annotations; the `InputError` names the invalid ones."""
        if not getattr(self, "slug", None):
            name = type(self).__name__
            how = (
                f"{name}(slug, params)"
                if isinstance(self, CustomWorkflow)
                else f"class {name}(Workflow, slug=…)"
            )
            raise InputError(f"{name} has no slug: {how}")
        problems = list[str]()
        for name, adapter in _adapters(cast("Any", type(self))).items():
            try:
                adapter.validate_python(getattr(self, name), strict=True)
            except ValidationError as error:
                reasons = "; ".join(dict.fromkeys(problem["msg"] for problem in error.errors()))
                if hasattr(getattr(self, name), "read"):
                    reasons = (
                        "pass the path instead of the open file, or the result of client.files.upload(file)"
                    )
                problems.append(f"{name} can't be {safe_repr(getattr(self, name))}: {reasons}")
        if problems:
            raise InputError(f"{type(self).__name__}: {', '.join(problems)}")
        resolved_params(self)

    __repr__ = redacted_repr

    def to_params(self) -> Mapping[str, Any]:
        """The parameters by wire name. Local files are still paths; parameters that are None are omitted."""
        values = ((wire_name, getattr(self, name)) for wire_name, name in _field_names(self).items())
        return {wire_name: value for wire_name, value in values if value is not None}


class CustomWorkflow(Workflow[RawResult]):
    """Any workflow by its slug, with parameters by wire name; its results are untyped.

    A value is anything that JSON can represent, an uploaded file, or a `pathlib.Path`, which is uploaded first. Parameters
    that are files by their name (`inputUrl`, `Input 1`, `file`) are checked: an `s3://` URL, an empty string or the name
    of a local file is an `InputError`, because it would cost a job that fails.
    """

    slug: str
    """The workflow's slug."""
    params: Mapping[str, Any]
    """The parameters by wire name."""

    def __init__(self, slug: str, params: Mapping[str, Any] | None = None) -> None:
        object.__setattr__(self, "slug", slug)
        object.__setattr__(self, "params", {} if params is None else params)
        self.__post_init__()

    @override
    def to_params(self) -> Mapping[str, Any]:
        return dict(self.params)


def _explain_calls(workflow: type[Workflow[Any]]) -> None:
    """Shows the right call in the error of wrong arguments. Signatures stay as they are."""
    init = cast("Any", workflow).__init__

    @wraps(init)
    def __init__(self: Workflow[Any], *given: object, **named: object) -> None:  # noqa: N807 - replaces it
        try:
            init(self, *given, **named)
        except TypeError as error:
            if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
                raise  # not about the call
            if workflow is CustomWorkflow:
                call = "slug, {name: value}"
            else:
                call = ", ".join(f"{field.name}=…" for field in dataclasses.fields(cast("Any", self)))
            raise TypeError(f"{error}: {type(self).__name__}({call})") from None

    setattr(workflow, "__init__", __init__)  # noqa: B010 - type checkers see the dataclass's


def resolved_params(workflow: Workflow[Any]) -> dict[str, Any]:
    """The parameters by wire name, ready to send: remote files as URLs, local ones as `Path` objects to upload.

    Raises:
        InputError: the service can't read a file input; the text says what to pass instead.
    """
    from musicai_sdk.workflows.inputs import (
        resolved,  # not needed by most programs at import
    )

    fields = _field_names(workflow)
    params = dict[str, Any]()
    for name, value in workflow.to_params().items():
        try:
            params[name] = resolved(value, name, declared=is_file_input(workflow, name))
        except InputError as error:
            raise InputError(f"{type(workflow).__name__}: {fields.get(name, name)}: {error}") from None
    return params


def is_file_input(workflow: Workflow[Any], wire_name: str) -> bool:
    """Whether the class declares the parameter as a file input, so that a string may be a local path."""
    field = _field_names(workflow).get(wire_name, "")
    return os.PathLike[str] in get_args(_hints(cast("Any", type(workflow))).get(field))


def _field_names(workflow: Workflow[Any]) -> Mapping[str, str]:
    """The names of a workflow's fields by their wire names."""
    kind = type(workflow)
    names = _NAMES.get(kind)
    if names is None:
        names = _NAMES[kind] = {
            field.metadata.get(_WIRE_NAME, to_camel(field.name)): field.name
            for field in dataclasses.fields(cast("Any", workflow))
        }
    return names


_explain_calls(CustomWorkflow)
_NAMES = WeakKeyDictionary[type[Workflow[Any]], Mapping[str, str]]()
_HINTS = WeakKeyDictionary[type[Workflow[Any]], dict[str, Any]]()
_ADAPTERS = WeakKeyDictionary[type[Workflow[Any]], dict[str, TypeAdapter[Any]]]()
"""Weak, so that classes declared in functions can be freed."""


def _hints(workflow: type[Workflow[Any]]) -> dict[str, Any]:
    hints = _HINTS.get(workflow)
    if hints is None:
        hints = _HINTS[workflow] = type_hints(workflow, _KNOWN)
    return hints


def _adapters(workflow: type[Workflow[Any]]) -> dict[str, TypeAdapter[Any]]:
    """One validator per field, built at first use."""
    adapters = _ADAPTERS.get(workflow)
    if adapters is None:
        config = ConfigDict(arbitrary_types_allowed=True)
        adapters = {name: TypeAdapter(hint, config=config) for name, hint in _hints(workflow).items()}
        _ADAPTERS[workflow] = adapters
    return adapters
