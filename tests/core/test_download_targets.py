"""Targets of downloads, and files that are in the way."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from musicai_sdk import MusicAiClient
from musicai_sdk._core.output_names import PARTIAL, PARTIAL_NEXT, PARTIAL_NOTE
from musicai_sdk.errors import InputError, IntegrityError, MusicAiError, TransferError
from musicai_sdk.sandbox import Sandbox

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kinds of files and permissions of POSIX")

CONTENT = bytes(range(256)) * 12_345
ROUTE = "GET /moises-sandbox/*"


@pytest.fixture
def url(client: MusicAiClient) -> str:
    return client.files.upload(CONTENT).url


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """A file that must stay as it is."""
    path = tmp_path / "elsewhere" / "victim"
    path.parent.mkdir()
    path.write_bytes(b"precious" * 10)
    yield path
    assert path.read_bytes() == b"precious" * 10


def symbolic(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def dangling(path: Path, victim: Path) -> None:
    path.symlink_to(victim.with_name("nothing"))


def hard(path: Path, victim: Path) -> None:
    path.hardlink_to(victim)


def pipe(path: Path, victim: Path) -> None:
    os.mkfifo(path)


def listening(path: Path, victim: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def device(path: Path, victim: Path) -> None:
    done = subprocess.run(["mknod", str(path), "c", "1", "3"], check=False, capture_output=True)
    if done.returncode != 0:
        pytest.skip("only root makes devices")


def folder(path: Path, victim: Path) -> None:
    path.mkdir()


PLANTED: list[Callable[[Path, Path], None]] = [
    *(symbolic, dangling, hard, pipe, listening, device, folder),
]


@pytest.mark.parametrize("plant", PLANTED)
@pytest.mark.parametrize("ending", [PARTIAL, PARTIAL_NOTE, PARTIAL_NEXT])
def test_planted_files_at_temporary_names(
    client: MusicAiClient,
    url: str,
    tmp_path: Path,
    victim: Path,
    plant: Callable[[Path, Path], None],
    ending: str,
) -> None:
    target = tmp_path / "out" / "song.wav"
    target.parent.mkdir()
    if ending == PARTIAL_NEXT:
        target.with_name(f"song.wav{PARTIAL}").write_bytes(b"of another day")
    plant(target.with_name(f"song.wav{ending}"), victim)
    try:
        client.files.download(url, target)
    except TransferError:
        assert plant is folder
    else:
        assert target.read_bytes() == CONTENT
        assert target.is_file()
        assert not target.is_symlink()
    assert not victim.with_name("nothing").exists()


@pytest.mark.parametrize("plant", [symbolic, hard])
def test_a_part_that_is_a_link_is_not_resumed(
    client: MusicAiClient,
    sandbox: Sandbox,
    url: str,
    tmp_path: Path,
    plant: Callable[[Path, Path], None],
) -> None:
    target = tmp_path / "song.wav"
    sandbox.faults.add(ROUTE, truncate=1_000_000, nth=1)
    with pytest.raises(IntegrityError):
        client.files.download(url, target, max_retries=0)
    part, secret = target.with_name("song.wav.part"), tmp_path / "secret"
    part.rename(secret)
    before = secret.read_bytes()
    plant(part, secret)
    client.files.download(url, target)
    assert target.read_bytes() == CONTENT
    assert secret.read_bytes() == before
    asked = [entry.headers.get("range") for entry in sandbox.requests if entry.method == "GET"]
    assert asked[-1] is None


@pytest.mark.parametrize("plant", [pipe, listening, device, folder])
def test_a_target_that_is_not_a_regular_file_is_refused_first(
    client: MusicAiClient,
    sandbox: Sandbox,
    tmp_path: Path,
    victim: Path,
    plant: Callable[[Path, Path], None],
) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    plant(target, victim)
    link.symlink_to(target)
    before = stat.S_IFMT(target.stat().st_mode)
    for path in (target, link):
        with pytest.raises(TransferError, match=r"folder|not a regular file"):
            client.files.download("https://host.invalid/x.wav", path)
    assert stat.S_IFMT(target.lstat().st_mode) == before
    assert not [entry for entry in sandbox.requests if "moises" in entry.path]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "link", "target"]


@pytest.mark.parametrize("exists", [True, False])
def test_the_target_of_a_link_is_replaced(
    client: MusicAiClient, url: str, tmp_path: Path, *, exists: bool
) -> None:
    real, link, second = tmp_path / "real" / "song.wav", tmp_path / "link", tmp_path / "second"
    real.parent.mkdir()
    if exists:
        real.write_text("old")
    link.symlink_to(Path("real", "song.wav"))
    second.symlink_to(link)
    assert client.files.download(url, second).path == second
    assert second.is_symlink()
    assert link.is_symlink()
    assert not real.is_symlink()
    assert real.read_bytes() == CONTENT
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["link", "real", "second", "song.wav"]


def test_a_link_to_itself(client: MusicAiClient, url: str, tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(TransferError, match="can't write"):
        client.files.download(url, loop)
    assert loop.is_symlink()


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o400, 0o664, 0o751])
def test_permissions_stay(
    client: MusicAiClient, sandbox: Sandbox, url: str, tmp_path: Path, mode: int
) -> None:
    target = tmp_path / "song.wav"
    target.write_text("old")
    target.chmod(mode)
    sandbox.faults.add(ROUTE, truncate=1_000_000, nth=1)
    with pytest.raises(IntegrityError):
        client.files.download(url, target, max_retries=0)
    part = target.with_name("song.wav.part").stat().st_mode
    assert stat.S_IMODE(part) == mode | 0o600, "the part isn't readable by users who can't read the file"
    client.files.download(url, target)
    assert stat.S_IMODE(target.stat().st_mode) == mode
    assert target.read_bytes() == CONTENT


def test_a_new_file_has_the_permissions_of_the_umask(client: MusicAiClient, url: str, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        client.files.download(url, tmp_path / "song.wav")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "song.wav").stat().st_mode) == 0o640


@pytest.mark.parametrize("character", ["n", "ü", "\udcff"])
@pytest.mark.parametrize("length", [246, 247, 250, 251, 254, 255])
def test_long_names(
    client: MusicAiClient, sandbox: Sandbox, tmp_path: Path, url: str, length: int, character: str
) -> None:
    wide = len(os.fsencode(character))
    names = [f"{character * ((length - 1) // wide)}{last * (1 + (length - 1) % wide)}" for last in "ab"]
    for name in names:
        assert len(os.fsencode(name)) == length
        sandbox.faults.add(ROUTE, truncate=1_000_000, nth=1)
        with pytest.raises(IntegrityError):
            client.files.download(url, tmp_path / name, max_retries=0)
    assert len(list(tmp_path.iterdir())) == 4, "each has its own part and note"
    for name in names:
        client.files.download(url, tmp_path / name)
        assert (tmp_path / name).read_bytes() == CONTENT
    assert len(list(tmp_path.iterdir())) == 2
    ranges = [entry.headers.get("range") for entry in sandbox.requests if entry.method == "GET"]
    assert ranges[-2:] == ["bytes=1000000-"] * 2


@pytest.mark.parametrize(
    ("name", "kind", "match"),
    [
        ("n" * 256, TransferError, "name too long, choose a shorter one"),
        ("a\0b", InputError, "null"),
        ("file/x", TransferError, "can't write"),
        ("", TransferError, "folder"),
        ("/proc/x.wav", TransferError, "can't write"),
    ],
)
def test_invalid_names(
    client: MusicAiClient, url: str, tmp_path: Path, name: str, kind: type[MusicAiError], match: str
) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(kind, match=f"(?i){match}"):
        client.files.download(url, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


class Bytes:
    """A path as bytes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> bytes:
        return os.fsencode(self._path)


