"""Errors of your own storage."""

from __future__ import annotations

from musicai_sdk.errors import TransferError


class StorageError(TransferError):
    """Your own storage refused a request or couldn't be reached. `url` is the address, `status` the HTTP status, if any."""


class ObjectNotFoundError(StorageError):
    """An object is missing in the bucket; the text names it."""
