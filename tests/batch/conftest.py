"""One sandbox in another process for the tests of a module, clean for each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.batch import Service, service


@pytest.fixture(scope="package")
def one_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("service"), "--plan", "16", "--seed", "6") as running:
        yield running


@pytest.fixture
def running(one_service: Service) -> Iterator[Service]:
    yield one_service
    one_service.reset()
