"""What is done to every track: a workflow, the parameter that takes the track, and parameters of all tracks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, cast

from musicai_sdk.batch.ledger.track import canonical
from musicai_sdk.errors import InputError
from musicai_sdk.models.result import DeclaredOutput, declared_outputs
from musicai_sdk.workflows import CustomWorkflow, Workflow

_PLACEHOLDER = "https://input.invalid/track"


@dataclass(slots=True)
class WorkflowTemplate:
    """A workflow with one parameter open.

    A class checks the names and values of the parameters, which are those of its fields (`input_url`); with a
    slug they are wire names (`inputUrl`), and the values go as they are. Both mean the same tracks.
    """

    workflow: type[Workflow[Any]] | str
    input_name: str | None = None
    """The parameter that takes the track; `input_url` or `inputUrl` when left out, or a class's only required one."""
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Parameters of all tracks; those of a row come on top."""
    _checked: dict[str, str] = field(default_factory=dict[str, str], repr=False)

    def __post_init__(self) -> None:
        """Finds the input's name, and checks what can be checked before a row is seen."""
        if isinstance(self.workflow, str):
            if not self.workflow.strip():
                raise InputError("the workflow's slug is empty")
            self.input_name = self.input_name or "inputUrl"
        elif isinstance(cast("object", self.workflow), type) and issubclass(
            cast("Any", self.workflow), Workflow
        ):
            self.input_name = self.input_name or _input_field(self.workflow)
        else:
            raise InputError(f"workflow must be a Workflow class or a slug, not {self.workflow!r:.100}")
        if self.input_name in self.params:
            raise InputError(f"params can't set {self.input_name!r}: that is where each track goes")

    @property
    def slug(self) -> str:
        """The workflow's slug."""
        return self.workflow if isinstance(self.workflow, str) else self.workflow.slug

    @property
    def declared(self) -> tuple[DeclaredOutput, ...]:
        """What the class says of its outputs; empty for a slug, under which an account may have others."""
        return () if isinstance(self.workflow, str) else declared_outputs(self.workflow.result_type)

    @property
    def wire_input(self) -> str:
        """The wire name of the parameter that takes the track."""
        name = self.input_name or ""
        if isinstance(self.workflow, str):
            return name
        # With values of the other fields unknown, the class itself can't be asked: an instance checks all of
        # them.
        instance = object.__new__(self.workflow)
        for each in fields(cast("Any", self.workflow)):
            object.__setattr__(instance, each.name, _PLACEHOLDER if each.name == name else None)
        wire_names = [wire for wire, value in instance.to_params().items() if value == _PLACEHOLDER]
        if not wire_names:
            known = ", ".join(each.name for each in fields(cast("Any", self.workflow)))
            raise InputError(f"{self.workflow.__name__} has no parameter {name!r}; it has {known}")
        return wire_names[0]

    def wire_params(self, row: Mapping[str, Any]) -> str:
        """The parameters of a track by wire name, without the input, as canonical JSON.

        Raises:
            InputError: they don't fit the workflow's class, or can't be sent as JSON.
        """
        if not row and "" in self._checked:
            return self._checked[""]
        try:
            given = canonical({**self.params, **row}) if row else ""
        except (TypeError, ValueError) as error:
            raise InputError(
                f"parameters must be JSON values ({error}); only the input is uploaded"
            ) from None
        if given not in self._checked:
            self._checked[given] = self._wire(row)
            if len(self._checked) > 10_000:  # every row has its own: no use keeping them
                self._checked.clear()
                return self._wire(row)
        return self._checked[given]

    def _wire(self, row: Mapping[str, Any]) -> str:
        values = {**self.params, **row}
        if self.input_name in values:
            raise InputError(f"a row can't set {self.input_name!r}: that is where the track goes")
        if isinstance(self.workflow, str):
            return canonical(values)
        known = {each.name for each in fields(cast("Any", self.workflow))}
        if unknown := sorted(values.keys() - known):
            raise InputError(
                f"{self.workflow.__name__} has no parameter {', '.join(unknown)}; it has {', '.join(sorted(known))}"
            )
        required = {
            each.name
            for each in fields(cast("Any", self.workflow))
            if each.default is MISSING and each.default_factory is MISSING
        }
        if missing := sorted(required - values.keys() - {self.input_name}):
            raise InputError(f"{self.workflow.__name__} needs {', '.join(missing)}")
        instance = self.workflow(**{self.input_name or "": _PLACEHOLDER, **values})
        wire = dict(instance.to_params())
        wire.pop(self.wire_input)
        return canonical(wire)


def instance_of(slug: str, wire_input: str, url: str, params: Mapping[str, Any]) -> CustomWorkflow:
    """The workflow on one track."""
    return CustomWorkflow(slug, {wire_input: url, **params})


def _input_field(workflow: type[Workflow[Any]]) -> str:
    required = [
        each.name
        for each in fields(cast("Any", workflow))
        if each.default is MISSING and each.default_factory is MISSING
    ]
    if "input_url" in required or len(required) != 1:
        return "input_url"
    return required[0]
