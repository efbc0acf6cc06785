"""The command, with a sandbox in another process as in the tests of batch."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch.conftest import one_service, running
from support.batch import Service
from support.cli import Command

__all__ = ["one_service", "running"]


@pytest.fixture
def musicai_there(running: Service, tmp_path: Path) -> Command:
    """`musicai` in its own folder, with the sandbox in its environment."""
    return Command(running, tmp_path)
