"""Every tool, called by the official client over standard input and output, on the sandbox."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from support.agents import Agent, Studio, agent, echo

CHORDS = "music-ai/chords-and-beat-mapping"


def finished(ask: Agent, workflow: str, source: str) -> str:
    job_id: str = ask("process", workflow=workflow, input=source)["job_id"]
    assert ask("get_job", job_id=job_id, wait_seconds=50)["status"] == "SUCCEEDED"
    return job_id


def test_the_schemas_of_the_tools(ask: Agent) -> None:
    tools = {each.name: each for each in ask.tools()}
    assert set(tools) == {
        *("list_workflows", "process", "get_job", "read_chords", "read_beats", "read_lyrics", "read_output"),
        *("download_results", "get_limits"),
    }
    for name, tool in tools.items():
        assert tool.description
        assert tool.output_schema
        assert tool.output_schema["type"] == "object"
        assert all(each.get("description") for each in tool.input_schema["properties"].values()), name
        assert tool.annotations
        assert tool.annotations.read_only_hint == (name not in {"process", "download_results"})
    assert "COSTS MONEY" in (tools["process"].description or "")


def test_a_song_from_end_to_end(ask: Agent) -> None:
    root = ask.studio.root
    workflows = {each["slug"]: each for each in ask("list_workflows")["workflows"]}
    assert workflows[CHORDS]["inputs"] == ["inputUrl"]
    assert workflows["music-ai/stem-separation-suite"]["origin"] == "template"
    assert workflows["sdk-test"]["origin"] == "account"

    before = ask("get_limits")
    job_id = finished(ask, CHORDS, "song.ogg")
    job = ask("get_job", job_id=job_id)
    assert (job["finished"], job["workflow"], job["name"]) == (True, CHORDS, "song")
    kinds = {each["name"]: each["kind"] for each in job["outputs"]}
    assert kinds == {"chords": "json", "beats": "json", "key": "value", "bpm": "value"}
    assert ask("get_limits") == {
        "max_jobs": 1000,
        "jobs_created": before["jobs_created"] + 1,
        "jobs_left": before["jobs_left"] - 1,
        "roots": [str(root)],
    }

    chords = ask("read_chords", job_id=job_id)
    assert chords["total"] == len(chords["chords"]) > 5
    assert chords["chords"][0] == {**chords["chords"][0], "start": 0.0, "chord": "D:min", "label": "Dm"}
    second = ask("read_chords", job_id=job_id, output="Chords", offset=1, limit=1)
    assert second["chords"] == chords["chords"][1:2]
    assert second["next_offset"] == 2
    assert ask("read_beats", job_id=job_id)["beats"][0].keys() == {"time", "beat"}
    whole = ask("read_output", job_id=job_id, output="chords", limit=1)
    assert "chord_complex_jazz" in whole["content"][0]
    assert ask("read_output", job_id=job_id, output="key")["content"] == "F major"

    done = ask("download_results", job_id=job_id)
    assert done["folder"] == str(root / job_id)
    assert {Path(each["path"]).name for each in done["files"]} == {"chords.json", "beats.json"}
    assert json.loads(Path(done["files"][0]["path"]).read_text())
    assert ask("download_results", job_id=job_id, folder="some/where")["status"] == "DONE"
    manifest = root / "some" / "where" / job_id / "workflow.results.json"
    assert json.loads(manifest.read_text())["chords"] == "./chords.json"


def test_lyrics_and_outputs_of_all_kinds(ask: Agent) -> None:
    job_id = finished(ask, "acme-lyrics", "song.ogg")
    job = ask("get_job", job_id=job_id)
    kinds = {each["name"]: each["kind"] for each in job["outputs"]}
    assert kinds == {
        "Transcription": "json",
        "odd": "json",
        "cover": "file",
        "tempo": "value",
        "more": "value",
    }
    lines = ask("read_lyrics", job_id=job_id)["lines"]
    assert lines == [{"text": "Hello world", "start": 0.5, "end": 1.5}, {"text": "again"}]
    lines = ask("read_lyrics", job_id=job_id, words=True)["lines"]
    assert lines[0]["words"] == [{"word": "Hello", "start": 0.5, "end": 0.9}, {"word": "world"}]
    # Its content has a signed URL, which the agent sees without its query.
    whole = ask("read_output", job_id=job_id, output="transcription")
    assert whole["content"][1]["cover"] == "https://storage.example/cover.png?…"
    # Values that the protocol's JSON can't represent.
    odd = ask("read_output", job_id=job_id, output="odd")["content"]
    assert odd == {
        "number": None,
        "text": "\N{REPLACEMENT CHARACTER}",
        "url": "https://storage.example/cover.png?…",
    }


def test_no_answer_is_too_long(ask: Agent) -> None:
    job_id = finished(ask, "acme-large", "song.ogg")
    values = {each["name"]: each.get("value") for each in ask("get_job", job_id=job_id)["outputs"]}
    assert values == dict.fromkeys(("chords", "list", "object", "long", "longer"))
    assert ask("read_output", job_id=job_id, output="long")["content"] == "v" * 20_000

    starts, offset = list[float](), cast("int | None", 0)
    while offset is not None:
        page = ask("read_chords", job_id=job_id, offset=offset, limit=10_000)
        assert len(json.dumps(page)) < 300_000
        starts += [each["start"] for each in page["chords"]]
        offset = page.get("next_offset")
    assert starts == [float(at) for at in range(2000)]

    for output in ("object", "longer"):
        error = ask.refused("read_output", job_id=job_id, output=output)
        assert (error["code"], error["retryable"]) == ("too_long", False)
        assert "download_results" in error["what_to_do"]
    page = ask("read_output", job_id=job_id, output="list")
    assert (page["content"], page["next_offset"], page["total"]) == (["short"], 1, 22)
    error = ask.refused("read_output", job_id=job_id, output="list", offset=1)
    assert error["code"] == "too_long"
    assert "offset=2 skips it" in error["what_to_do"]
    page = ask("read_output", job_id=job_id, output="list", offset=2)
    assert (len(page["content"]), page["next_offset"]) == (6, 8)
    assert ask("download_results", job_id=job_id)["status"] == "DONE"


def test_the_same_content_is_the_same_request(ask: Agent) -> None:
    """Also under another name. Another content, workflow or parameter is another request."""
    first = ask.echo(ask.studio.file("one.wav", "same"))
    assert not first["repeated"]
    renamed = ask.echo(ask.studio.file("folder/two.flac", "same"))
    assert (renamed["job_id"], renamed["repeated"]) == (first["job_id"], True)
    others = [
        ask.echo("one.wav", x=1),
        ask.echo("one.wav", x="1"),
        ask("process", workflow="acme-lyrics", input="one.wav"),
        ask.echo(ask.studio.file("one.wav", "changed")),
    ]
    assert len({first["job_id"], *(each["job_id"] for each in others)}) == 5
    assert ask.echo(ask.studio.file("one.wav", "same"), x=1)["job_id"] == others[0]["job_id"]


def test_a_url_is_the_same_request_under_another_signature(ask: Agent) -> None:
    with ask.studio.sandbox.client() as client:
        url = client.files.upload(ask.studio.root / "song.ogg").url
    other = f"{url.partition('?')[0]}?Expires=1&Serial=2&Signature=3"
    posts = ask.studio.posts()
    first, second = ask.echo(url), ask.echo(other)
    assert (second["job_id"], second["repeated"]) == (first["job_id"], True)
    assert ask.studio.posts() == posts + 1


def test_a_failed_job_is_explained_and_not_paid_again(ask: Agent) -> None:
    name = ask.studio.file("fails.wav")
    ask.studio.sandbox.faults.add("POST /job", job_error="BAD_INPUT", nth=1)
    posts = ask.studio.posts()
    job_id = ask.echo(name)["job_id"]
    assert ask("get_job", job_id=job_id, wait_seconds=50)["failure"]["code"] == "BAD_INPUT"
    for tool in ("read_chords", "download_results"):
        assert ask.refused(tool, job_id=job_id)["code"] == "job_failed"
    again = ask.echo(name)
    assert (again["job_id"], again["status"], again["repeated"]) == (job_id, "FAILED", True)
    assert ask.studio.posts() == posts + 1


def test_a_job_that_runs_is_followed(ask: Agent) -> None:
    ask.studio.sandbox.faults.add("POST /job", job_seconds=1000, nth=1)
    job_id = ask.echo(ask.studio.file("slow.wav"))["job_id"]
    assert not ask("get_job", job_id=job_id, wait_seconds=0.3)["finished"]
    error = ask.refused("read_chords", job_id=job_id)
    assert (error["code"], error["retryable"]) == ("job_not_finished", True)
    ask.studio.sandbox.clock.advance(1001)
    assert ask("get_job", job_id=job_id, wait_seconds=50)["status"] == "SUCCEEDED"


def test_long_transfers_return_at_once_and_a_repeat_waits_for_them(studio: Studio) -> None:
    studio.options = ("--patience", "0.2")
    studio.sandbox.faults.add("GET /upload", delay=1.5, nth=1)
    name, posts = studio.file("long.wav"), studio.posts()
    with agent(studio) as ask:
        job = ask.echo(name)
        assert job["status"] == "CREATING"
        assert "job_id" not in job
        while job["status"] == "CREATING":
            job = ask("process", **echo(name))
        ask("get_job", job_id=job["job_id"], wait_seconds=50)
        studio.sandbox.faults.add("GET /cdn/*", delay=1.5, nth=1)
        done = ask("download_results", job_id=job["job_id"])
        assert done["status"] == "DOWNLOADING"
        while done["status"] == "DOWNLOADING":
            done = ask("download_results", job_id=job["job_id"])
        assert Path(done["files"][0]["path"]).read_bytes() == (studio.root / name).read_bytes()
    assert studio.posts() == posts + 1