def test_a_path_of_bytes(client: MusicAiClient, url: str, tmp_path: Path) -> None:
    client.files.download(url, Bytes(tmp_path / "song.wav"))  # type: ignore[arg-type] # not declared, but harmless
    assert (tmp_path / "song.wav").read_bytes() == CONTENT


def test_an_error_of_on_progress_is_raised_and_keeps_the_part(
    client: MusicAiClient, sandbox: Sandbox, url: str, tmp_path: Path
) -> None:
    target = tmp_path / "song.wav"

    def fail(done: int, total: int | None) -> None:
        if done >= 1_000_000:
            raise OSError(28, "the caller's own trouble")

    with pytest.raises(OSError, match="the caller's own trouble") as caught:
        client.files.download(url, target, on_progress=fail)
    assert not isinstance(caught.value, MusicAiError)
    there = target.with_name("song.wav.part").stat().st_size
    assert 1_000_000 <= there < len(CONTENT)
    client.files.download(url, target)
    assert target.read_bytes() == CONTENT
    ranges = [entry.headers.get("range") for entry in sandbox.requests if entry.method == "GET"]
    assert ranges[-2:] == [None, f"bytes={there}-"]
    assert [path.name for path in tmp_path.iterdir()] == ["song.wav"]


@pytest.mark.parametrize("plant", PLANTED)
def test_planted_files_beside_the_manifest(
    client: MusicAiClient,
    sandbox: Sandbox,
    url: str,
    tmp_path: Path,
    victim: Path,
    plant: Callable[[Path, Path], None],
) -> None:
    result = {"file": url, "other": url}
    sandbox.faults.add("GET /job/{id}", body={"id": "j", "status": "SUCCEEDED", "result": result})
    target = tmp_path / "out"
    target.mkdir()
    for name in ("workflow.results.json.part", "workflow.results.json~", "file.part-of~"):
        plant(target / name, victim)
    files = client.jobs.download("j", target)
    assert {path.read_bytes() for path in files.values()} == {CONTENT}
    assert json.loads(files.manifest.read_text()) == {"file": "./file", "other": "./other"}
