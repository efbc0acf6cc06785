"""`python -m musicai_sdk` runs the `musicai` command."""

from __future__ import annotations

from musicai_sdk.cli import main

main()
