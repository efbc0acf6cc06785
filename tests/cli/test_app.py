"""`musicai` as a program: its output and exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from musicai_sdk.cli.app import musicai as group
from musicai_sdk.sandbox import Sandbox

KEY = "27803abe-ec15-4f74-9e8a-18a99627e9b0"


class Musicai:
    """The command, with the sandbox in its environment."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.environment = {
            **os.environ,
            "MUSIC_AI_API_KEY": sandbox.api_key,
            "MUSIC_AI_BASE_URL": sandbox.base_url,
        }
        self.folder = folder

    def __call__(self, *arguments: str, code: int = 0, text: str | None = None, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "musicai_sdk.cli", *arguments],
            env={**self.environment, **environment},
            cwd=self.folder,
            input=text or "",
            capture_output=True,
            text=True,
            check=False,
        )
        self.stderr = done.stderr
        assert done.returncode == code, (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stdout

    def json(self, *arguments: str) -> list[Any]:
        return [json.loads(line) for line in self("--json", *arguments).splitlines()]


@pytest.fixture
def musicai(sandbox: Sandbox, tmp_path: Path) -> Musicai:
    (tmp_path / "song.wav").write_bytes(b"RIFF of a kind")
    return Musicai(sandbox, tmp_path)


def test_process_file(musicai: Musicai, sandbox: Sandbox) -> None:
    printed = musicai("process", "file", "sdk-test", "song.wav", "out", "--input-name", "file")
    paths = [musicai.folder / line for line in printed.splitlines()]
    assert paths[0].read_bytes() == b"RIFF of a kind"
    assert paths[1].name == "workflow.results.json"
    assert "SUCCEEDED" in musicai.stderr
    assert sandbox.jobs == []


def test_a_failed_job_is_kept(musicai: Musicai, sandbox: Sandbox) -> None:
    musicai("process", "file", "sdk-test", "http://127.0.0.1:9/none", "out", "--input-name", "file", code=1)
    assert "BAD_INPUT" in musicai.stderr
    assert [job["status"] for job in sandbox.jobs] == ["FAILED"]
    assert not (musicai.folder / "out").exists()


def test_jobs(musicai: Musicai, sandbox: Sandbox) -> None:
    job_id = musicai(
        "job",
        "add",
        "mine",
        "sdk-test",
        "song.wav",
        "--input-name",
        "file",
        "--param",
        "n=3",
        "--param",
        "s=x y",
    ).strip()
    assert musicai("job", "wait", job_id).startswith(f"{job_id}  SUCCEEDED  sdk-test  mine")
    job = json.loads(musicai("job", "info", job_id))
    assert job["workflowParams"] | {"file": ""} == {"n": 3, "s": "x y", "file": ""}
    assert musicai.json("job", "info", job_id)[0]["id"] == job_id
    assert musicai.json("job", "list", "--status", "SUCCEEDED")[0]["id"] == job_id
    assert musicai("job", "list", "--status", "FAILED") == ""
    outputs = musicai.json("job", "download", job_id, "out")
    assert Path(musicai.folder / outputs[0]["path"]).read_bytes() == b"RIFF of a kind"
    assert musicai("job", "delete", job_id) == f"{job_id}\n"
    musicai("job", "info", job_id, code=4)
    assert "404" in musicai.stderr


def test_add_and_wait(musicai: Musicai) -> None:
    musicai("job", "add", "mine", "sdk-test", "song.wav", "--input-name", "file", "--wait")
    musicai(
        "job", "add", "mine", "sdk-test", "http://127.0.0.1:9/none", "--input-name", "file", "--wait", code=1
    )


def test_status(musicai: Musicai, sandbox: Sandbox) -> None:
    add = ("job", "add", "mine", "sdk-test", "--input-name", "file")
    job_id = musicai(*add, "song.wav", "--wait").strip()
    assert musicai("job", "status", job_id) == "SUCCEEDED\n"
    assert musicai.json("job", "status", job_id) == [{"id": job_id, "status": "SUCCEEDED"}]
    musicai("job", "status", KEY, code=4)


def test_add_with_metadata_and_idempotency_key(musicai: Musicai, sandbox: Sandbox) -> None:
    add = (
        "job",
        "add",
        "mine",
        "sdk-test",
        "song.wav",
        "--input-name",
        "file",
        "--idempotency-key",
        "song 1",
    )
    more = ("--metadata", "album=3", "--metadata", "title=Blue")
    first = musicai(*add, *more)
    assert musicai(*add, *more) == first, "the same request is one job"
    [job] = sandbox.jobs
    assert job["id"] == first.strip()
    assert isinstance(job["metadata"], dict)
    assert {"album": 3, "title": "Blue"}.items() <= job["metadata"].items()
    musicai(*add, *more, "--metadata", "album=4", code=2)
    musicai(*add, *more, "--param", "n=1", code=2)
    assert "song 1" in musicai.stderr
    assert len(sandbox.jobs) == 1


def test_add_with_wait_and_timeout(musicai: Musicai, sandbox: Sandbox) -> None:
    sandbox.faults.add("POST /job", job_seconds=3600)
    add = ("job", "add", "mine", "sdk-test", "song.wav", "--input-name", "file", "--wait")
    musicai(*add, "--timeout", "0.2", code=5)
    [job] = sandbox.jobs
    assert f"musicai job wait {job['id']}" in musicai.stderr


def test_lists_are_aligned(musicai: Musicai, sandbox: Sandbox) -> None:
    for name in ("one", "two\x1b[31m"):
        musicai("job", "add", name, "sdk-test", "song.wav", "--input-name", "file", "--wait")
    musicai("job", "add", "3", "music-ai/generate-chords", "http://127.0.0.1:9/none", "--wait", code=1)
    lines = musicai("job", "list").splitlines()
    assert [line.split()[1:] for line in lines] == [
        ["FAILED", "music-ai/generate-chords", "3"],
        ["SUCCEEDED", "sdk-test", "two\\u001b[31m"],
        ["SUCCEEDED", "sdk-test", "one"],
    ]
    starts = [[line.index(word, 36) for word in line.split()[1:]] for line in lines]
    assert starts[0] == starts[1] == starts[2]
    slugs = [line.split()[0] for line in musicai("workflow", "list").splitlines()]
    names = {line.index(line.split(maxsplit=1)[1]) for line in musicai("workflow", "list").splitlines()}
    assert names == {max(map(len, slugs)) + 2}


def test_delete_asks_for_confirmation(musicai: Musicai, sandbox: Sandbox) -> None:
    for _ in range(3):
        musicai("job", "add", "mine", "sdk-test", "http://127.0.0.1:9/none", "--input-name", "file")
    musicai("job", "delete", "all", code=1, text="n\n")
    assert len(sandbox.jobs) == 3
    musicai("job", "delete", code=2)
    musicai("job", "delete", "some-id", "--all", code=2)
    assert "Delete 3 jobs" in (musicai("job", "delete", "--all", text="y\n") and musicai.stderr)
    assert sandbox.jobs == []
    assert musicai("job", "delete", "--workflow", "sdk-test", "--yes") == ""


def test_account_and_upload(musicai: Musicai) -> None:
    assert "Default Application" in musicai("app")
    assert "sdk-test" in musicai("workflow", "list")
    assert musicai.json("app")[0]["name"] == "Default Application"
    assert musicai("upload", "song.wav").startswith("http://127.0.0.1")
    musicai("upload", "nowhere.wav", code=1)
    assert "nowhere.wav" in musicai.stderr


def test_sources_of_the_key(musicai: Musicai, sandbox: Sandbox) -> None:
    (musicai.folder / "key").write_text(f"{sandbox.api_key}\n")
    assert "Default" in musicai("--key-file", "key", "app", MUSIC_AI_API_KEY="")
    assert "Default" in musicai("app", MUSIC_AI_API_KEY="", MUSIC_AI_API_KEY_FILE="key")
    musicai("app", code=3, MUSIC_AI_API_KEY="")
    assert "MUSIC_AI_API_KEY" in musicai.stderr
    musicai("app", code=3, MUSIC_AI_API_KEY=KEY)
    assert KEY not in musicai.stderr
    musicai("--api-key", KEY, "app", code=2)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("job", "list", "--status", "DONE"), 2),
        (("job", "add", "n", "no-such-workflow", "song.wav"), 4),
        (("job", "add", "n", "sdk-test", "song.wav", "--param", "n"), 2),
        (("--base-url", "http://127.0.0.1:9/v1", "app"), 5),
        (("--base-url", "nonsense", "app"), 3),
        (("nonsense",), 2),
    ],
)
def test_exit_codes(musicai: Musicai, arguments: tuple[str, ...], code: int) -> None:
    assert musicai(*arguments, code=code) == ""
    assert musicai.stderr


