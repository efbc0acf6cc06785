"""Dask's processes on this machine."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

from musicai_sdk.batch import dask_executor
from musicai_sdk.errors import InputError


def listening() -> list[str]:
    """The addresses at which this process and its children accept connections."""
    psutil: Any = import_module("psutil")
    this = psutil.Process()
    return [
        connection.laddr.ip
        for process in [this, *this.children(recursive=True)]
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]


def test_local_workers_are_open_to_this_machine_only() -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("0.0.0.0", 8787))
            taken.listen()
        except OSError:
            pass  # another cluster has it, which does as well
        output = subprocess.check_output([sys.executable, "-W", "error", __file__], timeout=250)
    workers, addresses = json.loads(output)
    assert workers == 2
    assert set(addresses) == {"127.0.0.1"}


def test_no_scheduler() -> None:
    with (
        pytest.raises(InputError, match="'nowhere' isn't the address of a scheduler"),
        dask_executor("nowhere"),
    ):
        pass


if __name__ == "__main__":
    with dask_executor(workers=2) as (executor, workers):
        assert executor.submit(sum, [1, 2]).result() == 3
        print(json.dumps([workers, listening()]))
