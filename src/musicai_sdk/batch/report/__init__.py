"""`report.html`: how a run went, on one page that needs nothing but itself and the results beside it."""

from __future__ import annotations

from musicai_sdk.batch.report.page import write_report

__all__ = ["write_report"]
