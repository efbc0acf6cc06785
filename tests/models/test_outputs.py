"""URLs of JSON outputs with the type of their content."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from musicai_sdk import JsonFile, MusicAiClient
from musicai_sdk.errors import ResponseError
from musicai_sdk.models import Chord
from support.listening import Listener

URL = "https://cdn.example.com/chords.json"


def test_the_content_type_is_the_parameter_or_the_argument() -> None:
    assert JsonFile[list[Chord]](URL).content_type == list[Chord]
    assert JsonFile(URL, list[Chord]).content_type == list[Chord]
    assert JsonFile(URL).content_type is Any


def test_the_content_type_survives_copies_and_pickles() -> None:
    url = JsonFile[list[Chord]](URL)
    for other in (copy.copy(url), copy.deepcopy(url), pickle.loads(pickle.dumps(url))):
        assert (other, type(other), other.content_type) == (URL, JsonFile, list[Chord])


def test_content_is_read_as_its_type(client: MusicAiClient) -> None:
    listener = Listener()
    try:
        read = client.files.read(JsonFile[dict[str, str]](f"{listener.origin}/a.json"))
        assert read["name"] == "Default Application"
        with pytest.raises(ResponseError):
            client.files.read(JsonFile[list[Chord]](f"{listener.origin}/a.json"))
    finally:
        listener.close()
