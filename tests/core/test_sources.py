"""Every kind of source is uploaded completely, or raises an error that says what to do."""

from __future__ import annotations

import array
import gzip
import io
import mmap
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import UploadFile
from typing_extensions import override

from musicai_sdk import CustomWorkflow, MusicAiClient
from musicai_sdk._core import sources
from musicai_sdk.errors import (
    CreateTimeoutError,
    InputError,
    MusicAiError,
    SourceNotFoundError,
    TransferError,
)
from musicai_sdk.sandbox import Sandbox

CONTENT = bytes(range(256)) * 9_000
"""More than two chunks."""
posix = pytest.mark.skipif(sys.platform == "win32", reason="kinds of files of POSIX")


@pytest.fixture(autouse=True)
def _no_files_left(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Checks that temporary copies are removed afterwards."""
    folder = tmp_path_factory.mktemp("copies")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []


class OnlyRead:
    """An object with only `read`."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def read(self, size: int = -1, /) -> Any:
        return b"" if size == 0 or not self._answers else self._answers.pop(0)


class OnlyReading:
    """A file of which only `read` may be used."""

    def __init__(self, file: Any) -> None:
        self.read = file.read


class Pathlike:
    def __init__(self, path: str | bytes) -> None:
        self._path = path

    def __fspath__(self) -> Any:
        return self._path


def spooled() -> Any:
    file = tempfile.SpooledTemporaryFile(max_size=100)  # noqa: SIM115 - the test's end closes it
    file.write(CONTENT)
    file.seek(0)
    return file


def mapped(path: Path) -> Any:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def through_a_socket() -> Any:
    here, there = socket.socketpair()
    with here:
        file = here.makefile("rb")

    def write() -> None:
        with there:
            there.sendall(CONTENT)

    threading.Thread(target=write, daemon=True).start()
    return file


def odd_name(path: Path) -> str:
    name = str(path.with_name("song-\udcff.wav"))
    path.rename(name)
    return name


def unbuffered(path: Path) -> Any:
    return path.open("rb", buffering=0)


def gzipped(path: Path) -> Any:
    with gzip.open(path.with_suffix(".gz"), "wb") as file:
        file.write(CONTENT)
    return gzip.open(path.with_suffix(".gz"))


GOOD: dict[str, Callable[[Path], Any]] = {
    "str": str,
    "path": lambda path: path,
    "path-like of bytes": lambda path: Pathlike(os.fsencode(path)),
    "a path with an undecodable name": odd_name,
    "bytes": lambda path: CONTENT,
    "bytearray": lambda path: bytearray(CONTENT),
    "memoryview": lambda path: memoryview(CONTENT),
    "memoryview of numbers": lambda path: memoryview(array.array("H", CONTENT)),
    "memoryview with steps": lambda path: memoryview(CONTENT + CONTENT[::-1])[: len(CONTENT)],
    "BytesIO": lambda path: io.BytesIO(CONTENT),
    "open file": lambda path: path.open("rb"),
    "unbuffered file": unbuffered,
    "SpooledTemporaryFile": lambda path: spooled(),
    "mmap": mapped,
    "gzip file": gzipped,
    "UploadFile": lambda path: UploadFile(io.BytesIO(CONTENT)),
    "socket file": lambda path: through_a_socket(),
    "read alone": lambda path: OnlyRead(CONTENT[:5], CONTENT[5:]),
    "read alone, of bytearrays": lambda path: OnlyRead(bytearray(CONTENT[:5]), memoryview(CONTENT)[5:]),
    "tell of nothing": lambda path: Lying(tell="here"),
    "read that has nothing yet": lambda path: OnlyRead(None, CONTENT[:9], None, None, CONTENT[9:]),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "song.wav"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize("kind", GOOD)
def test_supported_sources(
    client: MusicAiClient, sandbox: Sandbox, path: Path, tmp_path: Path, kind: str
) -> None:
    source = GOOD[kind](path)
    sandbox.faults.add("PUT /moises-sandbox/*", reset="after", nth=1)
    try:
        uploaded = client.files.upload(source)
    finally:
        if hasattr(source, "close") and not isinstance(source, UploadFile):
            source.close()
    assert uploaded.size == len(CONTENT)
    client.files.download(uploaded.url, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == CONTENT
    assert len([entry for entry in sandbox.requests if entry.method == "PUT"]) == 2


@posix
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system has no /proc")
@pytest.mark.parametrize("opened", [True, False])
def test_kernel_files(client: MusicAiClient, tmp_path: Path, *, opened: bool) -> None:
    for name in ("/proc/version", "/proc/self/limits"):
        with open(name, "rb") as file:  # noqa: PTH123 - no Path: it is given on
            uploaded = client.files.upload(file if opened else name)
        client.files.download(uploaded.url, tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == Path(name).read_bytes()


def written_slowly(descriptor: int) -> threading.Thread:
    def write() -> None:
        with os.fdopen(descriptor, "wb", buffering=0) as pipe:
            for position in range(0, len(CONTENT), 300_000):
                time.sleep(0.02)
                pipe.write(CONTENT[position : position + 300_000])

    thread = threading.Thread(target=write)
    thread.start()
    return thread


@posix
@pytest.mark.parametrize("buffering", [-1, 0])
@pytest.mark.parametrize("waits", [True, False])
def test_a_pipe(client: MusicAiClient, tmp_path: Path, buffering: int, *, waits: bool) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, waits)
    thread = written_slowly(writing)
    with os.fdopen(reading, "rb", buffering=buffering) as pipe:
        uploaded = client.files.upload(pipe)
    thread.join()
    assert uploaded.size == len(CONTENT)
    client.files.download(uploaded.url, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == CONTENT


@posix
@pytest.mark.parametrize("late", [0.0, 0.5])
def test_a_named_pipe(client: MusicAiClient, tmp_path: Path, late: float) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)

    def write() -> None:
        time.sleep(late)
        pipe.write_bytes(CONTENT)

    thread = threading.Thread(target=write)
    thread.start()
    uploaded = client.files.upload(pipe)
    thread.join()
    client.files.download(uploaded.url, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == CONTENT


@posix
def test_a_named_pipe_without_a_writer(
    client: MusicAiClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "PATIENCE", 0.2)
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    with pytest.raises(TransferError, match="without a writer"):
        client.files.upload(pipe)


@posix
def test_a_named_pipe_whose_writer_is_silent_for_long(
    client: MusicAiClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "PATIENCE", 0.1)
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)  # so that it can be opened without a reader

    def write() -> None:
        time.sleep(0.5)
        os.write(writer, b"late")
        time.sleep(0.5)
        os.close(writer)

    thread = threading.Thread(target=write)
    thread.start()
    assert client.files.upload(pipe).size == 4
    thread.join()


@posix
def test_the_deadline_of_a_run_ends_the_wait_for_a_pipe(client: MusicAiClient, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    try:
        with pytest.raises(CreateTimeoutError):
            client.jobs.run(CustomWorkflow("sdk-test", {"file": pipe}), timeout=0.3)
    finally:
        os.close(writer)


class Aiofile:
    """A file with an asynchronous `read`, as in aiofiles."""

    async def read(self, size: int = -1) -> bytes:
        return b""


class NoSize:
    def read(self) -> bytes:
        return b"x"


class Failing(io.RawIOBase):
    """A file on a failing disk."""

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int:
        if len(buffer) == 0:
            return 0
        raise OSError(5, "Input/output error")


class Lying(io.BytesIO):
    """A seekable object whose methods return something else than those of files."""

    def __init__(self, *, read: Any = None, tell: Any = None) -> None:
        super().__init__(CONTENT)
        self._read, self._tell = read, tell

    @override
    def read(self, size: int | None = -1, /) -> Any:
        return super().read(size) if self._read is None or size == 0 else self._read

    @override
    def tell(self) -> Any:
        return self._tell or super().tell()


def closed(path: Path) -> Any:
    with path.open("rb") as file:
        return file


def closed_bytes(path: Path) -> Any:
    file = io.BytesIO(CONTENT)
    file.close()
    return file


def closed_map(path: Path) -> Any:
    mapping = mapped(path)
    mapping.close()
    return mapping


def released(path: Path) -> Any:
    view = memoryview(CONTENT)
    view.release()
    return view


def bound(path: Path) -> Any:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket")
    finally:
        os.chdir(here)
    return path.with_name("socket")


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def truncated(path: Path) -> Any:
    gzipped(path).close()
    whole = path.with_suffix(".gz").read_bytes()
    return OnlyReading(gzip.open(io.BytesIO(whole[:-9])))


def at_its_end(path: Path) -> Any:
    file = io.BytesIO(CONTENT)
    file.seek(0, os.SEEK_END)
    return file


def through_a_file(path: Path) -> Path:
    return path / "x.wav"


BAD: dict[str, tuple[Callable[[Path], Any], type[MusicAiError], str]] = {
    "closed file": (closed, InputError, "closed"),
    "closed BytesIO": (closed_bytes, InputError, "closed"),
    "closed mmap": (closed_map, InputError, "closed"),
    "closed UploadFile": (lambda path: UploadFile(closed_bytes(path)), InputError, "closed"),
    "released memoryview": (released, InputError, "released"),
    "write-only file": (lambda path: path.open("ab"), InputError, "for reading"),
    "text file": (lambda path: path.open(encoding="latin-1"), InputError, "text mode"),
    "StringIO": (lambda path: io.StringIO("x"), InputError, "text mode"),
    "truncated gzip": (truncated, TransferError, "can't be read: EOFError"),
    "read of str": (lambda path: OnlyRead("text"), InputError, "text mode"),
    "read of int": (lambda path: OnlyRead(5), InputError, "as int"),
    "read of nothing": (lambda path: OnlyRead(), TransferError, "empty"),
    "read without a size": (lambda path: NoSize(), InputError, "number of bytes"),
    "awaited read": (lambda path: Aiofile(), InputError, "await it"),
    "NUL in str": (lambda path: "a\0.wav", InputError, "null"),
    "NUL in path": (lambda path: Path("a\0.wav"), InputError, "null"),
    "lone surrogate": (lambda path: "a\ud800.wav", InputError, "surrogate"),
    "empty str": (lambda path: "", InputError, "empty"),
    "bad path-like": (lambda path: Pathlike(5), InputError, "a path"),  # type: ignore[arg-type] # that is the point
    "missing": (lambda path: path.with_name("nothing"), SourceNotFoundError, "no file"),
    "missing, as bytes": (lambda path: Pathlike(b"/nothing"), SourceNotFoundError, "no file"),
    "folder": (lambda path: path.parent, TransferError, "folder"),
    "through a file": (through_a_file, TransferError, "can't be read"),
    "long name": (lambda path: "n" * 300, TransferError, "(?i)name too long"),
    "empty file": (empty, TransferError, "empty"),
    "at its end": (at_its_end, TransferError, "empty"),
    "no bytes": (lambda path: b"", TransferError, "empty"),
    "failing disk": (lambda path: Failing(), TransferError, "Input/output error"),
    "None": (lambda path: None, InputError, "NoneType"),
    "int": (lambda path: 5, InputError, "int"),
    "list": (lambda path: [1], InputError, "list"),
    "array": (lambda path: array.array("h", [1]), InputError, "array"),
    "socket": (bound, TransferError, "a socket"),
    "device": (lambda path: "/dev/zero", TransferError, "a device"),
    "open device": (lambda path: Path("/dev/zero").open("rb"), TransferError, "a device"),  # noqa: SIM115 - closed by the test
}


@posix
@pytest.mark.parametrize("kind", BAD)
def test_unsupported_sources(client: MusicAiClient, sandbox: Sandbox, path: Path, kind: str) -> None:
    make, error, match = BAD[kind]
    source = make(path)
    try:
        with pytest.raises(error, match=match):
            client.files.upload(source)
    finally:
        if hasattr(source, "close") and not isinstance(source, UploadFile):
            source.close()
    assert sandbox.requests == []


@pytest.mark.parametrize(("read", "match"), [(5, "as int"), ("text", "text mode"), ([], "as list")])
def test_a_seekable_source_that_returns_no_bytes(client: MusicAiClient, read: Any, match: str) -> None:
    with pytest.raises(InputError, match=match):
        client.files.upload(Lying(read=read))


@pytest.mark.parametrize(
    "source",
    [
        "https://u:pw@song.example/it's a.wav?X-Goog-Signature=5e5e5e#5e5e5e",
        "HTTP://song.example/a.wav?token=5e5e5e",
        Path("https://song.example/a.wav?token=5e5e5e"),
        "s3://bucket/a.wav?sig=5e5e5e",
    ],
)
def test_a_url_is_not_a_file(client: MusicAiClient, sandbox: Sandbox, source: str | Path) -> None:
    for upload in (client.files.upload, client.upload_file):
        with pytest.raises(
            SourceNotFoundError, match="it is a URL, which a workflow takes as it is"
        ) as refused:
            upload(source)
        assert "5e5e5e" not in str(refused.value)
        assert "pw" not in str(refused.value)
    assert not sandbox.requests


def test_a_source_is_read_from_its_position(client: MusicAiClient, path: Path) -> None:
    with gzipped(path) as file:
        file.seek(1000)
        assert client.files.upload(file).size == len(CONTENT) - 1000
    with mapped(path) as mapping:
        mapping.seek(1000)
        assert client.files.upload(mapping).size == len(CONTENT) - 1000


class Endless:
    """More data than the allowed memory."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int, /) -> bytes:
        size = min(size, self._left, 100_000)
        self._left -= size
        return bytes(size)


def test_a_full_disk_during_the_copy(client: MusicAiClient, sandbox: Sandbox) -> None:
    signal = pytest.importorskip("signal")
    resource = pytest.importorskip("resource", reason="a full disk is played by a limit of POSIX")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))
    try:
        with pytest.raises(TransferError, match=r"temporary files .* File too large"):
            client.files.upload(Endless(5_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert sandbox.requests == []


@posix
def test_standard_input_of_a_shell(sandbox: Sandbox, tmp_path: Path) -> None:
    """`/dev/stdin` and `<(…)` are pipes too."""
    program = "import sys; from musicai_sdk import MusicAiClient; print(MusicAiClient().files.upload(sys.argv[1]).size)"
    script = f"printf 12345 | '{sys.executable}' -c '{program}' /dev/stdin"
    variables = {"MUSIC_AI_API_KEY": sandbox.api_key, "MUSIC_AI_BASE_URL": sandbox.base_url}
    done = subprocess.run(
        ["sh", "-c", script], env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "5", done.stderr
