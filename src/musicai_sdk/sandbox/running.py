"""A running sandbox: its parts put together, and taken apart again."""

from __future__ import annotations

import secrets
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from musicai_sdk.sandbox.api import Api
from musicai_sdk.sandbox.app import App
from musicai_sdk.sandbox.clock import Clock, iso
from musicai_sdk.sandbox.fetching import Fetcher
from musicai_sdk.sandbox.ids import Ids
from musicai_sdk.sandbox.jobs import Workers
from musicai_sdk.sandbox.objects import ObjectStore
from musicai_sdk.sandbox.records import Application
from musicai_sdk.sandbox.serving import ServerThread, listen
from musicai_sdk.sandbox.signing import Signer
from musicai_sdk.sandbox.state import State
from musicai_sdk.sandbox.storage import StorageRoutes
from musicai_sdk.sandbox.wire import Wire

if TYPE_CHECKING:
    from musicai_sdk.sandbox.catalogue import Catalogue
    from musicai_sdk.sandbox.faults import Faults
    from musicai_sdk.sandbox.journal import Journal


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What `Sandbox` was told; its arguments are described there."""

    port: int
    tls: bool
    data_dir: Path | None
    slots: int
    seed: int | None
    host: str
    api_key: str | None
    url_ttl: float

    def ids(self, purpose: str, starts: int) -> Ids:
        """Returns a source of ids; a restart goes on with other ones, because the first are taken."""
        return Ids(None if self.seed is None else f"{self.seed}/{purpose}/{starts}")


@dataclass(frozen=True, kw_only=True)
class Running:
    """What there is while the server runs; closing `resources` ends it."""

    origin: str
    ca_file: str | None
    state: State
    store: ObjectStore
    workers: Workers
    api: Api
    key_ids: Ids
    ids: Ids
    resources: ExitStack


def run(settings: Settings, clock: Clock, faults: Faults, journal: Journal, catalogue: Catalogue) -> Running:
    """Starts the server and the workers; returns when requests are answered."""
    with ExitStack() as stack:  # Undone from the last line to the first: at the end, or if one of them fails.
        folder = _folder(settings.data_dir, stack)
        state = State(folder / "sandbox.sqlite3")
        stack.callback(state.close)
        starts = int(state.setting("starts") or 0) + 1
        state.keep_setting("starts", str(starts))
        key_ids, ids = settings.ids("keys", starts), settings.ids("objects", starts)
        _set_up(state, key_ids, settings.api_key, iso(clock.now()))

        listener = listen(settings.host, settings.port, int(state.setting("port") or 0))
        stack.callback(listener.close)
        port = int(listener.getsockname()[1])
        state.keep_setting("port", str(port))
        origin = f"{'https' if settings.tls else 'http'}://{_reachable(settings.host)}:{port}"
        certificate, ca_file, trust = None, None, httpx.create_ssl_context()
        if settings.tls:
            from musicai_sdk.sandbox.tls import make_certificates  # The cryptography behind it loads slowly.

            files = make_certificates(folder, settings.host)
            certificate, ca_file = files.server, str(files.ca)
            trust.load_verify_locations(ca_file)

        signer = Signer(bytes.fromhex(state.setting("secret") or ""), origin, clock, settings.url_ttl)
        store = ObjectStore(folder, state, clock)
        fetcher = Fetcher(origin, trust)
        stack.callback(fetcher.close)
        workers = Workers(state, store, catalogue, fetcher, clock, settings.slots)
        api = Api(
            state=state,
            signer=signer,
            store=store,
            workers=workers,
            catalogue=catalogue,
            clock=clock,
            new_id=ids,
            since=state.setting("since") or "",
        )
        server = ServerThread(
            Wire(App(api, StorageRoutes(store, signer)), faults, journal), listener, certificate
        )
        server.start()
        stack.callback(server.stop)
        catalogue.preload()
        stack.callback(catalogue.join)
        stack.callback(workers.stop)
        for seq in state.unfinished():
            workers.submit(seq)
        return Running(
            origin=origin,
            ca_file=ca_file,
            state=state,
            store=store,
            workers=workers,
            api=api,
            key_ids=key_ids,
            ids=ids,
            resources=stack.pop_all(),
        )


def _folder(data_dir: Path | None, stack: ExitStack) -> Path:
    if data_dir is None:
        temporary = tempfile.TemporaryDirectory(prefix="musicai-sandbox-", ignore_cleanup_errors=True)
        return Path(stack.enter_context(temporary))
    data_dir.mkdir(parents=True, exist_ok=True)
    return data_dir


def _set_up(state: State, new_id: Ids, api_key: str | None, now: str) -> None:
    """Gives a new database its secret and its default application, and an old one the key asked for."""
    if state.setting("secret") is None:
        state.keep_setting("secret", secrets.token_hex(32))
        state.keep_setting("since", now)
    applications = state.applications()
    if not applications:
        state.add_application(Application(new_id(), "Default Application", api_key or new_id()))
    elif api_key is not None:
        state.add_application(replace(applications[0], key=api_key))


def _reachable(host: str) -> str:
    """Returns the host for URLs: an address that stands for all of them can't be connected to."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with, not bound to
    return f"[{host}]" if ":" in host else host
