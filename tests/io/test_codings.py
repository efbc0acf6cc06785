"""A small body that decodes to a very large one is bounded, whatever its codings are."""

from __future__ import annotations

import gzip
import socket
import tracemalloc
import zlib
from functools import cache
from pathlib import Path

import pytest

from musicai_sdk import MusicAiClient
from musicai_sdk._io.codings import CodingError, codings, decoded, decoder_of
from musicai_sdk._io.protocol import Response
from musicai_sdk.errors import ResponseError, ServerError, TransferError
from support.answering import Asked, answering, whole

MOST = 80 * 1024 * 1024
"""The most memory for one answer, in bytes."""


@cache
def bomb() -> bytes:
    """Hundreds of megabytes of zeros in less than a kilobyte."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    pieces = [deflate.compress(bytes(1024 * 1024)) for _ in range(128)]
    return gzip.compress(b"".join(pieces) + deflate.flush())


@pytest.mark.parametrize("status", ["200 OK", "500 Oops"])
def test_an_answer_of_the_api(each_client: MusicAiClient, status: str) -> None:
    answer = whole(bomb(), "Content-Encoding: gzip, gzip", status=status)
    with answering(lambda _, connection: connection.sendall(answer)) as origin:
        each_client.base_url = origin
        tracemalloc.start()
        try:
            with pytest.raises((ResponseError, ServerError), match=r"more than 16 MB|500"):
                each_client.jobs.get("j", max_retries=0)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < MOST


def test_an_error_of_a_storage(each_client: MusicAiClient, tmp_path: Path) -> None:
    coded = bomb()
    said = gzip.compress(b"<Error><Code>ExpiredToken</Code></Error>")
    answers = {
        "/bomb": whole(coded, "Content-Encoding: gzip, gzip", status="403 No"),
        "/said": whole(said, "Content-Encoding: gzip", status="400 No"),
    }
    with answering(lambda asked, connection: connection.sendall(answers[asked.path])) as origin:
        with pytest.raises(TransferError, match=r"400 \(ExpiredToken\)"):
            each_client.files.download(f"{origin}/said", tmp_path / "x")
        tracemalloc.start()
        try:
            with pytest.raises(TransferError, match="403"):
                each_client.files.download(f"{origin}/bomb", tmp_path / "x")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < MOST


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "gzip, deflate", "GZIP , identity"])
def test_coded_answers_of_the_api(each_client: MusicAiClient, coding: str) -> None:
    body = gzip.compress(b'{"id": "j", "status": "QUEUED"}')
    if "deflate" in coding:
        body = zlib.compress(body)
    answer = whole(body, f"Content-Encoding: {coding}")
    with answering(lambda _, connection: connection.sendall(answer)) as origin:
        each_client.base_url = origin
        assert each_client.jobs.get("j").status == "QUEUED"


def test_only_codings_that_can_be_decoded_are_asked_for(each_client: MusicAiClient) -> None:
    asked = list[str]()

    def handle(request: Asked, connection: socket.socket) -> None:
        asked.append(request.headers["accept-encoding"])
        connection.sendall(whole(b'{"id": "j", "status": "QUEUED"}'))

    with answering(handle) as origin:
        each_client.base_url = origin
        each_client.jobs.get("j")
        each_client.jobs.get("j", headers={"Accept-Encoding": "identity"})
    assert asked == ["gzip, deflate", "identity"]


def test_a_coding_that_decodes_only_to_another() -> None:
    # The header of gzip may have a comment of any length.
    empty = b"\x1f\x8b\x08\x10\0\0\0\0\0\xff" + b"c" * 20_000_000 + b"\0"
    with pytest.raises(CodingError, match="nothing but"):
        list(decoder_of(["gzip", "gzip"]).feed(gzip.compress(empty)))


@pytest.mark.parametrize("name", ["gzip, " * 2000 + "gzip", "br"])
def test_unsupported_codings(each_client: MusicAiClient, tmp_path: Path, name: str) -> None:
    headers = {"content-encoding": name}
    with pytest.raises(KeyError):
        decoder_of(codings(headers))
    response = Response(200, headers, b"as it is")
    assert decoded(response) is response
    answer = whole(b"as it is", f"Content-Encoding: {name}")
    with answering(lambda _, connection: connection.sendall(answer)) as origin:
        each_client.base_url = origin
        with pytest.raises(ResponseError):
            each_client.jobs.get("j", max_retries=0)
        with pytest.raises(TransferError):
            each_client.files.download(f"{origin}/x", tmp_path / "x")
