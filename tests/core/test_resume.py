"""Downloads resume after a break, and wrong data never gets the final name."""

from __future__ import annotations

import base64
import hashlib
import signal
import socket
from pathlib import Path

import httpx
import pytest

from musicai_sdk import CustomWorkflow, MusicAiClient
from musicai_sdk._core.checksums import Check, announced
from musicai_sdk._core.content import content_range
from musicai_sdk._core.object_version import Version, is_of, validator
from musicai_sdk._core.resume import Partial
from musicai_sdk._io import direct
from musicai_sdk.errors import IntegrityError, TransferError
from musicai_sdk.sandbox import Sandbox
from support.answering import Asked, answering, whole

CONTENT = bytes(range(256)) * 12_345
ROUTE = "GET /moises-sandbox/*"


def ranges(sandbox: Sandbox) -> list[str | None]:
    """The ranges of the requests to the storage."""
    return [
        entry.headers.get("range")
        for entry in sandbox.requests
        if entry.method == "GET" and "moises" in entry.path
    ]


@pytest.fixture(params=["direct", "ordinary"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies are read directly from the socket, or by httpx; every test runs with both."""
    monkeypatch.setattr(direct, "SMALLEST", 1 if request.param == "direct" else 1 << 60)


@pytest.fixture
def url(client: MusicAiClient) -> str:
    return client.files.upload(CONTENT).url


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "song.wav"


@pytest.fixture
def broken_off(client: MusicAiClient, sandbox: Sandbox, url: str, target: Path) -> int:
    """A download that ended after this number of bytes."""
    sandbox.faults.add(ROUTE, truncate=1_000_000, nth=1)
    with pytest.raises(IntegrityError, match="broke off"):
        client.files.download(url, target, max_retries=0)
    assert not target.exists()
    return target.with_name("song.wav.part").stat().st_size


def test_within_a_call(client: MusicAiClient, sandbox: Sandbox, url: str, target: Path) -> None:
    sandbox.faults.add(ROUTE, truncate=1_000_000, nth=1)
    sandbox.faults.add(ROUTE, truncate=1_000_000, nth=1)
    assert client.files.download(url, target).size == len(CONTENT)
    assert target.read_bytes() == CONTENT
    assert ranges(sandbox) == [None, "bytes=1000000-", "bytes=2000000-"]
    assert [path.name for path in target.parent.iterdir()] == ["song.wav"]


def test_in_a_later_call(
    client: MusicAiClient, sandbox: Sandbox, url: str, target: Path, broken_off: int
) -> None:
    steps = list[int]()
    client.files.download(url, target, on_progress=lambda done, total: steps.append(done))
    assert target.read_bytes() == CONTENT
    assert ranges(sandbox)[1:] == [f"bytes={broken_off}-"]
    assert steps[0] > broken_off
    assert [path.name for path in target.parent.iterdir()] == ["song.wav"]


def test_only_the_rename_was_missing(
    client: MusicAiClient, sandbox: Sandbox, url: str, target: Path, broken_off: int
) -> None:
    target.with_name("song.wav.part").write_bytes(CONTENT)
    client.files.download(url, target)
    assert target.read_bytes() == CONTENT
    assert ranges(sandbox)[1:] == [f"bytes={len(CONTENT) - 1}-"]


def test_another_version_is_downloaded_from_the_start(
    client: MusicAiClient, sandbox: Sandbox, target: Path
) -> None:
    slot = httpx.get(f"{sandbox.base_url}/upload", headers={"Authorization": sandbox.api_key}).json()
    httpx.put(slot["uploadUrl"], content=CONTENT)
    sandbox.faults.add(ROUTE, truncate=1_000_000, nth=1)
    with pytest.raises(IntegrityError):
        client.files.download(slot["downloadUrl"], target, max_retries=0)
    httpx.put(slot["uploadUrl"], content=CONTENT[::-1])
    client.files.download(slot["downloadUrl"], target, max_retries=0)
    assert target.read_bytes() == CONTENT[::-1]


@pytest.mark.usefixtures("broken_off")
def test_a_server_that_sends_the_rest_of_another_version(
    client: MusicAiClient, sandbox: Sandbox, url: str, target: Path
) -> None:
    # It ignores `If-Range`, and the ETag of its answer names another version.
    sandbox.faults.add(ROUTE, headers={"etag": '"another"'}, nth=1)
    client.files.download(url, target)
    assert target.read_bytes() == CONTENT
    assert ranges(sandbox)[-1] is None


DATE = "Wed, 21 Oct 2015 07:28:00 GMT"
LATER = "Wed, 21 Oct 2015 07:29:00 GMT"


@pytest.mark.parametrize(
    ("whole_headers", "part_headers"),
    [
        pytest.param(['ETag: W/"1"', f"Last-Modified: {DATE}"], ['ETag: W/"2"', f"Last-Modified: {DATE}"], id="weak"),
        pytest.param(['ETag: "1"'], [], id="without an ETag"),
        pytest.param(['ETag: "1"'], ['ETag: W/"1"'], id="weak instead of strong"),
        pytest.param([f"Last-Modified: {DATE}"], [], id="without a date"),
        pytest.param([f"Last-Modified: {DATE}"], ['ETag: "2"', f"Last-Modified: {DATE}"], id="new ETag"),
        pytest.param(
            ["ETag: 1", f"Last-Modified: {DATE}"], ["ETag: 2", f"Last-Modified: {DATE}"], id="without quotes"
        ),
        pytest.param(
            ['ETag: "1"', "x-goog-generation: 1"], ['ETag: "1"', "x-goog-generation: 2"], id="generation"
        ),
    ],
)  # fmt: skip
def test_parts_of_two_versions_are_never_joined(
    tmp_path: Path, whole_headers: list[str], part_headers: list[str]
) -> None:
    old, new = b"1" * 400_000, b"2" * 400_000
    asked = list[str | None]()

    def answer(request: Asked, connection: socket.socket) -> object:
        asked.append(request.headers.get("range"))
        if len(asked) == 1:
            connection.sendall(whole(old, *whole_headers, f"Date: {LATER}")[:150_000])
            return False
        if asked[-1] is None:
            connection.sendall(whole(new, *part_headers))
        else:
            # It ignores `If-Range`.
            first = int(asked[-1].removeprefix("bytes=").rstrip("-"))
            place = f"Content-Range: bytes {first}-{len(new) - 1}/{len(new)}"
            connection.sendall(whole(new[first:], place, *part_headers, status="206 Partial Content"))
        return True

    target = tmp_path / "file.bin"
    with answering(answer) as origin, MusicAiClient("k", base_url=origin) as client:
        client.files.download(f"{origin}/file.bin", target)
    assert target.read_bytes() == new
    assert asked[1] is not None


def test_the_version_of_an_answer() -> None:
    tagged, dated = Version('"a"', 9), Version("yesterday", 9)
    assert not is_of({}, tagged)
    assert is_of({"etag": '"a"', "last-modified": "today"}, tagged)
    assert not is_of({"etag": 'W/"a"'}, tagged)
    assert not is_of({"etag": '"b"'}, tagged)
    assert is_of({"last-modified": "yesterday"}, dated)
    assert not is_of({"etag": '"b"', "last-modified": "yesterday"}, dated)
    assert not is_of({"last-modified": "today"}, dated)


@pytest.mark.usefixtures("broken_off")
def test_a_part_damaged_between_calls(
    client: MusicAiClient, sandbox: Sandbox, url: str, target: Path
) -> None:
    part = target.with_name("song.wav.part")
    part.write_bytes(b"!" + part.read_bytes()[1:])
    client.files.download(url, target)
    assert target.read_bytes() == CONTENT
    assert ranges(sandbox)[1:] == ["bytes=1000000-", None]


@pytest.mark.usefixtures("broken_off")
@pytest.mark.parametrize("note", ["", "{}", "[]", '{"validator": "\\n", "size": 9, "digests": {}}'])
def test_a_damaged_note(client: MusicAiClient, url: str, target: Path, note: str) -> None:
    target.with_name("song.wav.part-of").write_text(note)
    client.files.download(url, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("header", ["md5=1B2M2Y8AsgTpgAmY7PhCfg==", "crc32c=AAAAAA=="])
def test_a_wrong_digest(client: MusicAiClient, sandbox: Sandbox, url: str, target: Path, header: str) -> None:
    fault = sandbox.faults.add(ROUTE, headers={"x-goog-hash": header}, times=1)
    client.files.download(url, target)
    assert fault.hits == 1
    sandbox.faults.clear()
    target.unlink()
    sandbox.faults.add(ROUTE, headers={"x-goog-hash": header})
    with pytest.raises(IntegrityError, match="announced"):
        client.files.download(url, target)
    assert list(target.parent.iterdir()) == []


def test_a_result_url_that_expires_midway(client: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    job = client.jobs.run(CustomWorkflow("sdk-test", {"file": client.files.upload(CONTENT)}))
    sandbox.faults.add("GET /cdn/*", truncate=1_000_000, nth=1)

    def expire(done: int, total: int | None) -> None:
        if done == 1_000_000:
            sandbox.clock.advance(30 * 24 * 3600)

    files = client.jobs.download(job, tmp_path, on_progress=expire)
    assert files["file"].read_bytes() == CONTENT
    asked = [entry.headers.get("range") for entry in sandbox.requests if entry.path.startswith("/cdn/")]
    assert asked == [None, "bytes=1000000-", "bytes=1000000-"]


def test_a_full_disk_leaves_no_part(client: MusicAiClient, url: str, target: Path) -> None:
    resource = pytest.importorskip("resource", reason="a full disk is played by a limit of POSIX")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))
    try:
        with pytest.raises(TransferError, match=r"can't write .*: File too large"):
            client.files.download(url, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert list(target.parent.iterdir()) == []


def test_announced_digests() -> None:
    both = {"x-goog-hash": "crc32c=n03x6A==, md5=1B2M2Y8AsgTpgAmY7PhCfg=="}
    assert announced(both) == {"crc32c": "n03x6A==", "md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}
    assert announced({"content-md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}) == {"md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}
    assert announced({"content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==", "content-range": "bytes 0-1/2"}) == {}
    digest = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    for header in (
        {"repr-digest": f"sha-512=:AAAA=:, sha-256=:{digest}:"},
        {"digest": f"SHA-256={digest}"},
        {"x-amz-checksum-sha256": digest},
    ):
        assert announced(header) == {"sha256": digest}
    assert announced({"x-amz-checksum-sha256": f"{digest}-2"}) == {}
    assert announced({}) == {}
    check = Check({"md5": "1B2M2Y8AsgTpgAmY7PhCfg=="})
    assert check.passed()
    check.update(b"x")
    assert not check.passed()
    assert Check({}).passed()


def test_resumable_versions(tmp_path: Path) -> None:
    assert validator({"etag": '"a"', "last-modified": "x"}) == '"a"'
    assert validator({"etag": 'W/"a"', "last-modified": DATE, "date": LATER}) == DATE
    for date in (DATE, "Wed, 21 Oct 2015 07:28:59 GMT", "x", ""):
        assert validator({"last-modified": DATE, "date": date}) is None
    assert validator({"last-modified": "x", "date": LATER}) is None
    assert validator({"etag": 'W/"a"'}) is None
    assert content_range({"content-range": "bytes 5-9/10"}) == (5, 9, 10)
    assert content_range({"content-range": "bytes */10"}) is None
    assert content_range({}) is None
    version = Version('"a"', 10, {"md5": "m"})
    with Partial(tmp_path / "x") as partial:
        partial.write(b"12345")
        assert partial.resumable() == (0, None)
        partial.describe(version)
        assert partial.resumable() == (5, version)
    with Partial(tmp_path / "x") as partial:
        assert partial.resumable() == (5, version)
        partial.describe(None)
        assert partial.resumable() == (0, None)
        partial.discard()
        partial.discard()
    assert list(tmp_path.iterdir()) == []
