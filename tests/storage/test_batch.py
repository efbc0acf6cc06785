"""Runs from and to a bucket: resumed, killed, in several processes, and paid once."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx
import pytest

from musicai_sdk.batch import Batch, Event, Folder, Input, LedgerMismatchError, open_ledger
from musicai_sdk.errors import InputError
from musicai_sdk.storage import Bucket, StorageError
from musicai_sdk.workflows import GenerateChords
from support.batch import SCALE, Service, service
from support.buckets import S3
from support.s3_server import ACCESS_KEY, SECRET_KEY

RUNNER = Path(__file__).parents[1] / "support" / "bucket_runner.py"


@pytest.fixture(scope="module")
def one_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("service"), "--plan", "16", "--seed", "6") as running:
        yield running


@pytest.fixture
def running(one_service: Service, s3: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service, and an environment with the credentials."""
    for name, value in {**one_service.variables, **s3.environment}.items():
        monkeypatch.setenv(name, value)
    yield one_service
    one_service.reset()


def make_songs(s3: S3, count: int) -> dict[str, bytes]:
    """Creates the objects to process; returns their contents by the names of results."""
    songs = s3.bucket("s3://music/songs")
    contents = {
        f"part {n % 3}/song {n}": b"RIFF\0\0\0\0WAVE" + f"song {n} ".encode() * 40 for n in range(count)
    }
    for name, content in contents.items():
        songs.upload(f"{name}.wav", content)
    songs.upload("cover.jpg", b"a stray file")
    songs.upload(".hidden/song.wav", b"RIFF")
    return contents


def start(ledger: Path, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-W", "error", str(RUNNER), str(ledger), json.dumps(options)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def echo(inputs: Any, out: Any, ledger: Path, **options: Any) -> Batch:
    defaults: dict[str, Any] = {"in_flight": 6, "poll_interval": 0.2, "grace": 1.0}
    return Batch("sdk-test", inputs, out, ledger=ledger, input_name="file", **(defaults | options))


def check(running: Service, s3: S3, ledger: Path, songs: Mapping[str, bytes]) -> None:
    """Checks that every song has one result and one job, and that no secret was recorded."""
    out = s3.bucket("s3://music/out")
    assert {each.name for each in out.objects()} == {
        f"{name}/{end}" for name in songs for end in ("file.wav", "workflow.results.json")
    }
    with httpx.Client() as reader:
        for name, content in songs.items():
            assert reader.get(out.input(f"{name}/file.wav")).content == content
    keys = Counter(job.idempotency_key for job in running.jobs())
    assert (len(keys), {*keys.values()}) == (len(songs), {1})
    with open_ledger(ledger) as view:
        assert not [*view.check(out)]
    with closing(sqlite3.connect(ledger)) as db:
        text = "\n".join(db.iterdump())
    for secret in ("X-Amz", ACCESS_KEY, SECRET_KEY):
        assert secret not in text


@pytest.mark.parametrize(
    "state", ["creating"] if SCALE < 2 else ["creating", "created", "finished", "downloaded"]
)
def test_killed(state: str, running: Service, s3: S3, tmp_path: Path) -> None:
    """A run over twelve songs that is killed and resumed creates twelve jobs."""
    songs = make_songs(s3, 12)
    ledger = tmp_path / "ledger.sqlite3"
    process = start(ledger, keep_jobs=True, die_at=[state, 5])
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    process = start(ledger, keep_jobs=True)
    output, _ = process.communicate(timeout=60)
    progress = json.loads(output.splitlines()[-1])
    assert (progress["done"], progress["states"]) == (12, {"verified": 12})
    check(running, s3, ledger, songs)
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(ledger.name)] == []


def test_a_second_run(running: Service, s3: S3, tmp_path: Path) -> None:
    """Finished and renamed songs are skipped; a replaced song is new; results aren't inputs."""
    songs = make_songs(s3, 3)
    ledger = tmp_path / "ledger.sqlite3"
    everything, out = s3.bucket("s3://music"), s3.bucket("s3://music/out").for_outputs(["file"])
    assert echo(everything, out, ledger).run().progress.done == 3
    source = s3.bucket("s3://music/songs")
    source.upload("renamed.wav", songs["part 0/song 0"])
    # Written in the same second, it has the same modification time on S3.
    source.upload("part 1/song 1.wav", b"RIFF\0\0\0\0WAVE another")
    events = list[Event]()
    report = echo(everything, out, ledger, on_event=events.append).run()
    assert (report.progress.done, report.progress.known, report.progress.skipped) == (4, 4, 3)
    assert len([event for event in events if event.state == "creating"]) == 1
    assert {event.source for event in events if event.state == "creating"} == {
        "s3://music/songs/part 1/song 1.wav"
    }
    assert report.bucket is not None
    assert report.bucket.url == "s3://music/out"
    assert running.jobs() == [], "each was deleted when its results were verified"
    with open_ledger(ledger) as view:
        assert {track.source for track, _ in view.tracks()} == {
            f"s3://music/songs/part {n}/song {n}.wav" for n in range(3)
        }
        s3.delete("out/songs/part 2/song 2/file")
        assert "songs/part 2/song 2" in [damage.folder for damage in view.check(out)]


