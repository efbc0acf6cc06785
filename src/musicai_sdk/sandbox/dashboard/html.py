"""HTML in which all text is escaped."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "media-src 'self' http: https:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The content security policy: a page may load its own files, and audio from anywhere."""


class Html(str):
    """Text that is HTML already, and isn't escaped again."""

    __slots__ = ()


def text(value: object) -> Html:
    """Returns a value as HTML, escaped unless it is HTML already; None becomes nothing."""
    if value is None:
        return Html("")
    return value if isinstance(value, Html) else Html(escape(str(value)))


def tag(name: str, /, *content: object, **attributes: object) -> Html:
    """Returns an element with an end tag.

    The attributes `class_` and `aria_label` become `class` and `aria-label`; False and None omit an attribute.
    """
    given = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{text(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    inside = "".join(text(each) for each in content)
    return Html(f"<{name}{given}>{inside}</{name}>")


def join(*parts: object) -> Html:
    """Returns the parts in a row."""
    return Html("".join(text(part) for part in parts))


def filled(file: str, **values: object) -> Html:
    """Returns the text of a file beside this one, with values in place of `$name`."""
    return Html(_template(file).substitute({name: text(value) for name, value in values.items()}))


@cache
def _template(file: str) -> Template:
    return Template(files("musicai_sdk.sandbox.dashboard").joinpath(file).read_text("utf-8"))
