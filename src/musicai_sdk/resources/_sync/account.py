# Generated from src/musicai_sdk/resources/account.py by scripts/generate: edit that file.
"""`client.workflows` and `client.application`: the account behind the key."""

from __future__ import annotations

import builtins

from typing_extensions import Unpack

from musicai_sdk import _core
from musicai_sdk._core.operations import GET_APPLICATION
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.session import Session
from musicai_sdk._io import run_sync
from musicai_sdk.models.account import Application, WorkflowInfo
from musicai_sdk.resources.method_arguments import Resource


class Workflows(Resource, place="client.workflows"):
    """The workflows of the account."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self, **options: Unpack[RequestOptions]) -> builtins.list[WorkflowInfo]:
        """Lists all workflows of the account.

        The service doesn't document whether the list includes the `music-ai/…` templates.

        Args:
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            AuthenticationError: the key is wrong.
        """
        return run_sync(_core.lists.list_workflows(self._session, options))


class Applications(Resource, place="client.application"):
    """The application that the key belongs to."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, **options: Unpack[RequestOptions]) -> Application:
        """Fetches the application's id and name. This is the cheapest way to check a key.

        Args:
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            AuthenticationError: the key is wrong.
        """
        return run_sync(self._session.call(GET_APPLICATION, options=options))
