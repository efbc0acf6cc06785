"""The option `connect_timeout`: it limits connecting, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Connect
from musicai_sdk.errors import InputError, RequestTimeoutError
from musicai_sdk.sandbox import Sandbox
from support.full_queue import full_queue


def test_it_limits_connecting(connect: Connect, tmp_path: Path) -> None:
    with full_queue() as address:
        client = connect(base_url=f"{address}/v1", max_retries=0, timeout=3600)
        for call in (
            lambda: client.application.get(connect_timeout=0.2),
            lambda: client.application.get(connect_timeout=0.2, request_timeout=None),
            lambda: client.files.download(f"{address}/a", tmp_path / "a", connect_timeout=0.2),
        ):
            with pytest.raises(RequestTimeoutError, match="no connection in time") as caught:
                call()
            assert not caught.value.sent


def test_it_does_not_limit_the_answer(connect: Connect, sandbox: Sandbox) -> None:
    client = connect(max_retries=0)
    sandbox.faults.add("GET /application", delay=0.5)
    assert client.application.get(connect_timeout=0.1).name
    with pytest.raises(RequestTimeoutError) as caught:
        client.application.get(connect_timeout=30, request_timeout=0.1)
    assert caught.value.sent


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), "3", True])
def test_invalid_limits(connect: Connect, wrong: object) -> None:
    with pytest.raises(InputError, match="connect_timeout must be more than 0 seconds"):
        connect().application.get(connect_timeout=wrong)  # type: ignore[arg-type]
