"""Buckets: signed URLs, objects, options, and secrets."""

from __future__ import annotations

import copy
import json
import pickle
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from musicai_sdk import CUSTOM_STORAGE, CustomWorkflow, Job
from musicai_sdk.errors import (
    ConfigurationError,
    InputError,
    MusicAiError,
    SourceNotFoundError,
    TransferError,
)
from musicai_sdk.storage import Bucket, ObjectNotFoundError, StorageError
from musicai_sdk.workflows import GenerateChords, IsolateDrums
from support.buckets import S3
from support.s3_server import ACCESS_KEY, SECRET_KEY

URL = "https://input.example/song.mp3"


def finished(token: str, *outputs: str, **options: Any) -> Job[Any]:
    """A job with these outputs in custom storage."""
    result = dict.fromkeys(outputs, str(CUSTOM_STORAGE))
    metadata = {"musicai_sdk.idempotency_key": token}
    return Job.model_validate(
        {"id": "j", "status": "SUCCEEDED", "metadata": metadata, "result": result, **options}
    )


def test_objects(bucket: Bucket) -> None:
    written = bucket.upload("songs/one song.wav", b"RIFF")
    bucket.upload("songs/live/two.mp3", b"ID3")
    bucket.upload("notes.txt", b"hello")
    assert (written.name, written.size) == ("songs/one song.wav", 4)
    assert written.url == "s3://music/results/songs/one song.wav"
    assert bucket.find(written.name) == written
    assert [each.name for each in bucket.objects()] == ["notes.txt", "songs/live/two.mp3", written.name]
    assert [each.name for each in bucket.objects("*.mp3")] == ["songs/live/two.mp3"]
    assert [each.name for each in bucket.objects("songs/*.wav")] == [written.name]
    assert [each.name for each in bucket.below("songs").objects("*.wav")] == ["one song.wav"]
    assert not [*bucket.below("son").objects()], "a prefix ends at a slash"


def test_a_large_upload(s3: S3, bucket: Bucket, tmp_path: Any) -> None:
    path = tmp_path / "large.wav"
    path.write_bytes(bytes(12 * 1024 * 1024))
    assert bucket.upload("large.wav", path).size == 12 * 1024 * 1024
    with pytest.raises(SourceNotFoundError, match="nothing here"):
        bucket.upload("x", tmp_path / "nothing here")
    with pytest.raises(TransferError, match="folder"):
        bucket.upload("x", tmp_path)


def test_input(bucket: Bucket) -> None:
    bucket.upload("a b#1%.wav", b"RIFF")
    url = bucket.input("a b#1%.wav")
    assert httpx.get(url).content == b"RIFF"
    assert httpx.put(url, content=b"x").status_code == 403, "the URL is only for reading"
    assert httpx.get(url[:-4] + "0000").status_code == 403, "the server checks signatures"
    assert "Signature" not in repr(url)
    assert "Signature" not in repr(GenerateChords(input_url=url))


def test_an_expired_url_is_refused(bucket: Bucket) -> None:
    bucket.upload("a.wav", b"RIFF")
    url = bucket.input("a.wav", expires=1)
    time.sleep(1.1)
    assert "expired" in httpx.get(url).text


def lifetime(url: str) -> int:
    return int(parse_qs(urlsplit(url).query)["X-Amz-Expires"][0])


def test_lifetimes(s3: S3) -> None:
    drums = IsolateDrums(input_url=URL)
    assert {lifetime(url) for url in s3.bucket().upload_urls(drums, "t").values()} == {12 * 3600}
    assert {lifetime(url) for url in s3.bucket(expires=604_800).upload_urls(drums, "t").values()} == {604_800}
    assert lifetime(s3.bucket(expires=60).input("x")) == 60
    assert lifetime(s3.bucket(expires=60).input("x", expires=90)) == 90
    for wrong in (0, 604_801, float("inf"), float("nan")):
        with pytest.raises(InputError, match="a week"):
            s3.bucket(expires=wrong)


def path_of(url: str) -> str:
    return urlsplit(url).path


