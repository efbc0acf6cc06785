"""Ambiguous answers of a storage: only the complete file gets the final name."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import socket
import zlib
from pathlib import Path

import pytest

from musicai_sdk import MusicAiClient
from musicai_sdk.errors import IntegrityError, TransferError
from musicai_sdk.models import JsonFile
from support.answering import Asked, Handler, answering, chunked, head, whole

WHOLE = b"A" * 500_000 + b"B" * 500_000
PLAIN = json.dumps([{"start": number * number, "end": 1} for number in range(5000)]).encode()
ETAG = 'ETag: "1"'


def md5(data: bytes) -> str:
    return f"x-goog-hash: md5={base64.b64encode(hashlib.md5(data).digest()).decode()}"


def answers(*each: bytes) -> tuple[list[Asked], Handler]:
    """Sends the answers in order, and repeats the last one. Each ends its connection, and says so."""
    asked = list[Asked]()

    def answer(request: Asked, connection: socket.socket) -> bool:
        asked.append(request)
        start, line_end, rest = each[min(len(asked), len(each)) - 1].partition(b"\r\n")
        # Without the header, a client may send its next request while the connection ends.
        connection.sendall(start + line_end + b"Connection: close\r\n" + rest)
        return False

    return asked, answer


BROKEN_OFF = head("200 OK", ETAG, "Content-Length: 1000000") + WHOLE[:500_000]
REST = WHOLE[500_000:]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["Content-Range: bytes 500000-999999/*"],
        ["Content-Range: bytes */1000000"],
        ["Content-Range: 500000-999999/1000000"],
        ["Content-Range: items 500000-999999/1000000"],
        ["Content-Range: bytes 500000-999999/1000000, bytes 0-1/2"],
        ["Content-Range: bytes 500000-999999/1000000", "Content-Range: bytes 500000-999999/1000000"],
        ["Content-Range: bytes 499999-999998/1000000"],
        ["Content-Range: bytes 0-499999/1000000"],
        ["Content-Range: bytes 500000-999999/1000001"],
        ["Content-Range: bytes 500000-999998/1000000"],
        ["Content-Range: bytes 500000-999999/1000000", "Content-Encoding: gzip"],
        ["Content-Type: multipart/byteranges; boundary=x"],
        ["Content-Type: multipart/byteranges; boundary=x", "Content-Range: bytes 500000-999999/1000000"],
    ],
)
def test_an_unusable_content_range(each_client: MusicAiClient, tmp_path: Path, headers: list[str]) -> None:
    rest = whole(REST, ETAG, *headers, status="206 Partial Content")
    asked, answer = answers(BROKEN_OFF, rest, whole(WHOLE, ETAG))
    with answering(answer) as url:
        each_client.files.download(f"{url}/x.wav", tmp_path / "x.wav")
        assert (tmp_path / "x.wav").read_bytes() == WHOLE
        assert [request.headers.get("range") for request in asked] == [None, "bytes=500000-", None]
    asked, answer = answers(BROKEN_OFF, rest)
    with answering(answer) as url:
        with pytest.raises(IntegrityError, match="part of the file"):
            each_client.files.download(f"{url}/x.wav", tmp_path / "y.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["x.wav"]


@pytest.mark.parametrize(
    "content_range",
    ["bytes 500000-999999/1000000", "Bytes 500000-999999/1000000", "bytes=500000-999999/1000000"],
)
def test_a_usable_content_range(each_client: MusicAiClient, tmp_path: Path, content_range: str) -> None:
    rest = whole(REST, ETAG, f"Content-Range: {content_range}", status="206 Partial Content")
    with answering(answers(BROKEN_OFF, rest)[1]) as url:
        assert each_client.files.download(f"{url}/x.wav", tmp_path / "x.wav").size == 1_000_000
    assert (tmp_path / "x.wav").read_bytes() == WHOLE


def test_a_download_resumed_twice(each_client: MusicAiClient, tmp_path: Path) -> None:
    each = [
        whole(WHOLE[a:b], ETAG, f"Content-Range: bytes {a}-{b - 1}/1000000", status="206 Partial Content")
        for a, b in ((500_000, 700_000), (700_000, 1_000_000))
    ]
    asked, answer = answers(BROKEN_OFF, *each)
    with answering(answer) as url:
        each_client.files.download(f"{url}/x.wav", tmp_path / "x.wav")
    assert (tmp_path / "x.wav").read_bytes() == WHOLE
    assert [request.headers.get("range") for request in asked] == [None, "bytes=500000-", "bytes=700000-"]


@pytest.mark.parametrize("status", ["200 OK", "206 Partial Content"])
@pytest.mark.parametrize(
    ("content_range", "good"),
    [
        ("bytes 0-999999/1000000", True),
        ("bytes 0-999999/1000001", False),
        ("bytes 0-999999/*", False),
        ("bytes 5-1000004/1000005", False),
        (None, False),
    ],
)
def test_a_range_that_was_not_requested(
    each_client: MusicAiClient, tmp_path: Path, status: str, content_range: str | None, *, good: bool
) -> None:
    headers = [] if content_range is None else [f"Content-Range: {content_range}"]
    with answering(answers(whole(WHOLE, *headers, status=status))[1]) as url:
        if good or (status == "200 OK" and content_range is None):
            each_client.files.download(f"{url}/x.wav", tmp_path / "x.wav")
            assert (tmp_path / "x.wav").read_bytes() == WHOLE
            return
        with pytest.raises(IntegrityError):
            each_client.files.download(f"{url}/x.wav", tmp_path / "x.wav")
        with pytest.raises(IntegrityError):
            each_client.files.read(JsonFile(f"{url}/x.json"))
    assert list(tmp_path.iterdir()) == []


def check(client: MusicAiClient, folder: Path, answer: bytes, *, good: bool, match: str = "") -> None:
    """Downloads and reads the server's answer, which gives the plain JSON or an error."""
    asked, handler = answers(answer)
    with answering(handler) as url:
        if good:
            client.files.download(f"{url}/x.json", folder / "x.json")
            assert (folder / "x.json").read_bytes() == PLAIN
            assert client.files.read(JsonFile(f"{url}/x.json")) == json.loads(PLAIN)
            assert len(asked) == 2
        else:
            with pytest.raises(TransferError, match=match):
                client.files.download(f"{url}/x.json", folder / "x.json")
            with pytest.raises(TransferError, match=match):
                client.files.read(JsonFile(f"{url}/x.json"))
    assert [path.name for path in folder.iterdir()] == ["x.json"] * good


