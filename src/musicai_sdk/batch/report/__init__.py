"""`report.html`: one page about a run, which needs no network and no files other than the results.

Modules:
    `page` writes it as a stream · `query` reads the ledger · `summary` counts, figures and advice · `rows` the tracks as
    compact JSON · `format` figures and text · `page.html`, `page.css`, `page.js` the page itself.

Who may import it:
    `musicai_sdk.batch`; `progress` uses `format`. It imports `ledger.view`, `ledger.states` and values.

Where to add what:
    A figure: `summary._figures`. A column of a track: `query.Listed` and `_LISTED`, `rows.Rows.row`, `page.js`.
"""

from __future__ import annotations

from musicai_sdk.batch.report.page import write_report

__all__ = ["write_report"]
