"""Working with results: the chord at a given time, `.lab` files, lyrics as text and subtitles, tables for notebooks.

```python
from musicai_sdk import music

chords = client.files.read(job.result.chords)
music.chord_at(chords, 12.5)  # Chord(start=11.9, end=14.2, chord_majmin='C#:min', …)
music.to_lab(chords)  # 11.9<tab>14.2<tab>C#:min …, the format of mir_eval and Sonic Visualiser
music.to_srt(client.files.read(job.result.lyrics))  # also to_lrc, to_vtt, to_text
music.table(chords)  # in a notebook a table and a strip, text elsewhere; .rows and .to_pandas() have the values
```

These are functions of plain lists of models, wherever the list comes from. To add one, write it in the module of its
subject and list it here; of the package it may use only `models`, `errors`, `_text`, `_notebook` and `_frames`.
"""

from __future__ import annotations

from musicai_sdk.music.chords import chord_at, labelled_intervals, to_lab
from musicai_sdk.music.lyrics import to_lrc, to_srt, to_text, to_vtt
from musicai_sdk.music.tables import Table, table

__all__ = [
    "Table",
    "chord_at",
    "labelled_intervals",
    "table",
    "to_lab",
    "to_lrc",
    "to_srt",
    "to_text",
    "to_vtt",
]
