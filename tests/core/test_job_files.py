"""Results as files at any depth: nothing else in their place, and never a mixture of two jobs."""

from __future__ import annotations

import asyncio
import gzip
import json
import struct
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk import CUSTOM_STORAGE, AsyncMusicAiClient, FileUrl, Job, MusicAiClient, WorkflowResult
from musicai_sdk.errors import IntegrityError, ResponseError, ResultMissingError, TransferError
from musicai_sdk.models import Chord, JsonOutput, Section
from musicai_sdk.models.outputs import FileOutput
from musicai_sdk.models.result import declared_outputs, output
from musicai_sdk.models.result_files import check_result, result_files, with_files
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import GenerateChords, GenerateChordsResult
from support.storage import PAGE, WAV, Storage, storage

zipped = partial(gzip.compress, mtime=0)


@pytest.fixture(name="held")
def _held() -> Iterator[Storage]:
    with storage() as held:
        yield held


def answer(sandbox: Sandbox, result: object, **options: Any) -> None:
    body = {"id": "j", "status": "SUCCEEDED", "result": result}
    sandbox.faults.add("GET /job/{id}", body=body, **options)


def job(result: dict[str, Any] | None) -> Job[Any]:
    return Job[Any].model_validate({"id": "j", "status": "SUCCEEDED", "result": result})


# --- which files a result contains


def test_files_are_found_at_any_depth() -> None:
    result = {
        "nested": {"a": [{"URL": "https://h/1.wav"}, ["HTTPS://h/2.wav"]], "text": "no https://h/x"},
        "vocals": " Http://h/3.wav\n",
        "json": json.dumps({"file": "https://h/4.json", "n": 1}),
        "nested.a.0.URL": "https://h/5.wav",
        "mine": [CUSTOM_STORAGE.value],
        "bucket": "gs://b/6.wav",
        "bpm": 64,
    }
    found = {each.name: (each.path, str(each.value)) for each in result_files(result)}
    assert found == {
        "vocals": (("vocals",), "Http://h/3.wav"),
        "nested.a.0.URL": (("nested.a.0.URL",), "https://h/5.wav"),
        "bucket": (("bucket",), "gs://b/6.wav"),
        "nested.a.0.URL (2)": (("nested", "a", 0, "URL"), "https://h/1.wav"),
        "nested.a.1.0": (("nested", "a", 1, 0), "HTTPS://h/2.wav"),
        "json.file": (("json", "file"), "https://h/4.json"),
        "mine.0": (("mine", 0), "[custom storage]"),
    }
    changed = with_files(result, {("nested", "a", 0, "URL"): "./1.wav", ("json", "file"): "./4.json"})
    assert changed["nested"]["a"] == [{"URL": "./1.wav"}, ["HTTPS://h/2.wav"]]
    assert json.loads(changed["json"]) == {"file": "./4.json", "n": 1}
    assert {**changed, "nested": 0, "json": 0} == {**result, "nested": 0, "json": 0}


def test_a_deeply_nested_result() -> None:
    nested: Any = "https://h/1.wav"
    for _ in range(150):
        nested = [nested]
    with pytest.raises(ResponseError, match="nested too deeply"):
        result_files({"a": nested})


def test_a_url_as_a_name_in_a_result_keeps_the_job() -> None:
    with pytest.raises(ResultMissingError, match=r"name\+https://h/1\.wav\?…"):
        check_result(job({"files": {"https://h/1.wav?sig=SECRET": 3}}))


class Declared(WorkflowResult):
    vocals: FileOutput
    kick: FileOutput = output("Kick drum")
    bpm: str
    key: str | None
    other: FileOutput | None = None


FULL: dict[str, Any] = {"vocals": "https://h/v", "kick_drum": "https://h/k", "BPM": 64, "key": None}


def test_a_whole_result() -> None:
    check_result(job(FULL), declared_outputs(Declared))
    check_result(job({"bpm": 0}))
    check_result(job({"flag": False, "none": None}))
    check_result(job({**FULL, "vocals": CUSTOM_STORAGE.value}), declared_outputs(Declared))


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"vocals": None}, ("vocals",)),
        ({"vocals": ""}, ("vocals",)),
        ({"vocals": " \n"}, ("vocals",)),
        ({"vocals": "pending"}, ("vocals",)),
        ({"vocals": {}}, ("vocals",)),
        ({"kick_drum": None, "BPM": ""}, ("Kick drum", "bpm")),
        ({"other": "s3://b/o.wav"}, ("other",)),
    ],
)
def test_an_incomplete_result(change: dict[str, Any], missing: tuple[str, ...]) -> None:
    with pytest.raises(ResultMissingError, match="Keep the job") as caught:
        check_result(job({**FULL, **change}), declared_outputs(Declared))
    assert (caught.value.job_id, caught.value.outputs) == ("j", missing)


