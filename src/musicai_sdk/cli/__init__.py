"""`musicai`, the command line (extra `cli`).

```console
musicai process file music-ai/generate-chords song.mp3 out     # upload, run, download, delete the job
musicai process folder music-ai/generate-chords songs out      # a catalogue; again after a crash: it goes on
musicai batch failures out
musicai job list --status FAILED
musicai --json job info 27803abe-ec15-4f74-9e8a-18a99627e9b0
```

The key comes from `MUSIC_AI_API_KEY`, from the file that `--key-file` or `MUSIC_AI_API_KEY_FILE` names, or from a
prompt, and never from an argument: those show in process lists. Results go to standard output, everything else to
standard error; with `--json`, which goes before the command, the output is one JSON value, or one a line for lists.

`process folder` draws its progress on a terminal, in colours unless `NO_COLOR` is set, and writes plain lines
elsewhere. With `--json` standard output has every event as `musicai_sdk.batch.Event.to_dict` gives it, a line each,
and at last one of the kind `summary`. Ctrl-C or SIGTERM once ends it in order: what is under way is finished, and
the same command goes on later. Twice ends it at once, and loses nothing that is paid for either.

| exit code | |
| --- | --- |
| 0 | done: of `process folder`, every input has its results; with `--watch`, every input until Ctrl-C |
| 1 | a job or a file failed; of `process folder`, some did, and the others are done |
| 2 | wrong usage, or a ledger that can't be used |
| 3 | no key, a wrong key, or a wrong setting |
| 4 | no such job or workflow |
| 5 | the service, the network or a cluster's worker failed; the same command may succeed later |
| 130 | interrupted by Ctrl-C; a job that is paid for goes on, and the message says how to pick it up |
| 143 | the same by SIGTERM; `process folder` ends in order then too, with 130 |

Shell completion, for bash in `~/.bashrc` (zsh and fish with `zsh_source` and `fish_source`):

```console
eval "$(_MUSICAI_COMPLETE=bash_source musicai)"
```
"""

from __future__ import annotations

import sys
from types import ModuleType


def main() -> None:
    """The entry point of the `musicai` command."""
    try:
        from musicai_sdk.cli.app import musicai
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.exit('musicai needs the extra `cli`: pip install "musicai-sdk[cli]"')
    # httpx brings a command line of its own, and imports rich and pygments for it wherever they are installed: 0.1 s.
    sys.modules.setdefault("httpx._main", ModuleType("httpx._main"))
    musicai(prog_name="musicai")
