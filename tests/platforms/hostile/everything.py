"""Runs a job, a batch with a resume and every command on a system without what Windows lacks; see sitecustomize.py.

Writes each attempt and its outcome to the file that is its argument. A failed expectation ends the program.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from musicai_sdk import AsyncMusicAiClient, CustomWorkflow, MusicAiClient
from musicai_sdk.batch import Batch, Event, ledger_of, open_ledger
from musicai_sdk.cli.app import musicai
from musicai_sdk.errors import TransferError
from musicai_sdk.sandbox import Sandbox

HEART = "\N{BLACK HEART SUIT}"
NOTE = "\N{MULTIPLE MUSICAL NOTES}"  # beyond U+FFFF: its escape isn't JSON's
NAME = f"song {HEART}{NOTE}é"
ECHO = ("sdk-test", "--input-name", "file")
tried = list[dict[str, Any]]()


def note(what: str, **found: Any) -> None:
    tried.append({"tried": what, **found})


def check(condition: object, what: str) -> None:
    if not condition:
        raise AssertionError(what)


def song(folder: Path, name: str, number: int = 0) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / f"{name}.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(number.to_bytes(2, "little") + os.urandom(100_000))
    return path


def check_the_platform() -> None:
    for module in ("fcntl", "resource", "pwd", "grp", "termios"):
        try:
            __import__(module)
        except ImportError:
            continue
        raise AssertionError(f"{module} is here")
    check(not hasattr(signal, "SIGHUP") and not hasattr(signal, "SIGKILL"), "signals")
    check(not hasattr(os, "getuid"), "getuid")
    check(sys.flags.utf8_mode == 0 and sys.stdout.encoding == "cp1252", "UTF-8")
    with open("open", "wb") as held:  # noqa: PTH123
        for change in (lambda: Path(held.name).replace("moved"), Path(held.name).unlink):
            try:
                change()
            except PermissionError:
                continue
            raise AssertionError("an open file was moved")
    Path("open").unlink()
    try:
        os.open(".", os.O_RDONLY)
    except PermissionError:
        pass
    else:
        raise AssertionError("a folder was opened")
    note("the platform", python=sys.version.split()[0])


def jobs(sandbox: Sandbox) -> None:
    source = song(Path("in"), NAME)
    workflow = CustomWorkflow("sdk-test", {"file": source})
    with sandbox.client() as client:
        job = client.jobs.run(workflow, name=NAME)
        files = client.jobs.download(job, f"sync {NAME}")
        check(files["file"].read_bytes() == source.read_bytes(), "the sync client's file")
        client.jobs.download(job, f"sync {NAME}")  # in place of the first ones
        note("sync job, downloaded twice", files=sorted(map(str, files.values())))
        a_player_has_it_open(client, sandbox, str(job.result["file"]), files["file"])
        a_cut_download(client, sandbox, str(job.result["file"]), source)
        client.jobs.delete(job)

    async def run() -> None:
        async with sandbox.async_client() as client:
            job = await client.jobs.run(workflow, name=NAME)
            files = await client.jobs.download(job, f"async {NAME}")
            check(files["file"].read_bytes() == source.read_bytes(), "the async client's file")
            await client.jobs.delete(job)

    asyncio.run(run())
    note("async job")
    check(not sandbox.jobs, "jobs are left")


def a_player_has_it_open(client: MusicAiClient, sandbox: Sandbox, url: str, target: Path) -> None:
    held = target.open("rb")
    closing = threading.Timer(0.5, held.close)
    closing.start()
    client.files.download(url, target)
    closing.join()
    note("a download in place of a file that a player has open for half a second")

    part = target.with_name(target.name + ".part")
    with target.open("rb"):
        try:
            client.files.download(url, target)
        except TransferError as error:
            check(str(part) in str(error), f"the error doesn't name the part: {error}")
        else:
            raise AssertionError("an open file was replaced")
        check(part.stat().st_size == target.stat().st_size, "the part isn't whole")
    client.files.download(url, target)
    asked = [each for each in sandbox.requests if "range" in each.headers]
    check(asked and not part.exists(), "the part wasn't used")
    note("a download in place of a file that stays open: kept, and used by the next one")


def a_cut_download(client: MusicAiClient, sandbox: Sandbox, url: str, source: Path) -> None:
    target = Path(f"cut {NAME}.wav")
    sandbox.faults.add("GET /*", truncate=50_000)
    try:
        client.files.download(url, target, max_retries=0)
    except TransferError:
        pass
    else:
        raise AssertionError("it wasn't cut")
    finally:
        sandbox.faults.clear()
    check(target.with_name(target.name + ".part").stat().st_size, "no part is left")
    client.files.download(url, target)
    check(target.read_bytes() == source.read_bytes(), "the resumed file")
    check(not list(Path().glob("*.part*")), "parts are left")
    note("a download that was cut, and went on")


def batches(sandbox: Sandbox) -> None:
    folder, out = Path(f"batch {NAME}"), Path(f"results {NAME}")
    tracks = {song(folder, f"{NAME} {number}", number).read_bytes() for number in range(6)}
    created = len(posts(sandbox))

    def drain(event: Event) -> None:
        if event.state == "finished":
            batch.drain()

    batch = Batch("sdk-test", folder, out, input_name="file", in_flight=2, connect=connect, on_event=drain)
    first = batch.run()
    check(0 < first.progress.done < len(tracks), "the first run wasn't drained")
    second = Batch("sdk-test", folder, out, input_name="file", in_flight=2, connect=connect).run()
    check(second.ok and second.progress.done == len(tracks), f"the second run: {second}")
    check({path.read_bytes() for path in out.rglob("file.wav")} == tracks, "results differ")
    check(len(posts(sandbox)) - created == len(tracks), "something was paid twice, or not at all")
    with open_ledger(ledger_of(out)) as view:
        check(not list(view.check(out)), "files aren't as they were recorded")
    check(not list(out.rglob("*.part*")), "parts are left")
    note("a batch that was drained, and resumed", done_at_first=first.progress.done, jobs=len(tracks))


def killed(sandbox: Sandbox) -> None:
    folder, out = Path(f"killed {NAME}"), Path(f"after {NAME}")
    for number in range(6):
        song(folder, f"{NAME} {number}", number)
    created = len(posts(sandbox))
    sandbox.faults.add("GET /cdn/*", delay=0.2)
    command = ["process", "folder", "sdk-test", str(folder), str(out), "--input-name", "file", "--grace", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "musicai_sdk.cli", *command, "--concurrency", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while len(posts(sandbox)) - created < 3 and process.poll() is None:
        time.sleep(0.02)
    process.kill()
    process.wait()
    sandbox.faults.clear()
    Command(*command)
    check(len(posts(sandbox)) - created == 6, "something was paid twice, or not at all")
    check(not list(out.rglob("*.part*")), "parts are left")
    note("a batch that was killed, and resumed")


def connect() -> AsyncMusicAiClient:
    return AsyncMusicAiClient()


def posts(sandbox: Sandbox) -> list[object]:
    return [each for each in sandbox.requests if each.method == "POST" and each.path == "/v1/job"]


class Command:
    """A command in this process, with its own streams, whose encoding is as limited as that of the process."""

    def __init__(self, *arguments: str, code: int = 0) -> None:
        streams = sys.stdin, sys.stdout, sys.stderr
        out, err = io.BytesIO(), io.BytesIO()
        sys.stdin = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
        sys.stdout = io.TextIOWrapper(out, encoding="cp1252", errors="strict", newline="\r\n")
        sys.stderr = io.TextIOWrapper(err, encoding="cp1252", errors="strict", newline="\r\n")
        self.code: object = 0
        try:
            musicai.main(arguments, prog_name="musicai")
        except SystemExit as end:
            self.code = end.code
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            self.output = out.getvalue().decode("cp1252").replace("\r\n", "\n")
            self.told = err.getvalue().decode("cp1252").replace("\r\n", "\n")
            sys.stdin, sys.stdout, sys.stderr = streams
        note(f"musicai {' '.join(arguments)}", code=self.code)
        check(self.code == code, f"musicai {arguments}: {self.told}")

    @property
    def values(self) -> list[Any]:
        """The lines as JSON."""
        return [json.loads(line) for line in self.output.splitlines()]


def commands(sandbox: Sandbox) -> None:
    source = str(song(Path("in"), NAME))
    out = f"res{HEART}"

    Command("process", "file", *ECHO, source, f"{out} 0")
    done = Command("--json", "process", "file", *ECHO, source, f"{out} 1")
    check(not sandbox.jobs, "jobs are left")
    for number in range(2):
        check(Path(f"{out} {number}", "file.wav").read_bytes() == Path(source).read_bytes(), "its file")
    check({each.get("path") for each in done.values} >= {str(Path(f"{out} 1", "file.wav"))}, "paths in JSON")

    Command("upload", source)
    Command("app")
    Command("workflow", "list")
    added = Command("job", "add", NAME, *ECHO, source).output.strip()
    Command("job", "wait", added)
    Command("job", "status", added)
    check(Command("--json", "job", "info", added).values[0]["name"] == NAME, "the name in JSON")
    check(json.loads(Command("job", "info", added).output)["name"] == NAME, "the name in indented JSON")
    check("\\u2665" in Command("job", "list").output, "the name in a line")
    Command("job", "download", added, f"{out} job")
    Command("codegen", str(Path(f"made {HEART}", "typed")))
    check("\\u2665" in Command("job", "delete", f"{added}{HEART}", code=4).told, "the id in an error")
    Command("--json", "job", "delete", f"{added}{HEART}", code=4)
    Command("job", "delete", added)

    folder, results = Path(f"folder {NAME}"), f"{out} folder"
    for number in range(3):
        song(folder, f"{NAME} {number}", number)
    (folder / f"cover {HEART}.jpg").write_bytes(b"no sound")
    (folder / f"empty {HEART}.wav").touch()
    run = ("process", "folder", *ECHO, str(folder), results)
    Command(*run, "--dry-run", code=1)  # because of the empty file
    events = Command("--json", *run, code=1).values
    check(events[-1]["kind"] == "summary" and events[-1]["done"] == 3, f"the summary: {events[-1]}")
    check(any(HEART in str(each.get("source")) for each in events), "no event has the name")
    Command(*run, code=1)
    Command(*run, "--fresh", "--yes", code=1)
    for name in ("status", "failures", "history", "check", "export"):
        Command("batch", name, results)
        shown = Command("--json", "batch", name, results).values
        check(shown or name == "check", f"batch {name}")
    table = Command("batch", "export", results).output.splitlines()
    check(len(table) == 1 + 3 * 2, f"a cut CSV: {table}")
    check(all(re.search(r"\\u2665", line) for line in table[1:]), "the name in CSV")


def account(sandbox: Sandbox) -> None:
    folder = Path(f"configuration {HEART}").absolute()
    os.environ |= {"APPDATA": str(folder), "XDG_CONFIG_HOME": str(folder)}
    key = os.environ.pop("MUSIC_AI_API_KEY")
    Path("key").write_text(key, encoding="utf-8")
    Command("login", "--key-file", "key")
    check("\\u2665" in Command("whoami").output, "the file with the key")
    with MusicAiClient() as client:
        check(client.application.get().name == "Default Application", "a stored key")
    check(key not in Command("doctor").output, "the key shows")
    check(Command("--json", "logout").values == [{"removed": True}], "the stored key is gone")
    check(not list(folder.rglob("*.*")), "a file is left")
    Command("whoami", code=3)
    os.environ["MUSIC_AI_API_KEY"] = key


def a_watched_folder(sandbox: Sandbox) -> None:
    folder, out = Path(f"watched {NAME}"), Path(f"res{HEART} watched")
    song(folder, NAME)

    coming = (song(folder, f"{NAME} coming", 1)).open("r+b")
    can_tell = sys.platform == "win32"

    def end() -> None:
        while not list(out.rglob("file.wav")):
            time.sleep(0.1)
        if can_tell:
            time.sleep(1)
            found.extend(out.rglob("file.wav"))
            coming.close()
            while len(list(out.rglob("workflow.results.json"))) < 2:
                time.sleep(0.1)
            while sandbox.jobs:  # a run that is ended before its jobs are deleted has something left to do
                time.sleep(0.1)
        coming.close()
        os.kill(os.getpid(), getattr(signal, "SIGBREAK", signal.SIGTERM))

    found = list[Path]()

    threading.Thread(target=end, daemon=True).start()
    Command("process", "folder", *ECHO, str(folder), str(out), "--watch", "--settle", "0.2")
    check(len(found) == can_tell, "a file was taken while it was written")
    note(f"a watched folder, until {'SIGBREAK' if can_tell else 'SIGTERM'}")


def helps() -> None:
    for leaf in leaves(musicai):
        Command(*leaf.split(), "--help")
    Command("--help")


def leaves(group: click.Group, *names: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, *names, name)
        else:
            yield " ".join((*names, name))


def main() -> None:
    report = Path(sys.argv[1])
    check_the_platform()
    with Sandbox() as sandbox:
        os.environ |= {"MUSIC_AI_API_KEY": sandbox.api_key, "MUSIC_AI_BASE_URL": sandbox.base_url}
        jobs(sandbox)
        batches(sandbox)
        killed(sandbox)
        commands(sandbox)
        account(sandbox)
        a_watched_folder(sandbox)
        helps()
    # The sandbox is a process of its own: see the test. `mcp` speaks a protocol, and is tested with its client.
    run = [text for each in tried if (text := each["tried"]).startswith("musicai ") and "--help" not in text]
    run += ["musicai sandbox", "musicai mcp"]
    for leaf in leaves(musicai):
        found = any(re.match(rf"musicai (--json )?{leaf}\b", each) for each in run)
        check(found, f"musicai {leaf} wasn't tried")
    report.write_text(json.dumps(tried, ensure_ascii=False, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
