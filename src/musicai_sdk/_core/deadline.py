"""Total deadlines: how long everything that a call does may take together."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from musicai_sdk._core.arguments import Progress
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.retry import is_transient
from musicai_sdk._core.session import Session
from musicai_sdk.errors import CreateTimeoutError, InputError, MusicAiError


def deadline_of(session: Session, timeout: float | None, since: float | None = None) -> float | None:
    """The time of `io.now()` at which so many seconds are over, from now or from `since`; None for never."""
    if timeout is not None and timeout < 0:
        raise InputError(f"timeout must be 0 or more seconds, or None to wait without end, not {timeout!r}")
    return None if timeout is None else (session.io.now() if since is None else since) + timeout


def within(session: Session, options: RequestOptions, deadline: float | None) -> RequestOptions:
    """The options of the next exchange with the API: it may outlast the deadline by no more than a second."""
    if deadline is None:
        return options
    allowed = session.timeout(options)
    left = max(1.0, deadline - session.io.now())
    return {**options, "request_timeout": left if allowed is None else min(allowed, left)}


@contextmanager
def before_create(session: Session, deadline: float | None) -> Generator[None]:
    """Around what comes before a paid POST: when the time is over by then, the POST isn't sent.

    Raises:
        CreateTimeoutError: that. A trouble that may pass, such as silence, is its cause.
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
    """A progress function that ends an upload at the deadline."""
    if deadline is None:
        return on_progress

    def moved(done: int, total: int | None) -> None:
        still_time(session, deadline)
        if on_progress is not None:
            on_progress(done, total)

    return moved


def still_time(session: Session, deadline: float | None) -> None:
    """Raises a `CreateTimeoutError` when the time is over."""
    if deadline is not None and session.io.now() >= deadline:
        raise _too_late()


def _too_late() -> CreateTimeoutError:
    return CreateTimeoutError(
        "the time was over before the job was created: it doesn't exist and nothing is charged. Give `run` a longer"
        " timeout, or upload first with client.files.upload"
    )
