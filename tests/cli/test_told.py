"""What a new user meets: nothing is paid for in vain, and every message says what to do next."""

from __future__ import annotations

import io
import signal
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner
from typing_extensions import override

from batch.support import make_tracks, wait_until
from cli.support import ECHO, Command
from musicai_sdk import CustomWorkflow, JobStatus
from musicai_sdk.batch import State
from musicai_sdk.batch.events import ProgressTracker
from musicai_sdk.cli.app import musicai
from musicai_sdk.cli.arguments import check_writable
from musicai_sdk.cli.errors import tell
from musicai_sdk.cli.summary import at_the_service

FILE = ("process", "file", "sdk-test", "song.wav", "out", "--input-name", "file")
"""A run of the workflow that gives back what it gets, on `song.wav`."""


@pytest.fixture
def with_song(musicai_there: Command) -> Command:
    (musicai_there.folder / "song.wav").write_bytes(b"RIFF of a kind")
    return musicai_there


def swapped(arguments: tuple[str, ...], **places: str) -> list[str]:
    """The arguments with others in their places: `out="…"`."""
    return [places.get(each.partition(".")[0], each) for each in arguments]


@pytest.mark.parametrize("out", ["song.wav", "song.wav/below", "/proc/x"])
def test_results_need_a_place_before_a_job_is_paid_for(with_song: Command, out: str) -> None:
    for arguments in (FILE, (*ECHO, "--ledger", "ledger")):
        make_tracks(with_song.folder / "in", 1)
        done = with_song.here(*swapped(arguments, out=out), code=1)
        assert f"{out!r}: results can't be written there: " in done.told
    assert with_song.service.jobs() == []


def test_a_download_that_fails_says_how_it_is_fetched(with_song: Command) -> None:
    with_song.service.add_fault("GET /cdn/*", status=403, times=50)
    told = with_song.here(*FILE, code=1).told
    [paid] = with_song.service.jobs()
    assert f"musicai job download {paid.id} out" in told
    with_song.service.reset()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (swapped(FILE, out="s3://foo/bar"), "`musicai process folder` writes to buckets"),
        (swapped(FILE, song="s3://foo/x.mp3"), "`musicai process folder` takes buckets"),
        (swapped(FILE, song="m.json"), "--force"),
        (swapped(FILE, song="m.csv"), "takes manifests"),
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
        (["app", "--json"], "--json goes before the command"),
        (["app", "--jsom"], "No such option"),
        (["codegen", "ours", "--max-jobs", "0"], "--max-jobs"),
        (["--key-file", "binary", "app"], "isn't text"),
        ([*ECHO, "--dask", "foo"], "tcp://scheduler:8786"),
    ],
)
def test_wrong_usage(with_song: Command, arguments: list[str], told: str) -> None:
    make_tracks(with_song.folder / "in", 1)
    for name in ("m.json", "m.csv", "m.tsv"):
        (with_song.folder / name).write_text("{}")
    (with_song.folder / "binary").write_bytes(b"\xff\xfe\xfa")
    # One line of spaces: click breaks long lines.
    assert told in " ".join(with_song.here(*arguments, code=2).told.split())
    assert with_song.service.jobs() == []
    assert not (with_song.folder / "out" / "report.html").exists()


def test_force_sends_a_text_file(with_song: Command) -> None:
    (with_song.folder / "m.json").write_text("{}")
    with_song.here(*swapped(FILE, song="m.json"), "--force")
    with_song.here(*swapped(ECHO, **{"in": "m.json"}), "--force")
    assert len(list((with_song.folder / "out").rglob("file.json"))) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_job_goes_on_after_the_command(with_song: Command, number: signal.Signals) -> None:
    with_song.service.add_fault("GET /job/{id}/status", delay=1.0, times=50)
    process = with_song.start(*FILE)
    wait_until(lambda: len(with_song.service.jobs()) == 1)
    assert process.stderr is not None
    told = process.stderr.readline()
    assert told.startswith("job ")
    process.send_signal(number)
    _output, rest = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    [paid] = with_song.service.jobs()
    for command in ("wait", "download", "delete"):
        assert f"musicai job {command} {paid.id}" in rest
    assert "Traceback" not in rest


