"""Deadlines for everything that one call does."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from musicai_sdk._core.arguments import Progress
from musicai_sdk._core.options import RequestOptions, is_number
from musicai_sdk._core.retry import is_transient
from musicai_sdk._core.session import SHORTEST_EXCHANGE, Session
from musicai_sdk._text import safe_repr
from musicai_sdk.errors import CreateTimeoutError, InputError, MusicAiError


def deadline_of(session: Session, timeout: float | None, since: float | None = None) -> float | None:
    """The time of `io.now()` that is `timeout` seconds after now or `since`; None for no deadline."""
    if timeout is not None and not (is_number(timeout) and timeout >= 0):
        raise InputError(
            f"timeout must be 0 or more seconds, or None for no limit, not {safe_repr(timeout):.100}"
        )
    return None if timeout is None else (session.io.now() if since is None else since) + timeout


def within(session: Session, options: RequestOptions, deadline: float | None) -> RequestOptions:
    """The options of the next exchange with the API, which may exceed the deadline by at most a second."""
    if deadline is None:
        return options
    allowed = session.timeout(options)
    left = max(SHORTEST_EXCHANGE, deadline - session.io.now())
    return {**options, "request_timeout": left if allowed is None else min(allowed, left)}


@contextmanager
def before_create(session: Session, deadline: float | None) -> Generator[None]:
    """Surrounds the steps before a paid POST. Once the time is up, the POST isn't sent.

    Raises:
        CreateTimeoutError: the time is up. If a transient error used up the time, it is the cause.
    """
    still_time(session, deadline)
    try:
        yield
    except MusicAiError as error:
        if deadline is not None and is_transient(error) and session.io.now() >= deadline:
            raise _too_late() from error
        raise
    still_time(session, deadline)


def in_time(session: Session, deadline: float | None, on_progress: Progress | None) -> Progress | None:
    """A progress callback that ends an upload at the deadline."""
    if deadline is None:
        return on_progress

    def moved(done: int, total: int | None) -> None:
        still_time(session, deadline)
        if on_progress is not None:
            on_progress(done, total)

    return moved


def still_time(session: Session, deadline: float | None) -> None:
    """Raises `CreateTimeoutError` if the time is up."""
    if deadline is not None and session.io.now() >= deadline:
        raise _too_late()


def _too_late() -> CreateTimeoutError:
    return CreateTimeoutError(
        "the time was up before the job was created: it doesn't exist and nothing is charged. Pass a longer timeout to"
        " `run`, or upload first with client.files.upload"
    )
