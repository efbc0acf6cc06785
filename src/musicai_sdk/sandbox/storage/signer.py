"""Signed URLs in the form of Google's V4: bound to a method and a path, and valid for a limited time."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from musicai_sdk.sandbox.storage.keys import lifetime, url_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from musicai_sdk.sandbox.clock import Clock

_ALGORITHM: Final = "GOOG4-HMAC-SHA256"
_SIGNED: Final = (
    "X-Goog-Algorithm", "X-Goog-Credential", "X-Goog-Date", "X-Goog-Expires", "X-Goog-SignedHeaders",
)  # fmt: skip
_SIGNATURE: Final = "X-Goog-Signature"
_DATE: Final = "%Y%m%dT%H%M%SZ"


class SignatureRefused(Exception):  # noqa: N818 - the name of what happened
    """The URL does not allow the request.

    Args:
        status: The HTTP status of the answer.
        code: The storage service's error code.
        message: The reason.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Signer:
    """Makes and checks the query of signed URLs.

    Args:
        secret: The key of the HMAC-SHA256.
        origin: The beginning of every URL: scheme, host and port.
        clock: The clock that URLs expire by.
        ttl: How long URLs are valid, in seconds; None for as long as the service's, see `keys.lifetime`.
    """

    def __init__(self, secret: bytes, origin: str, clock: Clock, ttl: float | None) -> None:
        self._secret = secret
        self._origin = origin
        self._clock = clock
        self._ttl = ttl
        self._serials = itertools.count(1)
        self._expired: dict[str, int] = {}
        """By object, the serial number up to which URLs were ended before their time."""

    def expire(self, key: str) -> None:
        """Ends all URLs that were issued for an object; later ones are valid."""
        self._expired[key] = next(self._serials)

    def url(self, method: str, key: str, *, signed_at: float | None = None) -> str:
        """Returns a URL that allows `method` on the object `key`.

        Args:
            method: The method.
            key: The object's key.
            signed_at: When the URL was signed, on the clock: the same time gives the same URL. None for a fresh one.
        """
        moment, serial = (self._clock.now(), next(self._serials)) if signed_at is None else (signed_at, 0)
        date = datetime.fromtimestamp(moment, UTC)
        # The serial number tells apart URLs of the same second, and which of them the fault `expire` ends.
        credential = f"sandbox-{serial}/{date:%Y%m%d}/auto/storage/goog4_request"
        seconds = math.ceil(lifetime(key) if self._ttl is None else self._ttl)
        values = (_ALGORITHM, credential, date.strftime(_DATE), str(seconds), "host")
        query = dict[str, str](zip(_SIGNED, values, strict=True))
        query[_SIGNATURE] = self._sign(method, key, query)
        return f"{self._origin}{url_path(key)}?{urlencode(query)}"

    def check(self, method: str, key: str, query: Mapping[str, str]) -> None:
        """Checks that a request is allowed.

        Args:
            method: The request's method; HEAD is allowed where GET is.
            key: The object that the request is for.
            query: The request's parsed query.

        Raises:
            SignatureRefused: the signature is missing (403), is for another method or object (403), or has expired
                (400, as the service's storage answers).
        """
        signature = query.get(_SIGNATURE, "")
        if not signature:
            raise SignatureRefused(403, "AccessDenied", "Access denied: the URL has no signature.")
        expected = self._sign("GET" if method == "HEAD" else method, key, query)
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            raise SignatureRefused(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. "
                "A URL is valid for one method and one object.",
            )
        signed_at = datetime.strptime(query["X-Goog-Date"], _DATE).replace(tzinfo=UTC).timestamp()
        serial = int(query["X-Goog-Credential"].partition("/")[0].rpartition("-")[2])
        expired = self._clock.now() > signed_at + int(query["X-Goog-Expires"])
        if expired or serial <= self._expired.get(key, -1):
            raise SignatureRefused(400, "ExpiredToken", "The provided token has expired.")

    def _sign(self, method: str, key: str, query: Mapping[str, str]) -> str:
        text = "\n".join([method, key, *(query.get(name, "") for name in _SIGNED)]).encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()
