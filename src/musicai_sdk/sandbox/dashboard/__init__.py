"""The dashboard at `/`: jobs, what they made, what was requested, and switches for faults.

Its pages are rendered here, from records alone; no API key gets into them. Scripts and styles are the files beside this.
"""

from __future__ import annotations

from musicai_sdk.sandbox.dashboard.routes import Dashboard

__all__ = ["Dashboard"]
