"""Checks, before anything is paid, that the run uses the service and the account to which its ledger belongs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch.engine.failures import RunFailed, pause, transient
from musicai_sdk.batch.errors import LedgerMismatchError
from musicai_sdk.batch.ledger.ledger import Journal, Ledger
from musicai_sdk.errors import MusicAiError, NotFoundError

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Account:
    """Compares the account and service of this run's client with those of the ledger's jobs."""

    def __init__(
        self, client: AsyncMusicAiClient, journal: Journal, max_attempts: int, warn: Callable[[str], object]
    ) -> None:
        self._client = client
        self._journal = journal
        self._max_attempts = max_attempts
        self._warn = warn
        self._checking: asyncio.Future[None] | None = None

    async def check(self) -> None:
        """Checks that account and service are the same. Only the first call asks the service.

        Raises:
            LedgerMismatchError: the account or the service differs.
            RunFailed: the service doesn't answer. The cause says why.
        """
        if self._checking is None:
            self._checking = asyncio.ensure_future(self._check())
        if self._checking.done():
            self._checking.result()
        else:
            # Cancelling one track must not cancel the check for the others.
            await asyncio.shield(self._checking)

    async def close(self) -> None:
        """Ends the check."""
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.wait({self._checking})
            if not self._checking.cancelled():
                self._checking.exception()

    async def _check(self) -> None:
        known = await self._journal.read(lambda ledger: ledger.account()[1])
        application = await self._application(known)
        await self._journal.write(lambda ledger: _compare(ledger, self._client.base_url, application))

    async def _application(self, known: str | None) -> str | None:
        tries = 0
        while True:
            try:
                return (await self._client.application.get()).id
            except NotFoundError as error:
                if known is not None:
                    raise RunFailed from LedgerMismatchError(
                        f"the ledger's jobs belong to application {known}, and {self._client.base_url} doesn't say which"
                        f" application this run's key belongs to ({error}): nothing was sent, because with another key"
                        " everything would be paid for again. Run again once it answers; or give the key a ledger and an"
                        " output folder of its own"
                    )
                self._warn(
                    f"{self._client.base_url} doesn't say which application the key belongs to: only the address can be"
                    " compared with that of the ledger's jobs, not the account that paid for them"
                )
                return None
            except MusicAiError as error:
                tries += 1
                if not transient(error) or tries >= self._max_attempts:
                    raise RunFailed from error
                await asyncio.sleep(pause(tries))


def _compare(ledger: Ledger, service: str, application: str | None) -> None:
    """Compares a service and an application with those of a ledger, and records them. Runs in a transaction.

    Args:
        ledger: The ledger.
        service: The client's base URL.
        application: The id of the application that the key belongs to; None if the service doesn't say.

    Raises:
        LedgerMismatchError: the ledger's jobs belong to another service or application.
    """
    known_service, known_application = ledger.account()
    both_known = bool(known_application and application)
    if both_known and known_application != application:
        raise LedgerMismatchError(
            f"the jobs of the ledger {str(ledger.path)!r} belong to application {known_application}, and this run's key"
            f" belongs to application {application}: nothing was sent, because everything would be paid for again. Use the"
            " key of the ledger's application, or a ledger and an output folder of its own for each"
        )
    if known_service and not _same_service(known_service, service, same_application=both_known):
        raise LedgerMismatchError(
            f"the jobs of the ledger {str(ledger.path)!r} are at {known_service}, and this run's base URL is {service}:"
            " nothing was sent, because everything would be paid for again. Use the ledger's base URL, or a ledger and an"
            " output folder of its own for each"
        )
    ledger.keep_account(service, application or known_application)


def _same_service(known: str, now: str, *, same_application: bool) -> bool:
    """Whether two base URLs lead to one service.

    A sandbox on this machine may get another port each time. For local services the application's id decides, if known.
    """
    one, other = urlsplit(known), urlsplit(now)
    if same_application and one.hostname in _LOOPBACK and other.hostname in _LOOPBACK:
        return True
    return (one.scheme, one.hostname, one.port) == (other.scheme, other.hostname, other.port)
