"""Imports point one way, `client → resources → _core → _io`, and the linter enforces it.

The rules are the `ruff.toml` files in the rooms, generated from the table in `scripts/_import_rules.py`. These tests add
forbidden imports to a copy of each room, so that a missing rule and a room without rules are noticed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest
from _import_rules import CLIENTS, LAZY, OUTSIDE, ROOMS, members

ROOT = Path(__file__).parents[2]
PACKAGE = Path("src", "musicai_sdk")

Findings = Mapping[Path, AbstractSet[str]]


def imports(name: str) -> list[str]:
    """The ways to import a part of the package, or a module outside of it."""
    if name in OUTSIDE:
        return [f"import {name}", f"from {name} import anything"]
    if name in CLIENTS:
        return [f"from musicai_sdk import {name}"]
    return [
        f"import musicai_sdk.{name}",
        f"from musicai_sdk import {name}",
        f"from musicai_sdk.{name} import anything",
        f"from musicai_sdk.{name}.deeper import anything",
    ]


def lint(files: Mapping[Path, str], folder: Path) -> Findings:
    """The findings of ruff, by file, in a copy of the source tree with additional files."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for path, text in files.items():
        (folder / path).write_text(text)
    ruff = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=json", "--select=TID,T201"]
    done = subprocess.run([*ruff, "src"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    findings = defaultdict[Path, set[str]](set)
    for finding in json.loads(done.stdout):
        findings[Path(finding["filename"]).relative_to(folder.resolve())].add(finding["code"])
    return findings


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """One run of ruff for all tests here."""
    probes = {
        PACKAGE / room / f"probe_{name}_{way}.py": text
        for room in ROOMS
        for name in (*members(), *OUTSIDE, *CLIENTS)
        for way, text in enumerate(imports(name))
    }
    for room in ROOMS:
        probes[PACKAGE / room / "probe_base.py"] = "from . import anything\nprint(anything)"
    lazily = "def make():\n    from musicai_sdk import MusicAiClient\n    return MusicAiClient"
    probes[PACKAGE / "sandbox" / "probe_lazy.py"] = lazily
    probes[PACKAGE / "probe_httpx.py"] = "import httpx"
    probes[PACKAGE / "probe_sandbox.py"] = "from musicai_sdk.sandbox import Sandbox"
    return lint(probes, tmp_path_factory.mktemp("architecture"))


def test_every_room_is_in_the_table() -> None:
    rooms = {name for name in members() if (ROOT / PACKAGE / name).is_dir()}
    assert rooms == set(ROOMS), "a new room needs a line in scripts/_import_rules.py"


def test_the_source_keeps_the_rules(findings: Findings) -> None:
    assert not [path for path in findings if not path.name.startswith("probe_")]


@pytest.mark.parametrize("room", ROOMS)
def test_forbidden_imports_are_reported(room: str, findings: Findings) -> None:
    names = {*members(), *OUTSIDE, *CLIENTS}
    for name in names - {room}:
        for way, text in enumerate(imports(name)):
            banned = "TID251" in findings.get(PACKAGE / room / f"probe_{name}_{way}.py", ())
            assert banned == (name not in ROOMS[room]), f"{text!r} in {room}"


@pytest.mark.parametrize("room", ROOMS)
def test_the_rules_of_the_project_hold_in_the_rooms(room: str, findings: Findings) -> None:
    assert findings[PACKAGE / room / "probe_base.py"] == {"TID252", "T201"}


@pytest.mark.parametrize("name", sorted(LAZY["sandbox"]))
def test_the_sandbox_imports_the_client_only_inside_functions(name: str, findings: Findings) -> None:
    for way, text in enumerate(imports(name)):
        assert findings.get(PACKAGE / "sandbox" / f"probe_{name}_{way}.py") == {"TID253"}, text
    assert PACKAGE / "sandbox" / "probe_lazy.py" not in findings


@pytest.mark.parametrize("name", ["httpx", "sandbox"])
def test_the_modules_beside_the_rooms_import_it_only_lazily(name: str, findings: Findings) -> None:
    assert findings[PACKAGE / f"probe_{name}.py"] == {"TID253"}


@pytest.mark.parametrize("module", ["musicai_sdk", "musicai_sdk.errors"])
def test_the_package_and_its_errors_load_nothing_else_of_it(module: str) -> None:
    program = f"import {module}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.startswith("musicai_sdk")}
    assert loaded == {"musicai_sdk", module}
