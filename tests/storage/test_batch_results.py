"""A job is deleted when all results are in the bucket, and a later run reports missing ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from musicai_sdk import CUSTOM_STORAGE, Job
from musicai_sdk.batch import Batch, Report
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine.task import Output, Task
from musicai_sdk.storage import Bucket, ObjectNotFoundError
from support.batch import make_tracks
from support.buckets import S3
from support.job_service import JobService, quick_run, serving
from support.storage import PAGE, WAV, storage


def batch(sandbox: Sandbox, bucket: Bucket, tmp_path: Path, **options: Any) -> Batch:
    make_tracks(tmp_path / "in", 1)
    return Batch(
        "odd-bucket",
        tmp_path / "in",
        bucket,
        ledger=tmp_path / "ledger",
        connect=partial(sandbox.async_client, max_retries=0),
        poll_interval=0.2,
        max_attempts=1,
        **options,
    )


@pytest.fixture
def results(sandbox: Sandbox) -> dict[str, Any]:
    """The result of the workflow `odd-bucket`."""
    given = dict[str, Any]()

    @sandbox.workflow("odd-bucket")
    def give(task: Task) -> Mapping[str, Output]:
        return given

    return given


def test_nested_results_go_to_the_bucket(
    sandbox: Sandbox, s3: S3, bucket: Bucket, results: dict[str, Any], tmp_path: Path
) -> None:
    with storage() as held:
        results.update({"stems": [{"url": held.put("a.wav")}], "vocals": held.put("v.wav"), "bpm": 3})
        report = batch(sandbox, bucket, tmp_path).run()
    assert (report.ok, sandbox.jobs) == (True, [])
    sizes = {each.name.rpartition("/")[2]: each.size for each in bucket.objects()}
    assert sizes.keys() == {"stems.0.url.wav", "vocals.wav", "workflow.results.json"}
    assert sizes["stems.0.url.wav"] == len(WAV)


@pytest.mark.parametrize(
    "result", [{}, {"a": None}, {"a": ["gs://other/b.wav"]}, {"a": ["[custom storage]"]}]
)
def test_a_job_with_incomplete_results_is_kept(
    sandbox: Sandbox, bucket: Bucket, results: dict[str, Any], tmp_path: Path, result: dict[str, Any]
) -> None:
    results.update(result)
    assert not batch(sandbox, bucket, tmp_path).run().ok
    assert len(sandbox.jobs) == 1


def test_a_web_page_is_not_a_result(
    sandbox: Sandbox, bucket: Bucket, results: dict[str, Any], tmp_path: Path
) -> None:
    with storage() as held:
        results.update({"stems": {"a": held.put("a.wav", PAGE)}})
        assert not batch(sandbox, bucket, tmp_path).run().ok
    assert len(sandbox.jobs) == 1
    assert list(bucket.objects()) == []


def test_missing_objects_are_reported(
    sandbox: Sandbox, s3: S3, bucket: Bucket, results: dict[str, Any], tmp_path: Path
) -> None:
    results.update({"bpm": 3})
    assert batch(sandbox, bucket, tmp_path).run().ok
    (name,) = [each.name for each in bucket.objects()]
    assert batch(sandbox, bucket, tmp_path).run().ok
    bucket.upload(name, b"{}")
    report = batch(sandbox, bucket, tmp_path).run()
    assert (report.ok, report.progress.missing) == (False, 1)
    assert f"{bucket.url}/{name} has 2 bytes" in report.damaged()[0].reason


def test_nested_outputs_in_custom_storage(s3: S3, bucket: Bucket) -> None:
    view = bucket.in_folder("one")
    view.upload("one/stems.0.wav", WAV)
    job = Job[Any].model_validate(
        {
            "id": "j",
            "status": "SUCCEEDED",
            "result": {"stems": [CUSTOM_STORAGE.value], "text": json.dumps([1])},
        }
    )
    assert {name: each.size for name, each in view.outputs(job).items()} == {"stems.0": len(WAV)}
    resolved = view.resolve(job).raw_result
    assert resolved is not None
    assert resolved["stems"][0].startswith("http")
    assert resolved["text"] == "[1]"
    with pytest.raises(ObjectNotFoundError, match=r"'stems\.0'"):
        bucket.in_folder("two").outputs(job)


def test_outputs_of_a_failed_job_are_not_those_of_the_next(bucket: Bucket, tmp_path: Path) -> None:
    with serving(JobService()) as service:
        service.result = lambda _job: {"vocals": "[custom storage]"}
        service.status = "FAILED"

        def run(**options: Any) -> Report:
            songs, out = ["https://songs/1.wav"], bucket.for_outputs({"vocals": ".wav"})
            quick = quick_run(service)
            return Batch("slug", songs, out, ledger=tmp_path / "ledger", **quick, **options).run()

        assert [each.code for each in run().failures()] == ["FAILED"]
        bucket.upload("1/vocals.wav", b"RIFF, the first half")
        service.status = "SUCCEEDED"
        (failure,) = run(retry_failed=True).failures()
        assert (failure.code, service.deleted) == ("ObjectNotFoundError", [])
        # Once the service has written the output, every run finds it where the second job was to put it.
        (_, post) = service.posts
        path = unquote(urlsplit(str(post["copyResultsTo"]["vocals"])).path)
        bucket.upload(path.partition("/results/")[2], b"RIFF, whole")
        assert run().ok
        assert (len(service.posts), len(service.deleted)) == (2, 1)
        assert bucket.find("1/vocals.wav").size == len(b"RIFF, the first half")
