"""The sandbox of a module, `running`, reset before each test; and plain HTTP access to its API."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from musicai_sdk.sandbox import Sandbox
from support.talking import nothing, trust


@pytest.fixture
def running(running_sandbox: Sandbox) -> Sandbox:
    """The sandbox of the session, for modules that need nothing special."""
    return running_sandbox


@pytest.fixture(scope="module", params=[False, True], ids=["http", "https"])
def plain_and_tls(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(workflows={"nothing": nothing}, tls=request.param) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    running.reset()
    yield running
    running.reset()


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[httpx.Client]:
    headers = {"Authorization": sandbox.api_key}
    with httpx.Client(base_url=sandbox.base_url, headers=headers, verify=trust(sandbox)) as client:
        yield client
