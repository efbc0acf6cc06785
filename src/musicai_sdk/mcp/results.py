"""What agents see of a job: its state, and its outputs without signed URLs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from types import GenericAlias
from typing import Any, TypeVar

from pydantic import JsonValue

from musicai_sdk import CUSTOM_STORAGE, AsyncMusicAiClient, FileUrl, JsonFile
from musicai_sdk.mcp import answers
from musicai_sdk.mcp.addresses import Addresses
from musicai_sdk.mcp.errors import ToolError
from musicai_sdk.models import Beat, Chord, Job, LyricLine, WorkflowReference
from musicai_sdk.models.outputs import file_name_in

T = TypeVar("T")
V = TypeVar("V", bound="answers.Model | JsonValue")

_LONGEST = 200_000
"""The most characters of JSON in one answer. Longer lists are divided at entries."""
_LONGEST_VALUE = 10_000
"""The most characters of JSON of each value in the description of a job."""

_CHORDS = re.compile(r"chord", re.IGNORECASE)
_BEATS = re.compile(r"beat|tempo ?map", re.IGNORECASE)
_LYRICS = re.compile(r"lyric|transcri|alignment", re.IGNORECASE)


def job_answer(job: Job[Any], *, repeated: bool | None = None) -> answers.JobAnswer:
    """Converts a job to the answer that the agent sees."""
    outputs = [_described(name, value) for name, value in job.outputs.items()] if job.succeeded else None
    reason = job.failure if job.failed else None
    workflow = job.workflow.name if isinstance(job.workflow, WorkflowReference) else job.workflow
    return answers.JobAnswer(
        job_id=job.id,
        status=str(job.status),
        finished=job.done,
        repeated=repeated,
        workflow=workflow,
        name=job.name,
        created_at=job.created_at,
        completed_at=job.completed_at,
        failure=answers.JobFailure(
            code=_short(reason.code), title=_short(reason.title), message=_short(reason.message)
        )
        if reason
        else None,
        outputs=outputs,
        next_step=_next_step(job),
    )


def _next_step(job: Job[Any]) -> str:
    if job.succeeded:
        return "Read outputs of the kind json with read_chords, read_beats, read_lyrics or read_output; download_results fetches everything."
    if job.failed:
        return "It has no results. The same request returns this job again and costs nothing. Tell the user why it failed."
    return "Call get_job with wait_seconds=30 until it has finished."


def _described(name: str, value: Any) -> answers.JobOutput:
    if value is CUSTOM_STORAGE:
        return answers.JobOutput(name=name, kind="own storage")
    if isinstance(value, FileUrl):
        return answers.JobOutput(
            name=name, kind="json" if file_name_in(value).suffix.lower() == ".json" else "file"
        )
    return answers.JobOutput(name=name, kind="value", value=value if _size(value) <= _LONGEST_VALUE else None)


async def read_chords(
    client: AsyncMusicAiClient, addresses: Addresses, arguments: answers.ReadArguments
) -> answers.Chords:
    """The chords of a job."""
    chords, page = await _read(client, addresses, arguments, _CHORDS, Chord)
    entries = [
        answers.ChordEntry(
            start=each.start,
            end=each.end,
            chord=each.chord_majmin,
            label=each.chord_simple_pop,
            bass=each.bass,
            bar=each.start_bar,
            beat=each.start_beat,
        )
        for each in chords
    ]
    return answers.Chords(chords=_fitting(entries, page, arguments), **page)


async def read_beats(
    client: AsyncMusicAiClient, addresses: Addresses, arguments: answers.ReadArguments
) -> answers.Beats:
    """The beats of a job."""
    beats, page = await _read(client, addresses, arguments, _BEATS, Beat)
    entries = [answers.BeatEntry(time=each.time, beat=each.beat_num) for each in beats]
    return answers.Beats(beats=_fitting(entries, page, arguments), **page)


async def read_lyrics(
    client: AsyncMusicAiClient, addresses: Addresses, arguments: answers.ReadLyricsArguments
) -> answers.Lyrics:
    """The lyrics of a job."""
    lines, page = await _read(client, addresses, arguments, _LYRICS, LyricLine)
    entries = [
        answers.LineEntry(
            text=each.text,
            start=each.start,
            end=each.end,
            words=[answers.WordEntry(word=word.word, start=word.start, end=word.end) for word in each.words]
            if arguments.words
            else None,
        )
        for each in lines
    ]
    return answers.Lyrics(lines=_fitting(entries, page, arguments), **page)


async def read_output(
    client: AsyncMusicAiClient, addresses: Addresses, arguments: answers.ReadOutputArguments
) -> answers.OutputContent:
    """Any output that isn't a recording."""
    job = await client.jobs.get(arguments.job_id)
    job.raise_for_success()
    name = _named(job, arguments.output)
    content: JsonValue = job.outputs[name]
    if content is CUSTOM_STORAGE:
        raise _in_own_storage(name)
    if isinstance(content, FileUrl):
        addresses.check_outputs([content])
        content = await client.files.read(JsonFile(str(content)))
    if not isinstance(content, list):
        if (size := _size(content)) > _LONGEST:
            raise _too_long(f"the output {name!r} has {size:,} characters", "")
        return answers.OutputContent(job_id=job.id, output=name, content=content)
    part, page = _page(job, name, content, arguments)
    return answers.OutputContent(content=_fitting(part, page, arguments), **page)


