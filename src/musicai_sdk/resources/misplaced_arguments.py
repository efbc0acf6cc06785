"""Detects misplaced arguments of `client.jobs.create` and `client.jobs.run`. The error shows the right call."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from musicai_sdk import _core

F = TypeVar("F", bound=Callable[..., Any])


def explain_misplaced(method: F) -> F:
    """Replaces Python's error for too many positional arguments. Type checkers see the unchanged signature."""
    most = method.__code__.co_argcount

    def check(given: tuple[object, ...]) -> None:
        if len(given) > most:
            _core.create.workflow_of(method.__name__, *given[1:])  # raises

    @wraps(method)
    async def asynchronous(*given: Any, **named: Any) -> Any:
        check(given)
        return await method(*given, **named)

    @wraps(method)
    def synchronous(*given: Any, **named: Any) -> Any:
        check(given)
        return method(*given, **named)

    wrapper: Any = asynchronous if inspect.iscoroutinefunction(method) else synchronous
    checked: F = wrapper
    return checked
