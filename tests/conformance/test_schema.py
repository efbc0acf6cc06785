"""Valid and invalid requests generated from `schemas/openapi.yaml`; the answers must fit the schema."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from musicai_sdk.sandbox import Sandbox

SCHEMA = Path(__file__).parents[2] / "schemas" / "openapi.yaml"


@pytest.mark.skipif(find_spec("schemathesis") is None, reason="schemathesis is not installed")
@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--exclude-operation-id", "listJobs"], id="but-listJobs"),
        # `?workflow=5` is a text, a list of one and a number, so invalid values can't be distinguished from valid ones.
        pytest.param(["--exclude-checks", "negative_data_rejection"], id="all-operations"),
    ],
)
def test_every_operation_keeps_to_its_schema(options: list[str], tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        answer = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "run", str(SCHEMA), "--url", sandbox.base_url,
             "--header", f"Authorization: {sandbox.api_key}", "--checks", "all", "--max-examples", "20",
             "--seed", "1", "--generation-database", "none", "--no-color", *options],
            capture_output=True, text=True, timeout=110, check=False, cwd=tmp_path,
        )  # fmt: skip
    print("\n" + answer.stdout[answer.stdout.rfind("= SUMMARY =") :])
    assert answer.returncode == 0, answer.stdout
    assert "No issues found" in answer.stdout