def test_errors_as_json(musicai: Musicai) -> None:
    musicai("--json", "job", "info", "nothing", code=4)
    assert json.loads(musicai.stderr)["error"] == "NotFoundError"


@pytest.mark.parametrize(
    ("arguments", "shown"), [(["--help"], "process"), (["process", "folder", "-h"], "--watch")]
)
def test_help_loads_neither_the_client_nor_rich(arguments: list[str], shown: str) -> None:
    heavy = (
        "httpx",
        "pydantic",
        "tenacity",
        "rich",
        "numpy",
        "starlette",
        "sqlite3",
        "asyncio",
        "click.shell_completion",
    )
    program = (
        f"import sys; sys.argv = ['musicai', *{arguments}]\n"
        "from musicai_sdk.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert shown in done.stdout


def test_a_request_loads_no_rich(sandbox: Sandbox) -> None:
    program = (
        "import sys; sys.argv = ['musicai', 'app']\n"
        "from musicai_sdk.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name in sys.modules for name in ('httpx', 'rich', 'pygments')])"
    )
    variables = {"MUSIC_AI_API_KEY": sandbox.api_key, "MUSIC_AI_BASE_URL": sandbox.base_url}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Default Application" in done.stdout
    assert done.stdout.splitlines()[-1] == "[True, False, False]"


def test_codegen(musicai: Musicai) -> None:
    musicai("process", "file", "sdk-test", "song.wav", "out", "--input-name", "file", "--keep-jobs")
    assert re.search("^sdk-test +SdkTest$", musicai("codegen", "ours"), re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-c", "import ours; print(ours.SdkTest(file='song.wav').to_params())"],
        cwd=musicai.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "{'file': 'song.wav'}\n"


def test_sandbox_command(musicai: Musicai) -> None:
    assert "--port" in musicai("sandbox", "--help")


def test_completion(musicai: Musicai) -> None:
    script = musicai(_MUSICAI_COMPLETE="bash_source")
    assert "_MUSICAI_COMPLETE=bash_complete" in script
    completed = musicai(_MUSICAI_COMPLETE="bash_complete", COMP_WORDS="musicai process fo", COMP_CWORD="2")
    assert completed == "plain,folder\n"


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("process file a/b so", "file,so"),
        ("process file a/b song.wav ou", "dir,ou"),
        ("process folder a/b so", "file,so"),
        ("process folder a/b in ou", "dir,ou"),
        ("process folder a/b in out --ledger le", "file,le"),
        ("job add name a/b so", "file,so"),
        ("job download some-id ou", "dir,ou"),
        ("upload so", "file,so"),
        ("codegen ou", "dir,ou"),
        ("batch status ou", "file,ou"),
        ("--key-file ke", "file,ke"),
        ("job info so", ""),
    ],
)
def test_the_shell_completes_paths(words: str, completed: str) -> None:
    environment = {
        "_MUSICAI_COMPLETE": "bash_complete",
        "COMP_WORDS": f"musicai {words}",
        "COMP_CWORD": str(len(words.split())),
    }
    assert CliRunner().invoke(group, env=environment, prog_name="musicai").output.strip() == completed
