"""One S3 server for the session, emptied before every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from conftest import SONGS
from musicai_sdk.storage import Bucket
from support.buckets import S3, s3_server


@pytest.fixture(scope="session")
def running_s3() -> Iterator[S3]:
    with s3_server() as running:
        yield running


@pytest.fixture
def s3(running_s3: S3) -> S3:
    running_s3.begin()
    return running_s3


@pytest.fixture
def bucket(s3: S3) -> Bucket:
    return s3.bucket()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few seconds of a song."""
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    samples, rate = soundfile.read(SONGS / "band0.ogg", frames=48_000 * 5)
    soundfile.write(path, samples, rate)
    return path
