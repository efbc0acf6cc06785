"""A job is deleted only when its results are stored. Incomplete results keep it, and the track has the reason."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk import FileInput, FileOutput, JsonOutput, Workflow, WorkflowResult, output
from musicai_sdk.batch import Batch, open_ledger
from musicai_sdk.batch.results.output import OutputRecord
from musicai_sdk.batch.results.verify import verified
from musicai_sdk.models import Chord
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine.task import Output, Task
from support.batch import echo, make_tracks, posts
from support.storage import PAGE, WAV, Storage, storage


class OddResult(WorkflowResult):
    vocals: FileOutput
    kick: FileOutput = output("Kick drum")
    bpm: str | None = None


class Odd(Workflow[OddResult], slug="odd-result"):
    file: FileInput


@pytest.fixture(name="held")
def _held() -> Iterator[Storage]:
    with storage() as held:
        yield held


@pytest.fixture
def results(sandbox: Sandbox) -> dict[str, Any]:
    """The result of the workflow `odd-result`."""
    given = dict[str, Any]()

    @sandbox.workflow("odd-result")
    def give(task: Task) -> Mapping[str, Output]:
        return given

    return given


def batch(sandbox: Sandbox, tmp_path: Path, workflow: Any = "odd-result", **options: Any) -> Batch:
    make_tracks(tmp_path / "in", 1)
    settings: dict[str, Any] = {
        "in_flight": 2,
        "poll_interval": 0.2,
        "grace": 1.0,
        "max_attempts": 1,
        **options,
    }
    return Batch(
        workflow,
        tmp_path / "in",
        tmp_path / "out",
        input_name="file",
        connect=partial(sandbox.async_client, max_retries=0),
        **settings,
    )


@pytest.mark.parametrize(
    ("result", "code", "words"),
    [
        ({}, "RESULT_MISSING", "returns no result"),
        ({"vocals": None, "text": ""}, "RESULT_MISSING", "returns no result"),
        ({"stems": []}, "RESULT_MISSING", "returns no result"),
        ({"stems": [{"url": "gs://bucket/a.wav"}]}, "OUTPUT_MISSING", "stems.0.url"),
        ({"vocals": "/gone.wav"}, "TransferError", "404"),
        ({"vocals": "ok.wav", "other": {"deep": [["/gone.wav"]]}}, "TransferError", "404"),
        ({"stems": ["[custom storage]"]}, "InputError", "written to a bucket"),
        ({"vocals": "page.wav"}, "IntegrityError", "web page"),
        ({"text": "empty.txt"}, "IntegrityError", "is empty"),
    ],
)
def test_a_job_with_unusable_results_is_kept(
    sandbox: Sandbox,
    held: Storage,
    results: dict[str, Any],
    tmp_path: Path,
    result: dict[str, Any],
    code: str,
    words: str,
) -> None:
    text = json.dumps(result).replace('"/gone.wav', f'"{held.origin}/gone.wav')
    for name, body in (("ok.wav", WAV), ("page.wav", PAGE), ("empty.txt", b"")):
        text = text.replace(f'"{name}"', f'"{held.put(name, body)}"')
    results.update(json.loads(text))
    for _ in range(2):
        report = batch(sandbox, tmp_path).run()
        (failure,) = report.failures()
        assert (failure.code, len(sandbox.jobs)) == (code, 1)
        assert words in failure.message
    assert posts(sandbox) == 1


@pytest.mark.parametrize(
    ("change", "missing"),
    [({"vocals": None}, "'vocals'"), ({"vocals": ""}, "'vocals'"), ({"Kick drum": None}, "'Kick drum'")],
)
def test_declared_outputs_are_required(
    sandbox: Sandbox,
    held: Storage,
    results: dict[str, Any],
    tmp_path: Path,
    change: dict[str, Any],
    missing: str,
) -> None:
    results.update({"vocals": held.put("v.wav"), "kick_drum": held.put("k.wav"), **change})
    if "Kick drum" in change:
        del results["kick_drum"]
    report = batch(sandbox, tmp_path, Odd).run()
    (failure,) = report.failures()
    assert (failure.code, len(sandbox.jobs)) == ("OUTPUT_MISSING", 1)
    assert f"has no {missing}" in failure.message
    # A slug alone doesn't determine the outputs: the account may have its own workflow of that name.
    assert batch(sandbox, tmp_path, "odd-result").run().progress.states == {"deleted": 1}
    assert (posts(sandbox), sandbox.jobs) == (1, [])


class Chorded(WorkflowResult):
    chords: JsonOutput[list[Chord]]


class Chords(Workflow[Chorded], slug="odd-result"):
    file: FileInput


@pytest.mark.parametrize("in_shards", [False, True])
def test_declared_json_is_required(
    sandbox: Sandbox,
    held: Storage,
    results: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    in_shards: bool,
) -> None:
    monkeypatch.setenv("MUSIC_AI_API_KEY", sandbox.api_key)
    monkeypatch.setenv("MUSIC_AI_BASE_URL", sandbox.base_url)
    results.update({"chords": held.put("c.json", b'{"url": "https://elsewhere/c.json"}')})
    make_tracks(tmp_path / "in", 1)
    with ThreadPoolExecutor(2) as threads:
        run = Batch(
            Chords,
            tmp_path / "in",
            tmp_path / "out",
            executor=threads if in_shards else None,
            poll_interval=0.2,
            max_attempts=1,
        ).run
        (failure,) = run().failures()
        assert (failure.code, len(sandbox.jobs)) == ("IntegrityError", 1)
        assert "is a JSON object, not a JSON array as declared" in failure.message
        held.put("c.json", b"[]")
        assert run().ok
    assert sandbox.jobs == []
    assert posts(sandbox) == 1


def test_shards_require_declared_outputs(
    sandbox: Sandbox, held: Storage, results: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSIC_AI_API_KEY", sandbox.api_key)
    monkeypatch.setenv("MUSIC_AI_BASE_URL", sandbox.base_url)
    results.update({"vocals": held.put("v.wav")})
    make_tracks(tmp_path / "in", 2)
    with ThreadPoolExecutor(2) as executor:
        report = Batch(
            Odd, tmp_path / "in", tmp_path / "out", executor=executor, poll_interval=0.2, max_attempts=1
        ).run()
    assert {failure.code for failure in report.failures()} == {"OUTPUT_MISSING"}
    assert len(sandbox.jobs) == 2


def test_nested_files_are_results(
    sandbox: Sandbox, held: Storage, results: dict[str, Any], tmp_path: Path
) -> None:
    results.update(
        {
            "vocals": held.put("v.wav").replace("http:", "HTTP:"),
            "Stems": [{"File": f" {held.put('k.wav', WAV + b'k')} "}],
            "kick_drum": held.put("d.wav"),
        }
    )
    report = batch(sandbox, tmp_path, Odd).run()
    assert (report.ok, sandbox.jobs) == (True, [])
    with open_ledger(report.ledger) as ledger:
        ((track, outputs),) = ledger.tracks()
    assert {each.name for each in outputs} == {"", "vocals", "kick_drum", "Stems.0.File"}
    folder = tmp_path / "out" / track.folder
    assert (folder / "Stems.0.File.wav").read_bytes() == WAV + b"k"
    assert json.loads((folder / "workflow.results.json").read_text()) == {
        "vocals": "./vocals.wav",
        "Stems": [{"File": "./Stems.0.File.wav"}],
        "kick_drum": "./kick_drum.wav",
    }


def test_plain_values_are_a_result(sandbox: Sandbox, results: dict[str, Any], tmp_path: Path) -> None:
    results.update({"bpm": 0})
    assert batch(sandbox, tmp_path).run().ok
    assert sandbox.jobs == []


def test_a_temporary_login_page(
    sandbox: Sandbox, held: Storage, results: dict[str, Any], tmp_path: Path
) -> None:
    results.update({"vocals": held.put("v.wav", PAGE, "text/html")})
    events = list[str]()

    def mended(event: Any) -> None:
        events.append(event.kind)
        if event.kind == "retry":
            held.put("v.wav")

    assert batch(sandbox, tmp_path, max_attempts=3, on_event=mended).run().ok
    assert "retry" in events
    assert next((tmp_path / "out").rglob("vocals.wav")).read_bytes() == WAV


def test_echoed_inputs_are_accepted(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    assert echo(sandbox, tmp_path / "in", tmp_path / "out").run().ok


@pytest.mark.skipif(sys.platform != "linux", reason="other systems force files onto the disk in other ways")
def test_results_of_an_earlier_run_are_forced_onto_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user may have just restored them, and the service's copy is deleted next."""
    file = tmp_path / "part" / "song" / "vocals.wav"
    file.parent.mkdir(parents=True)
    file.write_bytes(WAV)
    synced, fsync = set[int](), os.fsync

    def note(descriptor: int) -> None:
        fsync(descriptor)
        synced.add(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", note)
    (checked,) = verified([OutputRecord("vocals", "part/song/vocals.wav", len(WAV), None)], tmp_path)
    assert checked.sha256 == hashlib.sha256(WAV).hexdigest()
    assert synced == {path.stat().st_ino for path in (file, *file.parents[:3])}