def test_a_wait_that_is_over_speaks_of_commands(with_song: Command) -> None:
    with_song.service.add_fault("GET /job/{id}/status", status=503, times=50)
    told = with_song.here(*FILE, "--timeout", "0.2", code=5).told
    [paid] = with_song.service.jobs()
    assert f"musicai job wait {paid.id}" in told
    assert "client." not in told


def test_files_of_the_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "song.wav").touch()
    with pytest.raises(OSError, match="song") as caught:
        (tmp_path / "song.wav" / "below").mkdir()
    assert tell(caught.value, None, as_json=False) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"musicai: {str(tmp_path / 'song.wav' / 'below')!r}: ")
    assert told.count("\n") == 1


def test_a_scheduler_that_isnt_there(with_song: Command) -> None:
    make_tracks(with_song.folder / "in", 1)
    done = with_song(
        *ECHO,
        *("--dask", "tcp://127.0.0.1:9"),
        code=5,
        DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT="300ms",
    )
    assert "can't reach the scheduler tcp://127.0.0.1:9" in done.told


def test_what_nobody_knows_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ZeroDivisionError):
        tell(ZeroDivisionError(), None, as_json=False)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    assert tell(ImportError("install the 'socksio' package"), None, as_json=False) == 3
    assert "ALL_PROXY can't be used" in capsys.readouterr().err


def test_a_fatal_error_isnt_ctrl_c(with_song: Command) -> None:
    make_tracks(with_song.folder / "in", 3)
    done = with_song.here(*swapped(ECHO, **{"sdk-test": "no-such"}), code=4)
    assert "Ctrl-C" not in done.told
    assert "musicai workflow list" in done.told
    told = with_song.here("job", "add", "n", "no-such", "song.wav", code=4).told
    assert "musicai workflow list" in told


def test_where_failures_are_listed(with_song: Command) -> None:
    source = with_song.folder / "in"
    source.mkdir()
    for number in range(21):
        (source / f"{number}.wav").write_text(f"no sound {number}")
    run = ("process", "folder", "music-ai/generate-chords", "in", "out")
    told = with_song.here(*run, "--ledger", "my run/ledger", code=1).told
    assert "and 1 more: musicai batch failures 'my run/ledger'" in told
    assert (with_song.folder / "out" / "report.html").is_file(), "all failed, and nothing had made the folder"
    (source / "empty.wav").touch()
    assert "1  not taken" in with_song.here(*run, "--ledger", "my run/ledger", "--dry-run", code=1).output


def test_the_key_and_where_it_comes_from(with_song: Command) -> None:
    (with_song.folder / "empty").touch()
    (with_song.folder / "wrong").write_text("27803abe-ec15-4f74-9e8a-18a99627e9b0")
    for arguments, told in (
        (["app"], "--key-file or MUSIC_AI_API_KEY_FILE"),
        (["--key-file", "empty", "app"], "the key file 'empty' is empty"),
        (["--key-file", "wrong", "app"], "the key file 'wrong'"),
    ):
        found = with_song.here(*arguments, code=3, MUSIC_AI_API_KEY="").told
        assert told in found
        assert "api_key" not in found
    told = with_song.here("--base-url", "http://music.example/v1", "app", code=3).told
    assert "https" in told
    assert "allow_http" not in told


def test_an_empty_address_is_none_that_was_left_out(with_song: Command) -> None:
    """Nor do a cluster's workers take it for that: an empty variable of theirs would be the real service."""
    make_tracks(with_song.folder / "in", 1)
    for arguments in (["app"], FILE, ECHO, (*ECHO, "--dask", "local")):
        assert "base" in with_song.here("--base-url", "", *arguments, code=3).told
    assert with_song.service.jobs() == []


