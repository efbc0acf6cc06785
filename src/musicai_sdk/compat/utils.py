"""The helpers of the published package's `utils` module."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from musicai_sdk import __version__
from musicai_sdk._text import system


def extract_name_from_url(file_url: str) -> str:
    """The last part of a URL's path, decoded: `Kick drum.wav`."""
    return unquote(urlsplit(file_url).path.rpartition("/")[2])


def extract_file_extension_from_url(url: str) -> str:
    """What follows the last dot in the file name of a URL; the whole name if it has no dot, as in 1.0."""
    return extract_name_from_url(url).rpartition(".")[2]


def get_version() -> str:
    """The version of this package."""
    return __version__


def get_user_agent(environment: str = "SDK-Python", version: str | None = None) -> str:
    """The `User-Agent` header in the form of the official clients.

    Args:
        environment: The kind of program.
        version: Its version; by default that of this package.
    """
    return f"Music.AI/{environment}/{version or get_version()} ({system()})"
