"""Differences between systems: streams, shells, waits, renames, and durable files."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from musicai_sdk import _files
from musicai_sdk._io.clock import wait_in_slices
from musicai_sdk._platform import assignment, escape_unencodable, json_text, quoted
from musicai_sdk.batch.ledger.database import create_or_open
from musicai_sdk.batch.ledger.upgrade import upgrade

NAMES = (
    "♥",
    "a b",
    "it's",
    'say "hi"',
    "$HOME",
    "`x`",
    "%PATH%",
    "a\\",
    "C:\\out dir\\",
    "",
    "-x",
    'a\\"b',
    "a\nb",
    "\u2018x\u2019",
    "“x”",
    "🎶é",
)


def windows_arguments(line: str) -> list[str]:
    """The arguments that `CommandLineToArgvW` parses (source: Microsoft, "Parsing C command-line arguments")."""
    found, word, quotes, started, index = list[str](), "", False, False, 0
    while index < len(line):
        backslashes = len(line[index:]) - len(line[index:].lstrip("\\"))
        index += backslashes
        following = line[index : index + 1]
        if following == '"':
            word += "\\" * (backslashes // 2)
            if backslashes % 2:
                word += '"'
            else:
                quotes = not quotes
            started = True
        else:
            word += "\\" * backslashes
            started = started or bool(backslashes)
            if following == " " and not quotes:
                if started:
                    found.append(word)
                word, started = "", False
            elif following:
                word += following
                started = True
        index += 1
    return [*found, word] if started else found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_quoting_for_bash(name: str, encoding: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    command = f"printf %s {quoted(name, stream, windows=False)}"
    done = subprocess.run(
        ["bash", "-c", command.encode(encoding)], env={"LC_ALL": "C.UTF-8"}, capture_output=True, check=True
    )
    if name.isascii() or encoding != "cp1252":  # é is another byte there
        assert done.stdout.decode() == name
    variable = assignment("NAME", name, stream, windows=False)
    assert variable.startswith("export NAME=")
    variable.encode(encoding)


@pytest.mark.parametrize("name", [name for name in NAMES if not set(name) & set("$`“”\n")])
def test_quoting_for_cmd(name: str) -> None:
    assert windows_arguments(f"musicai {quoted(name, windows=True)} x") == ["musicai", name, "x"]


def test_quoting_for_powershell() -> None:
    assert quoted("a$b `c`", windows=True) == "'a$b `c`'"
    assert quoted("it's $1", windows=True) == "'it''s $1'"
    assert quoted("“x\u2019”", windows=True) == "'“x\u2019\u2019”'"
    assert quoted("C:\\music\\out", windows=True) == "C:\\music\\out"
    assert quoted("a & b", windows=True) == '"a & b"'
    assert (
        assignment("SSL_CERT_FILE", "C:\\o'neill\\ca.pem", windows=True)
        == "$env:SSL_CERT_FILE = 'C:\\o''neill\\ca.pem'"
    )


@pytest.mark.parametrize(
    "encoding", ["utf-8", "UTF8", "cp65001", "cp1252", "latin-1", "ascii", "cp437", "utf-16", "utf-8-sig"]
)
def test_json_is_json_in_every_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    escape_unencodable()
    value = {"name": "".join(NAMES), "surrogate": "\udce2"}
    sys.stdout.write(json_text(value, sys.stdout))
    sys.stdout.flush()
    text = raw.getvalue().decode(encoding)
    assert json.loads(text) == value
    assert ("♥" in text) == (encoding.lower() in {"utf-8", "utf8", "cp65001"})


@pytest.mark.parametrize(
    ("errors", "shown"),
    [("strict", "\\u2665"), ("surrogateescape", "\\u2665"), ("replace", "?"), ("ignore", "")],
)
def test_only_error_handlers_that_raise_are_replaced(
    errors: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(raw, encoding="cp1252", errors=errors))
    escape_unencodable()
    for stream in (sys.stdout, sys.stderr):
        stream.write("♥")
        stream.flush()
    assert raw.getvalue().decode("ascii") == shown * 2


def test_other_streams_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)  # as under pythonw
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    escape_unencodable()
    assert json_text("♥", None) == '"\\u2665"'
    assert json_text("♥", sys.stderr) == '"♥"'


def test_a_wait_is_cut_into_slices() -> None:
    slices = list[float]()
    wait_in_slices(slices.append, 0.0)
    assert not slices

    def wait(seconds: float) -> bool:
        slices.append(seconds)
        return threading.Event().wait(seconds) or len(slices) == 100

    wait_in_slices(wait, 0.25, longest=0.1)
    assert max(slices) <= 0.1
    for seconds in (600, None):  # until it returns true
        slices.clear()
        wait_in_slices(wait, seconds, longest=0.001)
        assert slices == [0.001] * 100


def test_a_refused_change_is_retried(tmp_path: Path) -> None:
    refusals = [PermissionError(), PermissionError(), PermissionError()]

    def change() -> None:
        if refusals:
            raise refusals.pop()

    _files.patiently(change)
    assert not refusals

    def never() -> None:
        refusals.append(PermissionError())
        raise refusals[-1]

    with pytest.raises(PermissionError) as caught:
        _files.patiently(never)
    assert caught.value is refusals[-1]
    with pytest.raises(FileNotFoundError):  # at once
        _files.replace(tmp_path / "none", tmp_path / "other")


def test_a_ledger_survives_a_power_cut_on_macos_too(tmp_path: Path) -> None:
    found = create_or_open(
        tmp_path / "ledger", "slug", "inputUrl", None, alone=False, may_create=lambda: None, upgrade=upgrade
    )
    with closing(found[0]) as connection:
        for name, value in (("synchronous", 2), ("fullfsync", 1), ("checkpoint_fullfsync", 1)):
            assert connection.execute(f"PRAGMA {name}").fetchone() == (value,)
