"""The server: connections, TLS, faults and quirks on the wire, and the log of requests."""
