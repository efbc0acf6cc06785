"""Retries: which errors to retry, how often, and after which delay.

The figures are those of the AWS SDKs' standard mode of 2026: full jitter on an exponential delay from 50 ms (1 s when
throttled) to 20 s, and a budget of tokens per client, which limits the load on a failing service.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

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
"""The upper limit, in seconds, of the first delay. It doubles with each attempt, up to `LONGEST_DELAY`."""
THROTTLED_BASE = 1.0
"""The same limit after "too many requests"."""
LONGEST_DELAY = 20.0
LONGEST_RETRY_AFTER = 120.0
"""The longest `Retry-After` to wait for, in seconds. For a longer one, the call fails, and the error has the number."""
RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
REFUSALS = frozenset({400, 401, 402, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422, 429, 431})
"""Statuses that prove that the server did nothing. With any other status, the server may have acted.

They don't include 3xx, because a server may act and then redirect a client that it mistakes for a browser. They don't
include 408 and 499, which gateways send when the server behind them is slow. Nor do they prove it with a body that names
a job, as of one that was queued over a limit.
"""


class Budget:
    """A budget of tokens: each retry costs some, each success returns some.

    With several threads the count is approximate, which is enough.
    """

    SIZE: ClassVar[float] = 500.0
    TRANSIENT_COST: ClassVar[float] = 14.0
    THROTTLED_COST: ClassVar[float] = 5.0

    def __init__(self) -> None:
        self.tokens: float = self.SIZE

    def take(self, error: BaseException) -> bool:
        """Takes the tokens for one retry. Returns False if too few are left."""
        cost = self.THROTTLED_COST if isinstance(error, RateLimitError) else self.TRANSIENT_COST
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True

    def give_back(self, attempts: int) -> None:
        """After a success, returns the tokens of one retry if it took more than one attempt, or else one token."""
        self.tokens = min(self.SIZE, self.tokens + (self.TRANSIENT_COST if attempts > 1 else 1.0))


@dataclass(frozen=True)
class Policy:
    """How often one call is retried, and after which errors."""

    max_retries: int
    budget: Budget
    repeatable: bool = True
    """False for a paid POST, which may be repeated only if the server can't have acted."""

    def wants(self, error: BaseException) -> bool:
        """Whether to retry after this error."""
        if isinstance(error, MusicAiError) and (retry_after(error) or 0.0) > LONGEST_RETRY_AFTER:
            return False
        return is_transient(error) if self.repeatable else cannot_have_acted(error)


def is_transient(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    if isinstance(error, ConnectionFailedError | IntegrityError):
        return True
    if isinstance(error, TransferError):
        from musicai_sdk import _files  # a program that moves no files doesn't load it

        if _files.none_left(error.__cause__):
            return True
    if isinstance(error, StatusError | TransferError):
        return error.status in RETRIED_STATUSES
    return False


def cannot_have_acted(error: BaseException) -> bool:
    """Whether the server certainly did nothing: the request didn't reach it, or it answered "too many requests"."""
    if isinstance(error, ConnectionFailedError):
        return not error.sent
    return isinstance(error, RateLimitError) and not error.names_job


def may_have_acted(error: BaseException) -> bool:
    """Whether the server may have acted although its answer is an error, or didn't arrive."""
    if isinstance(error, ConnectionFailedError):
        return error.sent
    if isinstance(error, StatusError):
        return error.status not in REFUSALS or error.names_job
    return isinstance(error, ResponseError)


def retry_after(error: MusicAiError) -> float | None:
    """The server's `Retry-After` in seconds, if it sent one."""
    return error.retry_after if isinstance(error, StatusError) else None


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Converts a `Retry-After` header (a number of seconds, or an HTTP date) to seconds from now; None if malformed."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    moment = parse_http_date(text)
    return None if moment is None else max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def parse_http_date(text: str) -> datetime | None:
    """The moment of a date in a header; None if malformed."""
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # not a date, or with an impossible time zone
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def delay(error: BaseException, attempt: int, chance: Callable[[], float] = random.random) -> float:
    """Seconds to wait after the failed attempt of that number (from 1).

    Adds a random time to `Retry-After`, so that many clients don't return at the same time: up to a quarter of it, or up
    to half a second if that is more.
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
    """Runs `attempt(number)` until it succeeds, `policy` stops it, or the next attempt would miss the deadline.

    Args:
        io: The driver, whose clock and sleep are used.
        policy: Which errors to retry, and how often.
        what: The call in words, for the log.
        attempt: One attempt; its argument is its number, from 1.
        deadline: The time of `io.now()` after which no retry begins.
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
    """Retries after a failed first attempt. Loads tenacity here, because most calls don't need it."""
    from tenacity import Retrying, retry_if_exception

    def pause(state: RetryCallState) -> float:
        return delay(_error(state), state.attempt_number)

    def stop(state: RetryCallState) -> bool:
        late = deadline is not None and io.now() + state.upcoming_sleep > deadline
        return late or state.attempt_number > policy.max_retries or not policy.budget.take(_error(state))

    def log(state: RetryCallState) -> None:
        logger.info(
            "%s: attempt %d of %d failed (%s); retrying in %.2f s",
            what,
            state.attempt_number,
            policy.max_retries + 1,
            _error(state),
            state.upcoming_sleep,
        )

    pauses = list[float]()
    attempts = Retrying(
        sleep=pauses.append,  # the driver sleeps, below
        wait=pause,
        stop=stop,
        retry=retry_if_exception(policy.wants),
        before_sleep=log,
        reraise=True,
    )
    number = 1
    try:
        for each in attempts:
            number = each.retry_state.attempt_number
            if pauses:
                await io.sleep(pauses.pop())
            with each:
                if number == 1:
                    raise first_error
                result = await attempt(number)
                policy.budget.give_back(number)
                return result
    except (StatusError, ConnectionFailedError) as error:
        error.attempts = number
        if number > 1:
            error.add_note(f"failed after {number} attempts")
        raise
    raise AssertionError("the loop ends with a result or an error")


def _error(state: RetryCallState) -> BaseException:
    """The error of the failed attempt, when tenacity asks whether and when to retry."""
    error = state.outcome.exception() if state.outcome is not None else None
    assert error is not None
    return error
