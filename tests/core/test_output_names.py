"""File names from output names."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicai_sdk import MusicAiClient
from musicai_sdk._core.output_names import PARTIAL, file_names
from musicai_sdk._names import safe_name
from musicai_sdk.sandbox import Sandbox

URL = "https://host/x/0f3a.wav?Signature=a/b.c"


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("Kick drum", "Kick drum.wav"),
        ("../../x", "_.._x.wav"),
        ("a/b", "a_b.wav"),
        ("C:\\temp", "C__temp.wav"),
        ("CON", "_CON.wav"),
        ("com1.x", "_com1.x.wav"),
        ("", "output.wav"),
        ("...", "output.wav"),
        (".bashrc", "bashrc.wav"),
        ("a\x00b\nc", "a_b_c.wav"),
        ("invoice\u202egpj", "invoice_gpj.wav"),
        ("é", "é.wav"),
    ],
)
def test_names(output: str, name: str) -> None:
    assert file_names({output: URL}, by_output=True) == {output: name}


def test_long_names_are_cut_at_a_character() -> None:
    name = file_names({"ü" * 300: URL}, by_output=True)["ü" * 300]
    assert len(f"{name}{PARTIAL}".encode()) < 255
    assert name == "ü" * 90 + ".wav"
    assert safe_name("a" * 300) == "a" * 180
    assert safe_name("ü" * 300, longest=9) == "ü" * 4


def test_extensions_are_short_and_plain() -> None:
    names = file_names(
        {"a": f"https://h/x.{'e' * 40}", "b": "https://h/x.w%00a%2Fv", "c": "https://h/x"}, by_output=True
    )
    assert names == {"a": f"a.{'e' * 15}", "b": "b", "c": "c"}


def test_colliding_names_get_numbers() -> None:
    names = file_names({"a/b": URL, "a:b": URL, "A_B": URL, "a_b.wav.part": "https://host/x"}, by_output=True)
    assert list(names.values()) == [
        *["a_b.wav", "a_b (2).wav", "A_B (3).wav", "a_b.wav (2).part"][:3],
        names["a_b.wav.part"],
    ]
    assert names["a_b.wav.part"].casefold() != "a_b.wav.part"


def test_the_manifest_keeps_its_name() -> None:
    names = file_names(
        {"workflow.results": "https://h/x.json"}, by_output=True, taken=["workflow.results.json"]
    )
    assert names == {"workflow.results": "workflow.results (2).json"}


def test_names_from_urls() -> None:
    assert file_names({"vocals": "https://h/..%2F..%2F.bashrc"}, by_output=False) == {"vocals": "bashrc"}
    assert file_names({"vocals": URL}, by_output=False) == {"vocals": "0f3a.wav"}
    assert file_names({"vocals": "https://h/"}, by_output=False) == {"vocals": "vocals"}


@given(st.dictionaries(st.text(), st.text().map(lambda text: f"https://h/{text}"), max_size=8), st.booleans())
def test_every_name_is_one_component_and_unique(urls: dict[str, str], by_output: bool) -> None:
    names = list(file_names(urls, by_output=by_output).values())
    assert len({name.casefold() for name in names}) == len(urls)
    for name in names:
        assert PurePosixPath(name).parts == (name,)
        assert name not in (".", "..")
        assert not name.startswith(".")
        assert not set(name) & set('<>:"/\\|?*\0')
        assert len(name.encode()) <= 220


@given(st.text())
def test_a_safe_name_stays_as_it_is(text: str) -> None:
    assert safe_name(safe_name(text)) == safe_name(text)


def test_unusual_names_from_service_to_disk(client: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    nasty = ["../../x", "a/b", "a:b", "CON", "", "n" * 300]
    url = client.files.upload(b"RIFF of a kind").url
    result = dict.fromkeys(nasty, url) | {"bpm": "64"}
    sandbox.faults.add("GET /job/{id}", body={"id": "j", "status": "SUCCEEDED", "result": result})
    target = tmp_path / "deep" / "folder"
    files = client.jobs.download("j", target)
    assert set(files) == set(nasty)
    assert all(path.parent == target and path.read_bytes() == b"RIFF of a kind" for path in files.values())
    assert len(list(target.iterdir())) == len(nasty) + 1
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and path.parent != target] == []
    assert json.loads(files.manifest.read_text())["a/b"] == "./a_b"