STORED = "x-goog-stored-content-encoding: gzip"
GZIP = "Content-Encoding: gzip"


def test_stored_compressed_and_sent_decompressed(each_client: MusicAiClient, tmp_path: Path) -> None:
    digest = md5(gzip.compress(PLAIN))
    check(each_client, tmp_path, chunked(PLAIN, STORED, digest), good=True)


def test_stored_compressed_sent_decompressed_and_truncated(
    each_client: MusicAiClient, tmp_path: Path
) -> None:
    answer = chunked(PLAIN, STORED, md5(gzip.compress(PLAIN)))[:-20]
    check(each_client, tmp_path, answer, good=False, match="broke off")


RAW_DEFLATE = zlib.compressobj(wbits=-15)
CODED = {
    "gzip": gzip.compress(PLAIN),
    "x-gzip": gzip.compress(PLAIN),
    "GZIP": gzip.compress(PLAIN),
    "gzip ": gzip.compress(PLAIN[:1000]) + gzip.compress(PLAIN[1000:]) + bytes(100),
    "deflate": zlib.compress(PLAIN),
    " deflate": RAW_DEFLATE.compress(PLAIN) + RAW_DEFLATE.flush(),
    "gzip, deflate": zlib.compress(gzip.compress(PLAIN)),
    "identity": PLAIN,
    "gzip, identity": gzip.compress(PLAIN),
}


