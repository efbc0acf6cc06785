# Generated from src/musicai_sdk/resources/account.py by scripts/generate: edit that file.
"""`client.workflows` and `client.application`: what the key gives access to."""

from __future__ import annotations

import builtins

from typing_extensions import Unpack

from musicai_sdk import _core
from musicai_sdk._core.operations import GET_APPLICATION
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.session import Session
from musicai_sdk._io import run_sync
from musicai_sdk.models.account import Application, WorkflowInfo


class Workflows:
    """The workflows of the account."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self, **options: Unpack[RequestOptions]) -> builtins.list[WorkflowInfo]:
        """All workflows of the account, every page. Whether `music-ai/…` templates are among them isn't documented.

        Args:
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            AuthenticationError: the key is wrong.
        """
        return run_sync(_core.lists.list_workflows(self._session, options))


class Applications:
    """The application that the key belongs to."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, **options: Unpack[RequestOptions]) -> Application:
        """The application's id and name: the cheapest way to see whether a key is valid.

        Args:
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            AuthenticationError: the key is wrong.
        """
        return run_sync(self._session.call(GET_APPLICATION, options=options))
