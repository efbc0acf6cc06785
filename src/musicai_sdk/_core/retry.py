"""When to try again, and how long to wait before: one policy, one layer of retries.

The figures are those of the AWS SDKs' standard mode of 2026: full jitter on an exponential delay from 50 ms (1 s when
throttled) to 20 s, and a budget of tokens per client so that a dead service isn't stormed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from musicai_sdk import _files
from musicai_sdk._io import IO
from musicai_sdk._io.record import logger
from musicai_sdk.errors import (
    ConnectionFailedError,
    IntegrityError,
    MusicAiError,
    RateLimitError,
    ResponseError,
    StatusError,
    TransferError,
)

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")

TRANSIENT_BASE = 0.05
THROTTLED_BASE = 1.0
LONGEST_DELAY = 20.0
LONGEST_RETRY_AFTER = 120.0
"""A `Retry-After` above this many seconds isn't obeyed: the error says how long instead."""
RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
REFUSALS = frozenset({400, 401, 402, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422, 429, 431})
"""Statuses that say that nothing was done; every other one, known or not, may come after the fact.

Not 3xx: a server may act and then send the browser, which it takes its client for, to a page. Not 408 and 499: gateways
give these when the server behind them is slow.
"""


class Budget:
    """Tokens that retries cost and successes give back. Counting is approximate between threads, and may be."""

    SIZE: ClassVar[float] = 500.0
    TRANSIENT_COST: ClassVar[float] = 14.0
    THROTTLED_COST: ClassVar[float] = 5.0

    def __init__(self) -> None:
        self.tokens: float = self.SIZE

    def take(self, error: BaseException) -> bool:
        """Pays for one retry, if there is enough left."""
        cost = self.THROTTLED_COST if isinstance(error, RateLimitError) else self.TRANSIENT_COST
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True

    def give_back(self, attempts: int) -> None:
        """After a success: what its retry took, or one token."""
        self.tokens = min(self.SIZE, self.tokens + (self.TRANSIENT_COST if attempts > 1 else 1.0))


@dataclass(frozen=True)
class Policy:
    """How often one call is tried, and for which errors."""

    max_retries: int
    budget: Budget
    repeatable: bool = True
    """False for a paid POST: only repeated when the server can't have acted."""

    def wants(self, error: BaseException) -> bool:
        """Whether that error is worth another try."""
        if isinstance(error, MusicAiError) and (retry_after(error) or 0.0) > LONGEST_RETRY_AFTER:
            return False
        return is_transient(error) if self.repeatable else cannot_have_acted(error)


def is_transient(error: BaseException) -> bool:
    """Whether the same request may succeed a moment later."""
    if isinstance(error, ConnectionFailedError | IntegrityError):
        return True
    if isinstance(error, TransferError) and _files.none_left(error.__cause__):
        return True
    if isinstance(error, StatusError | TransferError):
        return error.status in RETRIED_STATUSES
    return False


def cannot_have_acted(error: BaseException) -> bool:
    """Whether the server certainly did nothing: it wasn't reached, or it said "too many requests"."""
    if isinstance(error, ConnectionFailedError):
        return not error.sent
    return isinstance(error, RateLimitError)


def may_have_acted(error: BaseException) -> bool:
    """Whether the server may have done what it was asked to, although its answer is an error or none at all."""
    if isinstance(error, ConnectionFailedError):
        return error.sent
    if isinstance(error, StatusError):
        return error.status not in REFUSALS
    return isinstance(error, ResponseError)


def retry_after(error: MusicAiError) -> float | None:
    """How long the server asked to wait, in seconds."""
    return error.retry_after if isinstance(error, StatusError) else None


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """`Retry-After` as seconds from now: a number of seconds or an HTTP date; None when it is neither."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # no date, or one in a time zone beyond all bounds
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def delay(error: BaseException, attempt: int, chance: Callable[[], float] = random.random) -> float:
    """Seconds to wait after the failed attempt of that number (from 1).

    A `Retry-After` is obeyed, with up to a quarter (at least half a second) on top so that a crowd that was told the
    same time doesn't come back in the same instant.
    """
    asked = retry_after(error) if isinstance(error, MusicAiError) else None
    if asked is not None:
        return asked + chance() * max(0.5, asked / 4)
    base = THROTTLED_BASE if isinstance(error, RateLimitError) else TRANSIENT_BASE
    return chance() * min(LONGEST_DELAY, base * 2.0 ** (attempt - 1))


async def retrying(
    io: IO,
    policy: Policy,
    what: str,
    attempt: Callable[[int], Coroutine[Any, Any, T]],
    *,
    deadline: float | None = None,
) -> T:
    """Runs `attempt(number)` until it succeeds, `policy` has enough, or waiting on would pass the deadline.

    Args:
        io: The driver, whose clock and sleep are used.
        policy: What to retry and how often.
        what: The call in words, for the log.
        attempt: One try; its argument is its number, from 1.
        deadline: A time of `io.now()` after which no further try begins.
    """
    try:
        result = await attempt(1)
    except MusicAiError as error:
        if policy.max_retries == 0 or not policy.wants(error):
            raise
        return await _again(io, policy, what, attempt, error, deadline)
    policy.budget.give_back(1)
    return result


async def _again(
    io: IO,
    policy: Policy,
    what: str,
    attempt: Callable[[int], Coroutine[Any, Any, T]],
    first_error: MusicAiError,
    deadline: float | None,
) -> T:
    """Goes on after a first attempt that failed. Most calls never come here, so tenacity is loaded only now."""
    from tenacity import AsyncRetrying, retry_if_exception

    def pause(state: RetryCallState) -> float:
        error = _error(state)
        return 0.0 if error is None else delay(error, state.attempt_number)

    def stop(state: RetryCallState) -> bool:
        error = _error(state)
        if error is None or state.attempt_number > policy.max_retries:
            return True
        if deadline is not None and io.now() + state.upcoming_sleep > deadline:
            return True
        return not policy.budget.take(error)

    def log(state: RetryCallState) -> None:
        logger.info(
            "%s: try %d of %d failed (%s); again in %.2f s",
            what,
            state.attempt_number,
            policy.max_retries + 1,
            _error(state),
            state.upcoming_sleep,
        )

    tries = 0

    async def once() -> T:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise first_error
        return await attempt(tries)

    loop = AsyncRetrying(
        sleep=io.sleep,
        wait=pause,
        stop=stop,
        retry=retry_if_exception(policy.wants),
        before_sleep=log,
        reraise=True,
    )
    try:
        result: T = await loop(once)
    except (StatusError, ConnectionFailedError) as error:
        error.attempts = tries
        if tries > 1:
            error.add_note(f"given up after {tries} attempts")
        raise
    policy.budget.give_back(tries)
    return result


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None