@pytest.mark.parametrize("result", [None, {}, {"a": None}, {"a": "", "b": []}, {"a": [None, {"b": " "}]}])
def test_no_result(result: dict[str, Any] | None) -> None:
    with pytest.raises(ResultMissingError, match="returns no result"):
        check_result(job(result))


# --- downloads


def test_nested_files_are_downloaded(
    client: MusicAiClient, sandbox: Sandbox, held: Storage, tmp_path: Path
) -> None:
    stems = [{"url": held.put(f"{name}.wav", WAV + name.encode())} for name in ("a", "b")]
    answer(
        sandbox,
        {
            "Stems": {"files": stems, "../x": held.put("c.json", b'{"a": 1}')},
            "vocals": held.put("v.wav").replace("http://", "HTTP://"),
            "bpm": 3,
        },
    )
    files = client.jobs.download("j", tmp_path)
    assert {name: path.name for name, path in files.items()} == {
        "vocals": "vocals.wav",
        "Stems.files.0.url": "Stems.files.0.url.wav",
        "Stems.files.1.url": "Stems.files.1.url.wav",
        "Stems.../x": "Stems..._x.json",
    }
    assert files["Stems.files.1.url"].read_bytes() == WAV + b"b"
    assert json.loads(files.manifest.read_text()) == {
        "Stems": {
            "files": [{"url": "./Stems.files.0.url.wav"}, {"url": "./Stems.files.1.url.wav"}],
            "../x": "./Stems..._x.json",
        },
        "vocals": "./vocals.wav",
        "bpm": 3,
    }


def test_the_url_of_a_nested_file_is_renewed(
    client: MusicAiClient, sandbox: Sandbox, held: Storage, tmp_path: Path
) -> None:
    answer(sandbox, {"stems": [f"{held.origin}/gone.wav"]}, times=1)
    answer(sandbox, {"stems": [held.put("fresh.wav")]})
    assert client.jobs.download("j", tmp_path)["stems.0"].read_bytes() == WAV


def test_a_login_page_renews_the_url(
    client: MusicAiClient, sandbox: Sandbox, held: Storage, tmp_path: Path
) -> None:
    answer(sandbox, {"vocals": held.put("old.wav", PAGE, "text/html")}, times=1)
    answer(sandbox, {"vocals": held.put("fresh.wav")})
    assert client.jobs.download("j", tmp_path)["vocals"].read_bytes() == WAV


def test_a_job_from_a_list_without_results(
    client: MusicAiClient, sandbox: Sandbox, held: Storage, tmp_path: Path
) -> None:
    whole = {"chords": held.put("c.json", b"[]"), "other": held.put("o.wav")}
    answer(sandbox, whole)
    for number, part in enumerate((None, {}, {"other": whole["other"]}, {**whole, "chords": ""})):
        typed = job(part).with_result_type(GenerateChordsResult)
        files = client.jobs.download(typed, tmp_path / f"{number}")
        assert (set(files), files.missing) == ({"chords", "other"}, ())
    before = len(sandbox.requests)
    client.jobs.download(job(whole).with_result_type(GenerateChordsResult), tmp_path / "whole")
    assert len(sandbox.requests) == before, "a complete job isn't fetched again"


def test_missing_declared_outputs(
    client: MusicAiClient, sandbox: Sandbox, held: Storage, tmp_path: Path
) -> None:
    answer(sandbox, {"other": held.put("o.wav")})
    files = client.jobs.download(client.jobs.get("j", GenerateChords), tmp_path)
    assert (set(files), files.missing) == ({"other"}, ("chords",))


@pytest.mark.parametrize("result", [None, {}, {"a": None, "b": [""]}])
def test_a_job_without_a_result(
    client: MusicAiClient, sandbox: Sandbox, result: dict[str, Any] | None, tmp_path: Path
) -> None:
    answer(sandbox, result)
    for given in ("j", job(result)):
        with pytest.raises(ResultMissingError, match="keep the job") as caught:
            client.jobs.download(given, tmp_path / "out")
        assert caught.value.job_id == "j"
    assert not (tmp_path / "out").exists()


XML = b'<?xml version="1.0"?><Error><Code>ExpiredToken</Code></Error>'


