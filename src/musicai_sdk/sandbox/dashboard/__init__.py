"""The dashboard at `/`: jobs, their inputs and outputs, the requests, and switches for faults.

The pages are rendered on the server from records, and never contain an API key. Scripts and styles are the files beside
this one. Only `lifecycle` and `http.app` import from here.
"""

from __future__ import annotations

from musicai_sdk.sandbox.dashboard.routes import Dashboard

__all__ = ["Dashboard"]
