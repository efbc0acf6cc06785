"""`musicai`, the command line (extra `cli`). `python -m musicai_sdk` runs it too.

```console
musicai process file music-ai/generate-chords song.mp3 out     # upload, run, download, delete the job
musicai process folder music-ai/generate-chords songs out      # a catalogue; run it again after a crash
musicai batch failures out
musicai login                                                  # stores your key; logout, whoami
musicai doctor                                                 # says what is wrong with the setup, and what to do
musicai job list --status FAILED
musicai job info 27803abe-ec15-4f74-9e8a-18a99627e9b0 --json
```

The key comes from the first of these: the file that `--key-file` or `MUSIC_AI_API_KEY_FILE` names, `MUSIC_AI_API_KEY`, the
key that `musicai login` stored for the base URL, a prompt. There is no option for the key itself, because process lists
show command lines. The stored keys are in `~/.config/musicai/credentials.json` (`XDG_CONFIG_HOME`; `Application Support`
on macOS, `APPDATA` on Windows), which only you can read; any other file there is refused. Programs read it too, after
`MUSIC_AI_API_KEY`.

Results go to standard output, everything else to standard error. With `--json`, before or after the command, the output
is one JSON value, or one per line for lists.

`process folder` draws its progress on a terminal, in colours unless `NO_COLOR` is set, and writes plain lines
elsewhere. With `--json`, standard output has a line for every event, as `musicai_sdk.batch.Event.to_dict` returns it, and
finally one of the kind `summary`. Ctrl-C or SIGTERM drains the run: it finishes the tracks in flight and stops, and the
same command continues later. A second Ctrl-C stops at once, and loses nothing that is paid for.

| exit code | |
| --- | --- |
| 0 | success; for `doctor`, all is well; for `process folder`, every input has results; with `--watch`, every input before Ctrl-C |
| 1 | a job or a file failed; for `doctor`, something isn't well; for `process folder`, some inputs failed and the others are done |
| 2 | wrong usage, or an unusable ledger |
| 3 | no key, a wrong key, or a wrong setting |
| 4 | no such job or workflow |
| 5 | the service, the network or a worker failed; the same command may succeed later |
| 6 | `process folder` reached `--max-jobs` or another limit: some inputs wait, and the others are done |
| 130 | interrupted by Ctrl-C; a paid job continues, and the message says how to recover it |
| 143 | the same by SIGTERM; `process folder` drains then too, and exits with 130 |

Shell completion, for bash in `~/.bashrc` (zsh and fish: `zsh_source`, `fish_source`):

```console
eval "$(_MUSICAI_COMPLETE=bash_source musicai)"
```

For developers: only `__main__.py` imports this room. It uses only public rooms, and the modules `_credentials`
(stored keys), `_doctor` (its checks), `_locks`, `_platform` and `_preload`. `app.py` assembles the commands, `commands/` holds them
(its docstring says how to add one), `group.py` gives each of them the shared options, `context.py` connects and writes
results, `errors.py` maps errors to messages and exit codes, `arguments.py` and `locations.py` check the command line,
`recovery_hints.py` protects paid jobs, and `displays.py` and `summary.py` show a run.
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
    except KeyboardInterrupt:  # before a command has begun
        sys.stderr.write("musicai: interrupted\n")
        sys.exit(130)
    # httpx imports rich and pygments for its own command line if they are installed, which takes 0.1 s.
    sys.modules.setdefault("httpx._main", ModuleType("httpx._main"))
    musicai(prog_name="musicai")
