"""That a run meets the service and the account that its ledger is about: asked once, before anything is paid."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch.engine.failures import pause, transient
from musicai_sdk.batch.engine.steps import RunFailed
from musicai_sdk.batch.errors import LedgerMismatchError
from musicai_sdk.batch.ledger.group_commit import GroupCommit
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.errors import MusicAiError, NotFoundError

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Account:
    """The account and the service that this run's client reaches, and those that the ledger's jobs are at."""

    def __init__(
        self,
        client: AsyncMusicAiClient,
        journal: GroupCommit,
        max_attempts: int,
        warn: Callable[[str], object],
    ) -> None:
        self._client = client
        self._journal = journal
        self._max_attempts = max_attempts
        self._warn = warn
        self._asking: asyncio.Future[None] | None = None

    async def check(self) -> None:
        """Sees that they are the same; asks the service at the first call only.

        Raises:
            LedgerMismatchError: they aren't.
            RunFailed: the service can't be asked. Its cause says why.
        """
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._check())
        # A track that is cancelled takes the question from no other one.
        await asyncio.shield(self._asking)

    async def close(self) -> None:
        """Ends the question."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})
            if not self._asking.cancelled():
                self._asking.exception()

    async def _check(self) -> None:
        application = await self._application()
        service = self._client.base_url

        def compared(ledger: Ledger) -> None:
            check_same(ledger, service, application)

        await self._journal.write(compared)

    async def _application(self) -> str | None:
        tries = 0
        while True:
            try:
                return (await self._client.application.get()).id
            except NotFoundError:
                self._warn(
                    f"{self._client.base_url} doesn't say which application the key belongs to: that it is the one that"
                    " paid for the ledger's jobs can't be checked, only that the address is the same"
                )
                return None
            except MusicAiError as error:
                tries += 1
                if not transient(error) or tries >= self._max_attempts:
                    raise RunFailed from error
                await asyncio.sleep(pause(tries))


def check_same(ledger: Ledger, service: str, application: str | None) -> None:
    """Compares a service and an application with those of a ledger, which notes them at first; in a transaction.

    Args:
        ledger: The ledger.
        service: The client's base URL.
        application: The id of the application that the key belongs to; None if the service doesn't say.

    Raises:
        LedgerMismatchError: the ledger's jobs are elsewhere.
    """
    known_service, known_application = ledger.account()
    if known_application and application and known_application != application:
        raise LedgerMismatchError(
            f"the jobs of the ledger {str(ledger.path)!r} belong to application {known_application}, and this run's key"
            f" belongs to application {application}: nothing was sent, because everything would be paid for again. Use the"
            " key of the ledger's application, or a ledger and an output folder of its own for each"
        )
    sure = bool(known_application and application)
    if known_service and not _same_service(known_service, service, sure=sure):
        raise LedgerMismatchError(
            f"the jobs of the ledger {str(ledger.path)!r} are at {known_service}, and this run's base URL is {service}:"
            " nothing was sent, because everything would be paid for again. Use the ledger's base URL, or a ledger and an"
            " output folder of its own for each"
        )
    ledger.keep_account(service, application or known_application)


def _same_service(known: str, now: str, *, sure: bool) -> bool:
    """Whether two base URLs lead to one service.

    A sandbox on this machine gets another port each time; there the application's id tells, if it is known.
    """
    one, other = urlsplit(known), urlsplit(now)
    if sure and one.hostname in _LOOPBACK and other.hostname in _LOOPBACK:
        return True
    return (one.scheme, one.hostname, one.port) == (other.scheme, other.hostname, other.port)