def test_keys_with_special_characters(running: Service, s3: S3, tmp_path: Path) -> None:
    """Keys with all characters that are special in URLs, as objects, in manifests and in folders."""
    source = s3.bucket("s3://music/songs")
    names = ["50% off", "what?", "a#b", "ü & é+1"]
    for number, name in enumerate(names):
        source.upload(f"{name}.wav", f"RIFF {number}".encode())
    source.upload("empty.wav", b"")
    manifest = tmp_path / "songs.csv"
    manifest.write_text(
        "input\ns3://music/songs/50% off.wav\ns3://music/songs/what?.wav\ns3://music/songs/no.wav\n"
    )
    inputs = [
        manifest,
        Input("s3://music/songs/a#b.wav"),
        Folder(source, glob="ü*"),
        Folder("s3://music/songs/", "e*"),
    ]
    report = echo(inputs, "s3://music/out", tmp_path / "ledger.sqlite3", keep_jobs=True).run()
    assert (report.progress.done, report.progress.rejected) == (4, 2)
    with open_ledger(report.ledger) as view:
        reasons = [rejected.reason for rejected in view.rejected()]
    assert sorted(reasons) == ["it is empty", "there is no s3://music/songs/no.wav"]
    assert len(running.jobs()) == 4


def test_outputs_of_a_slug_are_copied(running: Service, s3: S3, tmp_path: Path) -> None:
    """A slug alone declares no outputs: they are copied to the bucket, also from local inputs."""
    song = tmp_path / "songs" / "one.wav"
    song.parent.mkdir()
    song.write_bytes(b"RIFF\0\0\0\0WAVE one" * 9)
    report = echo(song.parent, "s3://music/out", tmp_path / "ledger.sqlite3").run()
    assert report.ok
    assert s3.names() == ["out/one/file.wav", "out/one/workflow.results.json"]
    url = s3.bucket("s3://music").input("out/one/workflow.results.json")
    assert httpx.get(url).json() == {"file": "./file.wav"}


@pytest.mark.parametrize("workflow", [GenerateChords, "music-ai/generate-chords"])
def test_declared_outputs(workflow: Any, running: Service, s3: S3, clip: Path, tmp_path: Path) -> None:
    """A class declares its outputs, and so does the slug of a built-in class."""
    report = Batch(workflow, clip, "s3://music/out", ledger=tmp_path / "ledger.sqlite3", keep_jobs=True).run()
    assert report.ok
    assert "out/clip/chords.json" in s3.names()
    (job,) = running.jobs()
    assert job.outputs["chords"] == "[custom storage]", "the service wrote it"


def test_from_a_bucket_to_a_folder(running: Service, s3: S3, tmp_path: Path) -> None:
    songs = make_songs(s3, 2)
    report = echo(s3.bucket("s3://music/songs"), tmp_path / "out", tmp_path / "out" / "ledger.sqlite3").run()
    assert report.ok
    for name, content in songs.items():
        assert next((tmp_path / "out" / name).glob("file.*")).read_bytes() == content


def test_in_shards(running: Service, s3: S3, tmp_path: Path) -> None:
    """Workers read credentials from their environment; equal songs are in one shard."""
    songs = make_songs(s3, 6)
    s3.bucket("s3://music/songs").upload("twin.wav", songs["part 0/song 0"])
    ledger = tmp_path / "ledger.sqlite3"
    out = s3.bucket("s3://music/out").for_outputs({"file": ".wav"})
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        report = echo(
            s3.bucket("s3://music/songs"), out, ledger, executor=executor, shards=2, keep_jobs=True
        ).run()
    assert (report.progress.done, report.progress.duplicates) == (6, 1)
    check(running, s3, ledger, songs)


def test_mistakes_cost_nothing(running: Service, s3: S3, tmp_path: Path) -> None:
    make_songs(s3, 1)
    ledger = tmp_path / "ledger.sqlite3"
    with pytest.raises(InputError, match="ledger="):
        Batch("sdk-test", "s3://music/songs/", "s3://music/out")
    with pytest.raises(InputError, match="expires="):
        echo("s3://music/songs/", Bucket("s3://music", expires=60).for_outputs(["file"]), ledger)
    with pytest.raises(StorageError, match="NoSuchBucket"):
        echo("s3://music/songs/", "s3://nowhere/out", ledger).run()
    with pytest.raises(InputError, match="nothing to process"):
        echo("s3://music/nothing/", "s3://music/out", tmp_path / "other.sqlite3").run()
    assert not running.jobs()
    echo("s3://music/songs/", "s3://music/out", tmp_path / "third.sqlite3").run()
    for elsewhere in ("s3://music/else", tmp_path / "out"):
        with pytest.raises(LedgerMismatchError, match="s3://music/out"):
            echo("s3://music/songs/", elsewhere, tmp_path / "third.sqlite3").run()
