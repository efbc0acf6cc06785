"""Error messages of the command: each says what to do next, and no mistake costs money."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner
from typing_extensions import override

from musicai_sdk import CustomWorkflow, JobStatus
from musicai_sdk._io.tls import CA_VARIABLES
from musicai_sdk.batch import State
from musicai_sdk.batch.events import ProgressTracker
from musicai_sdk.cli.app import musicai
from musicai_sdk.cli.arguments import check_writable
from musicai_sdk.cli.errors import report_error
from musicai_sdk.cli.summary import jobs_left
from support.batch import make_tracks, wait_until
from support.cli import ECHO, MUSICAI, Command
from support.processes import rest_of
from support.raw_server import RawServer, Received

FILE = ("process", "file", "sdk-test", "song.wav", "out", "--input-name", "file")
"""A run of the workflow that returns its input, on `song.wav`."""


@pytest.fixture
def with_song(musicai_there: Command) -> Command:
    (musicai_there.folder / "song.wav").write_bytes(b"RIFF of a kind")
    return musicai_there


def swapped(arguments: tuple[str, ...], **places: str) -> list[str]:
    """The arguments with some replaced: `out="…"`."""
    return [places.get(each.partition(".")[0], each) for each in arguments]


@pytest.mark.parametrize("out", ["song.wav", "song.wav/below", "/proc/x"])
def test_out_must_be_writable(with_song: Command, out: str) -> None:
    for arguments in (FILE, (*ECHO, "--ledger", "ledger")):
        make_tracks(with_song.folder / "in", 1)
        done = with_song.here(*swapped(arguments, out=out), code=1)
        assert f"{out!r}: results can't be written there: " in done.stderr
    assert with_song.service.jobs() == []


def test_a_failed_download_says_how_to_continue(with_song: Command) -> None:
    with_song.service.add_fault("GET /cdn/*", status=403, times=50)
    message = with_song.here(*FILE, code=1).stderr
    [paid] = with_song.service.jobs()
    assert f"musicai job download {paid.id} out" in message
    with_song.service.reset()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (swapped(FILE, out="s3://foo/bar"), "`musicai process folder` writes to buckets"),
        (swapped(FILE, song="s3://foo/x.mp3"), "`musicai process folder` reads buckets"),
        (swapped(FILE, song="m.json"), "--force"),
        (swapped(FILE, song="m.csv"), "reads manifests"),
        (swapped(FILE, song="/etc/hostname"), "--force"),
        (swapped(ECHO, **{"in": "m.tsv"}), "a manifest ends in .csv, .jsonl or .ndjson; --force"),
        ([*FILE, "--timeout", "0"], "--timeout"),
        ([*FILE, "--timeout", "-1"], "--timeout"),
        ([*FILE, "--timeout", "nan"], "--timeout"),
        (["job", "wait", "some-id", "--timeout", "nan"], "--timeout"),
        ([*FILE, "--param", "file=x"], "the parameter that FILE goes to"),
        ([*FILE, "--param", "a=1", "--param", "a=2"], "'a' is given twice"),
        ([*FILE, "--param", "=x"], "'=x' isn't name=value"),
        ([*FILE, "--param", " =x"], "' =x' isn't name=value"),
        ([*FILE, "--input-name", ""], "'--input-name': it is empty"),
        ([*ECHO, "--input-name", " "], "'--input-name': it is empty"),
        (["job", "add", "n", "sdk-test", "song.wav", "--input-name", ""], "'--input-name': it is empty"),
        (["process", "file", " ", "song.wav", "out"], "musicai workflow list"),
        (["job", "add", "n", "sdk-test", "gs://x/y.wav"], "can't read"),
        (["app", "--jsom"], "No such option"),
        (["codegen", "ours", "--max-jobs", "0"], "--max-jobs"),
        (["--key-file", "binary", "app"], "isn't text"),
        (["app", "--key-file", "missing"], "'missing' can't be read: No such file"),
        (["job", "add", "n", "sdk-test", "song.wav", "--timeout", "5"], "--timeout needs --wait"),
        (["job", "add", "n", "sdk-test", "song.wav", "--metadata", "x"], "'x' isn't name=value"),
        ([*ECHO, "--dask", "foo"], "tcp://scheduler:8786"),
        (["mcp", "--root", ".", "--max-jobs", "1", "--state", ""], "'--state': it is empty"),
        (["mcp", "--root", ".", "--max-jobs", "1", "--patience", "nan"], "'--patience': it must be a number"),
        (swapped(FILE, out=""), "OUT is empty"),
        (["job", "add", "n", "sdk-test", ""], "FILE is empty"),
        (["job", "download", "some-id", ""], "'FOLDER': it is empty"),
        (["job", "delete", "--yes", "--workflow", ""], "'--workflow': it is empty"),
        (["job", "delete", "--yes", "--status", "FAILED", "--batch", " "], "'--batch': it is empty"),
        ([*ECHO, "--ledger", ""], "is a folder: name a file"),
        ([*ECHO, "--ledger", "in"], "is a folder: name a file"),
    ],
)
def test_wrong_usage(with_song: Command, arguments: list[str], message: str) -> None:
    make_tracks(with_song.folder / "in", 1)
    for name in ("m.json", "m.csv", "m.tsv"):
        (with_song.folder / name).write_text("{}")
    (with_song.folder / "binary").write_bytes(b"\xff\xfe\xfa")
    # One line of spaces: click breaks long lines.
    assert message in " ".join(with_song.here(*arguments, code=2).stderr.split())
    assert with_song.service.jobs() == []
    assert not (with_song.folder / "out" / "report.html").exists()


def test_text_of_others_never_controls_the_terminal(with_song: Command) -> None:
    words = "no \x1b[31msuch\x9b thing\rat all \u202e"
    for arguments in (("job", "status", words), ("--json", "job", "status", words), ("upload", words)):
        done = with_song.here(*arguments, code=1 if "upload" in arguments else 4)
        assert not set(words) & set("\x1b\x9b\r\u202e") & set(done.stdout + done.stderr)
        assert "such" in done.stderr


def test_a_name_with_line_breaks_stays_one_row(with_song: Command) -> None:
    with with_song.service.client as client:
        for name in ("one\ntwo", "three\r\nfour\tfive"):
            client.jobs.create(CustomWorkflow("sdk-test", {"file": "https://song.example/a.wav"}), name=name)
    rows = with_song.here("job", "list").stdout.splitlines()
    assert [row.split("sdk-test  ")[1] for row in rows] == [r"three\r\nfour\tfive", r"one\ntwo"]


def test_a_name_with_line_breaks_in_other_commands(with_song: Command) -> None:
    name = "my\napp\u2028lication\x1b[0m"
    [ours] = with_song.here("app", "--json").values

    def answer(request: Received) -> None:
        job = {"id": "i", "status": "SUCCEEDED", "name": name, "result": {"x": name}}
        listed: dict[str, object] = {"/application": {"id": "a", "name": name}, "/job": []}
        request.answer(json.dumps(listed.get(request.path, job)).encode(), "200 OK")

    assert ours["name"] == "Default Application"
    with RawServer(answer) as server:
        options = ("--base-url", server.url)
        assert len(with_song.here("app", *options).stdout.splitlines()) == 1
        assert len(with_song.here("whoami", *options).stdout.split("\n")) == 4
        shown = with_song.here("job", "info", "i", *options).stdout
        assert json.loads(shown)["name"] == json.loads(shown)["result"]["x"] == name
        assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["login"], 2, "--stdin reads the key from it"),
        (["login", "--stdin"], 2, "there is no standard input to read the key from"),
        (["app"], 3, "no API key for "),
        (["job", "delete", "--all"], 2, "--yes skips the question"),
        (["mcp", "--root", ".", "--max-jobs", "1"], 3, "there is no standard input"),
    ],
)
def test_without_standard_input(with_song: Command, arguments: list[str], code: int, message: str) -> None:
    with with_song.service.client as client:
        client.jobs.create(CustomWorkflow("sdk-test", {"file": "https://song.example/a.wav"}))
    key = "" if code == 3 and "app" in arguments else with_song.service.variables["MUSIC_AI_API_KEY"]
    environment = with_song.service.environment | {
        "MUSIC_AI_API_KEY": key, "XDG_CONFIG_HOME": str(with_song.folder), "XDG_STATE_HOME": str(with_song.folder),
    }  # fmt: skip
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *MUSICAI, *arguments],
        env=environment,
        cwd=with_song.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert len(with_song.service.jobs()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", [["--help"], ["job", "-h"], ["workflow", "list"]])
def test_a_full_disk(with_song: Command, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*MUSICAI, *arguments],
            env=with_song.service.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "musicai: No space left on device\n")


def test_names_that_the_locale_lacks(with_song: Command) -> None:
    make_tracks(with_song.folder / "in", 1)
    [track] = (with_song.folder / "in").rglob("*.wav")
    track.rename(track.with_name("♥.wav"))
    with_song.here(*ECHO)
    latin = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = with_song("batch", "check", "out", code=2, **latin)
    assert "set PYTHONUTF8=1, or a UTF-8 locale" in done.stderr


def test_interrupted_while_it_loads(with_song: Command) -> None:
    program = (
        "import builtins, os, signal\n"
        "real = builtins.__import__\n"
        "def last(name, *rest):\n"
        "    if name == 'musicai_sdk.cli.commands.job':\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = last\n"
        "from musicai_sdk.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "job", "list"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "musicai: interrupted\n")


def test_force_sends_a_text_file(with_song: Command) -> None:
    (with_song.folder / "m.json").write_text("{}")
    with_song.here(*swapped(FILE, song="m.json"), "--force")
    with_song.here(*swapped(ECHO, **{"in": "m.json"}), "--force")
    assert len(list((with_song.folder / "out").rglob("file.json"))) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_says_how_to_continue(with_song: Command, number: signal.Signals) -> None:
    with_song.service.add_fault("GET /job/{id}/status", delay=20.0, times=50)
    process = with_song.start(*FILE)
    wait_until(lambda: len(with_song.service.jobs()) == 1)
    assert process.stderr is not None
    message = process.stderr.readline()
    assert message.startswith("job ")
    process.send_signal(number)
    _output, rest = rest_of(process)
    assert process.returncode == 128 + number
    [paid] = with_song.service.jobs()
    for command in ("wait", "download", "delete"):
        assert f"musicai job {command} {paid.id}" in rest
    assert "Traceback" not in rest


def test_a_timeout_says_how_to_continue(with_song: Command) -> None:
    with_song.service.add_fault("GET /job/{id}/status", status=503, times=50)
    message = with_song.here(*FILE, "--timeout", "0.2", code=5).stderr
    [paid] = with_song.service.jobs()
    assert f"musicai job wait {paid.id}" in message
    assert "client." not in message


def test_os_errors_name_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "song.wav").touch()
    with pytest.raises(OSError, match="song") as caught:
        (tmp_path / "song.wav" / "below").mkdir()
    assert report_error(caught.value, None, as_json=False) == 1
    message = capsys.readouterr().err
    assert message.startswith(f"musicai: {str(tmp_path / 'song.wav' / 'below')!r}: ")
    assert message.count("\n") == 1


def test_an_unreachable_scheduler(with_song: Command) -> None:
    make_tracks(with_song.folder / "in", 1)
    done = with_song(
        *ECHO,
        *("--dask", "tcp://127.0.0.1:9"),
        code=5,
        DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT="300ms",
    )
    assert "can't reach the scheduler tcp://127.0.0.1:9" in done.stderr


def test_unknown_errors_keep_their_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        report_error(ZeroDivisionError(), None, as_json=False)


@pytest.mark.parametrize(
    "variable",
    ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"],
)
def test_errors_name_the_variable_that_causes_them(
    musicai_there: Command, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*CA_VARIABLES, "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    variables = {"MUSIC_AI_BASE_URL": "https://music.invalid/v1", variable: "http://h:port"}
    message = musicai_there("app", code=3, **variables).stderr
    assert message.startswith("musicai: ")
    assert f"the environment variable {variable} " in message


def test_a_failed_job_names_the_file(with_song: Command) -> None:
    chords = ("process", "file", "music-ai/generate-chords", "song.wav", "out")
    message = with_song.here(*chords, code=1).stderr
    assert "BAD_INPUT" in message
    assert "'song.wav'" in message
    assert [job.name for job in with_song.service.jobs()] == ["song.wav"]


def test_an_unknown_workflow(with_song: Command) -> None:
    make_tracks(with_song.folder / "in", 3)
    done = with_song.here(*swapped(ECHO, **{"sdk-test": "no-such"}), code=4)
    assert "Ctrl-C" not in done.stderr
    assert "musicai workflow list" in done.stderr
    message = with_song.here("job", "add", "n", "no-such", "song.wav", code=4).stderr
    assert "musicai workflow list" in message


def test_where_failures_are_listed(with_song: Command) -> None:
    source = with_song.folder / "in"
    source.mkdir()
    for number in range(21):
        (source / f"{number}.wav").write_text(f"no sound {number}")
    run = ("process", "folder", "music-ai/generate-chords", "in", "out")
    message = with_song.here(*run, "--ledger", "my run/ledger", code=1).stderr
    assert "and 1 more: musicai batch failures 'my run/ledger'" in message
    assert (with_song.folder / "out" / "report.html").is_file(), "all failed, so the folder doesn't exist"
    (source / "empty.wav").touch()
    assert "1  rejected" in with_song.here(*run, "--ledger", "my run/ledger", "--dry-run", code=1).stdout


def test_errors_name_the_source_of_the_key(with_song: Command) -> None:
    (with_song.folder / "empty").touch()
    (with_song.folder / "wrong").write_text("27803abe-ec15-4f74-9e8a-18a99627e9b0")
    for arguments, message in (
        (["app"], "--key-file or MUSIC_AI_API_KEY_FILE"),
        (["--key-file", "empty", "app"], "the key file 'empty' is empty"),
        (["--key-file", "wrong", "app"], "the key file 'wrong'"),
    ):
        found = with_song.here(*arguments, code=3, MUSIC_AI_API_KEY="").stderr
        assert message in found
        assert "api_key" not in found
    message = with_song.here("--base-url", "http://music.example/v1", "app", code=3).stderr
    assert "https" in message
    assert "allow_http" not in message


def test_an_empty_base_url_is_an_error(with_song: Command) -> None:
    """Workers of a cluster would read an empty variable as the real service."""
    make_tracks(with_song.folder / "in", 1)
    for arguments in (["app"], FILE, ECHO, (*ECHO, "--dask", "local")):
        assert "base" in with_song.here("--base-url", "", *arguments, code=3).stderr
    assert with_song.service.jobs() == []


def test_statuses(with_song: Command) -> None:
    with_song.here(
        "job", "add", "n", "sdk-test", "http://127.0.0.1:9/no", "--input-name", "file", "--wait", code=1
    )
    assert " FAILED " in with_song.here("job", "list", "--status", "failed", "--status", "Queued").stdout
    assert with_song.here("job", "list", "--status", "Queued").stdout == ""
    message = with_song.here("job", "list", "--status", "DONE", code=2).stderr
    known: tuple[str, ...] = get_args(get_args(JobStatus)[0])
    assert len(known) == 4
    assert [status for status in known if status.lower() not in message.lower()] == []


def test_delete_continues_after_an_unknown_id(with_song: Command) -> None:
    with with_song.service.client as client:
        made = client.jobs.create(CustomWorkflow("sdk-test", {"file": "http://127.0.0.1:9/none"}))
    done = with_song.here("job", "delete", "nope", made.id, code=4)
    assert done.stdout == f"{made.id}\n"
    assert "nope" in done.stderr
    assert with_song.service.jobs() == []


def test_an_id_given_twice_is_deleted_once(with_song: Command) -> None:
    with with_song.service.client as client:
        ids = [client.jobs.create(CustomWorkflow("sdk-test", {"file": "http://h/a"})).id for _ in range(2)]
    done = with_song.here("job", "delete", *ids, *ids, ids[0])
    assert done.stdout.split() == ids
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ({"deleted": 3, "failed": 1, "uncertain": 1, "seen": 4}, None),
        ({"created": 1, "verified": 2}, "1 paid job stays at the service"),
        ({"created": 1, "finished": 1200}, "1,201 paid jobs stay at the service"),
    ],
)
def test_paid_jobs_left_at_the_service(states: dict[State, int], message: str | None) -> None:
    tally = ProgressTracker(states)
    assert jobs_left(tally.snapshot()) == message


def test_confirmation_without_standard_input(with_song: Command) -> None:
    with_song.here("job", "add", "mine", "sdk-test", "song.wav", "--input-name", "file")
    assert "--yes" in with_song.here("job", "delete", "--all", code=2).stderr
    assert len(with_song.service.jobs()) == 1


class Pressed(io.BytesIO):
    """Standard input of a person who presses Ctrl-C. A real terminal loses it while it draws a prompt."""

    @override
    def read1(self, size: int | None = -1, /) -> bytes:
        """Interrupts the reader."""
        raise KeyboardInterrupt


def test_ctrl_c_at_a_prompt(with_song: Command) -> None:
    with_song.here("job", "add", "mine", "sdk-test", "song.wav", "--input-name", "file")
    done = CliRunner().invoke(
        musicai, ["job", "delete", "--all"], input=Pressed(), env=with_song.service.variables
    )
    assert done.exit_code == 130
    assert "Delete 1 job and all results?" in done.stderr
    assert done.stderr.endswith("musicai: interrupted\n")
    assert len(with_song.service.jobs()) == 1


def test_codegen_without_finished_jobs(with_song: Command) -> None:
    [line] = [
        line for line in with_song.here("codegen", "ours").stdout.splitlines() if line.startswith("sdk-test ")
    ]
    assert re.sub(" {2,}", "  ", line) == "sdk-test  SdkTest  (no finished job to learn from)"
    found = {value["slug"]: value for value in with_song.here("codegen", "ours", "--json").values}
    assert (found["sdk-test"]["learned"], found["sdk-test"]["unseen"]) == (False, True)
    chords = found["music-ai/generate-chords"]
    assert (chords["learned"], chords["unseen"]) == (True, True)
    assert "unseen" in with_song.here("codegen", "ours").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["process", "folder"], "name the folder of the results in OUT"),
        (["batch", "status"], "deleted done: the results are verified"),
        (["batch", "export"], "uncertain it is unknown whether its job was created"),
        ([], "MUSIC_AI_API_KEY_FILE"),
        (["job", "add"], "[default: no-wait]"),
    ],
)
def test_help(musicai_there: Command, arguments: list[str], message: str) -> None:
    assert message in " ".join(musicai_there.here(*arguments, "--help").stdout.split())


def test_check_writable_leaves_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
