"""Unusual inputs: none ends a run, is skipped silently, is paid twice, or reveals a secret."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from musicai_sdk.batch import (
    Batch,
    Event,
    Folder,
    Input,
    Rejected,
    Source,
    Watch,
    count_inputs,
    open_ledger,
    plan,
)
from musicai_sdk.batch.engine.failures import describe
from musicai_sdk.batch.inputs.bucket import Buckets
from musicai_sdk.batch.inputs.candidates import identity, read_candidates
from musicai_sdk.batch.inputs.folder import walk
from musicai_sdk.batch.inputs.kinds import is_url
from musicai_sdk.batch.inputs.reader import read_inputs
from musicai_sdk.batch.inputs.row import InputRow
from musicai_sdk.batch.inputs.workflow import WorkflowTemplate
from musicai_sdk.batch.text import redacted
from musicai_sdk.errors import InputError
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine.task import Output, Task, WorkflowFailure
from musicai_sdk.storage import Bucket
from musicai_sdk.workflows import GenerateChords
from support.batch import echo, make_tracks, posts, wait_until

SECRET = "SECRET"
SIGNED = f"https://user:{SECRET}@bucket.example/x.wav?X-Amz-Signature={SECRET}"


def names(folder: Path, out: Path, *, recursive: bool = True) -> list[str]:
    """The inputs in a folder, relative to it; rejected ones begin with `!`."""
    found = read_inputs(Folder(folder, recursive=recursive), out, Buckets())
    return [
        f"!{Path(each.source).name[:9]}"
        if isinstance(each, Rejected)
        else Path(each.source).relative_to(folder).as_posix()
        for each in found
        if each is not None
    ]


def rejections(sandbox: Sandbox, inputs: object, out: Path, done: int) -> list[Rejected]:
    """The rejected inputs of a run that processes the others."""
    report = echo(sandbox, inputs, out).run()
    with open_ledger(report.ledger) as ledger:
        rejected = list(ledger.rejected())
    assert (report.progress.done, report.progress.rejected) == (done, len(rejected))
    assert report.ok == (not rejected)
    return rejected


@pytest.fixture
def source(tmp_path: Path) -> Path:
    make_tracks(tmp_path / "in", 2)
    return tmp_path / "in"


def aliases(source: Path) -> Iterator[tuple[Path, str]]:
    """Folders with inputs, and names under which a folder in them is the output folder."""
    (source.parent / "other").mkdir()
    (source.parent / "link").symlink_to(source)
    yield source, str(source.parent / "other" / ".." / "in" / "results")
    yield source.parent / "link", str(source / "results")
    yield source, str(source.parent / "link" / "results")
    yield source, os.path.relpath(source / "results")


def test_results_are_never_inputs_under_any_folder_name(source: Path) -> None:
    for folder, out in aliases(source):
        expected = ["part 0/track 0.wav", "part 1/track 1.wav"]
        assert names(folder, Path(out).absolute()) == expected, "the output folder doesn't exist yet"
        make_tracks(source / "results", 1)
        assert names(folder, Path(out).absolute()) == expected, out
        assert count_inputs(folder, out) == 2
        assert len(names(folder, source.parent / "elsewhere")) == 3
        (source / "results" / "part 0" / "track 0.wav").unlink()


def test_an_output_folder_created_during_the_walk(source: Path) -> None:
    (source.parent / "link").symlink_to(source / "part 1")
    taken = read_inputs(source, source.parent / "link" / "Results", Buckets())
    first = next(taken)
    # Both are one folder if the file system ignores case.
    make_tracks(source / "part 1" / "Results", 3)
    make_tracks(source / "part 1" / "others", 3)
    rest = [each.source for each in (first, *taken) if isinstance(each, Input)]
    assert len(rest) == 1 + 1 + 3
    assert not any("Results" in each for each in rest)


def test_the_root_of_a_file_system() -> None:
    root = Path("/").absolute()
    plain = [path for path in sorted(root.iterdir()) if path.name[0] != "." and not path.is_dir()]
    taken = [each for each in walk(str(root), None, "*", recursive=False) if not isinstance(each, Rejected)]
    assert taken == [(str(path), path.name) for path in plain]


@pytest.mark.parametrize("watch", [False, True])
def test_results_in_the_folder_of_the_inputs_are_refused(
    sandbox: Sandbox, source: Path, *, watch: bool
) -> None:
    (source.parent / "link").symlink_to(source)
    for folder, out in ((source, source), (source.parent / "link", source), (source, source / ".." / "in")):
        with pytest.raises(InputError, match="the next run would process them: choose another output folder"):
            echo(sandbox, Watch(folder, settle=0) if watch else folder, out).run()
    assert not posts(sandbox)
    with pytest.raises(InputError, match="choose another output folder"):
        plan("sdk-test", source, source, input_name="file")


def test_a_ledger_among_the_inputs_when_results_go_to_a_bucket(source: Path) -> None:
    # Then `out` is where the ledger is.
    met = read_candidates(source, source, WorkflowTemplate("sdk-test"), Buckets((), Bucket("s3://results")))
    assert all(isinstance(each, InputRow) for each in met)
    assert plan("sdk-test", source, Bucket("s3://results"), ledger=source / "run.sqlite3").new == 2
    assert count_inputs(source, Bucket("s3://results")) == 2


def test_linked_folders_count_once(sandbox: Sandbox, source: Path, tmp_path: Path) -> None:
    make_tracks(tmp_path / "disk", 1, start=7)
    (source / "a disk").symlink_to(tmp_path / "disk")
    (source / "again").symlink_to(tmp_path / "disk")
    (source / "a loop").symlink_to(source)
    (tmp_path / "disk" / "back").symlink_to(source)
    (source / "a part").symlink_to(source / "part 0")
    (source / "top.wav").write_bytes(b"RIFF top")
    expected = ["top.wav", "part 0/track 0.wav", "part 1/track 1.wav", "a disk/part 0/track 7.wav"]
    assert names(source, tmp_path / "out") == expected
    assert names(source, tmp_path / "out", recursive=False) == ["top.wav"]
    assert not rejections(sandbox, source, tmp_path / "out", done=4)
    assert count_inputs(source, tmp_path / "out") == 4


def lock(folder: Path) -> Callable[[], None]:
    """Creates a folder that not even root can read. Returns a function that removes it."""
    name, parent = "x" * 250, os.open(folder, os.O_RDONLY)
    os.mkdir("too deep", dir_fd=parent)
    descriptors, here = [parent], "too deep"
    for _ in range(20):  # longer than any system's longest path
        descriptors.append(os.open(here, os.O_RDONLY, dir_fd=descriptors[-1]))
        os.mkdir(name, dir_fd=descriptors[-1])
        here = name

    def remove() -> None:
        for index, descriptor in reversed(list(enumerate(descriptors))):
            os.rmdir(name if index else "too deep", dir_fd=descriptor)
            os.close(descriptor)

    return remove


@pytest.mark.skipif(sys.platform == "win32", reason="no paths relative to an open folder")
def test_folders_that_cannot_be_read(sandbox: Sandbox, source: Path, tmp_path: Path) -> None:
    (source / "nowhere").symlink_to(source / "nowhere")
    remove = lock(source)
    try:
        deep, nowhere = sorted(
            rejections(sandbox, source, tmp_path / "out", done=2), key=lambda each: -len(each.source)
        )
        assert "x" * 250 in deep.source
        assert deep.reason.startswith("the folder can't be read: ")
        assert nowhere.source == str(source / "nowhere")
        assert nowhere.reason.startswith("it can't be read: ")
        planned = plan("sdk-test", source, tmp_path / "new")
        assert (planned.new, {each.source for each in planned.rejected}) == (
            2,
            {deep.source, nowhere.source},
        )
        assert count_inputs(source, tmp_path / "out") == 4
    finally:
        remove()


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="there is no folder that root can't read"
)
def test_a_folder_without_permission(source: Path, tmp_path: Path) -> None:
    (source / "part 0").chmod(0)
    assert names(source, tmp_path / "out") == ["!part 0", "part 1/track 1.wav"]
    source.chmod(0)
    with pytest.raises(InputError, match="the folder can't be read"):
        names(source, tmp_path / "out")
    source.chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32", reason="no paths relative to an open folder")
def test_a_watch_rejects_a_folder_once(sandbox: Sandbox, source: Path, tmp_path: Path) -> None:
    remove = lock(source)
    events, looks = list[Event](), list[int]()
    batch = echo(sandbox, Watch(source, settle=0), tmp_path / "out", on_event=events.append)

    def end() -> None:
        try:
            for number in (10, 11, 12):  # each is found at a later walk than the one before
                make_tracks(source, 1, start=number)
                wait_until(lambda expected=number - 7: batch.progress.done == expected)
                looks.append(number)
        finally:
            batch.drain()

    thread = threading.Thread(target=end)
    thread.start()
    try:
        report = batch.run()
    finally:
        thread.join(20)
        remove()
    assert (len(looks), report.progress.done, report.progress.rejected) == (3, 5, 1)
    assert [event.kind for event in events].count("rejected") == 1


def test_rejections_hide_signatures(sandbox: Sandbox, tmp_path: Path) -> None:
    good = make_tracks(tmp_path, 1)[0]
    (tmp_path / "m.csv").write_text(f"url,file\n{SIGNED},1\n")
    inputs: list[Source] = [
        tmp_path / "m.csv",
        Input(SIGNED, {"level": float("nan")}),
        Input(str(good), {"level": {1, SIGNED}}),
        Rejected(SIGNED, f"can't use {SIGNED}."),
        SIGNED.replace("https", "ftp"),
        SIGNED.replace("bucket", "[bucket"),
        good,
    ]
    events = list[Event]()
    report = echo(sandbox, inputs, tmp_path / "out", on_event=events.append).run()
    assert (report.progress.done, report.progress.rejected) == (1, 6)
    with open_ledger(report.ledger) as ledger:
        rejected = list(ledger.rejected())  # in any order, because inputs are examined at the same time
    assert Rejected("https://bucket.example/x.wav", "can't use https://bucket.example/x.wav?….") in rejected
    assert any(each.reason.endswith("pass a URL such as https://host/path") for each in rejected)
    assert SECRET not in str(rejected) + str(events)
    assert SECRET not in str(plan(GenerateChords, inputs, tmp_path / "new").rejected)
    assert SECRET.encode() not in report.ledger.read_bytes()


def test_a_remote_manifest_is_not_a_track(sandbox: Sandbox, tmp_path: Path) -> None:
    places = ["https://host/songs.CSV?signature=secret", "s3://bucket/songs.jsonl"]
    report = echo(sandbox, places, tmp_path / "out").run()
    assert (report.progress.rejected, posts(sandbox)) == (2, 0)
    with open_ledger(report.ledger) as view:
        told = {each.source: each.reason for each in view.rejected()}
    assert set(told) == {"https://host/songs.CSV", "s3://bucket/songs.jsonl"}
    assert all("download it first" in reason for reason in told.values())


def test_failures_hide_signatures(sandbox: Sandbox, source: Path, tmp_path: Path) -> None:
    @sandbox.workflow("acme/picky")
    def picky(task: Task) -> dict[str, Output]:
        raise WorkflowFailure("BAD_INPUT", f"No file at {SIGNED}", "half a song")

    events = list[Event]()
    batch = Batch(
        "acme/picky", source, tmp_path / "out", connect=sandbox.async_client, on_event=events.append
    )
    report = batch.run()
    assert report.progress.states == {"failed": 2}
    for failure in report.failures():
        assert failure.message == "No file at https://bucket.example/x.wav?…: half a song"
    assert SECRET not in str(events)
    assert SECRET.encode() not in report.ledger.read_bytes()
    assert SECRET not in describe(OSError(f"broken: {SIGNED.upper()}"))[1]
    assert describe(InputError("half a \ud83d"))[1] == "half a \N{REPLACEMENT CHARACTER}", (
        "otherwise the ledger can't store it"
    )


def test_reprs_hide_signatures(sandbox: Sandbox, tmp_path: Path) -> None:
    parameters = {"cover": SIGNED, "more": [f"{SIGNED}&b=1"]}
    source = f"https://bucket.example/a song.wav?token={SECRET}"
    given = Input(source, parameters, name="song")
    assert repr(given) == (
        "Input(source='https://bucket.example/a song.wav?…',"
        " params={'cover': 'https://bucket.example/x.wav?…', 'more': ['https://bucket.example/x.wav?…']},"
        " name='song', audio_seconds=None)"
    )
    assert SECRET not in repr(Rejected(source, f"can't use {SIGNED}"))
    report = echo(sandbox, [given], tmp_path / "out").run()
    with open_ledger(report.ledger) as ledger:
        [(track, _)] = ledger.tracks()
    assert SECRET in track.source
    assert SECRET not in repr(track)
    assert "source='https://bucket.example/a song.wav?…', content='url:https:" in repr(track)


def test_an_input_from_a_path(sandbox: Sandbox, source: Path, tmp_path: Path) -> None:
    path = next(source.rglob("*.wav"))
    given = Input(path, name="song")
    assert given == Input(str(path), {}, "song")
    assert given.source == str(path)
    assert echo(sandbox, [given], tmp_path / "out").run().ok
    with pytest.raises(InputError, match=r"must be a string or a path, not 3$"):
        plan("sdk-test", [Input(3)], tmp_path / "plan", input_name="file")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - that is tested


def test_an_invalid_url_is_shown_as_it_was_given() -> None:
    assert redacted(f"https://[oops/x.wav?sig={SECRET}") == "https://[oops/x.wav"
    assert redacted(f"https://user:{SECRET}@host/a b.wav#x?y") == "https://host/a b.wav"
    assert redacted("/songs/why?.wav") == "/songs/why?.wav"
    assert is_url("HTTPS://host/x.wav"), "otherwise it would be a path, which is shown in full"


HOST = "https://host.example/get"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("se=1", "se=2"),
        ("st=7&sp=1", "st=8&sp=1"),
        ("policy=a", "policy=b"),
        ("expires=1", "expires=2"),
        ("token=a", "token=b"),
        ("hdnts=a", "hdnts=b"),
        ("sig=s&id=1", "sig=s&id=2"),
        ("sig=s&policy=1", "sig=s&policy=2"),
        ("signature=s&se=1", "signature=s&se=2"),
        ("serial=1&signature=a", "serial=2&signature=b"),
        ("Serial=1&Signature=a", "Serial=2&Signature=b"),
        ("expires=1&serial=1&signature=a", "expires=1&serial=2&signature=a"),
        ("token=a&expires=1", "token=b&expires=1"),
        ("X-Amz-Date=1&X-Amz-Signature=a", "X-Amz-Date=2&X-Amz-Signature=a"),
        ("X-Goog-Meta-Song=1", "X-Goog-Meta-Song=2"),
        ("sv=1&sig=a&se=1", "sv=1&sig=a&se=2"),
        ("Policy=a&Key-Pair-Id=k", "Policy=b&Key-Pair-Id=k"),
        (
            "Expires=1&Signature=a&Signature=b&Key-Pair-Id=k",
            "Expires=1&Signature=b&Signature=c&Key-Pair-Id=k",
        ),
        ("hdnea=a", "hdnea=b"),
        ("#track=1", "#track=2"),
        ("#t=10,20", "#t=20,30"),
        ("a#", "b#"),
        ("a=1&a=2", "a=2&a=1"),
        ("a=", ""),
    ],
)
def test_different_urls_are_different_tracks(one: str, other: str) -> None:
    assert identity(f"{HOST}?{one}") != identity(f"{HOST}?{other}")


@pytest.mark.parametrize(
    "query",
    [
        "X-Amz-Algorithm=A&X-Amz-Credential=c%2Fd&X-Amz-Date=1&X-Amz-Expires=9&X-Amz-SignedHeaders=host&X-Amz-Signature=2",
        "X-Amz-Algorithm=A&X-Amz-Credential=c&X-Amz-Date=1&X-Amz-Expires=9&X-Amz-SignedHeaders=h&X-Amz-Signature=2&X-Amz-Security-Token=t",
        "X-Goog-Algorithm=A&X-Goog-Credential=c&X-Goog-Date=1&X-Goog-Expires=9&X-Goog-SignedHeaders=host&X-Goog-Signature=2",
        "se=1&sp=r&sv=2022&sr=b&st=0&spr=https&skoid=a&sktid=b&skt=c&ske=d&sks=e&skv=f&sig=g",
        "sv=2022&sr=b&si=policy&sig=g",
        "sv=2022&ss=b&srt=o&se=1&sp=r&sig=g",
        "Expires=1&Signature=2&Key-Pair-Id=3",
        "Policy=1&Signature=2&Key-Pair-Id=3",
        "AWSAccessKeyId=1&Signature=2&Expires=3",
        "GoogleAccessId=1&Signature=2&Expires=3",
        "Expires=1&Serial=2&Signature=3",
        "hdnts=st=1~exp=2~acl=/*~hmac=3",
        "hdnea=exp=2~acl=%2F*~hmac%3D3",
    ],
)
def test_a_signature_does_not_identify_a_track(query: str) -> None:
    assert identity(f"{HOST}?{query}") == HOST
    kept = "b=2&id=7%20x&a=1&a="
    assert identity(f"{HOST}?b=2&{query}&id=7%20x&a=1&a=") == f"{HOST}?{kept}", (
        "as written, and in the same order"
    )
    assert (
        identity(f"https://user:word@host.example/get?{query}#part") == "https://user@host.example/get#part"
    )


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("file:///songs/a.wav", "pass the path itself"),
        ("ftp://host/a.wav", "download it"),
        ("S3://bucket/a.wav", "sign it"),
        ("data:audio/wav;base64,UklGRg==", "data:… can't be read by the service: upload the bytes"),
        ("https://", "isn't a complete URL"),
        ("https:///a.wav", "isn't a complete URL"),
        ("http:/x", "isn't a complete URL"),
        ("https://host/a\nb.wav", "line break"),
        ("", "it is empty"),
        ("  ", "it is empty"),
    ],
)
def test_a_url_that_the_service_cannot_read(
    sandbox: Sandbox, source: str, words: str, tmp_path: Path
) -> None:
    good = make_tracks(tmp_path / "in", 1)[0]
    for number, given in enumerate((Input(source), Input(f" {source}"))):
        [rejected] = rejections(sandbox, [given, Input(str(good))], tmp_path / f"out{number}", done=1)
        assert words in rejected.reason


def test_white_space_around_a_url(sandbox: Sandbox, tmp_path: Path) -> None:
    with sandbox.client() as client:
        url = client.files.upload(b"RIFF of a kind").url
    (tmp_path / "m.csv").write_text(f"input,name\n  {url} ,first\n")
    (tmp_path / "m.jsonl").write_text(json.dumps({"input": f"{url}\n"}) + "\n")
    inputs: list[Source] = [f" {url}\n", Input(f"\t{url}"), tmp_path / "m.csv", tmp_path / "m.jsonl"]
    report = echo(sandbox, inputs, tmp_path / "out").run()
    assert (report.ok, report.progress.known, len(sandbox.jobs)) == (True, 4, 0)
    assert len(list((tmp_path / "out").rglob("file*"))) == 1


def test_text_that_sqlite_cannot_store(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path, 2)
    row = json.dumps({"input": "part 0/track 0.wav", "title": "\ud83d"})
    (tmp_path / "m.jsonl").write_text(f'{row}\n{{"input": "part 0/track 0.wav", "title": "\N{GUITAR}"}}\n')
    (tmp_path / "m.csv").write_bytes(
        b"input,title,name\n"
        b"part 1/track 1.wav,Caf\xe9,\n"
        b"https://host.example/Caf\xe9.wav?sig=1,,\n"
        b"part 1/track 1.wav,,Caf\xe9\n"
        b"Caf\xe9.wav,,\n"
        b"part 1/track 1.wav,Caf\xc3\xa9,Caf\xc3\xa9\n"
    )
    inputs: list[Source] = [
        tmp_path / "m.jsonl",
        tmp_path / "m.csv",
        Input("s3://b/\ud83d.wav"),
        Rejected("\ud83d", "\ud83d"),
    ]
    rejected = rejections(sandbox, inputs, tmp_path / "out", done=2)
    mend = "repair it, and save a manifest as UTF-8"
    assert sorted(each.reason for each in rejected) == sorted(
        [
            f"its parameters aren't valid text: {mend}",
            f"its parameters aren't valid text: {mend}",
            f"its address isn't valid text: {mend}",
            f"the name for its results isn't valid text: {mend}",
            "its name isn't valid text: rename it",
            f"its address isn't valid text: {mend}",
            "?",
        ]
    )
    assert "https://host.example/Caf?.wav" in [each.source for each in rejected]


def test_a_modification_time_that_sqlite_cannot_store(sandbox: Sandbox, source: Path, tmp_path: Path) -> None:
    path = source / "part 0" / "track 0.wav"
    os.utime(path, ns=(2**63, 2**63))
    if path.stat().st_mtime_ns < 2**63:
        pytest.skip("this file system has no such time")
    [rejected] = rejections(sandbox, source, tmp_path / "out", done=1)
    assert rejected.reason == "its modification time is out of range: set it, as `touch` does"


def test_deeply_nested_json(sandbox: Sandbox, source: Path, tmp_path: Path) -> None:
    path, deep = source / "part 0" / "track 0.wav", "[" * 60_000
    (tmp_path / "m.csv").write_text(f"input,title\n{path},{deep}\n")
    (tmp_path / "m.jsonl").write_text(f'{{"input": "{path}"}}\n{{"input": "{path}", "title": {deep}}}\n')
    nested: object = []
    for _ in range(60_000):
        nested = [nested]
    inputs: list[Source] = [tmp_path / "m.csv", tmp_path / "m.jsonl", Input(str(path), {"title": nested})]
    rejected = rejections(sandbox, inputs, tmp_path / "out", done=2)
    assert [each.reason for each in rejected] == [
        "it is nested too deeply",
        "its parameters are nested too deeply",
    ]
    with open_ledger(tmp_path / "out" / ".musicai-batch.sqlite3") as ledger:
        assert sorted(len(track.params) for track, _ in ledger.tracks()) == [2, 60_000 + len('{"title":""}')]
