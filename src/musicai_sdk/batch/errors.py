"""What can be wrong with a run as a whole. A track that fails raises nothing: it is in the ledger, with its reason."""

from __future__ import annotations

from musicai_sdk.errors import MusicAiError


class LedgerError(MusicAiError):
    """The ledger file can't be used, or was removed or moved in mid-run; the text says why. Nothing new is sent."""


class LedgerLockedError(LedgerError):
    """Another process is running this ledger. Two at once could pay for one track twice."""


class LedgerVersionError(LedgerError):
    """A newer version of this package wrote the ledger."""


class LedgerMismatchError(LedgerError):
    """The ledger belongs to runs of another workflow, or to another output folder."""


class ShardsFailedError(MusicAiError):
    """Workers of the executor were lost. What they had done is in the ledger; the same run again continues."""
