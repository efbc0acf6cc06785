"""The API key, hidden from error reports, pickles and `repr`."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any, Self

from typing_extensions import override

from musicai_sdk.errors import ConfigurationError

_HIDDEN = "'…'"


class Key(str):
    """An API key: a string whose `repr` hides it, for example in dumps of local variables."""

    __slots__ = ()

    @override
    def __repr__(self) -> str:
        return _HIDDEN


class Secret:
    """Contains a key. Not a string itself: error trackers send strings unchanged, but other objects as `repr`.

    Copies share the key. Pickles don't contain it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: object = None) -> None:
        self._value = value

    @property
    def value(self) -> object:
        """The value. Before the check, it may have any type."""
        return self._value

    def reveal(self) -> Key:
        """The key.

        Raises:
            ConfigurationError: the object was unpickled, and the key stayed in another process.
        """
        if not isinstance(self._value, str):
            raise ConfigurationError("these settings come from another process and have no key")
        return Key(self._value)

    def hidden_in(self, data: bytes) -> bytes:
        """Data from elsewhere with the key replaced: some servers and proxies echo the headers of a request."""
        if not isinstance(self._value, str):
            return data
        length, found, folded = len(self._value.encode()), list[bytes](), data.lower()
        start = 0
        while (place := folded.find(self._value.lower().encode(), start)) >= 0:
            found.append(data[start:place])
            start = place + length
        return b"\xe2\x80\xa6".join([*found, data[start:]])

    def fingerprint(self, salt: bytes | None = None) -> tuple[bytes, bytes]:
        """A salt and a digest, with which another process can compare its key."""
        salt = os.urandom(16) if salt is None else salt
        return salt, hashlib.scrypt(self.reveal().encode(), salt=salt, n=2**12, r=8, p=1, dklen=16)

    def matches(self, fingerprint: tuple[bytes, bytes]) -> bool:
        """Whether a fingerprint belongs to this key."""
        salt, digest = fingerprint
        return hmac.compare_digest(self.fingerprint(salt)[1], digest)

    @override
    def __repr__(self) -> str:
        return _HIDDEN

    @override
    def __eq__(self, other: object) -> bool:
        return self._value == other.value if isinstance(other, Secret) else NotImplemented

    @override
    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()
