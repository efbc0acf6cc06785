"""Folders for typed classes, which are checked before any request, and workflows without a finished job."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from musicai_sdk import CustomWorkflow
from musicai_sdk.codegen import discover, write_module
from musicai_sdk.errors import InputError
from musicai_sdk.sandbox import Sandbox
from support.talking import nothing


def test_folders_that_cannot_be_a_package(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("mine")
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "song.mp3").write_bytes(b"ID3")
    (tmp_path / "empty_init").mkdir()
    (tmp_path / "empty_init" / "__init__.py").touch()
    (tmp_path / "empty_init" / "views.py").touch()
    (tmp_path / "strange" / "__init__.py").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with sandbox.client() as client:
        for name, words in (
            ("file.txt", r"'file\.txt' can't be imported"),
            ("file.txt/ours", r"can't be a folder: '.*file\.txt' is a file"),
            (
                "bad-name",
                "'bad-name' can't be imported: use letters, digits and _, such as bad_name_workflows",
            ),
            ("class", "can't be imported"),
            ("1st", "can't be imported"),
            (
                "songs",
                r"has other files \(song\.mp3\): choose a folder of its own, such as '.*our_workflows'",
            ),
            ("empty_init", r"has other files \(views\.py\)"),
            ("strange", "can't be written: Is a directory"),
        ):
            with pytest.raises(InputError, match=words):
                discover(client, tmp_path / name)
            with pytest.raises(InputError, match=words):
                write_module(tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before
    assert sandbox.requests == []


def test_folders_that_can_be_a_package(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / ".gitkeep").touch()
    (folder / "__init__.py").touch()
    with sandbox.client() as client:
        found = discover(client, folder)
        (folder / "notes.txt").write_text("Mine, beside the generated module.")
        assert discover(client, folder) == found


def test_unseen_and_unknown_workflows_are_distinguished(tmp_path: Path) -> None:
    with (
        Sandbox(workflows={"acme/known": nothing, "acme/unknown": nothing}) as sandbox,
        sandbox.client() as client,
    ):
        client.jobs.run(CustomWorkflow("acme/known", {"text": "a"}))
        found = discover(client, tmp_path / "ours")
        learned = {workflow.slug: workflow.learned for workflow in found}
        assert (learned["acme/known"], learned["acme/unknown"]) == (True, False)


def test_a_failed_write_changes_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="a full disk is played by a limit of POSIX")
    folder = tmp_path / "ours"
    with sandbox.client() as client:
        discover(client, folder)
        files = {path: path.read_bytes() for path in folder.iterdir()}
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        try:
            with pytest.raises(InputError, match="File too large"):
                discover(client, folder)
            with pytest.raises(InputError, match="File too large"):
                write_module(folder)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, ignored)
    assert {path: path.read_bytes() for path in folder.iterdir()} == files
