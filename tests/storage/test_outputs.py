"""A job's results in a bucket are created, found, downloaded and read, with both clients."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from musicai_sdk import CUSTOM_STORAGE, CustomWorkflow, FileUrl, MusicAiClient
from musicai_sdk._core.checksums import announced
from musicai_sdk.errors import InputError, JobFailedError
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.storage import Bucket, ObjectNotFoundError
from musicai_sdk.workflows import GenerateChords, IsolateDrums
from support.buckets import S3
from support.client_logs import client_records
from support.s3_server import SECRET_KEY


def echo(path: Path) -> CustomWorkflow:
    """The workflow that returns its input."""
    return CustomWorkflow("sdk-test", {"file": path})


def made(sandbox: Sandbox) -> int:
    return sum(entry.method == "POST" and entry.path == "/v1/job" for entry in sandbox.requests)


def test_some_outputs_in_the_bucket(
    client: MusicAiClient, s3: S3, bucket: Bucket, clip: Path, tmp_path: Path
) -> None:
    """Kick and snare go to the bucket, the third output to the service's storage; all three are complete."""
    to = bucket.for_outputs({"kick_drum": ".wav", "Snare drum": ""})
    job = client.jobs.run(IsolateDrums(input_url=clip), copy_results_to=to)
    assert job.result.kick_drum is CUSTOM_STORAGE
    assert job.result.snare_drum is CUSTOM_STORAGE
    assert isinstance(job.result.other, FileUrl)
    token = job.idempotency_key
    assert s3.names() == [f"results/{token}/Kick drum.wav", f"results/{token}/Snare drum"]

    # Found by the job alone, as in another process.
    objects = s3.bucket().outputs(client.jobs.get(job.id))
    assert {*objects} == {"Kick drum", "Snare drum"}
    files = client.jobs.download(job.id, tmp_path, storage=s3.bucket())
    assert {output: path.name for output, path in files.items()} == {
        "Kick drum": "Kick drum.wav",
        "Snare drum": "Snare drum.wav",  # its content type says so
        "Other": "Other.wav",
    }
    for output, stored in objects.items():
        data = files[output].read_bytes()
        assert (stored.size, stored.etag) == (len(data), hashlib.md5(data).hexdigest())
    for path in files.values():
        assert path.read_bytes()[:4] == b"RIFF"
        assert path.stat().st_size > 44
    assert json.loads(files.manifest.read_text()) == {
        output: f"./{path.name}" for output, path in files.items()
    }
    assert {path.name for path in tmp_path.iterdir()} == {
        *(path.name for path in files.values()),
        files.manifest.name,
    }

    # The rest is as it was without a bucket.
    assert [*client.jobs.download(job, tmp_path / "rest")] == ["Other"]


def test_all_outputs_in_the_bucket(
    client: MusicAiClient, sandbox: Sandbox, bucket: Bucket, clip: Path, tmp_path: Path
) -> None:
    bucket.upload("songs/my song.wav", clip)
    # The input comes from the bucket too: nothing passes through this machine.
    song = bucket.input("songs/my song.wav")
    job = client.jobs.run(GenerateChords(input_url=song), copy_results_to=bucket)
    assert not [entry for entry in sandbox.requests if entry.path == "/v1/upload"]
    assert job.result.chords is CUSTOM_STORAGE
    with pytest.raises(InputError, match=r"bucket\.resolve"):
        client.files.read(job.result.chords)
    resolved = bucket.resolve(job)
    chords = client.files.read(resolved.result.chords)
    assert chords
    assert chords[0].start == 0
    assert "Signature" not in repr(resolved) + repr(resolved.result)
    files = client.jobs.download(job, tmp_path, storage=bucket)
    assert json.loads(files["chords"].read_text())
    assert (
        client.jobs.download(resolved, tmp_path / "resolved")["chords"].read_bytes()
        == files["chords"].read_bytes()
    )
    stored = bucket.outputs(job)["chords"]
    answer = httpx.get(bucket.input(stored.name))
    assert answer.headers["content-type"] == "application/json", "the content type is kept"


def test_an_idempotency_key_is_one_request(
    client: MusicAiClient, sandbox: Sandbox, s3: S3, clip: Path
) -> None:
    """Signatures differ between two creates, but the objects are the same, so there is one job."""
    bucket = s3.bucket().for_outputs(["file"])
    first = client.jobs.create(echo(clip), copy_results_to=bucket, idempotency_key="mine")
    time.sleep(1.1)  # signatures have seconds in them
    again = client.jobs.create(echo(clip), copy_results_to=bucket, idempotency_key="mine")
    assert first.id == again.id
    assert made(sandbox) == 1
    with pytest.raises(InputError, match="another workflow or other parameters"):
        client.jobs.create(
            echo(clip),
            copy_results_to=s3.bucket("s3://music/else").for_outputs(["file"]),
            idempotency_key="mine",
        )
    done = client.jobs.wait(first)
    assert bucket.outputs(done)["file"].name == "mine/file"
    assert bucket.outputs(done)["file"].size == clip.stat().st_size


