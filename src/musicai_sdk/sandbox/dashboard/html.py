"""HTML that can't be broken out of: text is escaped wherever it is put in."""

from __future__ import annotations

from html import escape
from typing import Final

CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "media-src 'self' http: https:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may load and run: its own files, and audio from anywhere."""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: object) -> Html:
    """Returns a value as HTML: escaped, unless it is HTML already; None is nothing."""
    if value is None:
        return Html("")
    return value if isinstance(value, Html) else Html(escape(str(value)))


def tag(name: str, /, *content: object, **attributes: object) -> Html:
    """Returns an element. `class_` and `aria_label` become `class` and `aria-label`; False and None leave one out."""
    given = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{text(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    inside = "".join(text(each) for each in content)
    closing = "" if name in _VOID else f"</{name}>"
    return Html(f"<{name}{given}>{inside}{closing}")


def join(*parts: object) -> Html:
    """Returns the parts one after another."""
    return Html("".join(text(part) for part in parts))


_VOID = frozenset({"input", "link", "meta", "br"})
