"""Retries in simulated time: number, delays, deadlines, and costs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from musicai_sdk._core import retry
from musicai_sdk._core.retry import Budget, Policy
from musicai_sdk._io.blocking import run_sync
from musicai_sdk.errors import (
    ConnectionFailedError,
    IntegrityError,
    MusicAiError,
    NotFoundError,
    RateLimitError,
    ResponseError,
    ServerError,
    TransferError,
)
from support.simulated import SimulatedTime


def throttled(after: float) -> RateLimitError:
    error = RateLimitError("slow down", status=429, message="slow down")
    error.retry_after = after
    return error


def broken(*, sent: bool = True) -> ConnectionFailedError:
    return ConnectionFailedError("broken", sent=sent)


class Call:
    """Fails with one error after the other, then succeeds."""

    def __init__(self, *errors: MusicAiError, max_retries: int = 3, repeatable: bool = True) -> None:
        self.io = SimulatedTime()
        self.budget = Budget()
        self.policy = Policy(max_retries, self.budget, repeatable)
        self.numbers = list[int]()
        self._errors = list(errors)

    def run(self, deadline: float | None = None) -> str:
        if deadline is not None:
            deadline += self.io.now()
        return run_sync(retry.retrying(self.io, self.policy, "the call", self._attempt, deadline=deadline))

    async def _attempt(self, number: int) -> str:
        self.numbers.append(number)
        if self._errors:
            raise self._errors.pop(0)
        return "done"


@pytest.mark.parametrize("retries", [0, 1, 2, 5])
def test_max_retries_allows_one_more_attempt_than_retries(retries: int) -> None:
    last = broken()
    call = Call(*[broken() for _ in range(retries)], last, broken(), max_retries=retries)
    with pytest.raises(ConnectionFailedError) as caught:
        call.run()
    assert caught.value is last
    assert caught.value.attempts == retries + 1
    assert call.numbers == list(range(1, retries + 2))
    assert len(call.io.slept) == retries
    notes = getattr(caught.value, "__notes__", [])
    assert notes == ([f"failed after {retries + 1} attempts"] if retries else [])


def test_the_last_attempt_may_succeed() -> None:
    call = Call(broken(), broken(), broken())
    assert call.run() == "done"
    assert call.numbers == [1, 2, 3, 4]
    assert all(0 <= slept <= 0.05 * 2**n for n, slept in enumerate(call.io.slept))


def test_a_permanent_error_ends_the_retries() -> None:
    missing = NotFoundError("no such job", status=404, message="no such job")
    call = Call(broken(), missing, broken())
    with pytest.raises(NotFoundError) as caught:
        call.run()
    assert (call.numbers, caught.value.attempts) == ([1, 2], 2)


@pytest.mark.parametrize(
    ("deadline", "attempts"), [(0.0, 1), (9.9, 1), (12.6, 2), (19.9, 2), (25.1, 3), (None, 4)]
)
def test_no_attempt_begins_after_the_deadline(deadline: float | None, attempts: int) -> None:
    # Each pause is between 10 and 12.5 seconds.
    call = Call(*[throttled(10.0) for _ in range(9)])
    with pytest.raises(RateLimitError):
        call.run(deadline)
    assert len(call.numbers) == attempts
    assert all(10 <= slept <= 12.5 for slept in call.io.slept)
    if deadline is not None:
        assert sum(call.io.slept) <= deadline


@pytest.mark.parametrize(("after", "attempts"), [(120.0, 4), (120.5, 1)])
def test_the_longest_retry_after(after: float, attempts: int) -> None:
    call = Call(*[throttled(after) for _ in range(9)])
    with pytest.raises(RateLimitError):
        call.run()
    assert len(call.numbers) == attempts


@pytest.mark.parametrize(
    ("errors", "tokens"),
    [
        ([], 500.0),
        ([broken()], 500.0),
        ([broken(), broken()], 486.0),
        ([throttled(0)], 500.0),
        ([throttled(0)] * 3, 499.0),
        ([broken(), broken(), broken(), broken()], 458.0),
    ],
)
def test_the_cost_of_retries(errors: Sequence[MusicAiError], tokens: float) -> None:
    # 14 for a broken connection, 5 for a throttled request; a success after a retry gives 14 back.
    call = Call(*errors)
    try:
        assert call.run() == "done"
    except ConnectionFailedError:
        assert len(errors) == 4
    assert call.budget.tokens == tokens


def test_a_success_gives_one_token_back() -> None:
    call = Call()
    call.budget.tokens = 100.0
    call.run()
    assert call.budget.tokens == 101.0
    call.budget.tokens = 499.5
    call.run()
    assert call.budget.tokens == 500.0


@pytest.mark.parametrize(("tokens", "attempts"), [(13.9, 1), (14.0, 2), (27.9, 2), (28.0, 3)])
def test_without_tokens_there_are_no_retries(tokens: float, attempts: int) -> None:
    call = Call(*[broken() for _ in range(9)])
    call.budget.tokens = tokens
    with pytest.raises(ConnectionFailedError) as caught:
        call.run()
    assert len(call.numbers) == attempts
    assert hasattr(caught.value, "__notes__") == (attempts > 1)


def server_error(status: int) -> ServerError:
    return ServerError(str(status), status=status, message="")


@pytest.mark.parametrize(
    ("error", "safe", "paid"),
    [
        (broken(sent=False), True, True),
        (broken(sent=True), True, False),
        (throttled(1), True, True),
        (server_error(500), True, False),
        (server_error(502), True, False),
        (server_error(503), True, False),
        (server_error(504), True, False),
        (server_error(501), False, False),
        (IntegrityError("too short"), True, False),
        (TransferError("storage", status=503), True, False),
        (TransferError("storage", status=403), False, False),
        (ResponseError("no JSON"), False, False),
        (NotFoundError("none", status=404, message=""), False, False),
        (KeyError("a mistake of ours"), False, False),
    ],
)
def test_which_errors_are_retried(error: BaseException, safe: bool, paid: bool) -> None:
    assert Policy(3, Budget()).wants(error) is safe
    assert Policy(3, Budget(), repeatable=False).wants(error) is paid
