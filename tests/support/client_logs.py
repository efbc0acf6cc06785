"""The log records of a client. The server is in the same process and has its own."""

from __future__ import annotations

import logging

import pytest


def client_records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """The records of this package and of the HTTP libraries: httpx and httpcore, or httpx2 and httpcore2."""
    return [each for each in caplog.records if each.name.startswith(("musicai_sdk", "httpx", "httpcore"))]