def test_upload_urls(bucket: Bucket) -> None:
    drums = IsolateDrums(input_url=URL)
    first, again = bucket.upload_urls(drums, "token"), bucket.upload_urls(drums, "token")
    assert {name: path_of(url) for name, url in first.items()} == {
        "Kick drum": "/music/results/token/Kick%20drum",
        "Snare drum": "/music/results/token/Snare%20drum",
        "Other": "/music/results/token/Other",
    }
    assert [*map(path_of, first.values())] == [*map(path_of, again.values())]
    named = bucket.for_outputs({"kick_drum": ".wav"}).in_folder("a/b").upload_urls(drums, "token")
    assert {name: path_of(url) for name, url in named.items()} == {
        "Kick drum": "/music/results/a/b/Kick%20drum.wav"
    }
    # The result's class says which outputs are JSON; values such as a tempo aren't files.
    chords = bucket.upload_urls(GenerateChords(input_url=URL), "token")
    assert path_of(chords["chords"]).endswith("/token/chords.json")
    assert "bpm" not in {name.lower() for name in chords}


def test_unknown_outputs_are_an_error(bucket: Bucket) -> None:
    custom = CustomWorkflow("acme", {"inputUrl": URL})
    with pytest.raises(InputError, match="for_outputs"):
        bucket.upload_urls(custom, "token")
    assert [*bucket.for_outputs(["Vocals"]).upload_urls(custom, "token")] == ["Vocals"]
    mistakes: list[Any] = [[], "Vocals", {"Vocals": "wav"}, {"Vocals": "./x"}]
    for wrong in mistakes:
        with pytest.raises(InputError):
            bucket.for_outputs(wrong)


NASTY = ["a/b", "a:b", "..", ".", "", "ü#?%&=+", "name\n", "x" * 300, "CON", "Mix", "Mix.v2", "Mix v2", "🥁"]


def test_outputs_with_any_name_are_found(bucket: Bucket) -> None:
    """Every output has its own object below the job's folder, whatever its name."""
    urls = bucket.for_outputs(NASTY).upload_urls(CustomWorkflow("acme", {}), "a/b token")
    with httpx.Client() as service:
        for name, url in urls.items():
            assert service.put(url, content=name.encode() + b"!").status_code == 200, name
    found = bucket.outputs(finished("a/b token", *NASTY))
    assert [*found] == NASTY
    assert len({each.name for each in found.values()}) == len(NASTY)
    assert len({each.name.rpartition("/")[0] for each in found.values()}) == 1
    resolved = bucket.resolve(finished("a/b token", *NASTY))
    with httpx.Client() as reader:
        for name in NASTY:
            assert reader.get(str(resolved.outputs[name])).content == name.encode() + b"!"


def test_outputs_are_found_without_their_extension(bucket: Bucket) -> None:
    """Another process needs no extension and never confuses outputs."""
    bucket.upload("token/Vocals.wav", b"1")
    bucket.upload("token/Mix.v2", b"2")
    assert bucket.outputs(finished("token", "Vocals"))["Vocals"].name == "token/Vocals.wav"
    with pytest.raises(ObjectNotFoundError, match="'Mix'"):
        bucket.outputs(finished("token", "Mix", "Mix.v2"))
    bucket.upload("token/deeper/Drums", b"3")
    with pytest.raises(ObjectNotFoundError, match=r"'Drums' of job j isn't in s3://music/results/token"):
        bucket.outputs(finished("token", "Drums"))
    assert bucket.outputs(finished("token")) == {}
    with pytest.raises(InputError, match="no idempotency key"):
        bucket.outputs(finished("token", "Vocals", metadata={}))


