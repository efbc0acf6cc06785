"""Python names for wire names and slugs.

The rules never change, so that a generated name stays:

- Words end at anything but a letter or a digit, and between a lower-case and an upper-case letter.
- Fields join lower-case words with `_` (`chordsMap`, `Chords map` → `chords_map`), classes capitalise words.
- Letters outside ASCII lose their marks (`Größe` → `grosse`); others become their code point (`歌` → `u6b4c`).
- A name that starts with a digit gets the prefix `input_`, `output_` or `Workflow` (`2nd` → `output_2nd`).
- A Python keyword, a name of the base class, or a name that the module uses gets the suffix `_` (`class` → `class_`); a
  class gets `Workflow` (`Key` → `KeyWorkflow`).
- Names are cut between words at 36 characters, names of classes at 50.
- Equal names are numbered from 2, in the order of the file (classes in the order of slugs).

A `name` or `class_name` in a description takes precedence, and no other part gets that name.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from itertools import count

from musicai_sdk.codegen.contents import CONTENTS
from musicai_sdk.codegen.schema import (
    LONGEST_CLASS,
    LONGEST_NAME,
    WorkflowInput,
    WorkflowOutput,
    WorkflowSchema,
)
from musicai_sdk.workflows import Workflow, WorkflowResult

BASE_NAMES = frozenset(
    {"FileInput", "FileOutput", "JsonOutput", "JsonText", "Literal", "Workflow", "WorkflowResult"}
)
"""The classes that generated modules use, apart from the types of contents."""
FUNCTIONS = frozenset({"bool", "float", "list", "output", "param", "self", "str"})
"""The functions that generated modules use: a field with such a name would hide it from the fields below."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def field_names(parts: Sequence[WorkflowInput | WorkflowOutput]) -> list[str]:
    """Returns the Python names of the inputs or outputs of one workflow."""
    if not parts:
        return []
    is_input = isinstance(parts[0], WorkflowInput)
    taken = {part.name for part in parts if part.name} | _reserved(is_input=is_input)
    wire_names = {part.wire_name for part in parts}
    names: list[str] = []
    for part in parts:
        name = part.name
        if name is None:
            plain = _field_name(part.wire_name, "input" if is_input else "output")
            # Never the wire name of another part, which would be ambiguous.
            name = _free(plain, taken | (wire_names - {part.wire_name}), "_", LONGEST_NAME)
            taken.add(name)
        names.append(name)
    return names


def class_names(
    workflows: Iterable[WorkflowSchema], stand_ins: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Returns the Python names of the classes by slug. The class of a result has the suffix `Result`.

    Args:
        workflows: The descriptions; their `class_name` takes precedence.
        stand_ins: By slug, the text to make a name from in place of the slug.
    """
    workflows = sorted(workflows, key=lambda workflow: workflow.slug)
    taken = {workflow.class_name for workflow in workflows if workflow.class_name}
    taken |= {f"{name}Result" for name in taken} | _module_names()
    names: dict[str, str] = {}
    for workflow in workflows:
        name = workflow.class_name
        if name is None:
            plain = class_name((stand_ins or {}).get(workflow.slug) or workflow.slug.rpartition("/")[2])
            blocked = taken | {each.removesuffix("Result") for each in taken if each.endswith("Result")}
            if plain in _module_names():
                plain += "Workflow"
            name = _free(plain, blocked, "", LONGEST_CLASS)
            taken |= {name, f"{name}Result"}
        names[workflow.slug] = name
    return names


def class_name(text: str) -> str:
    """Returns a slug or a title as the name of a class: `generate-chords` → `GenerateChords`."""
    capitalised = [word[0].upper() + word[1:] for word in _words(text)] or ["Workflow"]
    if capitalised[0][0].isdigit():
        capitalised.insert(0, "Workflow")
    return _cut(capitalised, "", LONGEST_CLASS)


def _field_name(wire_name: str, prefix: str) -> str:
    words = [part.lower() for word in _words(wire_name) for part in _CAMEL.split(word)] or [prefix]
    if words[0][0].isdigit():
        words.insert(0, prefix)
    name = _cut(words, "_", LONGEST_NAME)
    return f"{name}_" if keyword.iskeyword(name) or name in _reserved(is_input=prefix == "input") else name


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z0-9]+", "".join(_ascii(character) for character in text))


def _ascii(character: str) -> str:
    for form in (character, character.casefold()):
        letters = "".join(
            each for each in unicodedata.normalize("NFKD", form) if not unicodedata.combining(each)
        )
        if letters.isascii() and letters:
            return letters
    return f" u{ord(character):04x} " if character.isalnum() else " "


def _cut(words: Sequence[str], joint: str, longest: int) -> str:
    name = words[0][:longest]
    for word in words[1:]:
        if len(name) + len(joint) + len(word) > longest:
            break
        name += joint + word
    return name


def _free(name: str, taken: Collection[str], joint: str, longest: int) -> str:
    candidates = (f"{name[: longest - len(end)]}{end}" for end in (f"{joint}{number}" for number in count(2)))
    return name if name not in taken else next(each for each in candidates if each not in taken)


@cache
def _reserved(*, is_input: bool) -> frozenset[str]:
    return frozenset(dir(Workflow if is_input else WorkflowResult)) | FUNCTIONS | {"slug"}


@cache
def _module_names() -> frozenset[str]:
    return BASE_NAMES | {name for content in CONTENTS.values() for name in content.names}
