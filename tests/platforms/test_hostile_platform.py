"""The whole package with only the features of Windows, and on terminals that can't encode names."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from musicai_sdk.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
HOSTILE = Path(__file__).parent / "hostile"
ONE_JOB = """
import sys
from pathlib import Path

from musicai_sdk import MusicAiClient
from musicai_sdk.workflows import GenerateChords

with MusicAiClient() as client:
    job = client.jobs.run(GenerateChords(input_url=Path(sys.argv[1])))  # in a process of the engine
    assert client.files.read(job.result.chords)
"""
HEART = "\N{BLACK HEART SUIT}"


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that `sitecustomize.py` restricts, and whose streams are cp1252."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HOSTILE), str(ROOT / "src"), *sys.path[1:]]),
        "PYTHONIOENCODING": "cp1252",
        "PYTHONUTF8": "0",
        "PYTHONWARNDEFAULTENCODING": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


@pytest.mark.parametrize("system", ["linux", "win32"])
def test_everything_on_a_hostile_platform(system: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, HOSTILE / "everything.py", report],
        env=environment(HOSTILE_SYSTEM=system),
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode("cp1252")
    tried = json.loads(report.read_text(encoding="utf-8"))
    for each in tried:
        print(*each.values(), sep="  ")
    assert len(tried) > 30


@pytest.mark.parametrize("system", ["linux", "win32"])
def test_the_sandbox_command(system: str, tmp_path: Path, song: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "musicai_sdk.cli", "sandbox", "--tls"],
        env=environment(TMPDIR=str(temporary), HOSTILE_SYSTEM=system),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="cp1252",
    )
    try:
        assert process.stdout is not None
        variables = dict[str, str]()
        form = r"\$env:(\w+) = '(.*)'\n" if system == "win32" else r"export (\w+)=(.*)\n"
        while (assigned := re.fullmatch(form, line := process.stdout.readline())) is not None:
            variables[assigned[1]] = assigned[2]
        assert line.startswith("# The sandbox is running"), process.communicate(timeout=60)
        assert [each.name[:16] for each in temporary.iterdir()] == ["musicai-sandbox-"]
        # In its own process, because this one has read its certificates.
        client = [sys.executable, "-c", ONE_JOB, str(song)]
        subprocess.run(client, env={**os.environ, **variables, "PYTHONPATH": str(ROOT / "src")}, check=True)
        # The stand-in for SIGBREAK.
        process.send_signal(signal.SIGQUIT if system == "win32" else signal.SIGTERM)
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 0
        assert not list(temporary.iterdir())
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii", "utf-8", "C"])
@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["lines", "json"])
def test_a_file_into_a_folder_that_the_terminal_cant_show(
    sandbox: Sandbox, tmp_path: Path, song: Path, encoding: str, flags: tuple[str, ...]
) -> None:
    settings = {"PYTHONIOENCODING": encoding}
    if encoding == "C":
        settings = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    command = ("process", "file", "sdk-test", song, f"res{HEART}", "--input-name", "file")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "musicai_sdk.cli", *flags, *command],
        env={
            **{name: value for name, value in os.environ.items() if name != "PYTHONIOENCODING"},
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONUTF8": "0",
            "MUSIC_AI_API_KEY": sandbox.api_key,
            "MUSIC_AI_BASE_URL": sandbox.base_url,
            **settings,
        },
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"res{HEART}" / "file.ogg").read_bytes() == song.read_bytes()
    assert not sandbox.jobs
    # click writes UTF-8 where it would have to write ASCII.
    shown = done.stdout.decode("utf-8" if encoding in {"ascii", "C"} else encoding)
    if flags:
        paths = [json.loads(line)["path"] for line in shown.splitlines() if "path" in line]
        # The C locale has no name for the folder: Python reads its bytes as lone surrogates.
        assert [os.fsencode(path).decode() for path in paths] == [str(Path(f"res{HEART}", "file.ogg"))]
    elif encoding in {"ascii", "utf-8"}:
        assert f"res{HEART}" in shown
    else:
        assert re.search(r"res(\\u[0-9a-f]{4})+/file\.ogg", shown), shown


def test_an_export_is_whole_in_every_encoding(sandbox: Sandbox, tmp_path: Path, song: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / f"song {HEART}.ogg").write_bytes(song.read_bytes())
    settings = {"MUSIC_AI_API_KEY": sandbox.api_key, "MUSIC_AI_BASE_URL": sandbox.base_url}

    def run(*arguments: str, encoding: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "musicai_sdk.cli", *arguments],
            env={**os.environ, **settings, "PYTHONPATH": str(ROOT / "src"), "PYTHONIOENCODING": encoding},
            cwd=tmp_path,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode(encoding)

    run("process", "folder", "sdk-test", "in", "out", "--input-name", "file", encoding="cp1252")
    whole = run("batch", "export", "out", encoding="utf-8")
    assert HEART in whole
    assert run("batch", "export", "out", encoding="utf-16") == whole
    for encoding in ("cp1252", "latin-1", "ascii", "cp437"):
        assert run("batch", "export", "out", encoding=encoding) == whole.replace(HEART, "\\u2665")
