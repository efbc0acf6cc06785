"""Faults and quirks: how the sandbox goes wrong on request."""
