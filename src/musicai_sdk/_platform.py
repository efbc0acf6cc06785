"""Differences between operating systems that matter to programs: shells, and the encodings of standard streams.

The command line, the sandbox's command and the scripts use this module; library code uses it only to quote commands in
errors. Library code never writes to the standard streams.
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
"""Characters that PowerShell interprets inside double quotes. It treats typographic quotation marks like plain ones."""
_SINGLE_QUOTES = re.compile("(['\u2018-\u201b])")


def escape_unencodable() -> None:
    r"""Makes standard output and standard error escape characters that they can't encode, as in `\u2665`.

    Call this when a program starts. Names come from files and from the service, so any character may occur. An encoding
    error in the middle of the output would hide which jobs were paid. For JSON, also use `json_text`.
    """
    for stream in (sys.stdout, sys.stderr):
        # Keep the user's own error handler, as in PYTHONIOENCODING=cp1252:replace, unless it can raise.
        if isinstance(stream, io.TextIOWrapper) and (
            stream.errors == "strict" or (stream.errors == "surrogateescape" and not _is_utf8(stream))
        ):
            stream.reconfigure(errors="backslashreplace")


def json_text(value: object, stream: Any, *, indent: int | None = None) -> str:
    """A value as JSON. If the target stream isn't UTF-8, the text is ASCII, and all its escapes are those of JSON."""
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
    """Quotes a word of a command line that users paste: for a POSIX shell, or on Windows for both cmd and PowerShell.

    cmd and PowerShell both accept double quotes. A word with characters that PowerShell would expand gets single
    quotes, which cmd doesn't support.

    Args:
        word: Any text, such as the name of a file.
        stream: The target stream; None for a UTF-8 file. Characters that the stream can't encode become escapes of bash
            and zsh.
        windows: Whether to quote for Windows.
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
    # Programs read \" as a quotation mark, so double the backslashes before one.
    return '"' + re.sub(r'(\\*)("|\Z)', lambda found: found[1] * 2 + ('\\"' if found[2] else ""), word) + '"'


def _escaped(character: str, stream: Any) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable() and _is_encodable(character, stream):
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode(errors="surrogateescape"))


def assignment(name: str, value: str, stream: Any = None, *, windows: bool = sys.platform == "win32") -> str:
    """The command that sets an environment variable: `export` for a POSIX shell, `$env:` for PowerShell."""
    if windows:
        return f"$env:{name} = {_powershell(value)}"
    return f"export {name}={quoted(value, stream, windows=False)}"


def _powershell(word: str) -> str:
    return "'" + _SINGLE_QUOTES.sub(r"\1\1", word) + "'"
