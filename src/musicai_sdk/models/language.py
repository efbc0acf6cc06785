"""The content of the detailed output of a language identification."""

from __future__ import annotations

from typing import TypeAlias

from pydantic import JsonValue

LanguageDetails: TypeAlias = JsonValue
"""The `advanced` output of a language identification: any JSON, because the service doesn't publish its shape.

Its other output, `main_language`, is a plain value: the language's code (source: the official module pages).
"""