@pytest.mark.parametrize("framing", ["length", "chunks", "none"])
@pytest.mark.parametrize("coding", CODED)
def test_sent_compressed(each_client: MusicAiClient, tmp_path: Path, coding: str, framing: str) -> None:
    body = CODED[coding]
    headers = [f"Content-Encoding: {coding}", md5(body), ETAG]
    if framing == "length":
        answer = whole(body, *headers)
    elif framing == "chunks":
        answer = chunked(body, *headers)
    else:
        answer = head("200 OK", *headers) + body
    check(each_client, tmp_path, answer, good=True)


def test_compressed_by_a_proxy(each_client: MusicAiClient, tmp_path: Path) -> None:
    check(each_client, tmp_path, whole(gzip.compress(PLAIN), GZIP, md5(PLAIN)), good=True)


@pytest.mark.parametrize("coding", ["gzip", "deflate", " deflate", "gzip, deflate"])
@pytest.mark.parametrize("cut", [1, 4, 8, 100])
def test_sent_compressed_and_truncated(
    each_client: MusicAiClient, tmp_path: Path, coding: str, cut: int
) -> None:
    body = CODED[coding][:-cut]
    header = f"Content-Encoding: {coding}"
    for answer in (whole(body, header), chunked(body, header), head("200 OK", header) + body):
        check(each_client, tmp_path, answer, good=False, match="isn't whole")


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", CODED["gzip"] + b"garbage"),
        ("gzip", CODED["gzip"] + b"g"),
        ("gzip", CODED["gzip"] + CODED["gzip"][:-1]),
        ("gzip", PLAIN),
        ("gzip", b""),
        ("deflate", CODED["deflate"] + b"g"),
        ("deflate", PLAIN),
        ("gzip", CODED["gzip"][:-8] + bytes(8)),
    ],
)
def test_data_that_does_not_match_its_coding(
    each_client: MusicAiClient, tmp_path: Path, coding: str, body: bytes
) -> None:
    answer = head("200 OK", f"Content-Encoding: {coding}") + body
    check(each_client, tmp_path, answer, good=False, match="decoded|whole")


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, br", "aes128gcm"])
def test_an_unsupported_coding(each_client: MusicAiClient, tmp_path: Path, coding: str) -> None:
    asked, answer = answers(whole(PLAIN, f"Content-Encoding: {coding}"))
    with answering(answer) as url, pytest.raises(TransferError, match="content coding"):
        each_client.files.download(f"{url}/x.wav", tmp_path / "x.wav")
    assert len(asked) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_decompression_bomb_is_decoded_in_pieces(each_client: MusicAiClient, tmp_path: Path) -> None:
    size = 300_000_000
    steps = list[int]()
    with answering(answers(whole(gzip.compress(bytes(size), 1), GZIP))[1]) as url:
        done = each_client.files.download(
            f"{url}/x", tmp_path / "x", on_progress=lambda done, total: steps.append(done)
        )
        assert done.size == (tmp_path / "x").stat().st_size == size
        assert max(b - a for a, b in zip([0, *steps], steps, strict=False)) <= 1024 * 1024
        with pytest.raises(TransferError, match="too large"):
            each_client.files.read(JsonFile(f"{url}/x"))


def test_a_wrong_digest_of_compressed_bytes(each_client: MusicAiClient, tmp_path: Path) -> None:
    answer = whole(CODED["gzip"], GZIP, md5(b"another"))
    check(each_client, tmp_path, answer, good=False, match="another md5")


def test_neither_length_nor_digest(each_client: MusicAiClient, tmp_path: Path) -> None:
    with answering(answers(head("200 OK") + WHOLE)[1]) as url:
        with pytest.raises(IntegrityError, match="without a length or a digest"):
            each_client.files.download(f"{url}/x.wav", tmp_path / "x.wav")
    assert list(tmp_path.iterdir()) == []


def test_a_digest_instead_of_a_length(each_client: MusicAiClient, tmp_path: Path) -> None:
    check(each_client, tmp_path, head("200 OK", md5(PLAIN)) + PLAIN, good=True)
    (tmp_path / "x.json").unlink()
    cut = head("200 OK", md5(PLAIN)) + PLAIN[:-1]
    check(each_client, tmp_path, cut, good=False, match="another md5")


