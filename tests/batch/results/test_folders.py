"""Owners of folders: the results of a track or a ledger are never overwritten by those of another one."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import pytest

from batch.shards.test_coordinator import at_home, sharded
from musicai_sdk.batch import (
    Batch,
    Event,
    Input,
    LedgerError,
    LedgerLockedError,
    LedgerMismatchError,
    Report,
    State,
    Watch,
    open_ledger,
    set_aside,
)
from musicai_sdk.batch.inputs.row import InputRow
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.batch.ledger.schema import VERSION
from musicai_sdk.batch.ledger.track import track_key
from musicai_sdk.batch.results.folder_names import with_suffix
from musicai_sdk.batch.results.folders import room_in
from musicai_sdk.batch.results.output import OutputRecord
from musicai_sdk.batch.shards.transfer import merge, queue
from musicai_sdk.errors import InputError
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.storage import Bucket
from support.batch import Service, echo, leftovers, make_tracks, posts, put

__all__ = ["at_home"]
LEDGER = ".musicai-batch.sqlite3"
TO_VERSION_1 = """DROP TABLE folders; DROP TABLE runs; DROP TABLE job_attempts; ALTER TABLE tracks DROP COLUMN run;
    ALTER TABLE tracks DROP COLUMN audio_ms; ALTER TABLE queue DROP COLUMN audio_ms;
    DELETE FROM meta WHERE name IN ('commits', 'service', 'application', 'in_use'); PRAGMA user_version = 1"""
MARKER = ".musicai-batch.ledger"


def song(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"RIFF\0\0\0\0WAVE" + text.encode() * 40)
    return path


def check_all(report: Report, texts: list[str]) -> list[str]:
    """Checks that every content has its complete result in its own folder. Returns the folders."""
    assert report.ok, report.failures()
    with open_ledger(report.ledger) as view:
        assert not list(view.check(report.out))
        folders = {track.folder.casefold(): track for track, _ in view.tracks()}
        assert len(folders) == sum(view.counts().values()) == len(texts)
    found = [next((report.out / track.folder).glob("file.*")).read_bytes() for track in folders.values()]
    assert sorted(found) == sorted(b"RIFF\0\0\0\0WAVE" + text.encode() * 40 for text in texts)
    return sorted(folders)


def renumber(source: Path) -> None:
    """Inserts a song at the front, so that every name has another content, and one name is new."""
    (source / "02.wav").rename(source / "03.wav")
    (source / "01.wav").rename(source / "02.wav")
    song(source / "01.wav", "brand-new")


def test_a_renumbered_album(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    song(source / "01.wav", "old-one")
    song(source / "02.wav", "old-two")
    assert check_all(echo(sandbox, source, out).run(), ["old-one", "old-two"]) == ["01", "02"]
    renumber(source)
    texts = ["old-one", "old-two", "brand-new"]
    check_all(echo(sandbox, source, out).run(), texts)
    song(source / "01.wav", "newer")
    report = echo(sandbox, source, out).run()
    first, second, third, fourth = check_all(report, [*texts, "newer"])
    assert (first, fourth) == ("01", "02")
    assert all(len(each) == len("01 (0123456789ab)") for each in (second, third)), "one suffix, not two"
    with open_ledger(report.ledger) as view:
        told = {Path(path).name: folder for path, folder in view.inputs()}
    assert told["02.wav"] == "01"
    assert told["03.wav"] == "02"
    assert told["01.wav"] in (second, third)
    # Known contents need no new folder.
    song(source / "01.wav", "brand-new")
    assert check_all(echo(sandbox, source, out).run(), [*texts, "newer"]) == [first, second, third, fourth]
    assert posts(sandbox) == 4


def test_a_renumbered_album_in_shards(at_home: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    song(source / "01.wav", "old-one")
    song(source / "02.wav", "old-two")
    texts = ["old-one", "old-two"]
    with ThreadPoolExecutor(3) as executor:
        check_all(sharded(source, out, executor, shards=2).run(), texts)
        for text in ("brand-new", "newer", "newest"):
            renumber(source)
            song(source / "01.wav", text)
            texts.append(text)
            check_all(sharded(source, out, executor, shards=2).run(), texts)
    assert len(at_home.jobs()) == len(texts)
    assert not leftovers(out)


def test_a_watched_file_that_is_replaced(sandbox: Sandbox, tmp_path: Path) -> None:
    path = song(tmp_path / "in" / "a.wav", "early")
    ended = threading.Event()

    def on_event(event: Any) -> None:
        if event.state == "created" and event.kind == "state" and posts(sandbox) == 1:
            song(path, "late, and longer")  # while the job of the first one is under way
        if event.state == "deleted":
            done.append(event.source)
            if len(done) == 2:
                ended.set()
                batch.drain()

    done = list[str]()
    sandbox.faults.add("POST /job", job_seconds=1, nth=1, times=1)
    batch = echo(sandbox, Watch(tmp_path / "in", settle=0.2), tmp_path / "out", on_event=on_event)
    report = batch.run()
    assert ended.is_set()
    with open_ledger(report.ledger) as view:
        assert not list(view.check(report.out))
        assert view.counts() == {"deleted": 2}
    texts = [
        next(path.glob("file.*")).read_bytes()[12:17]
        for path in (tmp_path / "out").iterdir()
        if path.is_dir()
    ]
    assert sorted(texts) == [b"early", b"late,"]


def given(source: str, content: str, size: int = 1) -> InputRow:
    return InputRow(
        source, "{}", "", size=size, mtime_ns=size, content=f"sha256:{content}", sample=content * 16
    )


def meet(ledger: Ledger, each: InputRow) -> str:
    """Admits and registers an input, as a run does. Returns the folder of its track."""
    with ledger.transaction():
        ledger.admit([each])
    with ledger.transaction():
        return ledger.register(each)[0].folder


def test_the_rows_of_a_folder(tmp_path: Path) -> None:
    """Two shards: one has a track, the other only its folder's name, and never brings the track's row back."""
    main = Ledger(tmp_path / "main.sqlite3", "s", "i")
    assert meet(main, given("/a/x.wav", "a")) == "x"
    assert meet(main, given("/b/X.wav", "b")) == "X (2)", "one folder on some file systems"
    shards = [Ledger(tmp_path / f"{number}.sqlite3", "s", "i", alone=True) for number in range(2)]
    with main.transaction() as db:
        key = db.execute("SELECT key FROM tracks WHERE folder = 'x'").fetchone()[0]
    # One shard continues the old content; the path with its new content is in the other one.
    again = given("/a/x.wav", "c", size=2)
    with main.transaction():
        main.admit([again])
    queue(shards[0], main, [], [main.track(key)])
    queue(shards[1], main, [again], [])
    with shards[0].transaction():
        put(shards[0], shards[0].track(key), "created", job_id="job")
    folder = meet(shards[1], again)
    assert folder == with_suffix("x", track_key("sha256:c", "s", "i", "{}"))
    for shard in shards:
        merge(shard, main)
        shard.close()
    assert (main.track(key).state, main.track(key).folder, main.track(key).job_id) == ("created", "x", "job")
    # From here on also in the main ledger, with a name that resembles a suffixed one.
    assert meet(main, given(f"/c/{folder}.wav", "d")) != folder
    assert meet(main, given("/a/x.wav", "c", size=3)) == folder
    with main.transaction() as db:
        folders = [row[0] for row in db.execute("SELECT folder FROM tracks")]
    assert len({each.casefold() for each in folders}) == len(folders) == 4
    main.close()


def test_an_older_ledger_is_upgraded(sandbox: Sandbox, tmp_path: Path) -> None:
    path, out = song(tmp_path / "in" / "É.wav", "old"), tmp_path / "out"
    echo(sandbox, path.parent, out).run()
    db = sqlite3.connect(out / LEDGER)
    db.executescript(f"DELETE FROM meta WHERE name = 'id'; {TO_VERSION_1}")
    db.close()
    (out / MARKER).unlink()
    with open_ledger(out / LEDGER) as view:
        assert view.counts() == {"deleted": 1}, "a look-up creates nothing"
    song(path, "new, and longer")
    check_all(echo(sandbox, path.parent, out).run(), ["old", "new, and longer"])
    db = sqlite3.connect(out / LEDGER)
    assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert db.execute("SELECT count(*) FROM folders").fetchone() == (2,)
    assert len(db.execute("SELECT value FROM meta WHERE name = 'id'").fetchone()[0]) == 32
    db.close()


def as_version_1(path: Path, folder: str) -> None:
    """A ledger of the first version with several successive contents of one path."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE tracks SET folder = ?", [folder])
        db.execute("UPDATE outputs SET path = ? || substr(path, instr(path, '/'))", [folder])
        db.commit()
        db.executescript(TO_VERSION_1)
    (path.parent / MARKER).unlink(missing_ok=True)  # the first version wrote no claim


