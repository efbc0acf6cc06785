"""A notebook executed in a kernel: a job, a batch, an interrupt, the outputs of cells, and the saved file."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from conftest import SONGS
from musicai_sdk import Job, music
from musicai_sdk._notebook import player, table
from musicai_sdk.batch import open_ledger
from musicai_sdk.errors import ConfigurationError
from musicai_sdk.models import Chord, DownloadedFile, JobFiles, Section
from musicai_sdk.models.job import JobPage
from musicai_sdk.sandbox import Sandbox
from support.batch import echo, make_tracks, posts

SIGNED = "https://storage.example/a/b/vocals.wav?X-Amz-Signature=5e5e5e5e"
SETUP = """
import warnings
warnings.filterwarnings("error", module="musicai_sdk")
from pathlib import Path
from musicai_sdk import MusicAiClient, batch, music
from musicai_sdk.workflows import GenerateChords
client = MusicAiClient()
"""
JOB = "job = client.jobs.run(GenerateChords(input_url=Path('band0.ogg')), progress=None)\njob"
DOWNLOAD = "files = client.jobs.download(job, 'chords', progress=True)\nfiles"
CHORDS = "music.table(client.files.read(job.result.chords))"
PANDAS = "music.table(client.files.read(job.result.chords)).to_pandas()"
LIST = "client.jobs.list()"
BATCH = """
options = {"input_name": "file", "poll_interval": 0.2, "keep_jobs": True}
run = batch.Batch("sdk-test", "in", "out", **options)
report = run.run()
report
"""
AGAIN = "batch.run('sdk-test', 'in', 'again', progress=False, **options).to_pandas()"
INTERRUPTED = """
import os, signal, time
def interrupt(event):  # what the button "interrupt kernel" sends
    if event.state == "created" or (event.kind == "draining" and twice):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)  # the handler has run before the next step

twice = False
drained = batch.run("sdk-test", "more", "more-out", in_flight=1, on_event=interrupt, **options)
assert drained.progress.draining and drained.jobs_created == 1, drained
twice = True
try:
    batch.run("sdk-test", "more", "other-out", in_flight=1, on_event=interrupt, **options)
except KeyboardInterrupt:
    print("stopped")
