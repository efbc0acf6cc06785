"""Byte order marks, lone surrogates, huge numbers and deep nesting are read, or raise a clear error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import Connect
from musicai_sdk._core.json_text import DEEPEST
from musicai_sdk.errors import MusicAiError, ResponseError, ServerError
from musicai_sdk.models import JsonFile
from support.raw_server import RawServer

DIGITS = "1" * 5_000
DEEP = "[" * 100_000 + "]" * 100_000


def job(name: str = '"n"', metadata: str = "{}") -> str:
    return f'{{"id": "j", "status": "SUCCEEDED", "name": {name}, "metadata": {metadata}}}'


def printable(error: MusicAiError) -> None:
    f"{error} {error!r} {vars(error)}".encode()


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"\xef\xbb\xbf" + job().encode(), "n"),
        (job().encode("utf-16"), "n"),
        (job().encode("utf-32-be"), "n"),
        (job('"a\\ud800b"').encode(), "a\ufffdb"),
        (job('"\\udfff\\ud83d\\ude00"').encode(), "\ufffd\U0001f600"),
        (job('"\xe9"').encode("latin-1"), "\ufffd"),
        (job('"a\tb"').encode(), "a\tb"),
        (job(metadata=f'{{"a": {DIGITS}, "b": -{DIGITS}}}').encode(), "n"),
        (job(metadata='{"a": NaN, "b": -Infinity, "\\ud800": 1}').encode(), "n"),
        (job(metadata=f'{{"a": {DEEP}}}').encode(), "n"),
        (job(metadata='{"a":' * 5_000 + "1" + "}" * 5_000).encode(), "n"),
    ],
    ids=[
        "BOM",
        "UTF-16",
        "UTF-32",
        "surrogate",
        "pair",
        "Latin-1",
        "tab",
        "digits",
        "NaN",
        "arrays",
        "objects",
    ],
)
def test_answers(connect: Connect, body: bytes, name: str) -> None:
    def page(path: str) -> bytes:
        if not path.startswith("/job?"):
            return body
        encoding = json.detect_encoding(body)
        return f"[{body.decode(encoding, 'surrogateescape')}]".encode(encoding, "surrogateescape")

    with RawServer(lambda request: request.answer(page(request.path))) as server:
        client = connect(base_url=server.url, max_retries=0)
        for found in (client.jobs.get("j"), client.jobs.wait("j", timeout=30)):
            assert (found.id, found.name) == ("j", name)
            for text in (
                found.model_dump_json(),
                json.dumps(found.raw),
                repr(found),
                json.dumps(dict(found)),
            ):
                text.encode()
            assert found.metadata is not None


def test_only_deeply_nested_values_are_cut(connect: Connect) -> None:
    body = job(metadata=f'{{"a": [{DEEP}, 1], "b": "[[[", "c": {{"d": [2]}}}}').encode()
    with RawServer(lambda request: request.answer(body)) as server:
        metadata = connect(base_url=server.url).jobs.get("j").metadata
    assert (metadata["a"][1], metadata["b"], metadata["c"]) == (1, "[[[", {"d": [2]})
    assert json.dumps(metadata["a"][0]).count("[") <= DEEPEST


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "isn't valid JSON"),
        (b"\xff\xfe\xfd", "isn't valid JSON"),
        (b"<html>", "isn't valid JSON"),
        (b'{"id": "j"', "isn't valid JSON"),
        (b"[" * 100_000, "ends within 100000 nested values"),
        (b'{"id": "j", "status": [1]}', "the field status doesn't fit"),
        (b'\xef\xbb\xbf{"id": "j", "status": [1]}', "the field status doesn't fit"),
        (b'{"id": "j", "status": "\\ud800", "x": 1' + b"}" * 2, "isn't valid JSON"),
        (DIGITS.encode(), "doesn't fit"),
    ],
)
def test_invalid_answers(connect: Connect, body: bytes, words: str) -> None:
    with RawServer(lambda request: request.answer(body)) as server:
        with pytest.raises(ResponseError, match=words) as caught:
            connect(base_url=server.url, max_retries=0).jobs.get("j")
    printable(caught.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'\xef\xbb\xbf{"message": "no"}', "no"),
        (b'{"message": "a\\ud800\\u001b[2J\\u009b", "code": %s}' % DIGITS.encode(), "a\ufffd\ufffd[2J\ufffd"),
        (b'{"message": "two\\nlines"}', "two lines"),
        (DEEP.encode(), "Internal Server Error"),
        (b"[" * 100_000, "Internal Server Error"),
        (b'{"message": NaN, "title": 1}', "nan"),
        (DIGITS.encode(), "Internal Server Error"),
        (b"\xff\xfe", "Internal Server Error"),
    ],
)
def test_errors(connect: Connect, body: bytes, message: str) -> None:
    with RawServer(lambda request: request.answer(body, "500 Oops")) as server:
        with pytest.raises(ServerError) as caught:
            connect(base_url=server.url, max_retries=0).jobs.get("j")
    assert caught.value.message == message
    printable(caught.value)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"\xef\xbb\xbf[1]", [1]),
        (b'{"a": "\\ud800"}', {"a": "\ufffd"}),
        (f"[{DIGITS}]".encode(), [DIGITS]),
        (b'[{"a": 1}, -Infinity]', [{"a": 1}, float("-inf")]),
    ],
)
def test_result_files(connect: Connect, body: bytes, value: Any) -> None:
    with RawServer(lambda request: request.answer(body)) as server:
        assert connect().files.read(JsonFile(f"{server.url}/x.json")) == value


@pytest.mark.parametrize("body", [DEEP, '{"a":' * 300 + "1" + "}" * 300])
def test_result_files_that_are_nested_too_deeply_are_not_cut(connect: Connect, body: str) -> None:
    with RawServer(lambda request: request.answer(body.encode())) as server:
        with pytest.raises(ResponseError, match="nested more deeply than 100 levels"):
            connect().files.read(JsonFile(f"{server.url}/x.json"))
