"""The package in a zip file, as with `zipapp`, `shiv` and `PYTHONPATH=package.zip`: its files have no paths."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import musicai_sdk

PACKAGE = Path(musicai_sdk.__file__).parent


def run_zipped(program: str, folder: Path) -> str:
    """Runs a program that imports the package from a zip file in the folder. Returns its output."""
    archive = folder / "package.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(PACKAGE.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                file.write(path, path.relative_to(PACKAGE.parent))
    check = f"import musicai_sdk; assert musicai_sdk.__file__.startswith({str(archive)!r})\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", check + program],
        env={**os.environ, "PYTHONPATH": str(archive)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
