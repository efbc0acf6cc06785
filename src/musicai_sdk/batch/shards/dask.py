"""Dask: an executor with workers in other processes or on other machines."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from musicai_sdk._text import without_query
from musicai_sdk.errors import ConfigurationError, ConnectionFailedError, InputError

RETRIES = 3
"""How often Dask restarts a shard whose worker died."""


def dask_setup(_worker: object) -> None:
    """Called by Dask in each local worker when it starts.

    Ctrl-C in a terminal interrupts all processes of that terminal. The main process drains the batch; the workers must
    survive to finish their jobs.
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
        workers: The number of local processes; by default the number of cores.

    Yields:
        The executor, and the number of workers in the cluster, a good number of shards.

    Raises:
        ConfigurationError: Dask isn't installed.
        InputError: it isn't the address of a scheduler.
        ConnectionFailedError: no scheduler answers there.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise ConfigurationError('this needs Dask: pip install "musicai-sdk[dask]"') from None
    if address == "local":
        count = workers or os.cpu_count() or 1
        # A process for each shard, which is one event loop: a crash must not end other shards.
        with (
            distributed.LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                # Without this address, Dask opens port 8787 to the network, and warns if that is in use.
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                preload=__name__,
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client.get_executor(retries=RETRIES, pure=False), count
    else:
        try:
            connected = distributed.Client(address)
        except ValueError as error:
            raise InputError(
                f"{without_query(address)!r:.200} isn't the address of a scheduler: pass tcp://scheduler:8786, or local ({error})"
            ) from None
        except OSError as error:
            raise ConnectionFailedError(
                f"can't reach the scheduler {without_query(address):.200}: {error}", sent=False
            ) from None
        with connected as client:
            yield client.get_executor(retries=RETRIES, pure=False), max(1, len(client.ncores()))