ERRORS: list[tuple[Callable[[S3], object], type[MusicAiError], str]] = [
    (lambda s3: s3.bucket().find("nothing"), ObjectNotFoundError, "no s3://music/results/nothing"),
    (lambda s3: [*s3.bucket("s3://nowhere").objects()], StorageError, "NoSuchBucket"),
    (lambda s3: s3.bucket("s3://nowhere").upload("x", b"x"), StorageError, "s3://nowhere/x"),
    (lambda s3: s3.bucket().find("a//b"), InputError, "empty part"),
    (lambda s3: s3.bucket().input("../x"), InputError, r"\.\."),
    (lambda s3: s3.bucket("s3://music/a\nb"), InputError, "control"),
    (lambda s3: s3.bucket("music"), InputError, "s3://bucket/prefix"),
    (lambda s3: s3.bucket("s3://"), InputError, "s3://bucket/prefix"),
    (lambda s3: s3.bucket("file:///tmp"), InputError, "s3://bucket/prefix"),
    (lambda s3: s3.bucket(f"s3://{ACCESS_KEY}:{SECRET_KEY}@music"), InputError, "environment"),
    (lambda s3: s3.bucket(bogus=1), ConfigurationError, "bogus"),
    (
        lambda s3: Bucket("s3://x", access_key_id="a", secret_access_key="b", endpoint=1),
        ConfigurationError,
        "x",
    ),
    (
        lambda s3: [*s3.bucket(endpoint="http://127.0.0.1:1", retry_config={"max_retries": 0}).objects()],
        StorageError,
        "can't list s3://music/results: HTTP error",
    ),
    (lambda s3: s3.bucket(endpoint="http://s3.example"), ConfigurationError, "allow_http=True"),
    (
        lambda s3: Bucket(
            "s3://x", metadata_endpoint="http://127.0.0.1:1", retry_config={"max_retries": 0}
        ).input("x"),
        StorageError,
        "no credentials",
    ),
]


@pytest.mark.parametrize(("use", "kind", "text"), ERRORS)
def test_errors(
    running_s3: S3,
    monkeypatch: pytest.MonkeyPatch,
    use: Callable[[S3], object],
    kind: type[MusicAiError],
    text: str,
) -> None:
    for name in running_s3.environment:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(kind, match=text) as caught:
        use(running_s3)
    error = caught.value
    told = "".join(traceback.format_exception(error)) + repr(vars(error))
    assert SECRET_KEY not in told
    assert "X-Amz" not in told
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_credentials_are_not_pickled(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = s3.bucket(
        "s3://music/in",
        session_token="very-secret-token",
        client_options={"default_headers": {"Authorization": "very-secret-header"}, "allow_http": True},
    )
    view = bucket.for_outputs({"Vocals": ".wav"}).in_folder("one")
    assert repr(view) == "Bucket('s3://music/in')"
    pickled = pickle.dumps(view)
    for secret in (ACCESS_KEY, SECRET_KEY, "very-secret"):
        assert secret.encode() not in pickled
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    there: Bucket = pickle.loads(pickled)
    assert there.url == view.url
    url = there.upload_urls(CustomWorkflow("acme", {}), "t")["Vocals"]
    assert httpx.put(url, content=b"x").status_code == 200
    assert s3.names() == ["in/one/Vocals.wav"]
    # A copy stays in the process.
    for each in (copy.copy(s3.bucket()), copy.deepcopy(s3.bucket())):
        assert not [*each.objects()]
    with pytest.raises(ConfigurationError, match="credential_provider"):
        pickle.dumps(s3.bucket(credential_provider=dict))  # pyright: ignore[reportUnknownLambdaType]


def test_without_obstore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(ConfigurationError, match=r'pip install "musicai-sdk\[storage\]"'):
        Bucket("s3://music")


def test_azure_refuses_copies() -> None:
    bucket = Bucket("az://songs/new", account_name="acme", account_key="c2VjcmV0")
    with pytest.raises(InputError, match="x-ms-blob-type"):
        bucket.for_outputs(["Vocals"]).upload_urls(CustomWorkflow("acme", {}), "t")
    url = bucket.input("a b.wav")
    assert url.startswith("https://acme.blob.core.windows.net/songs/new/a%20b.wav?")
    assert "sig=" in url


def test_google_signs_with_a_service_account() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {"type": "service_account", "client_email": "me@acme", "private_key_id": "1"}
    text = json.dumps({**account, "private_key": key.decode(), "disable_oauth": False})
    bucket = Bucket("gs://songs/new", service_account_key=text, expires=60)
    url = bucket.for_outputs(["Vocals"]).upload_urls(CustomWorkflow("acme", {}), "t")["Vocals"]
    assert url.startswith("https://storage.googleapis.com/songs/new/t/Vocals?")
    assert "X-Goog-Expires=60" in url
    assert "SignedHeaders=host&" in url, "any content type may be sent"
