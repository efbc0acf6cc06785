"""`python -m musicai_sdk.cli` is `musicai`."""

from __future__ import annotations

from musicai_sdk.cli import main

main()
