"""Which workflows there are, and what runs them. The engine is loaded when needed: it brings numpy."""

from __future__ import annotations

import asyncio
import inspect
import threading
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from musicai_sdk.sandbox.engine.task import Handler

_IDS = uuid.UUID("4a1d9c52-5c0e-4d0b-9f27-6f7f0f2f6c11")


class Catalogue:
    """The workflows of one sandbox.

    Args:
        workflows: Workflows by slug, in place of the engine's; None for the engine's.
    """

    def __init__(self, workflows: Mapping[str, Handler] | None = None) -> None:
        self._lock = threading.Lock()
        self._own: dict[str, Handler] = {}
        self._base = workflows
        self._loader: threading.Thread | None = None

    def register(self, slug: str, handler: Handler) -> None:
        """Adds a workflow, or takes the place of one."""
        with self._lock:
            self._own[slug] = handler

    def preload(self) -> None:
        """Begins to load the engine in the background."""
        if self._base is None:
            self._loader = threading.Thread(target=self._warm_up, name="sandbox-engine-loader", daemon=True)
            self._loader.start()

    def join(self) -> None:
        """Waits for the background loading to end."""
        if self._loader is not None:
            self._loader.join()
            self._loader = None

    def handlers(self) -> dict[str, Handler]:
        """Returns all workflows by slug; the first call may take as long as loading the engine."""
        base = self._load()
        with self._lock:
            return {**self._own, **base, **self._own}

    async def ready_handlers(self) -> dict[str, Handler]:
        """Returns all workflows by slug; others are served while the engine loads."""
        return self.handlers() if self._base is not None else await asyncio.to_thread(self.handlers)

    def _warm_up(self) -> None:
        with suppress(ImportError):  # Whoever needs the engine meets the error again, and reports it.
            self._load()

    def _load(self) -> Mapping[str, Handler]:
        if self._base is None:
            from musicai_sdk.sandbox.engine import WORKFLOWS  # Imports numpy: not before it is needed.

            self._base = WORKFLOWS
        return self._base


def workflow_answer(slug: str, handler: Handler, since: str) -> dict[str, str]:
    """Returns a workflow as `GET /workflow` lists it (source: official clients)."""
    name = slug.rpartition("/")[2].replace("-", " ").capitalize()
    description = (inspect.getdoc(handler) or "").partition("\n")[0]
    return {
        "id": str(uuid.uuid5(_IDS, slug)),
        "name": name,
        "slug": slug,
        "description": description,
        "createdAt": since,
        "updatedAt": since,
    }
