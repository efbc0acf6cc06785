"""What the client logs as a warning, such as a poll that failed, told as an event of the run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from typing_extensions import override

_LOGGER = logging.getLogger("musicai_sdk")


class ClientWarnings(logging.Handler):
    """Passes warnings on that are logged on the event loop it was made on: other runs in this process have their own."""

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
        """Passes no more on."""
        _LOGGER.removeHandler(self)