@pytest.mark.parametrize("stops", [("created", "created"), ("verified", "created"), ("verified", "verified")])
def test_tracks_that_shared_a_folder(sandbox: Sandbox, tmp_path: Path, stops: tuple[State, State]) -> None:
    """Each gets its own result, and no job is deleted before."""
    path, out, texts = tmp_path / "in" / "song.wav", tmp_path / "out", ["one", "two"]

    def run(until: State | None, **options: Any) -> Report:
        def on_event(event: Event) -> None:
            if event.kind == "state" and event.state == until != "verified":
                batch.drain()

        batch = echo(sandbox, path.parent, out, on_event=on_event, **options)
        return batch.run()

    for text, until in zip(texts, stops, strict=True):
        sandbox.faults.clear()
        if until == "created":
            sandbox.faults.add("POST /job", job_seconds=3600)
        song(path, text)
        run(until, keep_jobs=True)
    sandbox.clock.advance(3600)
    with open_ledger(out / LEDGER) as view:
        assert [track.state for track, _ in view.tracks()] == list(stops)
    if "verified" in stops:
        (out / "song").rename(out / "first")
        last = out / "first" if stops[1] == "created" else next(out.glob("song (*)"))
        shutil.copytree(last, out / "song")  # the one that was fetched last had overwritten the other
    as_version_1(out / LEDGER, "song")
    folders = check_all(run(None), texts)
    assert folders[0] == "song"
    assert len(folders[1]) == len("song (0123456789ab)")
    assert posts(sandbox) == 2
    with sandbox.client() as client:
        assert not list(client.jobs.list())