"""
CELLS = (SETUP, JOB, DOWNLOAD, CHORDS, PANDAS, LIST, BATCH, AGAIN, INTERRUPTED)


class Notebook:
    """An executed notebook."""

    def __init__(self, folder: Path) -> None:
        nbformat: Any = import_module("nbformat")  # without their types, which need not be installed
        client: Any = import_module("nbclient").NotebookClient
        self._nbformat = nbformat
        self.notebook: Any = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS]
        )
        self.client: Any = client(
            self.notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        )

    @property
    def text(self) -> str:
        """The file."""
        return str(self._nbformat.writes(self.notebook))

    def shown(self, cell: str, kind: str = "text/html") -> list[str]:
        """The outputs of a cell."""
        outputs: list[Any] = self.notebook.cells[CELLS.index(cell)].outputs
        return [each.data[kind] for each in outputs if kind in each.get("data", {})]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Notebook, Sandbox, Path]]:
    folder = tmp_path_factory.mktemp("notebook")
    copy(SONGS / "band0.ogg", folder)
    make_tracks(folder / "in", 4)
    (folder / "in" / "<b>empty.wav").touch()
    make_tracks(folder / "more", 3, start=100)
    notebook = Notebook(folder)
    with Sandbox() as sandbox, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSIC_AI_API_KEY", sandbox.api_key)
        patch.setenv("MUSIC_AI_BASE_URL", sandbox.base_url)
        patch.setenv("PYTHONPATH", str(Path(music.__file__).parents[2]))
        notebook.client.execute()
        yield notebook, sandbox, folder


@pytest.fixture
def notebook(executed: tuple[Notebook, Sandbox, Path]) -> Notebook:
    return executed[0]


def test_saved_notebooks_contain_no_signature_and_no_key(executed: tuple[Notebook, Sandbox, Path]) -> None:
    notebook, sandbox, _ = executed
    assert "chords.json" in notebook.text
    assert "Signature" not in notebook.text
    assert "Expires" not in notebook.text
    assert sandbox.api_key not in notebook.text


def test_a_job_in_a_cell(notebook: Notebook) -> None:
    bars, job = notebook.shown(JOB)
    assert "band0.ogg" in bars
    assert "SUCCEEDED" in bars
    assert "music-ai/generate-chords" in job
    assert re.search(r"chords</td>.*json file</td>.*chords\.json</td>", job)
    assert "outputs=[" in notebook.shown(JOB, "text/plain")[1]
    assert "100 %" not in bars
    _, files = notebook.shown(DOWNLOAD)
    assert 'href="chords/chords.json"' in files


def test_chords_in_a_cell(notebook: Notebook) -> None:
    (shown,) = notebook.shown(CHORDS)
    assert shown.count("hsl(") > 5
    assert "chord_majmin" in shown
    (frame,) = notebook.shown(PANDAS)
    assert "dataframe" in frame
    assert "chord_majmin" in frame


def test_a_list_of_jobs_in_a_cell(notebook: Notebook) -> None:
    (shown,) = notebook.shown(LIST)
    assert shown.count("SUCCEEDED") == 1


def test_a_batch_in_a_cell(notebook: Notebook) -> None:
    drawn, report = notebook.shown(BATCH)
    assert "100 %" in drawn
    assert "4 of 4" in drawn
    assert "it is empty" in drawn
    assert "&lt;b&gt;empty.wav" in drawn
    assert report.count("<audio") == 4
    assert 'src="out/part%200/track%200/file.wav"' in report
    assert "4 of 4 inputs done, 1 rejected" in report
    (frame,) = notebook.shown(AGAIN)
    assert frame.count("verified") == 4


def test_interrupting_the_kernel(executed: tuple[Notebook, Sandbox, Path]) -> None:
    notebook, _, folder = executed
    cell = notebook.notebook.cells[CELLS.index(INTERRUPTED)]
    assert "stopped\n" in [each.text for each in cell.outputs if each.get("name") == "stdout"]
    for out in ("more-out", "other-out"):
        with open_ledger(folder / out / ".musicai-batch.sqlite3") as ledger:
            assert not ledger.counts().get("creating")
            assert ledger.jobs_created() < 3


def test_a_job_shows_no_signed_url() -> None:
    job = Job.model_validate({
        "id": "j", "status": "SUCCEEDED", "workflow": "<script>", "name": "<i>", "createdAt": "2026-01-01T00:00:00Z",
        "params": {"inputUrl": SIGNED}, "result": {"<vocals>": SIGNED, "more": [{"url": SIGNED}], "text": "a<b"},
    })  # fmt: skip
    for text in (job._repr_html_(), JobPage([job], asked=1)._repr_html_(), repr(job)):
        assert "Signature" not in text
    html = job._repr_html_()
    assert "storage.example/a/b/vocals.wav" in html
    assert "wav file" in html
    assert "&lt;script&gt;" in html
    assert not re.search("<(script|i|vocals)>", html)
    shown = music.table([job])
    assert "Signature" not in str(shown) + shown._repr_html_()


def test_a_failed_job() -> None:
    error = {"code": "BAD_INPUT", "title": "Invalid", "message": f"no file at {SIGNED}"}
    html = Job.model_validate({"id": "j", "status": "FAILED", "error": error})._repr_html_()
    assert "BAD_INPUT: Invalid: no file at https://storage.example/a/b/vocals.wav?…" in html


def test_players_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    inside = tmp_path / "out" / 'a "b".wav'
    assert 'src="out/a%20%22b%22.wav"' in player(inside)
    assert f'src="{tmp_path.parent.as_uri()}/c.mp3"' in player(tmp_path.parent / "c.mp3")
    assert "<audio" not in player(tmp_path / "chords.json")
    assert "<video" in player(tmp_path / "clip.mp4")
    files = JobFiles(tmp_path, tmp_path / "x.json", {"<b>": DownloadedFile(inside, 2_000_000)}, ("Bass",))
    html = files._repr_html_()
    assert "&lt;b&gt;" in html
    assert "2.0 MB" in html
    assert "missing: Bass" in html


def test_texts_of_tables_are_escaped() -> None:
    html = table(["<a>"], [["<b>", SIGNED, 1.5, None]])
    assert "&lt;a&gt;" in html
    assert "&lt;b&gt;" in html
    assert "1.50" in html
    assert "Signature" not in html


def test_strips() -> None:
    chords = [
        Chord(start=0, end=2, chord_majmin="E:maj"),
        Chord(start=2, end=4, chord_majmin="C#:min"),
        Chord(start=5, end=5.1, chord_majmin='"><script>'),
    ]
    html = music.table(chords)._repr_html_()
    widths = [float(each) for each in re.findall(r"width:([\d.]+)%", html)]
    assert sum(widths) == pytest.approx(100, abs=0.1)
    assert ">C#m</div>" in html
    assert "<script>" not in html
    assert html.count("hsl(") == 3
    assert "hsl(" in music.table([Section(start=0, end=2, label="verse")])._repr_html_()
    assert "hsl(" not in music.table([Section(start=0, end=0, label="verse")])._repr_html_()
    assert "hsl(" not in music.table([Section(start=0, end=2)])._repr_html_()


def test_rows_and_pandas(sandbox: Sandbox, tmp_path: Path) -> None:
    chords = [Chord(start=0.123456, end=2, chord_majmin="E:maj")]
    assert music.table(chords).rows == [{"start": 0.123456, "end": 2.0, "chord_majmin": "E:maj"}]
    assert music.table(chords).to_pandas().start[0] == 0.123456
    assert music.table([]).rows == []
    make_tracks(tmp_path / "in", 2)
    report = echo(sandbox, tmp_path / "in", tmp_path / "out").run()
    assert [row["state"] for row in report.rows] == ["deleted", "deleted"]
    outputs = sorted(row["outputs"]["file"] for row in report.rows)
    assert outputs == ["part 0/track 0/file.wav", "part 1/track 1/file.wav"]
    assert repr(report).startswith("<Report: 2 of 2 inputs done, in ")
    frame = report.to_pandas()
    assert list(frame.columns) == list(report.rows[0])
    assert len(frame) == 2
    assert posts(sandbox) == 2
    with sandbox.client() as client:
        client.add_job("a job", "sdk-test", {"file": "http://127.0.0.1:9/none"})
        jobs: Any = client.jobs.list().to_pandas()
        assert list(jobs.name) == ["a job"]
        assert len(client.jobs.list(status="SUCCEEDED").to_pandas()) == 0


def test_pandas_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigurationError, match="pip install pandas"):
        music.table([Chord(start=0, end=2, chord_majmin="E:maj")]).to_pandas()


def test_a_batch_shows_its_figures_and_a_report_outlives_its_ledger(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 12)
    batch = echo(sandbox, tmp_path / "in", tmp_path / "out")
    assert repr(batch).startswith("<Batch 'sdk-test': 0 of 0 inputs done, ")
    report = batch.run()
    assert "12 of 12 inputs done" in batch._repr_html_()
    html = report._repr_html_()
    assert html.count("<audio") == 10
    assert "and 2 more: .rows has all of them" in html
    report.ledger.unlink()
    assert "12 of 12 inputs done" in report._repr_html_()
