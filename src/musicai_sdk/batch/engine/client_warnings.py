"""Reports warnings that the client logs, such as a failed poll, as events of the run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from typing_extensions import override

_LOGGER = logging.getLogger("musicai_sdk")


class ClientWarnings(logging.Handler):
    """Reports the warnings of its own event loop. Other runs in this process have their own handlers."""

    def __init__(self, warn: Callable[[str], object]) -> None:
        super().__init__(logging.WARNING)
        self._warn = warn
        self._loop = asyncio.get_running_loop()
        _LOGGER.addHandler(self)

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return
        if here:
            self._warn(record.getMessage())

    def stop(self) -> None:
        """Stops reporting."""
        _LOGGER.removeHandler(self)
