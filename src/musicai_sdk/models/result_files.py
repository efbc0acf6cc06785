"""The files in a job's result, at any depth, and the checks before the job may be deleted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from urllib.parse import unquote

from musicai_sdk._text import without_query
from musicai_sdk.errors import ResponseError, ResultMissingError
from musicai_sdk.models.outputs import CUSTOM_STORAGE, CustomStorage, FileUrl, is_file_url
from musicai_sdk.models.result import DeclaredOutput, missing_outputs

if TYPE_CHECKING:
    from musicai_sdk.models.job import Job

ResultPath: TypeAlias = tuple[str | int, ...]
"""The place of a value in a result: the names and indexes that lead to it."""

DEEPEST = 100
"""The most levels of lists and objects in a result."""

_JSON_STARTS = ("[", "{", '"')
_EXTENSIONS = (
    "aac aif aiff amr au caf csv flac json lrc m4a mid midi mka mkv mov mp2 mp3 mp4 musicxml oga ogg opus srt tsv txt vtt"
    " wav wave weba webm wma xml zip"
)
_SEPARATOR = r":(?:\\*/){2}"
"""`://`, perhaps with the backslashes of JSON texts."""
_ADDRESS = re.compile(rf"[A-Za-z0-9]{_SEPARATOR}\S")
_SEVERAL = re.compile(rf"[\s,;|]\s*https?{_SEPARATOR}", re.IGNORECASE)
"""The start of a second URL in one text."""
_FILE = re.compile(rf"\.(?:{_EXTENSIONS.replace(' ', '|')})(?![\w.-])|[?&][\w-]*signature=", re.IGNORECASE)
"""The end of a file's path, or the signature of an address."""
_LONGEST_ADDRESS = 10_000
"""The most characters of an address."""


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A file in a result."""

    name: str
    """The output's name; for a file inside an output its path, such as `stems.0.url`. Unique."""
    path: ResultPath
    """The place of the file in the result."""
    value: FileUrl | CustomStorage | str
    """The file's URL, or `CUSTOM_STORAGE`. Any other text is an address that this package can't fetch, such as
    `gs://…`."""


def result_files(result: Mapping[str, Any] | None) -> list[ResultFile]:
    """The files of a result: every URL in its lists and objects, at any depth, and in JSON texts.

    Outputs that are files themselves come first, under the outputs' names.

    Raises:
        ResponseError: the result is nested too deeply.
    """
    found = sorted(_files(result or {}, ()), key=lambda each: len(each[0]) > 1)
    files, used = list[ResultFile](), set[str]()
    for path, value in found:
        base, number = ".".join(map(str, path)), 1
        name = base
        while name in used:
            number += 1
            name = f"{base} ({number})"
        used.add(name)
        files.append(ResultFile(name, path, value))
    return files


def with_files(result: Mapping[str, Any], paths: Mapping[ResultPath, str]) -> dict[str, Any]:
    """The result with some of its files replaced by other texts."""
    return cast("dict[str, Any]", _replaced(dict(result), (), paths))


def has_values(result: Mapping[str, Any] | None) -> bool:
    """Whether a result contains more than nulls, blank texts, and empty lists and objects."""
    return bool(filled_outputs(result))


def filled_outputs(result: Mapping[str, Any] | None) -> set[str]:
    """The names of the outputs that contain more than nulls, blank texts, and empty lists and objects."""
    return {str(path[0]) for path, value in _leaves(result or {}, ()) if not _blank(value)}


def check_result(job: Job[Any], declared: Sequence[DeclaredOutput] = ()) -> list[ResultFile]:
    """Checks that a job's result is complete. Only then may the job be deleted, once its files are safe.

    Args:
        job: The job from `GET /job/{id}`, because a list of jobs may leave parts out.
        declared: The outputs that the workflow's class declares.

    Returns:
        The result's files.

    Raises:
        ResultMissingError: the result is empty, lacks a required output, or names a file that can't be fetched.
    """
    if not has_values(job.raw_result):
        raise ResultMissingError(
            f"job {job.id} has succeeded, but the service returns no result for it: keep the job, and fetch it again"
            " later",
            job_id=job.id,
        )
    if missing := missing_outputs(declared, usable(job.raw_result)):
        raise ResultMissingError(
            f"job {job.id} has succeeded, but has no {', '.join(map(repr, missing))}, which its workflow's class declares;"
            f" it has {', '.join(map(repr, job.raw_result or {}))}. Keep the job. If the workflow doesn't always return"
            " the output, make it optional in the class (`| None`), or use the workflow by its slug",
            job_id=job.id,
            outputs=missing,
        )
    files = result_files(job.raw_result)
    elsewhere = [each for each in files if not is_reachable(each)]
    if elsewhere:
        named = ", ".join(f"{each.name!r} ({without_query(each.value):.100})" for each in elsewhere)
        raise ResultMissingError(
            f"job {job.id} has succeeded, but these outputs aren't at http(s) URLs and can't be downloaded: {named}."
            " Keep the job until you have fetched them yourself",
            job_id=job.id,
            outputs=tuple(each.name for each in elsewhere),
        )
    return files


