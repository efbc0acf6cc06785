"""Runs over many inputs, against the real sandbox over HTTP."""
