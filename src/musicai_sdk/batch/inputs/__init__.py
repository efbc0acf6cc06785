"""Inputs: from paths, folders, URLs, manifests and buckets to rows that the ledger can look up.

Modules, in the order in which they handle an input:
    `kinds` the public kinds of inputs · `reader` expands them one by one, with `folder`, `watch`, `manifest` and `bucket` ·
    `workflow` the parameters by wire name · `candidates` identifies each input, or rejects it with a reason · `row` the
    result · `prefetch` hands rows from the reading thread to the event loop · `content` digests files · `audio_length`
    reads the length of their audio.

Who may import it:
    `dry_run`, `batch`, `engine` and `shards`; the other rooms of batch only `row` and `kinds`. `cli` uses `folder.MEDIA`, and
    `mcp` also `kinds` and `candidates.identity`. Everything here blocks and knows nothing of asyncio, except `prefetch`. Of
    the other rooms it imports only `ledger.states` and `ledger.track`.

Adding a kind of input:
    1. `kinds`: a frozen dataclass that documents its fields; add it to `Source` and `SINGLE`.
    2. A module here, with a function that yields `Input`s; `Rejected` for what can't be processed; None when nothing new
       has arrived for a moment, if it waits. Name results (`Input.name`) so that they are the same in every run.
    3. `reader`: its line in `_expanded`.
    4. `musicai_sdk.batch`: export it.
"""
