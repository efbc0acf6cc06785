"""`musicai batch …`, on the ledger of a run."""

from __future__ import annotations

import csv
import io
import json

from support.cli import ECHO, Command, make_songs


def test_status_failures_and_export(musicai_there: Command) -> None:
    source = musicai_there.folder / "in"
    make_songs(source, 2)
    (source / "text.wav").write_text("no sound at all")
    (source / "empty.wav").touch()
    arguments = ("process", "folder", "music-ai/generate-chords", "in", "out", "--no-report")
    musicai_there.here(*arguments, code=1)

    status = musicai_there.here("batch", "status", "out", MUSIC_AI_API_KEY="").stdout
    assert "music-ai/generate-chords, 3 tracks" in status
    assert "        2  done\n" in status
    assert "        1  failed\n" in status
    assert "1  rejected" in status
    assert "service  median " in status
    [value] = musicai_there.here("--json", "batch", "status", "out/.musicai-batch.sqlite3").values
    assert value["states"] == {"deleted": 2, "failed": 1}
    assert value["bytes_uploaded"] == sum(path.stat().st_size for path in source.iterdir())
    assert value["durations"]["service"]["count"] == 2

    failed = musicai_there.here("batch", "failures", "out").stdout.splitlines()
    assert failed[0].startswith("failed: in/text.wav: BAD_INPUT: ")
    assert failed[1] == "rejected: in/empty.wav: it is empty"
    values = musicai_there.here("--json", "batch", "failures", "out").values
    assert [(each["state"], each.get("attempts")) for each in values] == [("failed", 1), ("rejected", None)]

    rows = list(csv.DictReader(io.StringIO(musicai_there.here("batch", "export", "out").stdout)))
    assert [row["output"] for row in rows if row["state"] == "failed"] == [""]
    outputs = {(row["folder"], row["output"]): row for row in rows if row["path"]}
    assert set(outputs) == {(folder, name) for folder in ("song 000", "song 001") for name in ("", "chords")}
    chords = outputs["song 001", "chords"]
    assert (musicai_there.folder / "out" / chords["path"]).stat().st_size == int(chords["size"])
    assert len(chords["sha256"]) == 64
    values = musicai_there.here("batch", "export", "out", "--format", "jsonl").values
    assert values == musicai_there.here("--json", "batch", "export", "out").values
    assert [len(value["outputs"]) for value in values] == [0 if v["state"] == "failed" else 2 for v in values]


def test_signatures_of_inputs_stay_in_the_ledger(musicai_there: Command) -> None:
    # A query that isn't a complete signature of a known kind distinguishes songs, so the ledger keeps it.
    rows = (
        {
            "url": "https://u:pw@song.example/it's a.wav?id=7&X-Goog-Signature=5e5e",
            "More": "https://s.example/b?sig=5e5e",
        },
        {
            "url": "https://song.example/sign/my b.wav?token=5e5e",
            "More": ["https://s.example/my b?rlkey=5e5e&dl=1"],
        },
        {
            "url": "https://song.example/sign/my b.wav?token=5e5e5e",
            "More": "see https://s.example/my b?token=5e5e",
        },
    )
    manifest = musicai_there.folder / "songs.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)))
    arguments = ("process", "folder", "sdk-test", manifest.name, "out", "--input-name", "file")
    shown = [musicai_there.here(*arguments, code=1)]
    for command in ("failures", "history", "status", "check", "export"):
        shown += [musicai_there.here(*json_, "batch", command, "out") for json_ in ((), ("--json",))]
    text = "".join(done.stdout + done.stderr for done in shown)
    text += (musicai_there.folder / "out" / "report.html").read_text("utf-8")
    assert "5e5e" not in text
    assert "pw@" not in text
    failures = musicai_there.here("--json", "batch", "failures", "out").values
    sources = ["https://song.example/it's a.wav", *["https://song.example/sign/my b.wav"] * 2]
    assert sorted(each["source"] for each in failures) == sources
    tracks = musicai_there.here("--json", "batch", "export", "out").values
    assert sorted(each["source"] for each in tracks) == sources
    assert len({each["folder"] for each in tracks}) == 3, "which tells tracks with the same source apart"
    assert sorted(str(each["params"]["More"]) for each in tracks) == [
        "['https://s.example/my b?…']",
        "https://s.example/b?…",
        "see https://s.example/my b?…",
    ]


