"""The workflows of a sandbox, and the processes and threads that run them."""

from __future__ import annotations

import inspect
import threading
import uuid
from typing import TYPE_CHECKING

from musicai_sdk.sandbox.engine.processes import Processes
from musicai_sdk.sandbox.engine.workflows import LIGHT, WORKFLOWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from musicai_sdk.sandbox.engine.task import Handler

_IDS = uuid.UUID("4a1d9c52-5c0e-4d0b-9f27-6f7f0f2f6c11")


class Catalogue:
    """The workflows of one sandbox.

    Args:
        workflows: Workflows by slug, which replace the engine's; None for the engine's. The engine's workflows run in
            processes of their own. All others run on threads, so that they may be closures.
    """

    def __init__(self, workflows: Mapping[str, Handler] | None = None) -> None:
        self._lock = threading.Lock()
        self._own: dict[str, Handler] = {}
        self._processes = Processes()
        engine = {
            slug: handler if slug in LIGHT else self._processes.workflow(slug, handler)
            for slug, handler in WORKFLOWS.items()
        }
        self._base: Mapping[str, Handler] = engine if workflows is None else workflows

    def register(self, slug: str, handler: Handler) -> None:
        """Adds a workflow. Replaces an existing one with the same slug."""
        with self._lock:
            self._own[slug] = handler

    def handlers(self) -> dict[str, Handler]:
        """Returns all workflows by slug, the caller's own first."""
        with self._lock:
            return {**self._own, **self._base, **self._own}

    def stop(self) -> None:
        """Ends the engine's processes. The next job starts new ones."""
        self._processes.stop()


def workflow_name(slug: str) -> str:
    """Returns a workflow's name."""
    return slug.rpartition("/")[2].replace("-", " ").capitalize()


def workflow_answer(slug: str, handler: Handler, since: str) -> dict[str, str]:
    """Returns a workflow as `GET /workflow` lists it (source: official clients)."""
    description = (inspect.getdoc(handler) or "").partition("\n")[0]
    return {
        "id": str(uuid.uuid5(_IDS, slug)),
        "name": workflow_name(slug),
        "slug": slug,
        "description": description,
        "createdAt": since,
        "updatedAt": since,
    }
