"""The report of a run: its contents and its path. `test_report_in_browser` opens it."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import shlex
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from musicai_sdk.batch import LedgerError, open_ledger, write_report
from musicai_sdk.batch.inputs.row import InputRow
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.batch.report.format import duration, size, without_queries
from musicai_sdk.sandbox import Sandbox
from support.batch import echo, make_tracks, put
from support.zipped import run_zipped

LEDGER = ".musicai-batch.sqlite3"


class Page(HTMLParser):
    """A parsed page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.text = ""
        self.attributes = list[tuple[str, str, str]]()
        """Element, name and value of each."""
        self.inside = dict[str, str]()
        """The contents of `style`, and of each `script` by its id."""
        self._open = ""
        self.feed(self.source)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag in ("style", "script"):
            self._open = dict(attrs).get("id") or tag

    @override
    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    @override
    def handle_data(self, data: str) -> None:
        if self._open:
            self.inside[self._open] = self.inside.get(self._open, "") + data
        else:
            self.text += data

    def data(self, name: str) -> Any:
        return json.loads(self.inside[name])


def one_track(ledger: Ledger, given: InputRow, **changes: Any) -> None:
    """A track in a given state, without a run."""
    with ledger.transaction():
        ledger.admit([given])
        given.sample = "0" * 16
        track, _ = ledger.register(given)
        put(ledger, track, changes.pop("state", "seen"), **changes)


def test_a_run(sandbox: Sandbox, tmp_path: Path) -> None:
    out = tmp_path / "the 'results'"
    paths = make_tracks(tmp_path / "in", 8)
    (tmp_path / "in" / "copy.wav").write_bytes(paths[0].read_bytes())
    (tmp_path / "in" / "empty.wav").write_bytes(b"")
    sandbox.faults.add("POST /job", nth=3, job_error="BAD_INPUT")
    report = echo(sandbox, tmp_path / "in", out, in_flight=1, params={"level": 3, "mode": "5"}).run()
    assert len(report.failures()) == 1
    path = write_report(report.ledger)
    assert path == out / "report.html"
    page = Page(path)

    for expected in ("sdk-test", "7 of 8 tracks have their results.", "1 failed", "At the service"):
        assert expected in page.text
    facts, rows = page.data("facts"), page.data("rows")
    assert (facts["root"], facts["base"], len(rows)) == (f"{tmp_path}/in/", "./", 8)
    states = [facts["states"][row[1]] for row in rows]
    assert (states.count("deleted"), states.count("failed")) == (7, 1)
    for name, _, took, job, folder, shape, sizes, *_ in rows:
        assert (tmp_path / "in" / name).is_file()
        assert len(job) == 36
        outputs: list[tuple[str, str]] = json.loads(facts["shapes"][shape]) if sizes else []
        assert [each[0] for each in outputs] == (["", "file"] if took is not None else [])
        for (_, below), length in zip(outputs, sizes, strict=True):
            found = out / (folder or str(Path(name).with_suffix(""))) / below
            assert found.stat().st_size == length
    failure = rows[states.index("failed")][7]
    assert failure[0] == "BAD_INPUT"
    assert failure[2:] == [1, 0], "tried once, and its job can't be used again"
    assert facts["texts"][failure[1]] == report.failures()[0].message
    copied = [row for row in rows if row[9:] and row[9]]
    assert [sorted([row[0], *row[9]]) for row in copied] == [["copy.wav", "part 0/track 0.wav"]]
    assert page.data("rejects") == [["empty.wav", "it is empty"]]

    command = next(line for line in page.text.splitlines() if line.startswith("The same command"))
    words = shlex.split(command[command.index("musicai process") :])
    assert words == [
        *("musicai", "process", "folder", "sdk-test", f"{tmp_path}/in", str(out), "--retry-failed"),
        *("--input-name", "file", "--param", "level=3", "--param", 'mode="5"'),
    ]


