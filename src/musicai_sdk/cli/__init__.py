"""`musicai`, the command line (extra `cli`).

```console
musicai process file music-ai/generate-chords song.mp3 out     # upload, run, download, delete the job
musicai job list --status FAILED
musicai --json job info 27803abe-ec15-4f74-9e8a-18a99627e9b0
```

The key comes from `MUSIC_AI_API_KEY`, from the file that `--key-file` or `MUSIC_AI_API_KEY_FILE` names, or from a
prompt, and never from an argument: those show in process lists. Results go to standard output, everything else to
standard error; with `--json` the output is one JSON value, or one a line for lists.

| exit code | |
| --- | --- |
| 0 | done |
| 1 | a job or a file failed |
| 2 | wrong usage |
| 3 | no key, a wrong key, or a wrong setting |
| 4 | no such job or workflow |
| 5 | the service or the network failed; the same command may succeed later |
| 130 | interrupted |
"""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of the `musicai` command."""
    try:
        from musicai_sdk.cli.app import musicai
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.exit('musicai needs the extra `cli`: pip install "musicai-sdk[cli]"')
    musicai()
