"""Only the owner can read a sandbox's files (keys, songs, results), whatever the umask."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="these rights are POSIX's")

PROGRAM = """
import os, sys
os.umask(int(sys.argv[1], 8))
from pathlib import Path
import httpx
from musicai_sdk.sandbox import Sandbox

def nothing(task):
    source = task.fetch("file")
    (task.folder / "out.json").write_text("[]")
    return {"out": task.folder / "out.json"}

folder = Path(sys.argv[2]) if sys.argv[2] else None
with Sandbox(data_dir=folder, tls=True, workflows={"nothing": nothing}, transition="immediate") as sandbox:
    headers = {"Authorization": sandbox.api_key}
    with httpx.Client(base_url=sandbox.base_url, headers=headers, verify=sandbox.ca_file) as api:
        urls = api.get("/upload").json()
        assert httpx.put(urls["uploadUrl"], content=b"song", verify=sandbox.ca_file).status_code == 200
        params = {"file": urls["downloadUrl"]}
        body = {"name": "n", "workflow": "nothing", "params": params}
        job = api.get("/job/" + api.post("/job", json=body).json()["id"]).json()
        assert job["status"] == "SUCCEEDED", job
        assert api.get("/job").json()
    print(Path(sandbox.ca_file).parent)
    sys.stdout.flush()
    os._exit(0)  # Killed: what stood beside the database still does.
"""


def run(umask: str, folder: Path | str) -> Path:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, umask, str(folder)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def rights(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*")}


def check(folder: Path) -> None:
    found = rights(folder)
    names = {"sandbox.sqlite3", "sandbox.sqlite3-wal", "sandbox.sqlite3-shm", "sandbox.lock", "sandbox.pid"}
    assert found.keys() >= {*names, "ca.pem", "ca-key.pem", "server.pem", "objects", "scratch"}
    assert sum(name.startswith("objects/") for name in found) == 2
    wrong = {
        name: oct(mode)
        for name, mode in found.items()
        if mode != (0o700 if (folder / name).is_dir() else 0o600)
    }
    assert not wrong


@pytest.mark.parametrize("umask", ["000", "022", "277"])
def test_a_new_folder(tmp_path: Path, umask: str) -> None:
    folder = tmp_path / "above" / "data"
    run(umask, folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    check(folder)


def test_an_existing_folder_keeps_its_permissions(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    run("000", tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    check(tmp_path)


def test_files_of_an_earlier_version(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    run("022", folder)
    for path in folder.glob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for path in (folder / "objects").glob("*"):
        path.unlink()
    run("022", folder)
    assert {name for name, mode in rights(folder).items() if mode & 0o077} <= {
        "objects",
        "sandbox.lock-journal",
    }


def test_a_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not where other tests' sandboxes start: they remove the folders of sandboxes that were killed.
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    folder = run("000", "")
    assert folder.parent == tmp_path
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    check(folder)