def test_an_upgrade_is_atomic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before any of its statements, it leaves the older version, and the next opening repeats it."""
    made = tmp_path / "made" / "l.sqlite3"
    ledger = Ledger(made, "s", "i")
    for content in "abcde":
        meet(ledger, given("/in/song.wav", content, size=ord(content)))
    with ledger.transaction() as db:
        keys: list[str] = [row[0] for row in db.execute("SELECT key FROM tracks ORDER BY rowid")]
        states: list[State] = ["deleted", "verified", "finished", "failed", "verified"]
        for key, state in zip(keys, states, strict=True):
            put(ledger, ledger.track(key), state, resume_at="downloaded" if state == "failed" else None)
            ledger.keep_outputs(ledger.track(key), [OutputRecord("file", "song/file.wav", 1, None)])
        for number, at in ((0, 1.0), (1, 3.0), (4, 2.0)):
            put(ledger, ledger.track(keys[number]), states[number], downloaded_at=at)
    ledger.close()
    as_version_1(made, "song")

    def looked_into(path: Path) -> Any:
        with closing(sqlite3.connect(path)) as db:
            tracks = db.execute("SELECT key, state, resume_at, folder FROM tracks ORDER BY rowid").fetchall()
            outputs = db.execute("SELECT track FROM outputs ORDER BY track").fetchall()
            return tracks, outputs, db.execute("PRAGMA user_version").fetchone()[0]

    before = looked_into(made)
    left = killed_at_each_statement(made.parent, monkeypatch, lambda: Ledger(made, "s", "i").close())
    after = looked_into(made)
    one, two, three, four, five = keys
    assert after == (
        [
            (one, "deleted", None, "song"),
            (two, "downloaded", None, "song"),
            (three, "finished", None, with_suffix("song", three)),
            (four, "failed", "finished", with_suffix("song", four)),
            (five, "finished", None, with_suffix("song", five)),
        ],
        [(key,) for key in sorted([one, two])],
        VERSION,
    )
    seen = list[Any]()
    for folder in left:
        seen.append(looked_into(folder / made.name))
        Ledger(folder / made.name, "s", "i").close()
        assert looked_into(folder / made.name) == after
    assert [each for each in seen if each not in (before, after)] == []
    assert seen.count(before) > 10


def test_shards_of_an_older_version(tmp_path: Path) -> None:
    """Two contents of one path: the main ledger and a shard each think that the folder is another's."""
    for name, contents in (("main", "ab"), ("shard", "bc")):
        ledger = Ledger(tmp_path / f"{name}.sqlite3", "s", "i")
        for content in contents:
            meet(ledger, given("/in/song.wav", content, size=ord(content)))
        ledger.close()
        as_version_1(ledger.path, "song")
    main, shard = (Ledger(tmp_path / f"{name}.sqlite3", "s", "i") for name in ("main", "shard"))
    key = track_key("sha256:b", "s", "i", "{}")
    with shard.transaction():
        put(shard, shard.track(key), "verified", job_id="job")
        shard.keep_outputs(shard.track(key), [OutputRecord("file", "song/file.wav", 1, None)])
    assert shard.track(key).folder == "song"
    merge(shard, main)
    with main.transaction() as db:
        folders: dict[str, str] = dict(db.execute("SELECT key, folder FROM tracks").fetchall())
        owners: dict[str, str] = dict(db.execute("SELECT track, folded FROM folders").fetchall())
    assert len(folders) == len(set(folders.values())) == 3
    assert {owned: owners[owned] for owned in folders} == folders
    assert (main.track(key).state, main.track(key).job_id, main.outputs([key])[key]) == (
        "finished",
        "job",
        [],
    )
    for ledger in (main, shard):
        ledger.close()


