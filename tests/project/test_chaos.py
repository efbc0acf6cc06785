"""`scripts/chaos`: a service and a network that fail, a process that is killed, and nothing paid twice or lost."""

from __future__ import annotations

import importlib
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk.sandbox.faults.options import FaultOptions

FOLDER = Path(__file__).parents[2] / "scripts" / "_chaos"
ZEROS = (
    "duplicates",
    "lost",
    "wrong checksums",
    "leftover temporary files",
    "secrets found in logs",
    "leftover jobs at the service",
    "runs ended by an error",
    "jobs beyond the limit",
)


def figures(table: str) -> dict[str, int]:
    rows = re.findall(r"^\| (.+?) \| ([\d,]+) \|$", table, re.MULTILINE)
    return {name: int(figure.replace(",", "")) for name, figure in rows}


@pytest.mark.timeout(400)
def test_two_hundred_jobs() -> None:
    command = [sys.executable, str(FOLDER / "main.py"), "--jobs", "200", "--faults", "0.2", "--kills", "4"]
    command += ["--seed", "1", "--max-jobs", "150"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = f"{done.stdout}\n{done.stderr}"
    print(told)
    found = figures(done.stdout)
    assert {name: found.get(name) for name in ZEROS} == dict.fromkeys(ZEROS, 0), told
    assert done.returncode == 0, told
    assert found["jobs wanted"] == 200
    assert found["paid requests in the ledger at the limit"] == 150
    failed = found["of these, ended as FAILED by a fault"]
    assert found["jobs the sandbox was asked to run"] == 200 + failed
    assert found["kills"] == 4
    assert done.stderr.count(" killed: ") == 4
    # Every fifth request; fewer only for routes that also match the service's own requests.
    assert 0.15 * found["requests"] < found["faults"] < 0.25 * found["requests"]
    kinds = {name: figure for name, figure in found.items() if name.startswith("fault: ")}
    assert sum(kinds.values()) == found["faults"]
    assert len(kinds) > 15


@pytest.fixture
def chaos(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a module of the script's own."""
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    yield importlib.import_module
    for name in ("service", "searching", "faults"):
        sys.modules.pop(name, None)


def test_what_counts_as_a_duplicate(chaos: Any) -> None:
    service = chaos("service")
    first, other = service.Accepted("a", "md5", 1.0, None), service.Accepted("b", "other", 1.5, None)
    failed, anew = service.Accepted("c", "md5", 1.0, 2.0), service.Accepted("d", "md5", 3.0, None)
    wanted = ["md5", "other"]
    assert service.duplicates([first, other], wanted) == 0
    assert service.duplicates([failed, other, anew], wanted) == 0
    assert service.duplicates([first, other, anew], wanted) == 1
    assert service.duplicates([service.Accepted("c", "md5", 1.0, 4.0), anew], wanted) == 1
    assert service.duplicates([first, service.Accepted("a", "other", 3.0, None)], wanted) == 1
    assert service.duplicates([first, other], ["md5"]) == 1


def test_what_counts_as_a_leftover_or_a_secret(chaos: Any, tmp_path: Path) -> None:
    searching = chaos("searching")
    logs, out, temporary = tmp_path / "logs", tmp_path / "out", tmp_path / "tmp"
    for folder in (logs, out, temporary):
        folder.mkdir()
    result = out / "file.wav"
    result.write_bytes(b"RIFF Signature=1")
    (out / searching.LOCK).touch()
    with closing(sqlite3.connect(out / searching.LEDGER)) as ledger:
        ledger.execute("CREATE TABLE tracks (url, error_message)")
        ledger.execute("INSERT INTO tracks VALUES ('http://x/?Signature=1', 'http://x/?…')")
        ledger.commit()
        (logs / "run.log").write_text("PUT http://x/?…\nall is well\n")

        def secrets() -> list[str]:
            return list(searching.secrets(logs, out, [result], "the-key"))

        assert secrets() == []
        assert searching.leftovers(out, [result], temporary) == []

        (out / "file.wav.part").touch()
        (temporary / "x").touch()
        assert searching.leftovers(out, [result], temporary) == [out / "file.wav.part", temporary / "x"]

        (logs / "run.err").write_text("Error\nAuthorization: the-key\n")
        (logs / "run.log").write_text(f"PUT http://x/?Expires=1&Serial=2\n{'0f' * 32}\nx%3FSignature%3D5\n")
        ledger.execute("UPDATE tracks SET error_message = url")
        ledger.commit()
        result.write_bytes(b"RIFF the-key")
        found = ["run.err:2", "run.log:1", "run.log:2", "run.log:3", "the ledger's texts:1", "file.wav:1"]
        assert secrets() == found


def test_the_frequencies_of_faults(chaos: Any) -> None:
    rules = list(chaos("faults").rules(0.2, 1))
    for route in {rule["route"] for _, rule in rules}:
        left, shares = 1.0, list[float]()
        for _, rule in rules:
            if rule["route"] == route:
                shares.append(left * rule["probability"])
                left -= shares[-1]
        assert left == pytest.approx(0.8)
        assert shares == pytest.approx([shares[0]] * len(shares))


UNUSED = {"nth", "times", "probability", "seed", "job_polls", "job_vanish"}
"""The options that pick requests, one that is like `job_seconds`, and one after which no client can get the results."""


def test_every_fault_is_used(chaos: Any) -> None:
    kinds = chaos("faults").ROUTES.values()
    used = {name for each in kinds for options in each.values() for name in options}
    unused = FaultOptions.__annotations__.keys() - used
    assert unused == UNUSED, "add these faults to scripts/_chaos/faults.py, or to UNUSED with the reason"
