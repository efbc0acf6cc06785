"""The API key, hidden from error reports, pickles and `repr`."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from functools import lru_cache
from typing import Any, Self

from typing_extensions import override

from musicai_sdk.errors import ConfigurationError, MusicAiError

_HIDDEN = "'…'"
_SHORTEST = 8
"""The fewest characters of a key that can't be a word in a text of this package, as a test's key may be."""


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

    __slots__ = ("_value", "is_distinct")

    def __init__(self, value: object = None) -> None:
        self._value: object = value.value if isinstance(value, Secret) else value
        self.is_distinct: bool = isinstance(self._value, str) and len(self._value) >= _SHORTEST
        """Whether there is a key, and it is too long to be a word."""

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

    def hidden_in(self, text: str) -> str:
        """Text from elsewhere with the key replaced: some servers and proxies echo the headers of a request.

        The key may be in another letter case, and escaped as in JSON, URLs or HTML.
        """
        if not isinstance(self._value, str) or not self._value:
            return text
        return _spellings(self._value).sub("…", text)

    def hide_in(self, error: MusicAiError) -> None:
        """Replaces the key in the text and the attributes of an error that may quote an answer."""
        if not self.is_distinct:
            return
        error.args = tuple(self.hidden_in(each) if isinstance(each, str) else each for each in error.args)
        for name, value in vars(error).items():
            if isinstance(value, str):
                setattr(error, name, self.hidden_in(value))

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


@lru_cache(maxsize=8)
def _spellings(key: str) -> re.Pattern[str]:
    """The spellings of a key. In UTF-16 and UTF-32, null characters separate its letters."""
    letters = [_spelling(re.escape(each), ord(each)) for each in key]
    return re.compile(r"\0{0,3}".join(letters), re.IGNORECASE)


def _spelling(letter: str, code: int) -> str:
    # The limit of backslashes keeps the search linear.
    return rf"(?:\\{{0,8}}{letter}|\\{{1,8}}u00{code:02x}|%(?:25)*{code:02x}|&#(?:0*{code}|x0*{code:x});)"
