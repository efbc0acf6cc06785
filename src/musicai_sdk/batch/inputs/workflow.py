"""The workflow of a run: the parameter that takes each input, and the parameters of all inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, cast

from musicai_sdk.batch.ledger.track import canonical
from musicai_sdk.errors import InputError
from musicai_sdk.models.result import DeclaredOutput, declared_outputs
from musicai_sdk.workflows import Workflow

_PLACEHOLDER = "https://input.invalid/track"


@dataclass(slots=True)
class WorkflowTemplate:
    """A workflow without its input.

    With a class, the parameters are named like its fields (`input_url`), and it checks names and values. With a slug,
    they have wire names (`inputUrl`) and are sent unchecked. Both forms identify the same tracks.
    """

    workflow: type[Workflow[Any]] | str
    input_name: str | None = None
    """The parameter that takes the input; when left out `input_url` or `inputUrl`, or a class's only required one."""
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Parameters of all inputs; those of a single input override them."""
    _checked: dict[str, str] = field(default_factory=dict[str, str], repr=False)

    def __post_init__(self) -> None:
        """Finds the input's name, and checks what doesn't depend on a single input."""
        if not isinstance(cast("object", self.input_name), str | None):
            raise InputError(f"input_name must be the name of a parameter, not {self.input_name!r:.100}")
        if not isinstance(cast("object", self.params), Mapping):
            raise InputError(f"params must map names to values, not {self.params!r:.100}")
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
            raise InputError(f"params can't set {self.input_name!r}: it takes the input")

    @property
    def slug(self) -> str:
        """The workflow's slug."""
        return self.workflow if isinstance(self.workflow, str) else self.workflow.slug

    @property
    def declared(self) -> tuple[DeclaredOutput, ...]:
        """The outputs that the class declares; empty for a slug, because accounts may have others under it."""
        return () if isinstance(self.workflow, str) else declared_outputs(self.workflow.result_type)

    @property
    def wire_input(self) -> str:
        """The wire name of the parameter that takes the input."""
        name = self.input_name or ""
        if isinstance(self.workflow, str):
            return name
        # The values of the other fields are unknown, and the constructor would check them.
        instance = object.__new__(self.workflow)
        for each in fields(cast("Any", self.workflow)):
            object.__setattr__(instance, each.name, _PLACEHOLDER if each.name == name else None)
        wire_names = [wire for wire, value in instance.to_params().items() if value == _PLACEHOLDER]
        if not wire_names:
            known = ", ".join(each.name for each in fields(cast("Any", self.workflow)))
            raise InputError(f"{self.workflow.__name__} has no parameter {name!r}; it has {known}")
        return wire_names[0]

    def wire_params(self, row: Mapping[str, Any]) -> str:
        """The parameters of an input by wire name, without the input itself, as canonical JSON.

        Raises:
            InputError: they don't fit the workflow's class, or aren't JSON values.
        """
        if not row and "" in self._checked:
            return self._checked[""]
        try:
            given = canonical({**self.params, **row}) if row else ""
        except (TypeError, ValueError) as error:
            raise InputError(
                f"parameters must be JSON values ({error}); files are uploaded only as the input"
            ) from None
        if given not in self._checked:
            self._checked[given] = self._wire(row)
            if len(self._checked) > 10_000:  # every input has its own parameters, so caching doesn't help
                self._checked.clear()
                return self._wire(row)
        return self._checked[given]

    def _wire(self, row: Mapping[str, Any]) -> str:
        values = {**self.params, **row}
        if self.input_name in values:
            raise InputError(f"parameters can't set {self.input_name!r}: it takes the input")
        if isinstance(self.workflow, str):
            return canonical(values)
        known = {each.name for each in fields(cast("Any", self.workflow))}
        if unknown := sorted(values.keys() - known):
            raise InputError(
                f"{self.workflow.__name__} has no parameter {', '.join(unknown)}; it has {', '.join(sorted(known))}"
            )
        if missing := sorted({*_required(self.workflow)} - values.keys() - {self.input_name}):
            raise InputError(f"{self.workflow.__name__} needs {', '.join(missing)}")
        instance = self.workflow(**{self.input_name or "": _PLACEHOLDER, **values})
        wire = dict(instance.to_params())
        wire.pop(self.wire_input)
        return canonical(wire)


def _required(workflow: type[Workflow[Any]]) -> list[str]:
    """The fields without a default."""
    return [
        each.name
        for each in fields(cast("Any", workflow))
        if each.default is MISSING and each.default_factory is MISSING
    ]


def _input_field(workflow: type[Workflow[Any]]) -> str:
    required = _required(workflow)
    if "input_url" in required or len(required) != 1:
        return "input_url"
    return required[0]
