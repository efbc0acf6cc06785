"""Descriptions of workflows with 20 kinds of unusual names."""

from __future__ import annotations

from typing import Any

from musicai_sdk.codegen import WorkflowSchema

AUDIO: dict[str, Any] = {"kind": "audio"}


def outputs(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"wire_name": name, **(more or AUDIO)} for name in names]


def inputs(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"wire_name": name, **(more or AUDIO)} for name in names]


LONG = "An output whose name goes on and on until no line can hold it any more"
WORDS = "It says a lot, and then it says even more. " * 6

DESCRIBED: list[dict[str, Any]] = [
    {
        "slug": "acme/class",
        "inputs": inputs("class", "def", "None", "lambda"),
        "outputs": outputs("import", "is"),
    },
    {"slug": "1in-6stems", "inputs": inputs("1", "2nd Input"), "outputs": outputs("1", "2nd voice", "7")},
    {
        "slug": "acme/collide",
        "outputs": outputs("Kick drum", "kick_drum", "kickDrum", "KICK-DRUM", "kick drum "),
    },
    {
        "slug": "größe-ändern",
        "inputs": inputs("Größe", "œuvre"),
        "outputs": outputs("歌詞", "Ã", "çà et là", "🎵"),
    },
    {"slug": "音楽", "description": "歌詞を返します。", "outputs": outputs("歌", "🎵🎶", "🥁")},
    {"slug": "same-name"},
    {"slug": "same_name", "inputs": inputs("inputUrl")},
    {"slug": "acme/same-name", "outputs": outputs("x")},
    {"slug": "same-name-result", "outputs": outputs("y")},
    {
        "slug": "workflow",
        "inputs": inputs("slug", "result_type", "to_params", "self", "param", "str", "float", "list"),
    },
    {
        "slug": "chord",
        "outputs": [
            *outputs("output", "str", "float", "list", "bool", "param", kind="value", content="text"),
            *outputs(
                "model_dump", "model_config", "copy", "json", "dict", "schema", "validate", "keys", "__init__"
            ),
        ],
    },
    {"slug": "key", "outputs": outputs("Key", "key", "KEY", kind="value", content="key", required=False)},
    {
        "slug": 'say-"hello"\\n',
        "title": 'He said "hello"',
        "description": 'Ends with a quote "',
        "source": "C:\\new\\table \"\"\" '''\n\n\ttabs, and a trailing backslash \\",
        "inputs": inputs(
            'a "quoted" name', "it's", "both \" and '", "back\\slash", "new\nline", "tab\t", "\u202eevil\x00"
        ),
        "outputs": outputs('a "quoted" name', "it's", '"""', "\\", "${x}", "{y}", "%s", " ", "\n"),
    },
    {
        "slug": "acme/" + "a-very-long-slug-" * 12,
        "description": WORDS,
        "inputs": [{"wire_name": LONG * 2, "description": WORDS, **AUDIO}],
        "outputs": [
            {"wire_name": LONG, "description": WORDS, "aliases": [LONG.upper(), "short"], **AUDIO},
            {"wire_name": "y" * 200, "required": False, **AUDIO},
            {"wire_name": "x" * 36, "kind": "json", "content": "lyrics", "required": False, "aliases": ["x"]},
            {
                "wire_name": "歌" * 30,
                "kind": "json",
                "content": "lyrics",
                "required": False,
                "aliases": ["歌"],
            },
        ],
    },
    {
        "slug": "acme/choices",
        "inputs": [
            {"wire_name": "mode", "kind": "choice", "choices": ["fast", "best"], "default": "best"},
            *(
                {
                    "wire_name": f"{'W' if wire else 'w'}idth {number}",
                    "kind": "choice",
                    "choices": ["a" * number, "b" * 10],
                    "default": default,
                    "required": not number % 2,
                }
                for wire in (True, False)
                for number in range(20, 90)
                for default in (None, "b" * 10)
                if wire == (default is None)
            ),
            {
                "wire_name": "Mode Of Work",
                "kind": "choice",
                "choices": ["it's", 'a "b"', "\\"],
                "required": False,
            },
            {
                "wire_name": "One of many",
                "kind": "choice",
                "choices": [f"choice number {number}" for number in range(12)],
                "default": "choice number 3",
            },
            {
                "wire_name": "manyMoreToChooseFrom",
                "kind": "choice",
                "choices": [f"another choice, number {number}" for number in range(9)],
                "default": "another choice, number 8",
            },
            {"wire_name": "long", "kind": "choice", "choices": ["c" * 120, "d"], "required": False},
            {"wire_name": "longest", "kind": "choice", "choices": ["c" * 120, "d"], "default": "c" * 120},
            {"wire_name": "longish", "kind": "choice", "choices": ["c" * 79, "d"], "default": "c" * 79},
            {"wire_name": "single", "kind": "choice", "choices": ["e" * 150]},
        ],
    },
    {
        "slug": "acme/defaults",
        "inputs": [
            {"wire_name": "Target LUFS", "kind": "number", "default": -14.0},
            {"wire_name": "count", "kind": "number", "default": 3},
            {"wire_name": "tiny", "kind": "number", "default": 1e-20},
            {"wire_name": "huge", "kind": "number", "default": 1e300},
            {"wire_name": "on", "kind": "flag", "default": False},
            {"wire_name": "long", "kind": "text", "default": "z" * 79},
            {"wire_name": "longer", "kind": "text", "default": "z" * 99},
            {"wire_name": "text", "kind": "text", "default": "line\nbreak 'and' \"quotes\""},
            {"wire_name": "anything", "kind": "any", "required": False},
            {"wire_name": "Any Thing", "kind": "any"},
            {"wire_name": "words", "kind": "json", "required": False, "gone": True, "description": "Lyrics"},
        ],
    },
    {
        "slug": "acme/everything",
        "outputs": [
            *(
                {"wire_name": f"file {c}", "kind": "json", "content": c}
                for c in ("chords", "beats", "language", "json")
            ),
            *(
                {"wire_name": f"value {c}", "kind": "value", "content": c}
                for c in ("lyrics", "sections", "json")
            ),
            *(
                {"wire_name": f"plain {c}", "kind": "value", "content": c, "required": False, "gone": True}
                for c in ("text", "number", "flag", "key", "time_signature", "any")
            ),
            {"wire_name": "notes", "kind": "file", "description": "notes, as a spreadsheet"},
        ],
    },
    {"slug": "---", "title": "!!!", "gone": True},
    {"slug": "a/b/c/d", "class_name": "SameName", "inputs": [{"wire_name": "x", "name": "from_", **AUDIO}]},
    {"slug": "two-names", "outputs": [{"wire_name": "a", "name": "b", **AUDIO}, {"wire_name": "b", **AUDIO}]},
]

WORKFLOWS = [WorkflowSchema.model_validate(each) for each in DESCRIBED]
