"""What can be wrong with your own storage."""

from __future__ import annotations

from musicai_sdk.errors import TransferError


class StorageError(TransferError):
    """Your own storage refused, or couldn't be reached. `url` says where, `status` its HTTP status if it answered."""


class ObjectNotFoundError(StorageError):
    """Something that must be in the bucket isn't there; the text names it."""
