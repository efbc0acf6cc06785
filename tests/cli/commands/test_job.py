"""`musicai job …`: exit codes that say whether everything is here."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.test_app import Musicai
from musicai_sdk.sandbox import Sandbox


@pytest.mark.parametrize(
    ("value", "code"), [("gs://bucket/vocals.wav", 1), ("/files/vocals.wav", 1), ("4/4", 0)]
)
def test_download_of_a_result_that_cannot_be_fetched(
    sandbox: Sandbox, tmp_path: Path, value: str, code: int
) -> None:
    body = {"id": "j", "status": "SUCCEEDED", "result": {"vocals": value, "bpm": "120"}}
    sandbox.faults.add("GET /job/{id}", body=body)
    musicai = Musicai(sandbox, tmp_path)
    musicai("job", "download", "j", "out", code=code)
    assert ("can't be downloaded: 'vocals'" in musicai.stderr) == bool(code)
    assert (tmp_path / "out" / "workflow.results.json").exists()