def is_reachable(file: ResultFile) -> bool:
    """Whether the file can be downloaded, or is in the caller's own storage."""
    return isinstance(file.value, FileUrl) or file.value is CUSTOM_STORAGE


def usable(result: Mapping[str, Any] | None) -> dict[str, bool]:
    """Whether each output that isn't null or blank contains a file, by name."""
    values = {name: value for name, value in (result or {}).items() if not _blank(value)}
    return {name: next(_files(value, (name,)), None) is not None for name, value in values.items()}


def _blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _files(value: object, path: ResultPath) -> Iterator[tuple[ResultPath, FileUrl | CustomStorage | str]]:
    for place, leaf in _leaves(value, path):
        if not isinstance(leaf, str):
            continue
        if is_file_url(leaf) and not _SEVERAL.search(leaf.strip()):
            yield place, FileUrl(leaf.strip())
        elif leaf == CUSTOM_STORAGE:
            yield place, CUSTOM_STORAGE
        elif _names_file(leaf.strip()):
            yield place, leaf.strip()


def _names_file(text: str) -> bool:
    """Whether a text that isn't a URL nevertheless says where a file is: `gs://…`, `/files/vocals.wav`.

    A file that is overlooked is lost with its job. In prose, only complete addresses of files count.
    """
    if text.startswith("data:"):
        return False  # the file itself
    words = text.split()
    for word in words:
        if len(word) > _LONGEST_ADDRESS or {"/", "\\", "%"}.isdisjoint(word):
            continue
        word = unquote(word)
        is_address, is_file = _ADDRESS.search(word) is not None, _FILE.search(word) is not None
        if (is_address and is_file) or (len(words) == 1 and (is_address or is_file)):
            return True
    return False


def _leaves(value: object, path: ResultPath) -> Iterator[tuple[ResultPath, object]]:
    """Yields the values that aren't lists or objects, with their places, and also URLs used as keys in an object."""
    if len(path) > DEEPEST:
        raise ResponseError(
            f"the result is nested too deeply: {'.'.join(map(str, path[:5]))}…", field=str(path[0])
        )
    inside = _opened(value)
    if inside is None:
        yield path, _decoded(value)
        return
    for key, each in inside:
        if isinstance(key, str) and is_file_url(key):
            yield (*path, without_query(key)), f"name+{key.strip()}"
        yield from _leaves(each, (*path, key))


def _opened(value: object) -> Iterator[tuple[str | int, object]] | None:
    """The entries of a list or an object, also inside a JSON text; None for any other value."""
    value = _decoded(value)
    if isinstance(value, str):  # most values, and the checks below take longer
        return None
    if isinstance(value, Mapping):
        return iter(cast("Mapping[str, object]", value).items())
    if isinstance(value, list | tuple):
        return iter(enumerate(cast("Sequence[object]", value)))
    return None


def _decoded(value: object) -> object:
    """The value of a JSON text that may contain a URL; any other value unchanged."""
    while isinstance(value, str) and value.lstrip()[:1] in _JSON_STARTS and re.search(_SEPARATOR, value):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _replaced(value: object, path: ResultPath, paths: Mapping[ResultPath, str]) -> object:
    if path in paths:
        return paths[path]
    if not any(each[: len(path)] == path for each in paths):
        return value
    inside = _opened(value)
    if inside is None:
        return value
    entries = [(key, _replaced(each, (*path, key), paths)) for key, each in inside]
    is_list = any(isinstance(key, int) for key, _ in entries)
    found = [each for _, each in entries] if is_list else dict(entries)
    return json.dumps(found, ensure_ascii=False) if isinstance(value, str) else found
