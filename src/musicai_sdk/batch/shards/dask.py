"""Dask: one way to an executor with workers in other processes or on other machines."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from musicai_sdk.errors import ConfigurationError

RETRIES = 3
"""How often Dask gives out a shard again whose worker died."""


def dask_setup(_worker: object) -> None:
    """What Dask calls in each local worker when it starts.

    Ctrl-C in a terminal goes to every process there. Who runs the batch drains it; a worker that died of it
    couldn't finish what is under way.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def dask_executor(address: str = "local", *, workers: int | None = None) -> Generator[tuple[Executor, int]]:
    """An executor on a Dask cluster.

    ```python
    with dask_executor("tcp://scheduler:8786") as (executor, workers):
        batch.run(GenerateChords, "songs", "out", executor=executor, shards=workers, in_flight=100)
    ```

    Args:
        address: The scheduler's address, or `local` for worker processes on this machine.
        workers: How many processes, when local; as many as there are cores when left out.

    Yields:
        The executor, and how many workers the cluster has: a good number of shards.

    Raises:
        ConfigurationError: Dask isn't installed.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise ConfigurationError('Dask is needed for that: pip install "musicai-sdk[dask]"') from None
    if address == "local":
        count = workers or os.cpu_count() or 1
        # A process for each: a shard is one event loop, and a dying worker takes down no other one.
        with (
            distributed.LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                preload=__name__,
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client.get_executor(retries=RETRIES, pure=False), count
    else:
        with distributed.Client(address) as client:
            yield client.get_executor(retries=RETRIES, pure=False), max(1, len(client.ncores()))
