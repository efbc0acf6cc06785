"""`process folder` from a bucket to a bucket, on a real S3 server."""

from __future__ import annotations

import pytest

from musicai_sdk.batch import Folder
from musicai_sdk.cli.locations import parse_inputs
from storage.conftest import running_s3, s3
from support.buckets import S3
from support.cli import Command

__all__ = ["running_s3", "s3"]


def test_bucket_to_bucket(musicai_there: Command, s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    for number in range(3):
        s3.bucket("s3://music/songs").upload(f"live/{number}.wav", f"RIFF song {number}".encode())
    s3.bucket("s3://music/songs").upload("cover.jpg", b"no sound")
    echo = ("process", "folder", "sdk-test", "s3://music/songs", "s3://music/out", "--input-name", "file")
    arguments = (*echo, "--ledger", "run/ledger.sqlite3")
    message = musicai_there.here(*arguments, "--dry-run", MUSIC_AI_API_KEY="").stdout
    assert "3  new" in message
    done = musicai_there.here(*arguments)
    assert "3 of 3 inputs done" in done.stderr
    assert done.stdout == "run/report.html\n"
    results = [name for name in s3.names() if name.startswith("out/live/") and "/file" in name]
    assert len(results) == 3
    message = musicai_there.here(*arguments, "--dry-run").stdout
    assert "3  done before" in message
    assert musicai_there.service.jobs() == []


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("s3://music", True),
        ("s3://music/songs", True),
        ("gs://music/v1.2/", True),
        ("az://music/songs/a.wav", False),
        ("https://x.y/a.wav", False),
    ],
)
def test_inputs_that_are_folders(text: str, folder: bool) -> None:
    given = parse_inputs(text, glob=None, recursive=True, watch=False, settle=5)
    assert given == (Folder(text) if folder else text)
