"""The inputs, and the count of results at the end."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from pathlib import Path

from killing import Runs  # beside this file
from searching import leftovers, secrets
from service import duplicates


def make_inputs(folder: Path, count: int, draw: random.Random) -> dict[str, Path]:
    """Different files, most of them tiny, by their MD5 digest in base64, the form of `x-goog-hash`."""
    made = dict[str, Path]()
    for number in range(count):
        path = folder / f"part {number % 7}" / f"track {number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        # A few are large enough to be truncated in the middle, and to be read without the HTTP library.
        size = 1_200_000 if number % 100 == 50 else draw.randrange(800, 5_000)
        content = b"RIFF\0\0\0\0WAVE" + number.to_bytes(8, "big") + draw.randbytes(size)
        path.write_bytes(content)
        made[base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()] = path
    return made


def beyond(runs: Runs, max_jobs: int) -> int:
    """How far the limit was missed: exceeded, by the ledger or at the service, or never reached."""
    paid, accepted = runs.at_limit
    return max(abs(paid - max_jobs), accepted - max_jobs, 0)


def verdict(
    runs: Runs, inputs: dict[str, Path], max_jobs: int | None
) -> tuple[dict[str, int], dict[str, int], list[str]]:
    """The counts that must be 0, all figures, and remarks on what is wrong."""
    service, tally = runs.service, runs.tally
    accepted, left = service.jobs(), service.left()
    states = runs.states()
    undone = runs.jobs - states["verified"] - states["deleted"]
    results, lost, wrong = list[Path](), list[str](), list[str]()
    for path in inputs.values():
        folder = runs.out / path.relative_to(runs.source).with_suffix("")
        result, manifest = folder / "file.wav", folder / "workflow.results.json"
        results += [result, manifest]
        if not result.exists() or not manifest.exists():
            lost.append(str(result))
        elif result.read_bytes() != path.read_bytes() or json.loads(manifest.read_bytes()) != {
            "file": "./file.wav"
        }:
            wrong.append(str(result))
    over = leftovers(runs.out, results, runs.temporary)
    shown = secrets(runs.logs, runs.out, [path for path in results if path.exists()], service.key)
    requests, faults = service.requests()
    zeros = {
        "duplicates": duplicates(accepted, inputs),
        "lost": max(len(lost), undone),
        "wrong checksums": len(wrong),
        "leftover temporary files": len(over),
        "secrets found in logs": len(shown),
        "leftover jobs at the service": sum(left.values()) - left["FAILED"],
        "runs ended by an error": len(tally.crashed),
        **({} if max_jobs is None else {"jobs beyond the limit": beyond(runs, max_jobs)}),
    }
    figures = {
        "jobs wanted": runs.jobs,
        "jobs the sandbox was asked to run": len(accepted),
        "of these, ended as FAILED by a fault": sum(job.failed_at is not None for job in accepted),
        **zeros,
        **({} if max_jobs is None else {"paid requests in the ledger at the limit": runs.at_limit[0]}),
        "kills": tally.kills,
        "runs": tally.runs,
        "requests": requests,
        "faults": faults.total(),
        **{f"fault: {name}": count for name, count in faults.most_common()},
    }
    remarks = [*lost[:5], *wrong[:5], *map(str, over[:5]), *shown[:5], *tally.crashed[:5]]
    if states != {"deleted": runs.jobs}:
        remarks.append(f"tracks by state: {dict(states)}")
    return zeros, figures, remarks