def pcm(frames: int, announced: int | None = None) -> bytes:
    """A recording of bytes, and how long its header says that it is."""
    length = frames if announced is None else announced
    sizes = min(length + 36, 0xFFFFFFFF).to_bytes(4, "little"), length.to_bytes(4, "little")
    form = struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    return b"RIFF" + sizes[0] + b"WAVEfmt " + form + b"data" + sizes[1] + b"\x80" * frames


def aiff(frames: int, kind: bytes = b"AIFF") -> bytes:
    """A recording of bytes, with a comment before them."""
    common = b"COMM" + (18).to_bytes(4, "big") + struct.pack(">hIh", 1, frames, 8) + bytes(10)
    sound = b"SSND" + (frames + 8).to_bytes(4, "big") + bytes(8) + b"\x80" * frames
    chunks = b"NAME\0\0\0\x03abc\0" + common + sound
    return b"FORM" + (len(chunks) + 4).to_bytes(4, "big") + kind + chunks


def with_junk(recording: bytes, length: int = 5000) -> bytes:
    """A WAV file with a chunk before its format, longer than what is read at once."""
    chunks = b"JUNK" + length.to_bytes(4, "little") + bytes(length) + recording[12:]
    return b"RIFF" + (len(chunks) + 4).to_bytes(4, "little") + b"WAVE" + chunks


def box(name: bytes, content: bytes, *, wide: bool = False) -> bytes:
    """A box of an MP4 file, perhaps with a length of 64 bits."""
    if wide:
        return (1).to_bytes(4, "big") + name + (len(content) + 16).to_bytes(8, "big") + content
    return (len(content) + 8).to_bytes(4, "big") + name + content


FTYP = box(b"ftyp", b"M4A \0\0\0\0")
MP4 = FTYP + box(b"moov", bytes(99)) + box(b"free", b"") + box(b"mdat", bytes(3000))
MP4_WITH_INDEX_LAST = FTYP + box(b"mdat", bytes(3000), wide=True) + box(b"moov", bytes(99))


PNG = b"\x89PNG\r\n\x1a\n" + bytes(99)


