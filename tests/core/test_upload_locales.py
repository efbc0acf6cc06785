"""Non-ASCII file names in an ASCII locale."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from musicai_sdk import CustomWorkflow, MusicAiClient
from musicai_sdk.errors import InputError
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine import Output, Task

PROGRAM = """
import json, os, sys
from pathlib import Path
from musicai_sdk import CustomWorkflow, MusicAiClient

folder = Path(sys.argv[1])
with MusicAiClient() as client:
    sizes = [client.files.upload(each).size for each in (str(folder / "\\u2665.mp3"), folder / "\\u2665.mp3")]
    sizes += [client.files.upload(each).size for each in folder.glob("*.mp3")]
    workflow = CustomWorkflow("acme/hearts", {"file": folder / "\\u2665.mp3"})
    job = client.jobs.create(workflow, idempotency_key="hearts")
    job = client.jobs.wait(job)
    files = client.jobs.download(job, folder / "r\\u00e9s")
    again = client.files.download(job.outputs["Herz \\u2665"], folder / "\\u00fc" / "\\u2665.txt")
    print(json.dumps([sys.getfilesystemencoding(), sizes, list(files), again.path.exists()]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="others have names in UTF-8 whatever the locale")
@pytest.mark.parametrize("coerced", [True, False])
def test_names_that_the_locale_cannot_express(sandbox: Sandbox, tmp_path: Path, coerced: bool) -> None:
    @sandbox.workflow("acme/hearts")
    def hearts(task: Task) -> dict[str, Output]:
        copy = task.folder / "copy.txt"
        copy.write_bytes(task.fetch("file").read_bytes())
        return {"Herz \u2665": copy}

    assert callable(hearts)
    (tmp_path / "\u2665.mp3").write_bytes(b"a song")
    environment = {
        **os.environ,
        "LC_ALL": "C",
        "MUSIC_AI_API_KEY": sandbox.api_key,
        "MUSIC_AI_BASE_URL": sandbox.base_url,
        **({} if coerced else {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    encoding, sizes, outputs, there = json.loads(done.stdout)
    assert coerced == (encoding == "utf-8")
    assert (sizes, outputs, there) == ([6, 6, 6], ["Herz \u2665"], True)
    assert (tmp_path / "r\u00e9s" / "Herz \u2665.txt").read_bytes() == b"a song"
    assert (tmp_path / "\u00fc" / "\u2665.txt").read_bytes() == b"a song"
    manifest = json.loads((tmp_path / "r\u00e9s" / "workflow.results.json").read_bytes())
    assert manifest == {"Herz \u2665": "./Herz \u2665.txt"}


NAMES = """
import json, os, sys
from musicai_sdk import MusicAiClient, batch
from musicai_sdk.compat import MusicAiClient as CompatClient, process_folder
from musicai_sdk.workflows import GenerateChords

folder, [name] = sys.argv[1], os.listdir(sys.argv[1])
process_folder(folder, folder + "-chords", "music-ai/generate-chords", delete=False)
added = CompatClient().add_job(name, "music-ai/generate-chords", {"title": name}, metadata={"file": name})["id"]
with MusicAiClient() as client:
    job = client.jobs.get(added)
    found = [job.name, job.workflow_params, job.metadata]
rejected = batch.plan(GenerateChords, folder, folder + "-batch").rejected
print(json.dumps([*found, [each.reason for each in rejected], os.listdir(folder + "-chords")]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="others have names in UTF-8 whatever the locale")
def test_names_of_jobs_in_the_c_locale(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    song = Path(__file__).parents[1] / "songs" / "block1.ogg"
    (tmp_path / "in" / "\u2665.mp3").write_bytes(song.read_bytes())
    variables = {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "MUSIC_AI_API_KEY": sandbox.api_key,
        "MUSIC_AI_BASE_URL": sandbox.base_url,
    }
    done = subprocess.run(
        [sys.executable, "-c", NAMES, str(tmp_path / "in")],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    name, params, metadata, rejected, folders = json.loads(done.stdout)
    assert (name, params, metadata) == ("\u2665.mp3", {"title": "\u2665.mp3"}, {"file": "\u2665.mp3"})
    assert len(folders) == 1
    assert "failed.json" not in folders
    assert len(rejected) == 1
    assert rejected[0].endswith("the locale knows only ASCII, so set LC_ALL=C.UTF-8 or PYTHONUTF8=1")


def test_names_that_cannot_be_encoded(client: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    name = tmp_path / "\ud800.mp3"
    url = client.files.upload(b"a song").url
    for call in (
        lambda: client.files.upload(name),
        lambda: client.files.download(url, name),
        lambda: client.jobs.create(CustomWorkflow("acme/hearts", {"file": name})),
    ):
        with pytest.raises(InputError, match="surrogates not allowed"):
            call()
    assert sandbox.jobs == []
