"""File inputs that the service can't read are refused first, because the job would fail and cost money."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from musicai_sdk import CustomWorkflow, FileInput, FileUrl, MusicAiClient, Workflow, WorkflowResult
from musicai_sdk.errors import InputError, MusicAiError
from musicai_sdk.models import UploadedFile
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import param
from musicai_sdk.workflows.base import resolved_params


class Mix(Workflow[WorkflowResult], slug="sdk-test"):
    first: FileInput
    second: FileInput | None = param("Input 2", default=None)
    text: str | None = None


UNREADABLE = [
    ("file:///songs/a.wav", "pass the path itself, as pathlib.Path"),
    ("s3://bucket/a.wav", r"musicai_sdk\.storage\.Bucket"),
    ("S3://bucket/a.wav", r"musicai_sdk\.storage\.Bucket"),
    ("gs://bucket/a.wav", r"musicai_sdk\.storage\.Bucket"),
    ("az://container/a.wav", r"musicai_sdk\.storage\.Bucket"),
    ("ftp://host/a.wav", "download it, and pass the path"),
    ("data:audio/wav;base64,UklGRg==", r"client\.files\.upload\(data\)"),
    ("spotify://track/3", "pass a path or an https:// URL"),
    ("https://", "isn't a complete URL"),
    ("https:///a.wav", "isn't a complete URL"),
    ("http:/x", "isn't a complete URL"),
    ("HTTP:x", "isn't a complete URL"),
    ("http://[::1", "isn't a complete URL"),
    ("https://[zz]/x.wav", "isn't a complete URL"),
    ("https://host:99999/x.wav", "isn't a complete URL"),
    ("https://host:port/x.wav", "isn't a complete URL"),
    ("https://host:0/x.wav", "isn't a complete URL"),
    ("https://two words/x.wav", "isn't a complete URL"),
    ("https://a..b/x.wav", "isn't a complete URL"),
    ("https://./x.wav", "isn't a complete URL"),
    (f"https://{'a' * 64}/x.wav", "isn't a complete URL"),
    ("https://%/x.wav", "isn't a complete URL"),
    ("https://host/\udcff.wav", "isn't a URL"),
    ("https://?a=1", "isn't a complete URL"),
    ("https://host/a\nb.wav", "line break"),
    ("https://host/a.wav?…", "leaves queries out"),
    ("", "it is empty"),
    (" \n", "it is empty"),
]


def made(value: Any) -> list[Any]:
    """Creates a workflow of each kind with this file."""
    return [
        lambda: Mix(first=value),
        lambda: Mix(first="a.wav", second=value),
        lambda: CustomWorkflow("sdk-test", {"inputUrl": value}),
        lambda: CustomWorkflow("sdk-test", {"Input 1": value}),
        lambda: CustomWorkflow("sdk-test", {"file": value}),
    ]


@pytest.mark.parametrize(("value", "words"), UNREADABLE)
def test_unreadable_inputs(value: str, words: str) -> None:
    for make in made(value):
        with pytest.raises(InputError, match=words) as caught:
            make()
        assert "base64" not in str(caught.value)
    for kind in (FileUrl(value), UploadedFile(value, 3)):
        with pytest.raises(InputError, match=words):
            CustomWorkflow("sdk-test", {"anything": kind})


def test_the_message_names_the_parameter_and_hides_the_query() -> None:
    with pytest.raises(InputError, match=r"^Mix: second: s3://bucket/a\.wav\?… can't be read") as caught:
        Mix(first="a.wav", second="s3://bucket/a.wav?X-Amz-Signature=SECRET")
    assert "SECRET" not in str(caught.value)
    with pytest.raises(InputError, match=r"^CustomWorkflow: inputUrl: 'song\.wav' isn't a URL"):
        CustomWorkflow("sdk-test", {"inputUrl": "song.wav"})


def test_nothing_is_sent(client: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    good, params = tmp_path / "a.wav", dict[str, Any]()
    good.write_bytes(b"RIFF")
    changed = CustomWorkflow("sdk-test", params)
    for value in ("s3://b/k", "", "https://", tmp_path, Path(), Path("https://host/a.wav")):
        params["file"] = value
        with pytest.raises(InputError):
            client.jobs.create(changed)
        with pytest.raises(InputError):
            client.add_job("name", "sdk-test", {"first": good, "file": value})
    for folder in (str(tmp_path), "."):
        with pytest.raises(InputError, match="it is a folder"):
            client.jobs.create(Mix(first=good, second=folder))
    with pytest.raises(MusicAiError):
        client.jobs.run(Mix(first=tmp_path / "missing.wav"))
    assert sandbox.requests == []


def test_the_name_of_a_local_file_is_not_sent_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("song.wav").touch()
    for value in ("song.wav", ".", str(tmp_path)):
        with pytest.raises(InputError, match=r"pathlib\.Path"):
            CustomWorkflow("sdk-test", {"file": value})
    with pytest.raises(InputError, match=r"s3://b/k can't be read"):
        CustomWorkflow("sdk-test", {"inputs": ["https://host/a.wav", {"url": "s3://b/k"}]})


def test_white_space_around_a_url_is_removed(client: MusicAiClient, sandbox: Sandbox) -> None:
    url = client.files.upload(b"RIFF of a kind").url
    for workflow in (CustomWorkflow("sdk-test", {"file": f" {url}\n"}), Mix(first=f"\t{url} ")):
        created = client.jobs.create(workflow)
        sent = client.jobs.get(created).workflow_params
        assert sent is not None
        assert list(sent.values()) == [url]


def test_other_values_are_left_alone() -> None:
    params: dict[str, Any] = {
        "prompt": " s3://bucket/a.wav ",
        "callbackUrl": "myapp://done",
        "outputUrl": "s3://bucket/out",
        "target": "",
        "song": "Hey Jude: take 2",
        "track": "3",
        "input": 7,
        "inputUrl": None,
        "file": {"id": "abc"},
    }
    assert resolved_params(CustomWorkflow("s", params)) == params
    assert resolved_params(Mix(first="HTTPS://host/a b.wav", text="file:///x")) == {
        "first": "HTTPS://host/a b.wav",
        "text": "file:///x",
    }
    assert resolved_params(Mix(first="Artist: Song.wav", second=Path("b.wav"))) == {
        "first": Path("Artist: Song.wav"),
        "Input 2": Path("b.wav"),
    }
    assert resolved_params(CustomWorkflow("s", {"inputUrl": "http://[::1]:80/x"})) == {
        "inputUrl": "http://[::1]:80/x"
    }