def test_the_page_loads_nothing_and_runs_only_its_own_script(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    assert echo(sandbox, tmp_path / "in", tmp_path / "out").run().ok
    page = Page(write_report(tmp_path / "out"))
    (policy,) = [value for _, name, value in page.attributes if name == "content" and "default-src" in value]
    assert policy.startswith("default-src 'none'; ")
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.inside[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    loaded = [value for _, name, value in page.attributes if name in ("src", "href", "srcset", "action")]
    assert set(loaded) <= {"data:,", "#tracks", "#failures"}
    assert not [name for _, name, _ in page.attributes if name == "style" or name.startswith("on")]
    assert "@import" not in page.source
    assert "url(" not in page.source


def test_the_page_contains_no_signature_and_escapes_names(tmp_path: Path) -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    ledger = Ledger(tmp_path / LEDGER, f"a/{evil}", "file")
    plain = "https://example.org/song.wav"
    message = f"{evil} GET https://user:SECRET@example.org/song.wav?X-Amz-Signature=SECRET: it isn't there"
    one_track(
        ledger,
        InputRow(f"{plain}?id=SECRET", "{}", evil, url=f"{plain}?Signature=SECRET", content="url:1"),
        state="failed", resume_at="created", error_code=evil, error_message=message, attempts=3, job_id=evil,
    )  # fmt: skip
    with ledger.transaction():
        ledger.reject(f"{plain}?Signature=SECRET", f"{evil} {plain}?Signature=SECRET")
    ledger.close()
    page = Page(write_report(tmp_path / LEDGER))
    assert "SECRET" not in page.source
    facts, (row,) = page.data("facts"), page.data("rows")
    assert (row[0], row[3], row[7][0], row[7][2:]) == (plain, evil, evil, [3, 1])
    assert facts["texts"][row[7][1]] == f"{evil} GET {plain}?…: it isn't there"
    assert page.data("rejects") == [[plain, f"{evil} {plain}?…"]]
    assert f"a/{evil}" in page.text
    assert "img" not in {tag for tag, *_ in page.attributes}
    assert set(page.inside) == {"style", "rows", "rejects", "facts", "script"}
    assert "folder" in page.text, "the page shows the command"
    assert "…" in page.text, "but the origin of a list of URLs is unknown"


def test_the_path_of_the_page(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 2)
    (tmp_path / "ledgers").mkdir()
    sandbox.faults.add("POST /job", nth=1, job_error="BAD_INPUT")
    report = echo(sandbox, tmp_path / "in", tmp_path / "out 1", ledger=tmp_path / "ledgers" / "x").run()
    with open_ledger(report.ledger) as view:
        assert (view.out, view.input_name) == (tmp_path / "out 1", "file")
    assert write_report(report.ledger) == tmp_path / "out 1" / "report.html"
    (tmp_path / "deep" / "er").mkdir(parents=True)
    elsewhere = write_report(report.ledger, tmp_path / "deep" / "er" / "r.html")
    page = Page(elsewhere)
    assert page.data("facts")["base"] == "./../../out%201/"
    assert f"--ledger {report.ledger}" in page.text

    elsewhere.write_text("older")
    write_report(report.ledger, elsewhere)
    assert Page(elsewhere).data("rows") == page.data("rows")
    assert [path.name for path in elsewhere.parent.iterdir()] == ["r.html"]
    with pytest.raises(OSError, match="missing"):
        write_report(report.ledger, tmp_path / "missing" / "r.html")
    with pytest.raises(LedgerError, match="there is no ledger"):
        write_report(tmp_path / "nothing")

    # Moved together, its links still lead to the results.
    (tmp_path / "moved").mkdir()
    for name in ("out 1", "ledgers"):
        (tmp_path / name).rename(tmp_path / "moved" / name)
    assert write_report(tmp_path / "moved" / "ledgers" / "x") == tmp_path / "moved" / "out 1" / "report.html"


def test_results_in_a_bucket_are_named_but_not_linked(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / LEDGER, "a/b", "file", out=tmp_path)
    with ledger.transaction() as db:
        db.execute("INSERT OR REPLACE INTO meta VALUES ('bucket', 's3://bucket/prefix')")
    one_track(ledger, InputRow("s3://in/a.wav", "{}", "a", url="s3://in/a.wav?etag=1", content="object:1:9"))
    ledger.close()
    page = Page(write_report(tmp_path / LEDGER))
    assert (page.data("facts")["bucket"], page.data("facts")["base"]) == ("s3://bucket/prefix", "")


def test_a_ledger_in_use(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / LEDGER, "a/b", "file", out=tmp_path)
    page = Page(write_report(tmp_path / LEDGER))
    assert "No tracks yet." in page.text
    assert page.data("rows") == []
    with ledger.transaction():
        ledger.reject("x", "y")
        assert Page(write_report(tmp_path / LEDGER)).data("rejects") == []
    ledger.close()
    assert Page(write_report(tmp_path / LEDGER)).data("rejects") == [["x", "y"]]


def test_the_package_in_a_zip_file(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / LEDGER, "a/b", "file", out=tmp_path)
    one_track(ledger, InputRow("a.wav", "{}", "a", content="a.wav"))
    ledger.close()
    program = f"from musicai_sdk.batch import write_report; print(write_report({LEDGER!r}))"
    page = Page(Path(run_zipped(program, tmp_path).strip()))
    assert len(page.data("rows")) == 1
    other = Page(write_report(tmp_path / LEDGER, tmp_path / "other.html"))
    assert page.inside["style"] == other.inside["style"] != ""
    assert page.inside["script"] == other.inside["script"] != ""


def test_texts_that_do_not_repeat_are_not_interned(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / LEDGER, "a/b", "file", out=tmp_path)
    with ledger.transaction() as db:
        for number in range(1100):
            values = (str(number), "verified", f"{number}.wav", str(number), "{}", str(number), "0")
            db.execute(
                "INSERT INTO tracks (key, state, source, content, params, folder, sample) VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )
            outputs = [
                (str(number), f"{which} {number}", f"{number}/{which}.wav", which, None) for which in (1, 2)
            ]
            db.executemany("INSERT INTO outputs VALUES (?, ?, ?, ?, ?)", outputs)
    ledger.close()
    page = Page(write_report(tmp_path / LEDGER))
    shapes, rows = page.data("facts")["shapes"], page.data("rows")
    assert (len(shapes), len(rows)) == (1000, 1100)
    for number, row in enumerate(rows):
        said = shapes[row[5]] if isinstance(row[5], int) else row[5]
        assert json.loads(said) == [[f"1 {number}", "1.wav"], [f"2 {number}", "2.wav"]]
        assert (row[0], row[4], row[6]) == (f"{number}.wav", 0, [1, 2])


def test_a_long_run_has_a_table_beside_its_page(tmp_path: Path) -> None:
    count, formula = 10_050, "=HYPERLINK(1)"
    ledger = Ledger(tmp_path / LEDGER, "a/b", "file", out=tmp_path)
    with ledger.transaction() as db:
        rows: list[tuple[str | None, ...]] = [
            (str(n), "deleted", f"/in/{n}.wav", str(n), "{}", str(n), "0", None) for n in range(count)
        ]
        rows[-1] = (
            "x",
            "failed",
            "https://example.org/a.wav?Signature=SECRET",
            "x",
            "{}",
            formula,
            "0",
            formula,
        )
        columns = "key, state, source, content, params, folder, sample, error_message"
        db.executemany(f"INSERT INTO tracks ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    ledger.close()
    page = Page(write_report(tmp_path / LEDGER))
    listed = page.data("rows")
    assert len(listed) == 10_000
    assert [row[0] for row in listed[:2]] == ["/in/0.wav", "/in/1.wav"]
    assert listed[-1][0] == "https://example.org/a.wav", "a failed track is on the page"
    assert ("a", "href", "./report.tracks.csv") in page.attributes
    assert "10,000 of 10,050 tracks" in page.text
    with (tmp_path / "report.tracks.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [each["input"] for each in table[:-1]] == [f"/in/{n}.wav" for n in range(count - 1)]
    last = table[-1]
    assert (last["input"], last["state"]) == ("https://example.org/a.wav", "failed")
    assert (last["folder"], last["message"]) == (f"'{formula}", f"'{formula}")


def test_figures() -> None:
    assert [duration(value) for value in (0, 0.84, 12.3, 180, 7200, 172_800)] == [
        *("0.0 s", "0.8 s", "12 s", "3 min", "2.0 h", "2.0 days"),
    ]  # fmt: skip
    assert [size(value) for value in (0, 999, 1500, 52_000_000, 999_999, 5e13)] == [
        *("0 B", "999 B", "1.5 kB", "52 MB", "1.0 MB", "50.0 TB"),
    ]  # fmt: skip
    told = without_queries("see 'https://a.org/x?y=1', https://b.org/z")
    assert told == "see 'https://a.org/x?…', https://b.org/z"
