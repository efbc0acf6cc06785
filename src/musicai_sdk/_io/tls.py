"""The trusted certificates: those that the environment names, or else those of certifi."""

from __future__ import annotations

import errno
import os
import ssl
from functools import cache

import httpx

from musicai_sdk.errors import ConfigurationError, ConnectionFailedError

CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR")
"""The environment variables that name trusted certificates, as a file or a folder. The first variable that is set
counts.

The variables of `requests`, and so of the 1.0 package, precede `SSL_CERT_DIR`, which some systems set for all users.
"""


def default_tls() -> ssl.SSLContext:
    """The default TLS context of clients.

    Created at first use and shared, because loading the certificates takes 15 ms.

    Raises:
        ConfigurationError: the environment names certificates that can't be loaded.
    """
    name = _variable()
    return _context(name, os.environ[name] if name else "")


def trusted_authorities() -> str:
    """The trusted authorities, in words."""
    name = _variable()
    return f"those in {name} ({os.environ[name]!r})" if name else "those of certifi"


def about_trust() -> str:
    """The trusted authorities and how to change them, in words, for errors about a server's certificate."""
    ignored = [name for name in CA_VARIABLES if os.environ.get(name)][1:]
    first = f", which comes before {' and '.join(ignored)}" if ignored else ""
    return (
        f"trusted authorities are {trusted_authorities()}{first}; for others set {', '.join(CA_VARIABLES[:-1])} or {CA_VARIABLES[-1]}, or"
        f" pass ssl_context="
    )


def _variable() -> str | None:
    return next((name for name in CA_VARIABLES if os.environ.get(name)), None)


@cache
def _context(name: str | None, path: str) -> ssl.SSLContext:
    try:
        if name is None:
            return httpx.create_ssl_context(trust_env=False)
        if name == "SSL_CERT_DIR" or os.path.isdir(path):  # noqa: PTH112 - a text; OpenSSL also takes several folders
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # includes ssl.SSLError
        if error.errno in (errno.EMFILE, errno.ENFILE):
            # Too many open files: not a problem of the certificates, and temporary.
            raise ConnectionFailedError(f"can't connect: {error.strerror}", sent=False) from None
        if name is None:
            raise
        raise ConfigurationError(
            f"the environment variable {name} ({path!r}) doesn't name certificates in PEM format:"
            f" {error.strerror or error}. Correct it, or unset it to trust the usual authorities"
        ) from None