async def _read(
    client: AsyncMusicAiClient,
    addresses: Addresses,
    arguments: answers.ReadArguments,
    fitting: re.Pattern[str],
    kind: type[T],
) -> tuple[Sequence[T], dict[str, Any]]:
    """Reads a list output whose entries are of one type; returns the requested entries, and the fields of `Page`."""
    job = await client.jobs.get(arguments.job_id)
    job.raise_for_success()
    name = _named(job, arguments.output) if arguments.output is not None else _named_like(job, fitting)
    value = job.outputs[name]
    if value is CUSTOM_STORAGE:
        raise _in_own_storage(name)
    if not isinstance(value, FileUrl):
        raise ToolError(
            "no_such_output",
            f"the output {name!r} is a plain value, not a file",
            "get_job shows it.",
        )
    addresses.check_outputs([value])
    entries: Any = GenericAlias(list, (kind,))
    content: JsonFile[list[T]] = JsonFile(str(value), entries)
    return _page(job, name, await client.files.read(content), arguments)


def _named(job: Job[Any], output: str) -> str:
    """The output with this name, in any letter case."""
    names = list(job.outputs)
    found = [each for each in names if each == output] or [
        each for each in names if each.casefold() == output.strip().casefold()
    ]
    if len(found) == 1:
        return found[0]
    raise ToolError(
        "no_such_output",
        f"the job has no output {output!r:.100}; it has {_listed(names)}",
        "Name one of these.",
    )


def _named_like(job: Job[Any], pattern: re.Pattern[str]) -> str:
    names = [
        name for name, value in job.outputs.items() if isinstance(value, FileUrl) and pattern.search(name)
    ]
    if len(names) == 1:
        return names[0]
    what = "several outputs fit" if names else "no output fits by its name"
    raise ToolError(
        "no_such_output",
        f"{what}: the job has {_listed(names or list(job.outputs))}",
        "Name one with output.",
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names)) or "no outputs"


def _in_own_storage(name: str) -> ToolError:
    return ToolError(
        "own_storage",
        f"the output {name!r} is in the user's own storage, which this server can't read",
        "Ask the user for it.",
    )


def _page(
    job: Job[Any], output: str, entries: Sequence[T], arguments: answers.PageArguments
) -> tuple[Sequence[T], dict[str, Any]]:
    """The requested entries, and the fields of `Page`."""
    end = arguments.offset + arguments.limit
    following = end if end < len(entries) else None
    page = {"job_id": job.id, "output": output, "total": len(entries), "next_offset": following}
    return entries[arguments.offset : end], page


def _fitting(entries: Sequence[V], page: dict[str, Any], arguments: answers.PageArguments) -> list[V]:
    """The first entries that fit into one answer together. The next part begins at the others.

    Raises:
        ToolError: the first entry alone is too long.
    """
    size = 0
    for count, each in enumerate(entries):
        size += _size(each)
        if size > _LONGEST:
            if not count:
                at = arguments.offset
                raise _too_long(
                    f"entry {at} of {page['output']!r} has {size:,} characters", f" offset={at + 1} skips it."
                )
            page["next_offset"] = arguments.offset + count
            return list(entries[:count])
    return list(entries)


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _size(value: object) -> int:
    """The number of characters of a value as JSON."""
    return len(
        value.model_dump_json() if isinstance(value, answers.Model) else json.dumps(value, default=str)
    )


def _too_long(what: str, otherwise: str) -> ToolError:
    return ToolError(
        "too_long",
        f"{what}, which is too long for an answer",
        f"download_results saves it to a file.{otherwise}",
    )
