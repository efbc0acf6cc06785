"""Locks exclude other processes and other threads, also where the file system has none."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from musicai_sdk._files import create
from musicai_sdk._locks import LockableFile, lock, unlock


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_a_lock_excludes_threads_and_processes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    first = LockableFile(create(path), "r+")
    second = LockableFile(path, "r+")
    other = f"import fcntl; fcntl.flock(open({str(path)!r}), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    assert lock(first)
    assert not lock(second)
    done = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False)
    assert "BlockingIOError" in done.stderr
    unlock(first)
    assert lock(second)
    unlock(second)
    subprocess.run([sys.executable, "-c", other], check=True)
    for file in (first, second):
        file.close()


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    first = LockableFile(create(tmp_path / "x"), "r+")
    second = LockableFile(tmp_path / "x", "r+")
    assert lock(first)
    assert not lock(second), "this process has its own table of locks"
    unlock(first)
    assert lock(second)
    unlock(second)
    for file in (first, second):
        file.close()


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_the_end_of_a_file_ends_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "x"
    closed, forgotten = LockableFile(create(path), "r+"), LockableFile(path, "r+")
    assert lock(closed)
    closed.close()
    assert lock(forgotten)
    with pytest.warns(ResourceWarning):
        del forgotten
    with LockableFile(path, "r+") as later:
        assert lock(later)
        unlock(later)


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_a_cancelled_holder_keeps_the_lock_of_its_successor(tmp_path: Path) -> None:
    path = tmp_path / "x"
    cancelled = LockableFile(create(path), "r+")
    with LockableFile(path, "r+") as second, LockableFile(path, "r+") as third:
        assert lock(cancelled, lambda: True)
        assert lock(second)
        unlock(cancelled)
        assert not lock(third)
        unlock(second)
        assert lock(third)
        unlock(third)
    cancelled.close()
