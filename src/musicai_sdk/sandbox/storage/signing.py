"""Signed URLs: bound to a method and a path, and good for a limited time."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import math
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from musicai_sdk.sandbox.clock import Clock


class SignatureRefused(Exception):  # noqa: N818 - the name of what happened
    """A URL that may not be used; `code` is the storage service's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Signer:
    """Makes and checks the query of signed URLs.

    Args:
        secret: The key of the HMAC-SHA256.
        origin: What every URL begins with: scheme, host and port.
        clock: What URLs expire by.
        ttl: How long a URL is good for, in seconds.
    """

    def __init__(self, secret: bytes, origin: str, clock: Clock, ttl: float) -> None:
        self._secret = secret
        self._origin = origin
        self._clock = clock
        self._ttl = ttl
        self._serials = itertools.count(1)
        self._expired: dict[str, int] = {}
        """By object, the serial number up to which URLs were ended before their time."""

    def expire(self, key: str) -> None:
        """Ends all URLs that were given out for an object; later ones are good."""
        self._expired[key] = next(self._serials)

    def url(self, method: str, key: str, *, signed_at: float | None = None) -> str:
        """Returns a URL that allows `method` on the object `key`.

        Args:
            method: The method.
            key: Two or three parts divided by `/`; a slash in the third is an output's own, and quoted.
            signed_at: When the URL was signed, on the clock: the same time gives the same URL. None for a fresh one.
        """
        path = "/" + "/".join(quote(part, safe="") for part in key.split("/", 2))
        moment, number = (self._clock.now(), next(self._serials)) if signed_at is None else (signed_at, 0)
        expires, serial = str(math.ceil(moment + self._ttl)), str(number)
        signature = self._sign(method, key, expires, serial)
        return f"{self._origin}{path}?Expires={expires}&Serial={serial}&Signature={signature}"

    def check(self, method: str, key: str, query: Mapping[str, str]) -> None:
        """Lets a request pass, or says why not.

        Args:
            method: The request's method; HEAD passes where GET does.
            key: The object the request is for.
            query: The request's parsed query.

        Raises:
            SignatureRefused: If the signature is missing, for another method or object, or ran out.
        """
        expires, serial, signature = (query.get(name, "") for name in ("Expires", "Serial", "Signature"))
        if not signature:
            raise SignatureRefused("AccessDenied", "Access denied: the URL carries no signature.")
        expected = self._sign("GET" if method == "HEAD" else method, key, expires, serial)
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            raise SignatureRefused(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. "
                "A URL is good for one method and one object.",
            )
        if self._clock.now() > int(expires) or int(serial) <= self._expired.get(key, -1):
            raise SignatureRefused("ExpiredToken", "The provided token has expired.")

    def _sign(self, method: str, key: str, expires: str, serial: str) -> str:
        text = f"{method}\n{key}\n{expires}\n{serial}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()
