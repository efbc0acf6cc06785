"""The official clients, as published, against the sandbox over TLS."""

from __future__ import annotations

import json
import shutil
import wave
from pathlib import Path

import pytest

from musicai_sdk.sandbox import Sandbox
from support.published import install, published_python, run, variables

HERE = Path(__file__).parent
SONG = HERE.parent / "songs" / "band0.ogg"

NODE_CLIENT = "@music.ai/sdk@1.0.21"


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
    python = published_python(request)
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
        # Its install script, because npm may be configured not to run such scripts.
        install([npm, "run", "build"], NODE_CLIENT, cwd=package)
    # Node resolves modules from the script's folder.
    script = project / "quick_start.mjs"
    shutil.copyfile(HERE / "quick_start.mjs", script)
    with Sandbox(tls=True) as sandbox:
        answer = run(
            [node, script, SONG, tmp_path], env=variables(sandbox, "NODE_EXTRA_CA_CERTS"), cwd=project
        )
        assert answer.returncode == 0, answer.stderr
        check(answer.stdout, tmp_path, sandbox, "Music.AI/SDK-JS/1.0.21 (")
