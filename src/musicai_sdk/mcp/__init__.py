"""Music.AI for agents: a server of the Model Context Protocol (MCP) over standard input and output (extra `mcp`).

```console
pip install "musicai-sdk[cli,mcp]"
musicai mcp --root ~/Music --max-jobs 20
```

An MCP client starts it. Most read a configuration like this one; take the full path of `musicai` if the client doesn't
find it:

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

To keep the key out of that file, set `MUSIC_AI_API_KEY_FILE` to the path of a file with the key. The server ends in
order, with exit code 0, when its standard input is closed and on SIGTERM.

| tool | |
| --- | --- |
| `list_workflows` | the workflows of the account, and the templates that accounts usually have |
| `process` | runs a workflow on a file or a URL: the only tool that costs money; returns the job's id at once |
| `get_job` | a job's status and outputs; waits up to 50 s if asked |
| `read_chords`, `read_beats`, `read_lyrics` | these results as structured content, 500 entries at a time |
| `read_output` | any other output that is JSON or a plain value |
| `download_results` | all results into `<folder>/<job id>`, inside an allowed folder |
| `get_limits` | how many jobs are left, and which folders may be used |

An upload or a download that takes longer than `--patience` (20 s) goes on while the call returns; the same call again
waits for it.

Guaranteed:
    - A request is paid for once. Its idempotency key is a digest of the input's content (SHA-256, or the URL without its
      signature), the workflow and the parameters. A repeat returns the first job: after a lost answer, a restart, a
      `kill -9` between any two steps, and without the state folder too, because the job list is searched for the key
      before each POST.
    - No more than `--max-jobs` jobs are created in all, restarts and servers with the same roots included. A request
      counts before it is sent, and no longer when the service has certainly refused it. A higher `--max-jobs` allows
      more.
    - Files are read and written only below a `--root`, with links and `..` resolved; what is hashed is what is uploaded.
      Files that aren't audio or video by their names are refused.
    - No API key and no signed URL reaches the agent: addresses lose their queries, results are read and downloaded by
      the server. Standard output carries the protocol and nothing else.
    - Errors are structured: `code`, `message`, `what_to_do`, `retryable`.

Not guaranteed:
    - Two computers, or two state folders, that send the same request in the same seconds may create two jobs: the
      service has no idempotency of its own.
    - The same song as a file and as a URL, encoded anew, with other tags, or under a signature of an unknown kind is
      another request. So is one that a batch or another program has paid for.
    - The server never deletes jobs. A failed job isn't run again: that is up to the user.
    - A program that can write to a root and swaps folders for links while a download runs isn't kept out.
    - In an account with tens of thousands of jobs, reading the job list before a POST takes a while.

The state is in `~/.local/state/musicai/mcp/<digest of the roots>` (`XDG_STATE_HOME`; `Application Support` on macOS,
`LOCALAPPDATA` on Windows), or where `--state` says: which request has which job, never a key or a signed URL. It is
outside the roots, or out of bounds in them, so that no agent can reset the count. `serve` is the same from Python.
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
    """Serves the protocol on standard input and output until that input ends, or until SIGTERM or SIGINT.

    Args:
        connect: Makes the client of the service, such as `AsyncMusicAiClient` itself; the server closes it.
        roots: The folders that may be read and written.
        max_jobs: How many jobs may be created in all, restarts included.
        state: A folder for what must survive restarts; one for these roots, in the user's folder for program state,
            when left out.
        patience: Seconds after which a call answers although its upload or download still runs.

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
