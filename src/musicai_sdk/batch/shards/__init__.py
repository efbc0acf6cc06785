"""Shards: a run distributed over the workers of an executor, with a ledger for each shard.

Modules, in the order of a run:
    `partition` distributes the inputs · `transfer` copies rows between the main ledger and those of the shards, and merges
    them · `coordinator` submits the tasks and reads their progress · `worker` the task: a scheduler on a shard's ledger ·
    `dask` an executor on a Dask cluster.

Who may import it:
    `batch`, and `ledger_files` for merging. A worker gets a path and `RunOptions`, and its key only from its environment.

Where to add what:
    Another kind of executor: a module like `dask`. A new table that shards write: `transfer.queue` and `transfer.merge`.
"""
