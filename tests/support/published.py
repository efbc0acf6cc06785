"""The official clients as published: installed once, and run in their own processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk.sandbox import Sandbox

PYTHON_CLIENT = "musicai-sdk==1.0.4"


def run(command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=100, check=False, **options
    )


def install(command: Sequence[str | Path], what: str, **options: Any) -> None:
    answer = run(command, **options)
    if answer.returncode:
        lines = [line for line in answer.stderr.splitlines() if line.strip()]
        pytest.skip(f"{what} can't be installed here: {lines[-1] if lines else answer.returncode}")


def published_python(request: pytest.FixtureRequest) -> Path:
    """The interpreter of an environment with the published Python client; skips the test if it can't be installed."""
    environment = Path(request.config.cache.mkdir("official-python"))
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        install([sys.executable, "-m", "venv", environment], "a virtual environment")
    install([python, "-m", "pip", "install", "-q", PYTHON_CLIENT], PYTHON_CLIENT)
    return python


def variables(sandbox: Sandbox, trust: str) -> Mapping[str, str]:
    """Environment variables that name the sandbox as the service, with one variable for its certificates."""
    ours = {
        "MUSIC_AI_API_KEY": sandbox.api_key,
        "MUSIC_AI_BASE_URL": sandbox.base_url,
        trust: sandbox.ca_file or "",
    }
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "SSL_CERT_FILE")}
    return {**clean, **ours}
