"""Runs on several machines: the inputs dealt out, a ledger for each part, and the parts merged."""
