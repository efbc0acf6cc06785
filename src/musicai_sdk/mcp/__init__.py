"""Music.AI for agents: a server of the Model Context Protocol (MCP) over standard input and output (extra `mcp`).

```console
pip install "musicai-sdk[cli,mcp]"
musicai mcp --root ~/Music --max-jobs 20
```

An MCP client starts the server. Most clients read a configuration like this one. Give the full path of `musicai` if the
client doesn't find it:

```json
{
  "mcpServers": {
    "musicai": {
      "command": "musicai",
      "args": ["mcp", "--root", "/home/me/Music", "--max-jobs", "20"],
      "env": {"MUSIC_AI_API_KEY": "your-api-key"}
    }
  }
}
```

To keep the key out of that file, set `MUSIC_AI_API_KEY_FILE` to the path of a file with the key. The server shuts down
cleanly, with exit code 0, when its standard input is closed and on SIGTERM.

| tool | |
| --- | --- |
| `list_workflows` | the workflows of the account, and the templates that accounts usually have |
| `process` | runs a workflow on a file or a URL: the only tool that costs money; returns the job's id at once |
| `get_job` | a job's status and outputs; waits up to 50 s if asked |
| `read_chords`, `read_beats`, `read_lyrics` | these results as structured content, up to 500 entries at a time |
| `read_output` | any other output that is JSON or a plain value |
| `download_results` | all results into `<folder>/<job id>`, inside an allowed folder |
| `get_limits` | how many jobs are left, and which folders may be used |

If an upload or a download takes longer than `--patience` (20 s), the call returns and the transfer continues. Repeating
the call waits for the transfer.

Guaranteed:
    - Each request is paid once. Its idempotency key is a digest of the input's content (SHA-256, or the URL without its
      signature), the workflow and the parameters. Repeating a request returns the first job, even after a lost answer,
      a restart, or a `kill -9` between any two steps. This also works without the state folder, because the server
      searches the job list for the key before each POST.
    - All servers with the same roots together create at most `--max-jobs` jobs, across restarts. The server counts a
      request before sending it, and removes it from the count if the service has certainly refused it. To allow more
      jobs, raise `--max-jobs`.
    - The server reads and writes files only below a `--root`, after resolving links and `..`. It uploads exactly the
      bytes that it hashed. It refuses inputs whose names aren't those of audio or video files.
    - The server accepts no URL of a private network as an input, and downloads from none: neither an address such as
      `10.0.0.1`, nor a name such as `localhost` or `nas.local`. The exception is the
      host and port of the base URL, where a sandbox has its files.
    - No answer has more than about 200,000 characters. Longer lists are divided, longer values are refused.
    - No API key and no signed URL reaches the agent: the server removes the queries of URLs, and reads and downloads
      results itself. Standard output carries only the protocol.
    - Errors are structured: `code`, `message`, `what_to_do`, `retryable`.

Not guaranteed:
    - Two computers, or two state folders, that send the same request in the same seconds may create two jobs: the
      service has no idempotency of its own.
    - The same song counts as another request if it comes as a URL instead of a file, was encoded again, has other tags,
      or has a URL with an unknown kind of signature. Jobs that a batch or another program paid for aren't recognised
      either.
    - The server never deletes jobs, and never repeats a failed job: the user decides about both.
    - Names of hosts aren't looked up: a public name may lead to a private address.
    - The server can't stop a program that can write to a root and replaces folders by links during a download.
    - In an account with tens of thousands of jobs, reading the job list before a POST takes a while.

The state records which request has which job, and never contains an API key or a signed URL. It is in
`~/.local/state/musicai/mcp/<digest of the roots>` (`XDG_STATE_HOME`; `Application Support` on macOS, `LOCALAPPDATA` on
Windows), or in the folder that `--state` names. The tools can't read or change it, even if that folder is inside a
root, so no agent can reset the count. `serve` starts the same server from Python.

For developers: only `cli` imports this room. `server` speaks the protocol, `tools` has the tools, `answers` their arguments
and answers, `errors` the codes and advice of failed calls. `job_creator` pays, and records in `state`; `roots` resolves
paths, `results` reads outputs, `shared_tasks` runs transfers that outlive a call. To add a tool, write a method of `Toolbox`
with the decorator `@_tool`, whose docstring and annotations agents see, models of its arguments and answer in `answers`, a
row in the table above, and its name in `tests/mcp_server/test_tools.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musicai_sdk import AsyncMusicAiClient

__all__ = ["serve"]


def serve(
    connect: Callable[[], AsyncMusicAiClient],
    *,
    roots: Sequence[str | os.PathLike[str]],
    max_jobs: int,
    state: str | os.PathLike[str] | None = None,
    patience: float = 20.0,
) -> None:
    """Serves the protocol on standard input and output until standard input ends, or until SIGTERM or SIGINT.

    Args:
        connect: Creates the client of the service, such as `AsyncMusicAiClient` itself. The server closes that client.
        roots: The folders that may be read and written.
        max_jobs: The most jobs to create in total, across restarts.
        state: The folder for the state that survives restarts. By default a folder for these roots, in the user's
            folder for program state.
        patience: Seconds after which a call returns while its upload or download continues.

    Raises:
        ConfigurationError: the extra `mcp` isn't installed, there is no key, or the state folder can't be used.
        InputError: a root isn't a folder, or a number is out of its range.
    """
    from musicai_sdk.errors import ConfigurationError

    try:
        from musicai_sdk.mcp import server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"mcp", "mcp_types", "anyio"}:
            raise
        raise ConfigurationError(
            'the MCP server needs the extra `mcp`: pip install "musicai-sdk[cli,mcp]"'
        ) from None
    server.serve(connect, roots, max_jobs, None if state is None else Path(state), patience)