def test_a_name_that_is_too_long_for_a_path(sandbox: Sandbox, tmp_path: Path) -> None:
    """The folder for the results is checked before anything is paid."""
    out, deep = tmp_path / "out", "/".join(["a folder of many"] * 300)
    tracks = [song(tmp_path / f"{name}.wav", name) for name in ("one", "two")]
    report = echo(sandbox, [Input(str(path), name=f"{deep}/song") for path in tracks], out).run()
    folders = check_all(report, ["one", "two"])
    assert [each.partition(" (")[0] for each in folders] == ["song", "song"]
    # As long as it can be, and the same in shards.
    room = os.pathconf(out, "PC_PATH_MAX") - 300 - len(os.fsencode(out)) if os.name == "posix" else 40
    longest = "/".join(["b" * 50] * 100)[:room].rstrip("/")
    report = echo(sandbox, [Input(str(song(tmp_path / "3.wav", "3")), name=longest)], out).run()
    assert check_all(report, ["one", "two", "3"])[0] == longest
    assert posts(sandbox) == 3


def test_a_name_that_is_too_long_for_a_path_in_a_shard(at_home: Service, tmp_path: Path) -> None:
    path, deep = song(tmp_path / "one.wav", "one"), "/".join(["a folder of many"] * 300)
    with ThreadPoolExecutor(1) as executor:
        report = sharded([Input(str(path), name=deep)], tmp_path / "out", executor).run()
    assert check_all(report, ["one"])[0].startswith("a folder of many (")
    assert len(at_home.jobs()) == 1


def test_a_name_that_is_too_long_for_a_bucket(tmp_path: Path) -> None:
    bucket = Bucket("s3://music/results")
    ledger = Ledger(tmp_path / "l.sqlite3", "s", "i", fits=room_in(tmp_path, bucket))
    long = given("/in/a.wav", "a")
    long.name = "/".join(["é" * 50] * 12)
    short = given("/in/b.wav", "b")
    short.name = "/".join(["é" * 50] * 6)
    assert meet(ledger, long) == with_suffix("é" * 20, track_key("sha256:a", "s", "i", "{}"))
    assert meet(ledger, short) == "/".join(["é" * 50] * 6)
    ledger.close()


