"""Runs the cases, the two packages in turn within every round, and prints medians of their ratios."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import certifi
import trustme

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from server import SIZE, job  # noqa: E402 - beside this file


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    title: str
    name: str
    figure: str
    scheme: str = "http"
    count: int = 1
    """How often the thing is done within one measurement."""
    target: float | None = None
    slow: bool = False
    """Left out of a quick run."""


CASES = [
    Case("import", "import", "cpu", target=0.10),
    Case("start to first typed job, TLS", "first job", "cpu", "https", target=1.4),
    Case("GET, one after the other", "get", "wall", count=200, target=0.45),
    Case("GET, one after the other, TLS", "get", "wall", "https", 200, target=0.03),
    Case("GET, async client", "async get", "wall", count=200, target=0.55),
    Case("page of 100 jobs, against json.loads", "parse", "cpu", count=100, target=1.10),
    Case("upload 512 MB", "upload", "wall", target=0.35),
    Case("upload 512 MB, TLS", "upload", "wall", "https", target=0.58, slow=True),
    Case("upload 512 MB, async client", "async upload", "wall", target=0.40, slow=True),
    Case("download 512 MB", "download", "wall", target=0.35),
    Case("download 512 MB, TLS", "download", "wall", "https", target=0.50, slow=True),
    Case("download 512 MB, async client", "async download", "wall", target=0.40, slow=True),
    Case("500 jobs of 1 s, 16 at once", "jobs", "wall", count=500, target=0.05, slow=True),
]


class Bench:
    """The server, the two interpreters, and a folder on a memory disk where there is one."""

    def __init__(self, peer: str, folder: Path) -> None:
        self.programs = {"ours": sys.executable, "peer": peer}
        self.folder = folder
        authority = trustme.CA()
        # Behind the certificates that everybody has to load: that is part of what a first request costs.
        everybody = Path(certifi.where()).read_bytes()
        (folder / "ca.pem").write_bytes(everybody + b"\n" + authority.cert_pem.bytes())
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        with (folder / "source").open("wb") as file:
            file.truncate(SIZE)
        (folder / "page.json").write_text(json.dumps([job(f"{number:036}") for number in range(100)]))
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MUSIC_AI")},
            "SSL_CERT_FILE": str(folder / "ca.pem"),
            "REQUESTS_CA_BUNDLE": str(folder / "ca.pem"),
        }
        self.server = subprocess.Popen(
            [sys.executable, HERE / "server.py", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.server.stdout is not None
        plain, tls = self.server.stdout.readline().split()
        self.origins = {"http": f"http://127.0.0.1:{plain}", "https": f"https://127.0.0.1:{tls}"}

    def requests(self) -> int:
        """How many API requests there were since the last time."""
        with urlopen(f"{self.origins['http']}/count") as answer:
            return int(answer.read())

    def run(self, who: str, case: Case) -> dict[str, Any]:
        extra = {"upload": "source", "parse": "page.json", "download": "target"}.get(
            case.name.split(" ")[-1], ""
        )
        self.requests()
        program, url = str(HERE / f"{who}.py"), f"{self.origins[case.scheme]}/v1"
        command = [self.programs[who], program, case.name, url, str(case.count)]
        done = subprocess.run(
            [*command, str(self.folder / extra)] if extra else command,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{who} failed in {case.title}:\n{done.stderr}")
        return {**json.loads(done.stdout), "requests": self.requests()}

    def close(self) -> None:
        assert self.server.stdin is not None
        self.server.stdin.close()
        self.server.wait()
        assert self.server.stdout is not None
        self.server.stdout.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_args()
    rounds = arguments.rounds or (3 if arguments.quick else 7)
    cases = [
        case
        for case in CASES
        if not (arguments.quick and case.slow)
        and (not arguments.cases or any(word in case.title for word in arguments.cases))
    ]
    memory_disk = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory_disk if memory_disk.is_dir() else None) as folder:
        bench = Bench(arguments.peer, Path(folder))
        try:
            rows = [row(bench, case, rounds) for case in cases]
        finally:
            bench.close()
    print(
        f"\n{rounds} rounds, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()};"
    )
    print("ratio to musicai-sdk 1.0.4 (lower is better): median, (least to most)\n")
    print("| case | figure | ratio | target | ours | peer | extra memory |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print("\n".join(rows))


def row(bench: Bench, case: Case, rounds: int) -> str:
    """Measures one case; which package begins changes from round to round."""
    print(f"{case.title} …", file=sys.stderr, flush=True)
    figures: dict[str, list[dict[str, Any]]] = {"ours": [], "peer": []}
    for number in range(1 if case.name == "jobs" else rounds):
        for who in ("ours", "peer") if number % 2 else ("peer", "ours"):
            figures[who].append(bench.run(who, case))
    ours, peer = ([each[case.figure] for each in figures[who]] for who in ("ours", "peer"))
    ratios = [mine / its for mine, its in zip(ours, peer, strict=True)]
    middle = statistics.median
    memory = ""
    if "load" in case.name:
        mine, its = (max(each["memory"] for each in figures[who]) / 2**20 for who in ("ours", "peer"))
        memory = f"{mine:.0f} MB (peer {its:.0f})"
    if case.name == "jobs":
        memory = f"{figures['ours'][0]['requests']} requests (peer {figures['peer'][0]['requests']})"
    return (
        f"| {case.title} | {case.figure} | **{middle(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f})"
        f" | {case.target} | {middle(ours):.3f} s | {middle(peer):.3f} s | {memory} |"
    )


if __name__ == "__main__":
    main()