@pytest.mark.parametrize(
    ("name", "body", "content_type", "words"),
    [
        ("v.wav", PAGE, "text/html", r"web page .* \(text/html\)"),
        ("v.MP3", PAGE, "audio/mpeg", "web page"),
        ("v.flac", b"\xef\xbb\xbf \n<html lang=en>", "text/plain", "web page"),
        ("v.wav", b"<!-- moved --><a href=/>here</a>", "", "web page"),
        ("v.m4a", XML, "application/xml", "error document"),
        ("v.wav", b"<Error><Code>AccessDenied</Code></Error>", "", "error document"),
        ("v.wav", PNG, "image/png", "picture"),
        ("v.wav", b"\xff\xd8\xff\xe0" + bytes(9), "image/jpeg", "picture"),
        ("v.wav", b'{"message": "expired"}', "application/json", "is JSON"),
        ("v.wav", b"Please log in", "text/html; charset=utf-8", "isn't a recording"),
        ("v.wav", b"Access denied: the link has expired\n", "text/plain; charset=utf-8", "isn't a recording"),
        ("v.wav", b"no", "application/problem+json", "isn't a recording"),
        ("v.wav", PAGE.decode().encode("utf-16"), "", "web page"),
        ("v.wav", pcm(1000)[:700], "audio/wav", "only the beginning of a recording: 700 of 1,044 bytes"),
        ("v.wav", with_junk(pcm(1000))[:5700], "audio/wav", "only the beginning of a recording"),
        ("v.wav", with_junk(pcm(1000))[:5060], "audio/wav", "only the beginning of a recording"),
        ("v.aiff", aiff(1000)[:700], "audio/aiff", "only the beginning of a recording"),
        ("v.aif", aiff(1000, b"AIFC")[:700], "", "only the beginning of a recording"),
        ("v.m4a", MP4[:-1], "audio/mp4", "only the beginning of a recording"),
        ("v.mp4", MP4_WITH_INDEX_LAST[:-50], "video/mp4", "only the beginning of a recording"),
        ("v.m4a", MP4_WITH_INDEX_LAST[:2000], "", "only the beginning of a recording"),
        ("c.json", PAGE, "text/html", "isn't JSON"),
        ("c.json", b'{"statusCode": 403, "error": "Forbidden", "message": "expired"}', "", "error document"),
        ("c.json", b'{"error": {"code": 404, "message": "gone"}}', "application/json", "error document"),
        (
            "c.json",
            b'{"code": "EXPIRED", "title": "Expired", "message": "Fetch again"}',
            "",
            "error document",
        ),
        ("v.wav", pcm(0), "audio/wav", "without the recording"),
        *(
            ("c.json", body, "application/json", "error document")
            for body in (
                b'{"message": "Forbidden"}',
                b'{"detail": "Not found."}',
                b'{"Code": "AccessDenied", "Message": "Access denied", "RequestId": "1"}',
                b'{"code": "ExpiredToken", "request_id": "1", "message": "m"}',
                b'{"error": "expired", "for": "77"}',
                b'{"success": false, "data": []}',
                b'{"errorMessage": "x", "errorType": "y"}',
                b'{"fault": {"faultstring": "x"}}',
                b'{"@odata.error": {}}',
                b'[{"error": "x"}]',
                zipped(b'{"error": "x"}'),
            )
        ),
        ("l.txt", PAGE, "text/html", "web page"),
        ("l.lrc", b"\xef\xbb\xbf\n<html lang=en><head>", "", "web page"),
        ("n.csv", b"<!-- x --><html><body>Log in", "text/csv", "web page"),
        ("score.musicxml", b"<?xml version='1.0'?>\n<html><head>", "application/xml", "web page"),
        ("download", b"<script>location = '/login'</script>", "text/html", "web page"),
        ("stem.dat", b"\n<div class=login>", "text/html", "web page"),
        ("c.json", XML, "application/json", "isn't JSON"),
        ("c.json", b'[{"start": 1}, {"sta', "application/json", "isn't JSON"),
        ("c.json", b"", "application/json", "isn't JSON"),
        ("c.json", b"[" + b"1," * 9_000_000, "application/json", "isn't JSON"),
        ("download", PAGE, "text/html", "web page"),
        ("l.txt", b'{"error": "expired"}', "application/json", "error document"),
        ("n.csv", zipped(b'{"error": "expired"}'), "application/json", "error document"),
        ("l.lrc", XML, "application/xml", "error document"),
        ("score.musicxml", XML, "application/xml", "error document"),
        ("download", b'{"error": "expired"}', "application/json", "error document"),
    ],
)
def test_a_web_page_instead_of_the_file(
    connect: Any,
    sandbox: Sandbox,
    held: Storage,
    tmp_path: Path,
    name: str,
    body: bytes,
    content_type: str,
    words: str,
) -> None:
    answer(sandbox, {"it": held.put(name, body, content_type)})
    client = connect(max_retries=1)
    with pytest.raises(IntegrityError, match=words):
        client.jobs.download("j", tmp_path)
    assert held.gets == {f"/{name}": 2}, "it is retried"
    assert list(tmp_path.iterdir()) == []
    if not name.startswith(("download", "stem", "l.", "n.", "score")):
        with pytest.raises(IntegrityError, match=words):
            client.files.download(f"{held.origin}/{name}", tmp_path / name)


@pytest.mark.parametrize("body", [b"null", b'""', b'"expired"', b"false", b' "\\ud800" '])
def test_json_without_a_result(
    client: MusicAiClient, sandbox: Sandbox, held: Storage, tmp_path: Path, body: bytes
) -> None:
    url = held.put("c.json", body, "application/json")
    answer(sandbox, {"it": url})
    with pytest.raises(IntegrityError, match="not a result"):
        client.jobs.download("j", tmp_path)
    assert list(tmp_path.iterdir()) == []
    # Any other JSON file may contain such a value.
    assert client.files.download(url, tmp_path / "c.json").path.read_bytes() == body


class Mapped(WorkflowResult):
    chords: JsonOutput[list[Chord]] | None = output("chords map", default=None)
    details: JsonOutput[dict[str, int] | None] | None = None
    summary: JsonOutput[Section] | None = None
    title: JsonOutput[str] | None = None
    anything: JsonOutput[Any] | None = None
    mixed: JsonOutput[list[str]] | FileOutput | None = None


