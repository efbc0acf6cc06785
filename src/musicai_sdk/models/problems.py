"""Validation errors as text."""

from __future__ import annotations

from pydantic import ValidationError


def problems(error: ValidationError, whole: str) -> str:
    """What doesn't fit and why, such as `status: Field required`, without the values, which may be secrets.

    Args:
        error: The error.
        whole: What to name if the value as a whole doesn't fit.
    """
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or whole}: {each['msg']}"
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    )
