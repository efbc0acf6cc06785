"""Errors of a run as a whole. A track that fails raises nothing: the ledger has it, with a code and a message."""

from __future__ import annotations

from musicai_sdk.errors import MusicAiError, SourceNotFoundError

JOB_GONE = "JOB_GONE"
"""The code of a track whose job the service no longer has."""
SOURCE_GONE = SourceNotFoundError.__name__
"""The code of a track whose file was missing when it was to be uploaded."""


class LedgerError(MusicAiError):
    """The ledger file can't be used, or was removed or moved during the run; the text says why. Nothing new is sent."""


class LedgerLockedError(LedgerError):
    """Another process runs this ledger. Two runs at once could pay for one track twice."""


class LedgerVersionError(LedgerError):
    """A newer version of this package wrote the ledger."""


class LedgerMismatchError(LedgerError):
    """The ledger belongs to another workflow, account or output folder."""


class ShardsFailedError(MusicAiError):
    """Workers of the executor were lost. The ledger has what they did; run the same batch again to continue."""
