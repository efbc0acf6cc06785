"""What the parts of a sandbox share: `Controls` for its whole life, `Parts` while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musicai_sdk.sandbox.api.catalogue import Catalogue
    from musicai_sdk.sandbox.api.queue import Workers
    from musicai_sdk.sandbox.clock import Clock
    from musicai_sdk.sandbox.database.database import Database
    from musicai_sdk.sandbox.faults.quirks import CurrentQuirks
    from musicai_sdk.sandbox.faults.rules import Faults
    from musicai_sdk.sandbox.http.request_log import RequestLog
    from musicai_sdk.sandbox.ids import Ids
    from musicai_sdk.sandbox.options import SandboxOptions
    from musicai_sdk.sandbox.storage.objects import ObjectStore
    from musicai_sdk.sandbox.storage.signer import Signer


@dataclass(frozen=True, kw_only=True)
class Controls:
    """What exists before the sandbox starts, and stays when it stops."""

    options: SandboxOptions
    clock: Clock
    faults: Faults
    quirks: CurrentQuirks
    request_log: RequestLog
    catalogue: Catalogue


@dataclass(frozen=True, kw_only=True)
class Parts(Controls):
    """The controls, and the state of a running sandbox."""

    origin: str
    """Scheme, host and port of the server."""
    database: Database
    store: ObjectStore
    signer: Signer
    workers: Workers
    ids: Ids
    """Generates the ids of jobs and uploads."""