@pytest.mark.parametrize(
    ("name", "file", "body", "words"),
    [
        ("Chords-Map", "c.json", b"[]", None),
        ("Chords-Map", "c", b"[1]", None),
        (
            "Chords-Map",
            "c.json",
            b'{"url": "https://h/c.json"}',
            "a JSON object, not a JSON array as declared",
        ),
        ("Chords-Map", "c.json", zipped(b'{"url": 1}'), "a JSON object, not a JSON array"),
        ("Chords-Map", "c.json", b"0", "a JSON number, not a JSON array"),
        ("Chords-Map", "c.json", b"null", "null, not a JSON array"),
        ("Chords-Map", "c.dat", b"expired", "isn't JSON"),
        ("Chords-Map", "c.mp3", b"[]", None),
        ("details", "c.json", b"{}", None),
        ("details", "c.json", b"null", None),
        ("details", "c.json", b"[]", "a JSON array, not a JSON object or null as declared"),
        ("summary", "c.json", b'"x"', "a JSON text, not a JSON object"),
        ("title", "c.json", b'"x"', None),
        ("title", "c.json", b"true", "true or false, not a JSON text"),
        ("anything", "c.json", b"0", None),
        ("anything", "c.json", b"null", "not a result"),
        ("mixed", "c.txt", b"text", None),
    ],
)
def test_json_of_another_kind_than_declared(
    client: MusicAiClient,
    sandbox: Sandbox,
    held: Storage,
    tmp_path: Path,
    name: str,
    file: str,
    body: bytes,
    words: str | None,
) -> None:
    answer(sandbox, {name: held.put(file, body)})
    found = client.jobs.get("j").with_result_type(Mapped)
    if words is None:
        assert client.jobs.download(found, tmp_path)[name].read_bytes() == body
    else:
        with pytest.raises(IntegrityError, match=words):
            client.jobs.download(found, tmp_path)
        assert list(tmp_path.iterdir()) == []


def test_an_empty_recording(client: MusicAiClient, sandbox: Sandbox, held: Storage, tmp_path: Path) -> None:
    answer(sandbox, {"it": held.put("v.wav", b"")})
    with pytest.raises(IntegrityError, match="is empty"):
        client.jobs.download("j", tmp_path)
    assert held.gets == {"/v.wav": 1}
    assert list(tmp_path.iterdir()) == []


def test_an_empty_recording_replaces_nothing(
    client: MusicAiClient, sandbox: Sandbox, held: Storage, tmp_path: Path
) -> None:
    (tmp_path / "it.wav").write_bytes(b"RIFF of another day")
    answer(sandbox, {"it": held.put("v.wav", b"")})
    with pytest.raises(IntegrityError, match="is empty"):
        client.jobs.download("j", tmp_path)
    assert (tmp_path / "it.wav").read_bytes() == b"RIFF of another day"
    assert [path.name for path in tmp_path.iterdir()] == ["it.wav"]


@pytest.mark.parametrize(
    ("name", "body", "content_type"),
    [
        ("v.wav", WAV, "text/html"),
        ("v.mp3", b"ID3\x04" + bytes(40), "text/plain"),
        ("v.mp3", b"\xff\xfb\x90\x44" + bytes(40), "application/json"),
        ("v.wav", b"of no kind that anybody knows", "application/octet-stream"),
        ("v.wav", b"{not JSON\x01", "text/plain"),
        ("v.wav", pcm(1000), "audio/wav"),
        ("v.wav", pcm(1000, announced=0)[:700], "audio/wav"),
        ("v.wav", with_junk(pcm(1000)), "audio/wav"),
        ("v.wav", pcm(1000) + b"LIST\x04\0\0\0abcd", "audio/wav"),
        ("v.wav", b"RIFFxxxxWAVEdata", "audio/wav"),
        ("v.aiff", aiff(1000), "audio/aiff"),
        ("v.aiff", aiff(1000, b"AIFC"), "audio/aiff"),
        ("v.aiff", b"FORM\0\0\0\0AIFF" + aiff(1000)[12:700], "audio/aiff"),
        ("v.m4a", MP4, "audio/mp4"),
        ("v.m4a", MP4 + bytes(99), "audio/mp4"),
        ("v.m4a", MP4_WITH_INDEX_LAST, "audio/mp4"),
        ("v.m4a", FTYP + b"\0\0\0\0mdat" + bytes(99), "audio/mp4"),
        ("v.wav", pcm(1000, announced=0xFFFFFFFF)[:700], "audio/wav"),
        ("v.wav", b"RIFF....WAVEfmt ....", "audio/wav"),
        ("c.json", b'{"error": 0.1, "tempo": 120}', "application/json"),
        ("c.json", b'{"title": "A song", "message": "Hello"}', "application/json"),
        ("c.json", b"\xef\xbb\xbf[1]", "text/plain"),
        ("c.json", b'["\\ud800"]', "application/json"),
        ("c.json", "[1]".encode("utf-16"), "application/json"),
        ("c.json", b"[" * 1000 + b"]" * 1000, "application/json"),
        ("c.json", b"[]", "application/json"),
        ("c.json", b"120.5", "text/html"),
        ("c.json", b'{"details": {"bpm": 120}}', "application/json"),
        ("c.json", b'{"error": "", "errors": [], "success": true, "chords": []}', ""),
        ("c.json", zipped(b"[1]"), "application/json"),
        ("c.json", zipped(b"[1]")[:-9], "application/json"),
        ("l.txt", b'{"title": "A song"}', "application/json"),
        ("v.mp3", bytes(5000) + b"\xff\xfb\x90\x44", "audio/mpeg"),
        ("c.json", b" [" + b"1," * 9_000_000 + b"1]\n", "application/json"),
        ("l.txt", b"<html> is how it begins", "text/html"),
        ("l.lrc", b"", "text/plain"),
        ("page.html", PAGE, "text/html"),
        ("score.musicxml", b"<?xml version='1.0'?>\n<score-partwise/>", "application/xml"),
        ("download", b"bytes", "text/html"),
        ("data.bin", b"<x>", "text/html"),
    ],
)
def test_unusual_but_valid_files(
    client: MusicAiClient,
    sandbox: Sandbox,
    held: Storage,
    tmp_path: Path,
    name: str,
    body: bytes,
    content_type: str,
) -> None:
    answer(sandbox, {"it": held.put(name, body, content_type)})
    assert client.jobs.download("j", tmp_path)["it"].read_bytes() == body


