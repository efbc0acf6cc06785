"""`scripts/bench` with small numbers. Both sides are this package, so the figures mean nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts" / "_bench"
CASES = ("upload 1 MB, async", "download 1 MB, TLS, crc32c", "parsed", "--help")
WITH_TARGETS = [
    "page of 100 jobs parsed, beside json.loads",
    "musicai --help, beside bare click",
]


def run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPTS / script, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def bench(guide: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One round with the smallest transfers, written into a guide."""
    environments = ("--peer", sys.executable, "--cli", sys.executable)
    small = ("--rounds", "1", "--size", "1", "--guide", "--into", guide)
    return run("run.py", *environments, *small, "--", *arguments)


def rows(text: str) -> list[list[str]]:
    """The cells of the first Markdown table in a text, without its head."""
    lines = re.findall(r"^\| (.*) \|$", text.split("\n\n| case | program", maxsplit=1)[0], re.MULTILINE)
    return [line.split(" | ") for line in lines[2:]]


def test_a_small_run_fills_its_tables(tmp_path: Path) -> None:
    guide = tmp_path / "speed.md"
    guide.write_text("# Title\n\n<!-- bench -->\nold\n<!-- /bench -->\n\nThe end.\n")
    done = bench(guide, *CASES)
    assert done.returncode == 0, done.stderr

    found = rows(done.stdout)
    assert len(found) == len(CASES)
    for title, wall, cpu, *_ in found:
        ratios = [float(cell.strip("*")) for cell in (wall, cpu)]
        assert all(0 < ratio < 10_000 for ratio in ratios), title
    assert all(
        f"| {program} |" in done.stdout for program in ("this package", "musicai-sdk 1.0.4", "bare click")
    )

    text = guide.read_text()
    assert text.startswith("# Title\n\n<!-- bench -->\n| case | ratio")
    assert text.endswith("`scripts/bench`.\n<!-- /bench -->\n\nThe end.\n")
    assert [title for title, *_ in rows(text)] == WITH_TARGETS
    assert ", 1 rounds, " in text


def test_a_guide_without_markers_is_refused_before_measuring(tmp_path: Path) -> None:
    guide = tmp_path / "speed.md"
    guide.write_text("# Title\n")
    done = bench(guide)
    assert done.returncode == 1
    assert "<!-- bench -->" in done.stderr.splitlines()[-1]
    assert "import …" not in done.stderr
    assert guide.read_text() == "# Title\n"


def test_waiting_in_simulated_time_counts_requests() -> None:
    jobs = 150
    done = run("ours.py", "wait", "http://127.0.0.1:9", str(jobs), "", "")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    # The last job ends after more than a minute, and no pause is a minute long. Two pages hold all jobs.
    assert 2 < figures["requests"] < 10 * jobs
    assert 0 < figures["late"] < 60


@pytest.fixture
def catalogue() -> Iterator[str]:
    """The service for catalogues, whose jobs take a moment."""
    with subprocess.Popen(
        [sys.executable, SCRIPTS / "catalogue_server.py", "0.1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        server.communicate("", timeout=60)


@pytest.mark.parametrize(("case", "each"), [("catalogue 500", 6), ("catalogue of URLs 500", 4)])
def test_a_catalogue_needs_few_connections_and_requests(
    catalogue: str, tmp_path: Path, case: str, each: int
) -> None:
    tracks = 300
    done = run("ours.py", case, catalogue, str(tracks), tmp_path, "")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert 500 < figures["ledger"] < 5_000
    with urlopen(f"{catalogue}/counted") as answer:
        counted = json.loads(answer.read())
    assert counted["most_open"] <= 64
    # Also the account, pages of the list, and the wait for single jobs at the end.
    assert each * tracks < counted["requests"] <= (each + 1) * tracks


@pytest.mark.parametrize("case", ["catalogue", "catalogue by httpx"])
def test_the_bare_exchanges_of_a_catalogue(catalogue: str, tmp_path: Path, case: str) -> None:
    done = run("bare.py", case, catalogue, "5", tmp_path, "")
    assert done.returncode == 0, done.stderr
    with urlopen(f"{catalogue}/counted") as answer:
        counted = json.loads(answer.read())
    assert (counted["requests"], counted["connections"]) == (6 * 5, 2)
