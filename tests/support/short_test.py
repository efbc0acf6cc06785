"""A short test of a user, with the fixtures of `musicai_sdk.testing`."""

TEN_LINES = """\
from pathlib import Path
from musicai_sdk.workflows import GenerateChords

def test_chords(musicai_client, musicai_sandbox):
    job = musicai_client.jobs.run(GenerateChords(input_url=Path("song.ogg")))
    assert "C#:maj" in {chord.chord_majmin for chord in musicai_client.files.read(job.result.chords)}

def test_a_lost_answer_costs_one_job(musicai_client, musicai_sandbox):
    musicai_sandbox.faults.add("POST /job", reset="after", nth=1)
    assert musicai_client.jobs.create(GenerateChords(input_url=Path("song.ogg"))).id == musicai_sandbox.jobs[0]["id"]
"""