def test_a_requested_web_page(client: MusicAiClient, held: Storage, tmp_path: Path) -> None:
    assert client.files.download(held.put("about", PAGE, "text/html"), tmp_path / "about").size == len(PAGE)


def test_results_of_two_jobs_are_never_mixed(
    client: MusicAiClient, sandbox: Sandbox, held: Storage, tmp_path: Path
) -> None:
    answer(sandbox, {"a": held.put("1/a.wav", WAV + b"1"), "b": held.put("1/b.wav", WAV + b"1")}, times=1)
    answer(sandbox, {"a": held.put("2/a.wav", WAV + b"2"), "b": f"{held.origin}/2/b.wav"})
    first = client.jobs.download("i", tmp_path)
    before = {path: path.read_bytes() for path in (*first.values(), first.manifest)}
    with pytest.raises(TransferError, match="404"):
        client.jobs.download("j", tmp_path)
    assert {path: path.read_bytes() for path in before} == before
    held.put("2/b.wav", WAV + b"2")
    second = client.jobs.download("j", tmp_path)
    assert {path.read_bytes() for path in second.values()} == {WAV + b"2"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "b.wav", "workflow.results.json"]


def test_the_event_loop_never_waits_for_the_disk(sandbox: Sandbox, held: Storage, tmp_path: Path) -> None:
    """Neither for new results nor for replaced ones. An audit hook reports file operations by thread."""
    answer(sandbox, {"file": held.put("file.wav")})
    threads = dict[str, set[int]]()

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("open", "os.rename", "os.remove") and str(tmp_path) in str(arguments[0]):
            threads.setdefault(event, set()).add(threading.get_ident())

    async def main() -> None:
        async with AsyncMusicAiClient(sandbox.api_key, base_url=sandbox.base_url) as client:
            for _ in range(2):
                await client.jobs.download("j", tmp_path / "results")

    sys.addaudithook(watch)  # which can't be removed
    asyncio.run(main())
    assert set(threads) == {"open", "os.rename", "os.remove"}
    assert threading.get_ident() not in set[int]().union(*threads.values())


def test_a_file_url_in_any_letter_case() -> None:
    outputs = job({"a": "HTTP://h/a.wav", "b": "  https://h/b.wav ", "c": "ftp://h/c", "d": "x"}).outputs
    assert [isinstance(value, FileUrl) for value in outputs.values()] == [True, True, False, False]
    assert outputs["b"] == "https://h/b.wav"


@pytest.mark.parametrize("url", ["http://[::1/x.mp3?sig=5e5e", "http://127.0.0.1:99999/x.mp3?sig=5e5e"])
def test_a_malformed_url_in_a_result(
    client: MusicAiClient, sandbox: Sandbox, tmp_path: Path, url: str
) -> None:
    answer(sandbox, {"a": url})
    with pytest.raises(TransferError, match="malformed") as caught:
        client.jobs.download("j", tmp_path)
    assert "5e5e" not in f"{caught.value} {caught.value.url}"
