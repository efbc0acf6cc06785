"""`progress=True` of single calls: bars in a terminal, plain lines elsewhere, nothing by default."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk import CustomWorkflow, MusicAiClient
from musicai_sdk.errors import InputError, TransferError
from musicai_sdk.sandbox import Sandbox
from support.batch import Service, service
from support.cli import Command, plain


@pytest.fixture
def song_file(tmp_path: Path) -> Path:
    path = tmp_path / "my song.wav"
    path.write_bytes(b"RIFF\0\0\0\0WAVE" * 20_000)
    return path


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_nothing_is_shown_by_default(
    client: MusicAiClient, song_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for progress in ({}, {"progress": False}, {"progress": None}):  # standard error isn't a terminal
        options: Any = progress
        job = client.jobs.run(CustomWorkflow("sdk-test", {"file": song_file}), **options)
        client.jobs.download(job, tmp_path / "out", **options)
        client.files.upload(song_file, **options)
    assert lines(capsys) == []


def test_a_job(
    client: MusicAiClient, song_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    states = list[str]()
    job = client.jobs.run(
        CustomWorkflow("sdk-test", {"file": song_file}),
        progress=True,
        on_update=lambda state: states.append(str(state.status)),
    )
    first, *_, last = lines(capsys)
    assert re.fullmatch(r"my song\.wav: 240 kB of 240 kB · \d\.\d s", first)
    assert re.fullmatch(rf"job {job.id[:8]}: SUCCEEDED · \d+\.\d s", last)
    assert states[-1] == "SUCCEEDED"
    received = list[int]()
    client.jobs.download(
        job, tmp_path / "out", progress=True, on_progress=lambda done, _: received.append(done)
    )
    assert re.fullmatch(r"file: 240 kB of 240 kB · \d\.\d s", lines(capsys)[0])
    assert max(received) == song_file.stat().st_size
    assert client.jobs.wait(job, progress=True).succeeded
    assert re.fullmatch(rf"job {job.id[:8]}: SUCCEEDED · \d+\.\d s", lines(capsys)[0])


def test_single_files(
    client: MusicAiClient, song_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = client.files.upload(song_file, progress=True).url
    client.files.upload(b"RIFF" * 100, progress=True)
    client.files.download(url, tmp_path / "copy.wav", progress=True)
    uploaded, data, downloaded = lines(capsys)
    assert uploaded.startswith("my song.wav: 240 kB of 240 kB")
    assert data.startswith("upload: 400 B of 400 B")
    assert downloaded.startswith("copy.wav: 240 kB")
    assert "Signature" not in uploaded + data + downloaded


def test_many_jobs(client: MusicAiClient, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    created = [
        client.jobs.create(CustomWorkflow("sdk-test", {"file": "http://127.0.0.1:9/none"}), progress=True)
        for _ in range(3)
    ]
    jobs = client.jobs.wait_all(created, progress=True)
    assert [job.status for job in jobs] == ["FAILED"] * 3
    assert re.fullmatch(r"jobs: 3 FAILED · \d+\.\d s", lines(capsys)[-1])


def test_a_failed_transfer_ends_its_line(
    client: MusicAiClient,
    sandbox: Sandbox,
    song_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = client.files.upload(song_file).url
    sandbox.faults.add("GET /*", status=403, times=1)
    with pytest.raises(TransferError):
        client.files.download(url, tmp_path / "copy.wav", progress=True)
    assert lines(capsys) == ["copy.wav: unfinished"]
    client.files.download(url, tmp_path / "copy.wav", progress=True)
    assert lines(capsys)[0].startswith("copy.wav: 240 kB of 240 kB")


def test_threads_share_the_display(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / f"{number}.wav" for number in range(6)]
    for path in paths:
        path.write_bytes(b"RIFF" * 1000)
    with sandbox.client() as client, ThreadPoolExecutor(6) as threads:
        for each in [threads.submit(client.files.upload, path, progress=True) for path in paths]:
            each.result()
    assert sorted(line.partition(":")[0] for line in lines(capsys)) == [path.name for path in paths]


@pytest.mark.parametrize("progress", ["yes", 1, "auto"])
def test_progress_must_be_true_false_or_none(client: MusicAiClient, sandbox: Sandbox, progress: Any) -> None:
    before = len(sandbox.requests)
    with pytest.raises(InputError, match="progress must be True, False or None"):
        client.jobs.run(CustomWorkflow("sdk-test", {}), progress=progress)
    with pytest.raises(InputError, match="progress must be True, False or None"):
        client.files.upload(b"RIFF", progress=progress)
    assert len(sandbox.requests) == before


CALLS = """
import sys
if sys.argv[1] == "without":
    sys.modules["rich"] = None
from pathlib import Path
from musicai_sdk import CustomWorkflow, MusicAiClient
with MusicAiClient() as client:
    job = client.jobs.run(CustomWorkflow("sdk-test", {"file": Path("my song.wav")}), progress=None)
    client.jobs.download(job, "out", progress=None)
    client.files.upload(b"RIFF")
"""


@pytest.mark.parametrize("rich", ["with", "without"])
def test_in_a_terminal(rich: str, running: Service, song_file: Path, tmp_path: Path) -> None:
    program = (sys.executable, "-W", "error", "-c", CALLS)
    done = Command(running, tmp_path).in_terminal(rich, program=program)
    assert done.code == 0, done.stderr
    text = plain(done.stderr)
    bar = r" +━{30} " if rich == "with" else ": "
    assert re.search(rf"my song\.wav{bar}240 kB of 240 kB · \d", text), text
    assert re.search(rf"job [0-9a-f]{{8}}{bar}SUCCEEDED · \d", text), text
    assert re.search(rf"file{bar}240 kB of 240 kB · \d", text), text
    assert ("\x1b" in done.stderr) == (rich == "with")
    assert "upload" not in text
