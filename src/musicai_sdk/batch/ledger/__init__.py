"""The ledger: what is known of every track, on disk before the next step that costs something."""
