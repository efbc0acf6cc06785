"""Plans: what they print. `engine/test_decide.py` compares their figures with what runs pay."""

from __future__ import annotations

from pathlib import Path

from musicai_sdk.batch import Price, Rejected, plan
from support.batch import make_wavs


def test_a_plan_in_lines(tmp_path: Path) -> None:
    make_wavs(tmp_path / "in", [30.0, 60.0])
    (tmp_path / "in" / "empty.wav").touch()
    rejected = Rejected("ftp://host.example/x.wav?token=SECRET", "the service can't read it")
    planned = plan(
        "sdk-test",
        [tmp_path / "in", rejected],
        tmp_path / "out",
        input_name="file",
        max_jobs=1,
        prices={"sdk-test": Price(per_minute="0.10")},
    )
    size = sum(path.stat().st_size for path in (tmp_path / "in").iterdir())
    assert str(planned).splitlines() == [
        f"        2  new: {size / 1e3:.0f} kB to upload, each a paid job",
        "        2  rejected:",
        "     cost  2 jobs, 1.5 minutes of audio, a price of 0.15",
        "    limit  1 job, 0.5 minutes of audio, a price of 0.05; 1 job would wait",
        f"           {tmp_path / 'in' / 'empty.wav'}: it is empty",
        "           ftp://host.example/x.wav: the service can't read it",
    ]


def test_a_plan_of_what_is_done(tmp_path: Path) -> None:
    planned = plan("sdk-test", [], tmp_path / "out", input_name="file")
    planned.failed = 1
    assert str(planned).splitlines() == [
        "        0  new",
        "        1  failed before: skipped without retry_failed=True or retry_uncertain=True",
    ]
