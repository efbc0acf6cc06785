"""The service's own clients, as they are published, run against the sandbox over TLS."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk.sandbox import Sandbox

HERE = Path(__file__).parent
SONG = HERE.parent / "songs" / "band0.ogg"

PYTHON_CLIENT = "musicai-sdk==1.0.4"
NODE_CLIENT = "@music.ai/sdk@1.0.21"


def run(command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=100, check=False, **options
    )


def install(command: Sequence[str | Path], what: str, **options: Any) -> None:
    answer = run(command, **options)
    if answer.returncode:
        lines = [line for line in answer.stderr.splitlines() if line.strip()]
        pytest.skip(f"{what} can't be installed here: {lines[-1] if lines else answer.returncode}")


def variables(sandbox: Sandbox, trust: str) -> Mapping[str, str]:
    ours = {
        "MUSIC_AI_API_KEY": sandbox.api_key,
        "MUSIC_AI_BASE_URL": sandbox.base_url,
        trust: sandbox.ca_file or "",
    }
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "SSL_CERT_FILE")}
    return {**clean, **ours}


def check(output: str, folder: Path, sandbox: Sandbox, agent: str) -> None:
    print("\n" + output)
    assert "Custom storage: [custom storage] [custom storage] { customer: '42' }" in output.replace(
        "{'customer': '42'}", "{ customer: '42' }"
    )
    assert "Jobs: [True]" in output.replace("[ true ]", "[True]")
    assert "No jobs: []" in output
    assert "Workflows: true" in output.replace("True", "true")
    assert "Application: Default Application" in output
    assert "Workflow 'nobody/nothing' not found." in output
    assert "Left: []" in output
    chords = json.loads((folder / "chords" / "chords.json").read_text())
    assert len({chord["chord_majmin"] for chord in chords}) > 3
    lengths = set[int]()
    for stem in ("custom/Kick drum.wav", "custom/Snare drum.wav", "drums/Other.wav"):
        with wave.open(str(folder / stem)) as file:
            lengths.add(file.getnframes())
    assert len(lengths) == 1
    assert all(
        entry.headers["user-agent"].startswith(agent) for entry in sandbox.requests if "/v1/" in entry.path
    )
    assert {entry.status for entry in sandbox.requests if entry.status != 404} == {200}


def test_the_official_python_client(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    environment = Path(request.config.cache.mkdir("official-python"))
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        install([sys.executable, "-m", "venv", environment], "a virtual environment")
    install([python, "-m", "pip", "install", "-q", PYTHON_CLIENT], PYTHON_CLIENT)
    with Sandbox(tls=True) as sandbox:
        answer = run(
            [python, HERE / "quick_start.py", SONG, tmp_path],
            env=variables(sandbox, "REQUESTS_CA_BUNDLE"),
            cwd=tmp_path,
        )
        assert answer.returncode == 0, answer.stderr
        check(answer.stdout, tmp_path, sandbox, "Music.AI/SDK-Python/1.0.4 (")


def test_the_official_node_client(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("Node.js and npm are not installed")
    project = Path(request.config.cache.mkdir("official-node"))
    package = project / "node_modules" / "@music.ai" / "sdk"
    if not (package / "build.json").exists():
        (project / "package.json").write_text("{}")
        install([npm, "install", "--no-audit", "--no-fund", NODE_CLIENT], NODE_CLIENT, cwd=project)
        # Its own install script, which npm may be set up not to run.
        install([npm, "run", "build"], NODE_CLIENT, cwd=package)
    # Modules are looked for from where the script is.
    script = project / "quick_start.mjs"
    shutil.copyfile(HERE / "quick_start.mjs", script)
    with Sandbox(tls=True) as sandbox:
        answer = run(
            [node, script, SONG, tmp_path], env=variables(sandbox, "NODE_EXTRA_CA_CERTS"), cwd=project
        )
        assert answer.returncode == 0, answer.stderr
        check(answer.stdout, tmp_path, sandbox, "Music.AI/SDK-JS/1.0.21 (")
