"""The contents of a wheel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import importlib.resources, sys
sys.path.insert(0, sys.argv[1])
package = importlib.resources.files("musicai_sdk")
assert sys.argv[1] in str(package), package
print((package / "CHANGELOG.md").read_text("utf-8"))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-input", "--retries=1", "--timeout=15"]
    done = subprocess.run(
        [*pip, "--no-deps", f"--wheel-dir={folder}", str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    if done.returncode and "from versions: none" in done.stderr:
        pytest.skip("pip can't reach an index for the build's requirements")
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl")
    return made


def test_the_changelog_is_a_resource_of_the_package(wheel: Path) -> None:
    command = [sys.executable, "-I", "-c", PROGRAM, str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    changelog = (ROOT / "src" / "musicai_sdk" / "CHANGELOG.md").read_text("utf-8")
    assert done.stdout == f"{changelog}\n"