def test_statuses(with_song: Command) -> None:
    with_song.here(
        "job", "add", "n", "sdk-test", "http://127.0.0.1:9/no", "--input-name", "file", "--wait", code=1
    )
    assert " FAILED " in with_song.here("job", "list", "--status", "failed", "--status", "Queued").output
    assert with_song.here("job", "list", "--status", "Queued").output == ""
    told = with_song.here("job", "list", "--status", "DONE", code=2).told
    known: tuple[str, ...] = get_args(get_args(JobStatus)[0])
    assert len(known) == 4
    assert [status for status in known if status.lower() not in told.lower()] == []


def test_delete_goes_on_after_one_that_isnt_there(with_song: Command) -> None:
    with with_song.service.client as client:
        made = client.jobs.create(CustomWorkflow("sdk-test", {"file": "http://127.0.0.1:9/none"}))
    done = with_song.here("job", "delete", "nope", made.id, code=4)
    assert done.output == f"{made.id}\n"
    assert "nope" in done.told
    assert with_song.service.jobs() == []


def test_an_id_given_twice_is_deleted_once(with_song: Command) -> None:
    with with_song.service.client as client:
        ids = [client.jobs.create(CustomWorkflow("sdk-test", {"file": "http://h/a"})).id for _ in range(2)]
    done = with_song.here("job", "delete", *ids, *ids, ids[0])
    assert done.output.split() == ids
    assert done.told == ""


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ({"deleted": 3, "failed": 1, "uncertain": 1, "seen": 4}, None),
        ({"created": 1, "verified": 2}, "1 job that is paid for stays at the service"),
        ({"created": 1, "finished": 1200}, "1,201 jobs that are paid for stay at the service"),
    ],
)
def test_what_a_run_leaves_at_the_service(states: dict[State, int], told: str | None) -> None:
    tally = ProgressTracker(states)
    assert at_the_service(tally.snapshot()) == told


def test_nobody_to_ask(with_song: Command) -> None:
    with_song.here("job", "add", "mine", "sdk-test", "song.wav", "--input-name", "file")
    assert "--yes" in with_song.here("job", "delete", "--all", code=2).told
    assert len(with_song.service.jobs()) == 1


class Pressed(io.BytesIO):
    """Keys of a person who presses Ctrl-C. In a real terminal it gets lost while a prompt is being drawn."""

    @override
    def read1(self, size: int | None = -1, /) -> bytes:
        """Who waits for a line is interrupted."""
        raise KeyboardInterrupt


def test_ctrl_c_at_a_question(with_song: Command) -> None:
    with_song.here("job", "add", "mine", "sdk-test", "song.wav", "--input-name", "file")
    done = CliRunner().invoke(
        musicai, ["job", "delete", "--all"], input=Pressed(), env=with_song.service.variables
    )
    assert done.exit_code == 130
    assert "Delete 1 job and all results?" in done.stderr
    assert done.stderr.endswith("musicai: interrupted\n")
    assert len(with_song.service.jobs()) == 1


def test_nothing_was_learned(with_song: Command) -> None:
    lines = with_song.here("codegen", "ours").output.splitlines()
    assert "sdk-test  SdkTest  (nothing learned: no finished job)" in lines


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["process", "folder"], "name where the results go in OUT"),
        (["batch", "status"], "deleted done: the results are verified"),
        (["batch", "export"], "uncertain whether its job was created"),
        ([], "MUSIC_AI_API_KEY_FILE"),
        (["job", "add"], "[default: no-wait]"),
    ],
)
def test_help(musicai_there: Command, arguments: list[str], told: str) -> None:
    assert told in " ".join(musicai_there.here(*arguments, "--help").output.split())


def test_check_leaves_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