def test_json_without_a_length_marks_its_own_end(each_client: MusicAiClient) -> None:
    with answering(answers(head() + PLAIN)[1]) as url:
        assert each_client.files.read(JsonFile(f"{url}/x")) == json.loads(PLAIN)
    with answering(answers(head() + b"12")[1]) as url:
        with pytest.raises(IntegrityError, match="without a length"):
            each_client.files.read(JsonFile(f"{url}/x"))
    with answering(answers(chunked(b"12"))[1]) as url:
        assert each_client.files.read(JsonFile(f"{url}/x")) == 12


@pytest.mark.parametrize("answer", [whole(b""), chunked(b""), whole(b"", GZIP), chunked(b"", GZIP)])
def test_an_empty_object(each_client: MusicAiClient, tmp_path: Path, answer: bytes) -> None:
    with answering(answers(answer)[1]) as url:
        assert each_client.files.download(f"{url}/x.wav", tmp_path / "x.wav").size == 0
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("x.wav", b"")]


def test_a_compressed_error_answer(each_client: MusicAiClient, tmp_path: Path) -> None:
    body = gzip.compress(b"<Error><Code>ExpiredToken</Code></Error>")
    with answering(answers(whole(body, GZIP, status="400 Bad Request"))[1]) as url:
        with pytest.raises(TransferError, match=r"400 \(ExpiredToken\)"):
            each_client.files.download(f"{url}/x.wav", tmp_path / "x.wav")


def digest_of(data: bytes, algorithm: str) -> str:
    crc32 = zlib.crc32(data).to_bytes(4, "big")
    return base64.b64encode(crc32 if algorithm == "crc32" else hashlib.new(algorithm, data).digest()).decode()


@pytest.mark.parametrize(
    ("header", "algorithm"),
    [
        *(("Repr-Digest: sha-256=:{}:", "sha256"), ("Repr-Digest: sha-512=:{}:", "sha512")),
        *(("Content-Digest: sha-256=:{}:", "sha256"), ("Digest: SHA-256={}", "sha256")),
        *(("Digest: SHA-512={}", "sha512"), ("Digest: unixsum=1,MD5={}", "md5"), ("Digest: SHA={}", "sha1")),
        *(("x-amz-checksum-sha256: {}", "sha256"), ("x-amz-checksum-sha1: {}", "sha1")),
        *(("x-amz-checksum-crc32: {}", "crc32"), ("x-ms-blob-content-md5: {}", "md5")),
    ],
)
def test_a_digest_of_the_object(client: MusicAiClient, tmp_path: Path, header: str, algorithm: str) -> None:
    digest = digest_of(PLAIN, algorithm)
    check(client, tmp_path, whole(PLAIN, header.format(digest)), good=True)
    (tmp_path / "x.json").unlink()
    another = whole(PLAIN[:-1] + b" ", header.format(digest))
    check(client, tmp_path, another, good=False, match=f"another {algorithm}")


def test_the_digest_of_a_part_is_not_that_of_the_object(client: MusicAiClient, tmp_path: Path) -> None:
    digest = digest_of(REST, "sha256")
    place = "Content-Range: bytes 500000-999999/1000000"
    rest = whole(REST, ETAG, place, f"Content-Digest: sha-256=:{digest}:", status="206 Partial Content")
    with answering(answers(BROKEN_OFF, rest)[1]) as url:
        client.files.download(f"{url}/x.wav", tmp_path / "x.wav")
    assert (tmp_path / "x.wav").read_bytes() == WHOLE


def test_another_length_than_the_stored_one(each_client: MusicAiClient, tmp_path: Path) -> None:
    stored = f"x-goog-stored-content-length: {len(PLAIN)}"
    check(each_client, tmp_path, whole(PLAIN, stored), good=True)
    (tmp_path / "x.json").unlink()
    cut = whole(b"[1]", stored, "x-goog-stored-content-encoding: identity")
    check(each_client, tmp_path, cut, good=False, match="in the storage, but 3 were announced")
    check(each_client, tmp_path, whole(PLAIN, "x-goog-stored-content-length: 9", STORED), good=True)
