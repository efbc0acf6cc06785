"""Merges what jobs show with an earlier description."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from musicai_sdk.codegen.contents import JSON_CONTENTS
from musicai_sdk.codegen.names import field_names
from musicai_sdk.codegen.schema import WorkflowInput, WorkflowOutput, WorkflowSchema

_TEXTS = frozenset({"text", "key", "time_signature"})
"""The contents that fit any text."""

OWN_JOBS = "the account's own finished jobs"
"""The source of an inferred description."""

Part = TypeVar("Part", WorkflowInput, WorkflowOutput)


def merged(old: WorkflowSchema | None, new: WorkflowSchema) -> WorkflowSchema:
    """Returns an earlier description, updated by what the account's jobs show now.

    Edits stay: names, descriptions, aliases, choices, defaults. New fields come after the known ones. A field that no
    job has any more is marked `gone`; one that some jobs lack is no longer required. A kind stays unless a job
    contradicts it. With its first job, a workflow is no longer `unseen`, and its source is the account.
    """
    if old is None:
        return new.model_copy(update={"inputs": _named(new.inputs), "outputs": _named(new.outputs)})
    seen = bool(new.inputs or new.outputs)
    unseen = new.unseen and (old.unseen or not old.learned)
    now_seen = {"confidence": new.confidence, "source": new.source} if old.unseen and not unseen else {}
    inputs = _parts(old.inputs, new.inputs, {}, _input_contradictions) if seen else old.inputs
    aliases = {alias: part.wire_name for part in old.outputs for alias in part.aliases}
    outputs = _parts(old.outputs, new.outputs, aliases, _output_contradictions) if seen else old.outputs
    return old.model_copy(
        update={
            "title": old.title or new.title,
            "description": old.description or new.description,
            "source": old.source or new.source,
            "gone": new.gone,
            "unseen": unseen,
            "inputs": _named(inputs),
            "outputs": _named(outputs),
            **now_seen,
        }
    )


def _parts(
    old: Sequence[Part],
    new: Sequence[Part],
    aliases: Mapping[str, str],
    contradictions: Callable[[Part, Part], dict[str, object]],
) -> list[Part]:
    found: dict[str, Part] = {}
    for part in new:
        wire_name = aliases.get(part.wire_name, part.wire_name)
        found.setdefault(wire_name, part.model_copy(update={"wire_name": wire_name}))
    known: list[Part] = []
    for part in old:
        now = found.pop(part.wire_name, None)
        changes: dict[str, object] = {"gone": now is None}
        if now is not None:
            changes |= {"required": part.required and now.required, **contradictions(part, now)}
        known.append(part.model_copy(update=changes))
    known.extend(found.values())
    return known


def _input_contradictions(old: WorkflowInput, new: WorkflowInput) -> dict[str, object]:
    never_given = new.kind == "any" and not new.required
    fits = new.kind == old.kind or old.kind == "any" or (old.kind, new.kind) == ("choice", "text")
    return {} if fits or never_given else {"kind": "any", "choices": ()}


def _output_contradictions(old: WorkflowOutput, new: WorkflowOutput) -> dict[str, object]:
    if new.content == "any" and not new.required:  # most likely null in every job
        return {}
    if new.kind == old.kind:
        return {} if new.content == old.content else {"content": _content(old, new)}
    if "value" in {old.kind, new.kind}:
        return {"kind": "value", "content": "any"}
    if new.kind == "file":  # all that is known of an output in custom storage
        return {}
    both = new if old.kind == "file" else WorkflowOutput(wire_name=new.wire_name, kind="file")
    return {"kind": both.kind, "content": both.content}


def _content(old: WorkflowOutput, new: WorkflowOutput) -> str | None:
    """Returns the content that fits both."""
    if old.content in JSON_CONTENTS and new.content in JSON_CONTENTS:
        if new.content == "json":  # not recognised or not readable this time
            return old.content
        return new.content if old.content == "json" else "json"
    if old.content in _TEXTS and new.content == "text":
        return old.content
    return "text" if {old.content, new.content} <= {*_TEXTS, "number"} else "any"


def _named(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Returns the parts with explicit names, so that no later field can take one."""
    names = field_names(parts)
    return tuple(part.model_copy(update={"name": name}) for part, name in zip(parts, names, strict=True))