def test_a_missing_output(client: MusicAiClient, s3: S3, bucket: Bucket, clip: Path, tmp_path: Path) -> None:
    to = bucket.for_outputs(["file"]).in_folder("one")
    job = client.jobs.run(echo(clip), copy_results_to=to)
    assert to.outputs(job)["file"].url == "s3://music/results/one/file"
    s3.delete("results/one/file")
    uses: list[Callable[[], Any]] = [
        lambda: to.outputs(job),
        lambda: to.resolve(job),
        lambda: client.jobs.download(job, tmp_path / "out", storage=to),
    ]
    for use in uses:
        with pytest.raises(
            ObjectNotFoundError, match=r"output 'file' of job .* isn't in s3://music/results/one"
        ):
            use()
    assert not (tmp_path / "out").exists()


def test_urls_that_expire_before_the_job_ends(
    client: MusicAiClient, bucket: Bucket, s3: S3, clip: Path
) -> None:
    short = s3.bucket(expires=1).for_outputs(["file"])
    urls = short.upload_urls(echo(clip), "token")
    time.sleep(1.1)
    with pytest.raises(JobFailedError, match="could not be written") as caught:
        client.jobs.run(echo(clip), copy_results_to=urls)
    assert caught.value.code == "BAD_INPUT"
    assert not [*bucket.objects()]


def test_mistakes_send_nothing(client: MusicAiClient, sandbox: Sandbox, bucket: Bucket, clip: Path) -> None:
    without = Bucket("s3://music", metadata_endpoint="http://127.0.0.1:1", retry_config={"max_retries": 0})
    mistakes: list[tuple[Any, Any, str]] = [
        (echo(clip), bucket, "for_outputs"),
        (IsolateDrums(input_url=clip), bucket.for_outputs(["bass"]), "kick_drum"),
        (
            IsolateDrums(input_url=clip),
            Bucket("az://songs", account_name="a", account_key="eA=="),
            "x-ms-blob-type",
        ),
        (IsolateDrums(input_url=clip), without, "no credentials"),
    ]
    for workflow, to, text in mistakes:
        with pytest.raises(Exception, match=text):
            client.jobs.create(workflow, copy_results_to=to)
    assert not [*sandbox.requests]


def test_secrets(
    client: MusicAiClient, bucket: Bucket, clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), client.record() as exchanges:
        job = client.jobs.run(echo(clip), copy_results_to=bucket.for_outputs(["file"]))
        client.jobs.download(job, tmp_path, storage=bucket)
    ours = client_records(caplog)
    told = "\n".join(record.getMessage() for record in ours) + repr(exchanges) + repr(job) + repr(bucket)
    assert "/music/results/" in told, "without the download's records this test proves nothing"
    assert "X-Amz" not in told
    assert SECRET_KEY not in told


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ({"etag": '"5d41402abc4b2a76b9719d911017c592"', "x-amz-request-id": "1"}, True),
        ({"etag": '"5d41402abc4b2a76b9719d911017c592"'}, False),  # its job is unknown
        ({"etag": '"5d41402abc4b2a76b9719d911017c592"', "x-amz-cf-id": "1", "x-amz-cf-pop": "2"}, False),
        ({"etag": '"5d41402abc4b2a76b9719d911017c592-2"', "x-amz-request-id": "1"}, False),
        ({"etag": '"5d41402abc4b2a76b9719d911017c592"', "x-amz-server-side-encryption": "AES256"}, True),
        ({"etag": '"5d41402abc4b2a76b9719d911017c592"', "x-amz-server-side-encryption": "aws:kms"}, False),
        ({"etag": '"5d41402abc4b2a76b9719d911017c592"', "x-amz-storage-class": "EXPRESS_ONEZONE"}, False),
        (
            {
                "etag": '"5d41402abc4b2a76b9719d911017c592"',
                "x-amz-server-side-encryption-customer-algorithm": "AES256",
            },
            False,
        ),
    ],
)
def test_etags_that_are_digests(headers: dict[str, str], known: bool) -> None:
    assert announced(headers) == ({"md5": "XUFAKrxLKna5cZ2REBfFkg=="} if known else {})
