"""Files are replaced atomically or not at all, and nothing is written through a link or a pipe."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from musicai_sdk._files import clear_abandoned, replacing, write_text
from musicai_sdk._names import with_ending


def test_a_write_is_complete_or_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_text(path, "old\n")

    def fail() -> None:
        with replacing(path) as file:
            file.write("new")
            file.flush()
            assert path.read_text() == "old\n"
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [each.name for each in tmp_path.iterdir()] == ["x.json"]
    assert path.read_text() == "old\n"
    write_text(path, "new\n")
    assert path.read_bytes() == b"new\n"
    assert [each.name for each in tmp_path.iterdir()] == ["x.json"]


def test_readers_never_see_partial_contents(tmp_path: Path) -> None:
    path, texts = tmp_path / "x", {"a" * 100_000, "b" * 100_000}
    write_text(path, "a" * 100_000)
    over = threading.Event()

    def write(text: str) -> None:
        while not over.is_set():
            write_text(path, text, durable=False)

    threads = [threading.Thread(target=write, args=[text]) for text in texts]
    for thread in threads:
        thread.start()
    seen = {path.read_text() for _ in range(500)}
    over.set()
    for thread in threads:
        thread.join()
    assert seen <= texts
    assert [each.name for each in tmp_path.iterdir()] == ["x"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions and links of POSIX")
def test_links_and_permissions(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)
    before = os.umask(0o027)
    try:
        write_text(link, "1")
    finally:
        os.umask(before)
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    real.chmod(0o604)
    write_text(link, "2")
    assert (real.read_text(), stat.S_IMODE(real.stat().st_mode), link.is_symlink()) == ("2", 0o604, True)
    write_text(link, "3", follow=False)
    assert (real.read_text(), link.read_text(), link.is_symlink()) == ("2", "3", False)


@pytest.mark.skipif(sys.platform == "win32", reason="kinds of files of POSIX")
def test_only_regular_files_are_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        with pytest.raises(OSError, match="not a regular file"):
            write_text(path, "x")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [each.name for each in tmp_path.iterdir()] == ["pipe"]
    write_text(pipe, "x", follow=False)
    assert pipe.read_text() == "x"


@pytest.mark.parametrize("length", [200, 240, 254, 255])
def test_long_names(tmp_path: Path, length: int) -> None:
    write_text(tmp_path / ("n" * length), "x")
    assert [len(each.name) for each in tmp_path.iterdir()] == [length]
    with pytest.raises(OSError, match=r"(?i)name too long"):
        write_text(tmp_path / ("n" * 256), "x")


@pytest.mark.parametrize("name", ["x", "n" * 250, "ü" * 127, "n" * 255, "\udcff" * 255])
def test_endings(name: str) -> None:
    ending = with_ending(name, ".part-of")
    assert len(os.fsencode(ending)) <= 255
    assert ending.endswith(".part-of")
    assert ending == with_ending(name, ".part-of")
    assert (ending == f"{name}.part-of") == (len(os.fsencode(name)) <= 247)
    assert with_ending(f"{name[:-1]}y", ".part-of") != ending


def test_files_of_a_killed_writer_are_removed(tmp_path: Path) -> None:
    target = tmp_path / "workflow.results.json"
    program = (
        "import os, pathlib, sys\nfrom musicai_sdk._files import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as file:\n    file.write('half')\n    os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(target)], check=False)
    others = [tmp_path / name for name in (".workflow.results.json.mine~", ".other.json.0123456789abcdef~")]
    for each in (target, *others):
        each.write_text("{}")
    assert len(list(tmp_path.iterdir())) == 4
    clear_abandoned(target)
    assert sorted(tmp_path.iterdir()) == sorted([target, *others])
