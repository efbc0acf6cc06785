"""sandbox/engine."""