def test_two_ledgers_and_one_output_folder(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out, second = tmp_path / "in", tmp_path / "out", tmp_path / "second.sqlite3"
    make_tracks(source, 1)
    first = echo(sandbox, source, out).run()
    own = "an output folder of its own"
    for ledger in (second, out / "second.sqlite3"):
        with pytest.raises(LedgerMismatchError, match=own) as caught:
            Batch("other", source, out, ledger=ledger, input_name="file", connect=sandbox.async_client).run()
        assert str(first.ledger) in str(caught.value)
    with pytest.raises(LedgerMismatchError, match="a ledger and an output folder of its own"):
        Batch("other", source, out, input_name="file", connect=sandbox.async_client).run()
    # The other way round, with only the claim to detect it.
    other, third = tmp_path / "other", tmp_path / "ledgers" / "third.sqlite3"
    for _ in range(2):
        assert echo(sandbox, source, other, ledger=third).run().ok
    for wrong in (None, tmp_path / "fourth.sqlite3"):
        with pytest.raises(LedgerMismatchError, match=own) as caught:
            echo(sandbox, source, other, ledger=wrong).run()
        assert str(third) in str(caught.value)
        assert str(other / MARKER) in str(caught.value)
    assert posts(sandbox) == 2, "nothing was sent"
    assert echo(sandbox, source, other, ledger=third).run().ok, "refused runs don't change it"
    # Moved together, archived and replaced, moved into the folder: always its own ledger.
    shutil.move(other, tmp_path / "moved" / "other")
    shutil.move(third, tmp_path / "moved" / "third.sqlite3")
    third, other = tmp_path / "moved" / "third.sqlite3", tmp_path / "moved" / "other"
    assert echo(sandbox, source, other, ledger=third).run().progress.skipped == 1
    set_aside(third)
    assert echo(sandbox, source, other, ledger=third).run().ok
    shutil.move(third, other / LEDGER)
    assert echo(sandbox, source, other).run().progress.skipped == 1
    assert posts(sandbox) == 3


def test_a_ledger_with_results_in_another_folder(sandbox: Sandbox, tmp_path: Path) -> None:
    source, ledger = tmp_path / "in", tmp_path / "ledger.sqlite3"
    make_tracks(source, 2)
    assert echo(sandbox, source, tmp_path / "one", ledger=ledger).run().ok
    with pytest.raises(LedgerMismatchError, match=r"move them there first.*a ledger of its own") as caught:
        echo(sandbox, source, tmp_path / "two", ledger=ledger).run()
    assert str(tmp_path / "one") in str(caught.value)
    assert not (tmp_path / "two").exists()
    with open_ledger(ledger) as view:
        assert view.out == tmp_path / "one"
    (tmp_path / "link").symlink_to(tmp_path / "one")
    assert echo(sandbox, source, tmp_path / "link", ledger=ledger).run().progress.skipped == 2
    (tmp_path / "one").rename(tmp_path / "two")
    report = echo(sandbox, source, tmp_path / "two", ledger=ledger).run()
    assert report.progress.skipped == 2
    with open_ledger(ledger) as view:
        assert view.out == tmp_path / "two"
        assert not list(view.check(view.out))
    assert posts(sandbox) == 2


def test_one_ledger_under_two_names(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out, link = tmp_path / "in", tmp_path / "out", tmp_path / "elsewhere" / "link.sqlite3"
    make_tracks(source, 1)
    echo(sandbox, source, out).run()
    link.parent.mkdir()
    link.symlink_to(out / LEDGER)
    ledger = Ledger(out / LEDGER, "sdk-test", "file")
    with pytest.raises(LedgerLockedError):
        Ledger(link, "sdk-test", "file")
    ledger.close()
    assert echo(sandbox, source, out, ledger=link).run().progress.skipped == 1
    assert json.loads((out / MARKER).read_text())["ledger"] == LEDGER, "it is the folder's own ledger"
    with open_ledger(link) as view:
        assert view.out == out


def test_an_output_folder_that_cannot_be_written(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    below = tmp_path / "file" / "out"
    (tmp_path / "file").write_text("")
    cases: list[tuple[Path, Path | None, type[Exception], str]] = [
        (
            below,
            tmp_path / "l.sqlite3",
            InputError,
            "results can't be written to .*choose another folder. Nothing was sent",
        ),
        (below, None, LedgerError, "the ledger .* can't be opened"),
        (tmp_path / "out", below / "l.sqlite3", LedgerError, "the ledger .* can't be opened"),
    ]
    if os.name == "posix" and os.geteuid():
        (tmp_path / "closed").mkdir(mode=0o500)
        cases.append((tmp_path / "closed", tmp_path / "l.sqlite3", InputError, "results can't be written to"))
        cases.append((tmp_path / "closed", None, LedgerError, "can't be"))
    for out, ledger, kind, reason in cases:
        with pytest.raises(kind, match=reason):
            echo(sandbox, tmp_path / "in", out, ledger=ledger).run()
    assert not sandbox.requests
    report = echo(sandbox, tmp_path / "in", tmp_path / "out", ledger=tmp_path / "l.sqlite3").run()
    assert report.ok
    assert [each.name for each in report.out.iterdir() if each.name.startswith(".")] == [MARKER], (
        "no probe is left"
    )
    if os.name == "posix" and os.geteuid():
        report.out.chmod(0o500)
        with pytest.raises(InputError, match=r"Permission denied.*nothing was sent"):
            echo(sandbox, tmp_path / "in", report.out, ledger=report.ledger).run()


def killed_at_each_statement(
    folder: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]
) -> list[Path]:
    """Copies of a folder before each statement of the work, as a kill there would leave it."""
    connect, left = sqlite3.connect, list[Path]()

    def on_statement(_sql: str) -> None:
        left.append(folder.with_name(f"left {len(left)}"))
        shutil.copytree(folder, left[-1])

    def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.set_trace_callback(on_statement)
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", traced)
        work()
    return left


def test_a_ledger_always_has_an_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "made" / "l.sqlite3"

    def make() -> None:
        Ledger(made, "mine", "file", out=tmp_path).close()

    left, begun = killed_at_each_statement(made.parent, monkeypatch, make), 0
    for folder in left:
        begun += (folder / made.name).exists()
        with pytest.raises(LedgerMismatchError) if begun else nullcontext():
            Ledger(folder / made.name, "another", "file").close()
    assert 0 < begun < len(left) - 10
