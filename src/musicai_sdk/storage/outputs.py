"""Outputs of workflows, and the names of their objects."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, get_args, get_origin

from musicai_sdk._names import safe_name
from musicai_sdk.models.files import CONTENT_TYPES
from musicai_sdk.models.outputs import FileUrl, JsonFile
from musicai_sdk.models.result import WorkflowResult, output_names, wire_name_of

_EXTENSION = re.compile(r"\.[0-9A-Za-z]{1,8}")

_EXTENSIONS = {
    # The first extension of a content type is the usual one.
    **{kind: extension for extension, kind in reversed(CONTENT_TYPES.items())},
    "audio/mp3": ".mp3",
    "audio/wave": ".wav",
    "audio/x-aiff": ".aiff",
    "audio/x-flac": ".flac",
    "audio/x-m4a": ".m4a",
    "audio/x-wav": ".wav",
}


def declared_files(result_type: type[WorkflowResult]) -> dict[str, str]:
    """The file outputs of a result type by wire name, each with its extension, or "" if unknown.

    Only JSON outputs have a known format: the service doesn't publish whether a stem is WAV or MP3.
    """
    found = dict[str, str]()
    for field, wire_name in output_names(result_type).items():
        kinds = set(_kinds(result_type.model_fields[field].annotation))
        if any(issubclass(kind, JsonFile) for kind in kinds):
            found[wire_name] = ".json"
        elif any(issubclass(kind, FileUrl) for kind in kinds):
            found[wire_name] = ""
    return found


def _kinds(annotation: Any) -> Iterator[type[Any]]:
    kind = get_origin(annotation) or annotation
    if isinstance(kind, type):
        yield kind
    for argument in get_args(annotation):
        yield from _kinds(argument)


def object_name(name: str) -> str:
    """The part of an object's key for an output or token: its name, if that is valid everywhere.

    Otherwise the name is made safe and gets a digest, so that any process that knows the name can find the object.
    """
    safe = safe_name(name)
    return safe if safe == name else f"{safe}-{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:8]}"


def object_of(
    objects: Collection[str], output: str, others: Iterable[str], result_type: type[WorkflowResult]
) -> str | None:
    """The object of an output among those in a job's folder: the one with its name and any extension.

    Args:
        objects: The names of the objects.
        output: The output's wire name.
        others: The wire names of the job's other outputs, whose objects are excluded.
        result_type: Has the requested name of the output, in case the service spells it differently.
    """
    taken = {object_name(other) for other in others}
    for name in dict.fromkeys((output, wire_name_of(result_type, output) or output)):
        wanted = object_name(name)
        if wanted in objects:
            return wanted
        for each in sorted(objects):
            if each.startswith(wanted) and each not in taken and _EXTENSION.fullmatch(each[len(wanted) :]):
                return each
    return None


def extension_of(name: str, content_type: str | None) -> str:
    """The extension for a local copy: that of the object, or else that of its content type."""
    if _EXTENSION.fullmatch(name[name.rfind(".") :]) and "." in name:
        return name[name.rfind(".") :]
    return _EXTENSIONS.get((content_type or "").partition(";")[0].strip().lower(), "")


def content_type_of(name: str) -> str | None:
    """The content type for the extension of a name."""
    return CONTENT_TYPES.get(name[name.rfind(".") :].lower())