def test_check_finds_damaged_results(musicai_there: Command) -> None:
    make_songs(musicai_there.folder / "in", 3)
    musicai_there.here(*ECHO)
    assert "3 of 3 finished tracks match the record" in musicai_there.here("batch", "check", "out").stderr
    (musicai_there.folder / "out" / "song 000" / "file.wav").unlink()
    (musicai_there.folder / "out" / "song 001" / "file.wav").write_bytes(b"other bytes")
    done = musicai_there.here("batch", "check", "out", code=1)
    assert "1 of 3 finished" in done.stderr
    first, second = sorted(
        done.stdout.splitlines()
    )  # two files are read at the same time, so either may be first
    assert first.startswith("damaged: in/song 000.wav: ")
    assert first.endswith("is missing")
    assert second.endswith("not what was downloaded")
    values = musicai_there.here("--json", "batch", "check", "out", code=1).values
    assert {value["folder"] for value in values} == {"song 000", "song 001"}


def test_no_ledger(musicai_there: Command) -> None:
    for command in ("status", "failures", "export", "check"):
        done = musicai_there.here("batch", command, "nowhere", code=2)
        assert "there is no ledger 'nowhere/.musicai-batch.sqlite3'" in done.stderr


def test_another_workflow_needs_another_ledger(musicai_there: Command) -> None:
    make_songs(musicai_there.folder / "in", 1)
    musicai_there.here(*ECHO)
    arguments = ("process", "folder", "music-ai/generate-chords", "in", "out")
    for more in ([], ["--dry-run"]):
        assert "belongs to sdk-test" in musicai_there.here(*arguments, *more, code=2).stderr


def test_status_and_history_of_paid_jobs(musicai_there: Command) -> None:
    make_songs(musicai_there.folder / "in", 2)
    musicai_there.service.add_fault("POST /job", nth=1, job_error="BAD_INPUT")
    musicai_there.here(*ECHO, "-c", "1", code=1)
    musicai_there.here(*ECHO, "--retry-failed")

    assert (
        "3 jobs paid for 2 tracks, 1 still at the service"
        in musicai_there.here("batch", "status", "out").stdout
    )
    [value] = musicai_there.here("--json", "batch", "status", "out").values
    assert (value["jobs_created"], value["tracks_paid"], len(value["jobs_left"])) == (3, 2, 1)

    values = musicai_there.here("--json", "batch", "history", "out").values
    assert sorted((each["reason"], each["outcome"]) for each in values) == [
        ("first", "failed"),
        ("first", "succeeded"),
        ("retry_failed", "succeeded"),
    ]
    assert [each["job_id"] for each in values if each["deleted_at"] is None] == value["jobs_left"]
    again = next(each for each in values if each["reason"] == "retry_failed")
    for name in (again["source"], again["track"], again["source"].rpartition("/")[2].removesuffix(".wav")):
        lines = musicai_there.here("batch", "history", "out", name).stdout.splitlines()
        assert len(lines) == 2
        assert "first         failed     BAD_INPUT  job " in lines[0]
        assert f"retry_failed  succeeded             job {again['job_id']}, deleted  in/" in lines[1]
    assert "no track 'nothing'" in musicai_there.here("batch", "history", "out", "nothing", code=1).stderr


def test_results_without_their_ledger(musicai_there: Command) -> None:
    make_songs(musicai_there.folder / "in", 2)
    musicai_there.here(*ECHO)
    (musicai_there.folder / "out" / ".musicai-batch.sqlite3").unlink()
    for more in ((), ("--dry-run",)):
        assert "--adopt" in musicai_there.here(*ECHO, *more, code=2).stderr
    assert "2  new" in musicai_there.here(*ECHO, "--dry-run", "--adopt").stdout
    musicai_there.here(*ECHO, "--adopt")
    assert len(list((musicai_there.folder / "out").rglob("file.wav"))) == 4
