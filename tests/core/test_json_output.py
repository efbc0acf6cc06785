"""`client.files.read`: a server's error isn't the content."""

from __future__ import annotations

import json

import pytest

from musicai_sdk import JsonFile, MusicAiClient
from musicai_sdk.errors import IntegrityError
from support.answering import answering, whole


@pytest.mark.parametrize(
    "said", [{"error": {"code": 403}}, {"success": False}, {"message": "no", "status": 403}]
)
def test_an_error_document(client: MusicAiClient, said: object) -> None:
    body = whole(json.dumps(said).encode())
    with answering(lambda _, connection: connection.sendall(body)) as origin:
        with pytest.raises(IntegrityError, match="error document"):
            client.files.read(JsonFile(f"{origin}/chords.json"), max_retries=0)


@pytest.mark.parametrize(
    "content", [{"error": 0.5, "chords": []}, {"id": "x", "status": "failed"}, {"ok": True}, []]
)
def test_content(client: MusicAiClient, content: object) -> None:
    body = whole(json.dumps(content).encode())
    with answering(lambda _, connection: connection.sendall(body)) as origin:
        assert client.files.read(JsonFile(f"{origin}/chords.json"), max_retries=0) == content
