"""The keys of POSTs whose answers were lost, in one process."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from musicai_sdk._core.settings import ClientConfig

REMEMBERED = 10_000
"""The most keys. Beyond this number, the oldest are forgotten."""
_SALT = os.urandom(16)
_sent: OrderedDict[bytes, float] = OrderedDict()
"""The times of this process's POSTs whose answers are unknown, by digests of the account and the key."""


@dataclass(frozen=True)
class LostKeys:
    """The lost keys, as far as they concern one client.

    A client never repeats its own POST. That of another client of this process counts as absent only after the time in
    which the service may list its job.
    """

    settings: ClientConfig
    """The client's settings, which name the account."""
    now: Callable[[], float]
    """The clock."""
    own: set[str]
    """The keys of the client's own POSTs."""
    _: KW_ONLY
    alone: bool = False
    """Whether no other client concerns this one."""

    def __contains__(self, key: str) -> bool:
        """Whether this client has sent a POST with this key."""
        return key in self.own

    def sent_at(self, key: str) -> float | None:
        """When this process sent its last POST with this key; None if it sent none, or it is settled."""
        return None if self.alone else _sent.get(self._name(key))

    def add(self, key: str) -> None:
        """Notes that a POST with this key is about to be sent."""
        self.own.add(key)
        if not self.alone:
            _sent[self._name(key)] = self.now()
            if len(_sent) > REMEMBERED:
                _sent.popitem(last=False)

    def discard(self, key: str) -> None:
        """Notes that the job of this key is known, or that no POST with it arrived."""
        self.own.discard(key)
        if not self.alone:
            _sent.pop(self._name(key), None)

    def _name(self, key: str) -> bytes:
        name = hashlib.blake2b(key=_SALT, digest_size=16)
        # No variable for the API key, because error reports may show variables.
        name.update(self.settings.base_url.encode() + b"\0")
        name.update(self.settings.secret.reveal().encode() + b"\0")
        name.update(key.encode(errors="replace"))
        return name.digest()


def forget_all() -> None:
    """Forgets the lost keys of other clients, as a new process would."""
    _sent.clear()
