"""The options of `musicai` itself are accepted before and after every command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from musicai_sdk.cli.app import musicai
from support.cli import ECHO, Command, make_songs


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize(("path", "command"), [*commands(musicai)], ids=lambda value: str(value))
def test_every_command_accepts_the_shared_options(path: tuple[str, ...], command: click.Command) -> None:
    options = {option for parameter in command.params for option in parameter.opts}
    # The sandbox parses its own command line.
    assert ({"--json", "--key-file", "--base-url"} <= options) == (path != ("sandbox",))


@pytest.mark.parametrize(
    "command",
    [("app",), ("workflow", "list"), ("job", "list"), ("upload", "song.wav")],
    ids=" ".join,
)
def test_json_in_any_place(musicai_there: Command, command: tuple[str, ...]) -> None:
    (musicai_there.folder / "song.wav").write_bytes(b"RIFF of a kind")
    with musicai_there.service.client as client:
        client.add_job("n", "sdk-test", {"file": "http://127.0.0.1:9/none"})
    text = musicai_there.here(*command).stdout
    assert not text.startswith("{")
    for place in range(len(command) + 1):
        values = musicai_there.here(*command[:place], "--json", *command[place:]).values
        assert values
        assert all(isinstance(value, dict) for value in values)
    assert musicai_there.here("--json", *command, "--json").values


def test_json_after_a_run_and_its_ledger(musicai_there: Command) -> None:
    make_songs(musicai_there.folder / "in", 1)
    assert musicai_there.here(*ECHO, "--json").values[-1]["kind"] == "summary"
    [value] = musicai_there.here("batch", "status", "out", "--json").values
    assert value["states"] == {"deleted": 1}, "a name that programs rely on"
    message = musicai_there.here("job", "info", "nobody", "--json", code=4).stderr
    assert json.loads(message)["error"] == "NotFoundError"


def test_values_of_other_options_are_not_options(musicai_there: Command) -> None:
    (musicai_there.folder / "song.wav").write_bytes(b"RIFF of a kind")
    add = ("job", "add", "n", "sdk-test", "song.wav", "--input-name", "file")
    assert not musicai_there.here(*add, "--idempotency-key", "--json").stdout.startswith("{")


def test_key_file_and_base_url_after_the_command(musicai_there: Command) -> None:
    variables = musicai_there.service.variables
    (musicai_there.folder / "key").write_text(variables["MUSIC_AI_API_KEY"])
    settings = ("--key-file", "key", "--base-url", variables["MUSIC_AI_BASE_URL"])
    for arguments in ((*settings, "app"), ("app", *settings), (*settings[:2], "app", *settings[2:])):
        found = musicai_there.here(*arguments, MUSIC_AI_API_KEY="", MUSIC_AI_BASE_URL="http://127.0.0.1:9/v1")
        assert "Default Application" in found.stdout
    first = musicai_there.here("--base-url", "http://127.0.0.1:9/v1", "app", *settings)
    assert "Default Application" in first.stdout, "the last one counts"


def test_an_option_overrides_the_variable(musicai_there: Command) -> None:
    (musicai_there.folder / "key").write_text(musicai_there.service.variables["MUSIC_AI_API_KEY"])
    for arguments in (("--key-file", "key", "app"), ("app", "--key-file", "key")):
        found = musicai_there.here(*arguments, MUSIC_AI_API_KEY="", MUSIC_AI_API_KEY_FILE="missing")
        assert "Default Application" in found.stdout
    message = musicai_there.here("app", code=2, MUSIC_AI_API_KEY="", MUSIC_AI_API_KEY_FILE="missing").stderr
    assert "'missing' can't be read" in message


@pytest.mark.parametrize("module", ["musicai_sdk", "musicai_sdk.cli"])
def test_python_dash_m(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", module, "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("musicai, version ")
