"""What programs have to know of the operating system: its shells, and what its streams can encode.

For the command line, the sandbox's command and the scripts. Library code never writes to the standard streams.
"""

from __future__ import annotations

import codecs
import io
import json
import re
import sys
from typing import Any

_PLAIN = re.compile(r"[A-Za-z0-9_.:/\\=+-]+")
_EXPANDED = re.compile("[$`\u201c-\u201e]")
"""What PowerShell reads inside double quotes; it takes typographic quotation marks for the plain ones."""
_SINGLE_QUOTES = re.compile("(['\u2018-\u201b])")


def escape_unencodable() -> None:
    r"""Lets standard output and standard error accept every character: those they can't encode become `\u2665`.

    To be called where a program starts. Names come from files and from the service, so any character may occur, and
    an error in the middle of the output would hide what was paid for. JSON needs `json_text` besides.
    """
    for stream in (sys.stdout, sys.stderr):
        # A user's own choice, as in PYTHONIOENCODING=cp1252:replace, stays, unless it can fail.
        if isinstance(stream, io.TextIOWrapper) and (
            stream.errors == "strict" or (stream.errors == "surrogateescape" and not _is_utf8(stream))
        ):
            stream.reconfigure(errors="backslashreplace")


def json_text(value: object, stream: Any, *, indent: int | None = None) -> str:
    """A value as JSON, in ASCII if the stream that it is written to isn't UTF-8. Every escape is JSON's own then."""
    return json.dumps(value, ensure_ascii=not _is_utf8(stream), indent=indent)


def _is_utf8(stream: Any) -> bool:
    try:
        return codecs.lookup(stream.encoding).name == "utf-8"
    except (AttributeError, LookupError, TypeError):  # not a text file: nothing is encoded here
        return isinstance(stream, io.StringIO)


def _is_encodable(word: str, stream: Any) -> bool:
    try:
        word.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeError, LookupError):
        return False
    return True


def quoted(word: str, stream: Any = None, *, windows: bool = sys.platform == "win32") -> str:
    """A word of a command to paste: for a POSIX shell, or on Windows for cmd as well as PowerShell.

    Double quotes serve both of these. What PowerShell would expand in them stands in single quotes, which cmd doesn't
    know.

    Args:
        word: Any text, such as the name of a file.
        stream: What it is written to; None for a UTF-8 file. bash and zsh read escapes of what it can't encode.
        windows: Whether for Windows.
    """
    if not windows:
        if word.isprintable() and _is_encodable(word, stream):
            import shlex  # not needed for a client

            return shlex.quote(word)
        return "$'" + "".join(_escaped(each, stream) for each in word) + "'"
    if _PLAIN.fullmatch(word):
        return word
    if _EXPANDED.search(word):
        return _powershell(word)
    # Programs take \" for a quotation mark, so backslashes before one are doubled.
    return '"' + re.sub(r'(\\*)("|\Z)', lambda found: found[1] * 2 + ('\\"' if found[2] else ""), word) + '"'


def _escaped(character: str, stream: Any) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable() and _is_encodable(character, stream):
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode(errors="surrogateescape"))


def assignment(name: str, value: str, stream: Any = None, *, windows: bool = sys.platform == "win32") -> str:
    """The command that sets an environment variable: `export` of a POSIX shell, `$env:` of PowerShell."""
    if windows:
        return f"$env:{name} = {_powershell(value)}"
    return f"export {name}={quoted(value, stream, windows=False)}"


def _powershell(word: str) -> str:
    return "'" + _SINGLE_QUOTES.sub(r"\1\1", word) + "'"
