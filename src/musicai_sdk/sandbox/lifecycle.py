"""A running sandbox: its parts, and how they start and stop."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from musicai_sdk.sandbox.api.queue import Workers
from musicai_sdk.sandbox.api.routes import Api
from musicai_sdk.sandbox.api.transfers import Fetcher, usual_trust
from musicai_sdk.sandbox.api.work import Worker
from musicai_sdk.sandbox.clock import Clock, iso
from musicai_sdk.sandbox.dashboard import Dashboard
from musicai_sdk.sandbox.database.database import Database
from musicai_sdk.sandbox.database.records import Application
from musicai_sdk.sandbox.folder import own_folder
from musicai_sdk.sandbox.http.admin import Admin
from musicai_sdk.sandbox.http.app import App
from musicai_sdk.sandbox.http.gateway import Gateway
from musicai_sdk.sandbox.http.middleware import FaultMiddleware
from musicai_sdk.sandbox.http.server import ServerThread, listen
from musicai_sdk.sandbox.storage.objects import ObjectStore
from musicai_sdk.sandbox.storage.routes import StorageRoutes
from musicai_sdk.sandbox.storage.signing import Signer

if TYPE_CHECKING:
    from musicai_sdk.sandbox.api.catalogue import Catalogue
    from musicai_sdk.sandbox.faults.quirks import CurrentQuirks
    from musicai_sdk.sandbox.faults.rules import Faults
    from musicai_sdk.sandbox.http.request_log import RequestLog
    from musicai_sdk.sandbox.ids import Ids
    from musicai_sdk.sandbox.options import SandboxOptions


@dataclass(frozen=True, kw_only=True)
class Running:
    """The parts of a running sandbox; closing `resources` stops them."""

    settings: SandboxOptions
    origin: str
    ca_file: str | None
    state: Database
    store: ObjectStore
    workers: Workers
    api: Api
    server: ServerThread
    faults: Faults
    quirks: CurrentQuirks
    gateway: Gateway
    journal: RequestLog
    key_ids: Ids
    ids: Ids
    resources: ExitStack

    def reset(self) -> None:
        """Deletes jobs, objects, requests and faults, restores the first quirks, and accepts connections again."""
        self.faults.clear()
        self.quirks.start_over()
        self.gateway.forget()
        self.server.admit()
        blobs = self.state.clear()
        self.workers.drop_all()
        self.store.remove(blobs)
        self.ids.start_over()
        self.journal.clear()
        self.workers.transition = self.settings.transition


def run(
    settings: SandboxOptions,
    clock: Clock,
    faults: Faults,
    quirks: CurrentQuirks,
    journal: RequestLog,
    catalogue: Catalogue,
) -> Running:
    """Starts the server and the workers; returns when requests are accepted."""
    with ExitStack() as stack:  # Closed in reverse order: at the end, or when one of the steps fails.
        folder = own_folder(settings.data_dir, stack)
        state = Database(folder / "sandbox.sqlite3")
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
        certificate, ca_file, trust = None, None, usual_trust()
        if settings.tls:
            from musicai_sdk.sandbox.http.tls import (
                make_certificates,  # The cryptography behind it loads slowly.
            )

            files = make_certificates(folder, settings.host)
            certificate, ca_file = files.server, str(files.ca)
            trust.load_verify_locations(ca_file)

        signer = Signer(bytes.fromhex(state.setting("secret") or ""), origin, clock, settings.url_ttl)
        store = ObjectStore(folder, state, clock, settings.retention)
        fetcher = Fetcher(origin, trust)
        stack.callback(fetcher.close)
        workers = Workers(state, Worker(store, catalogue, fetcher), clock, settings.slots)
        workers.transition = settings.transition
        api = Api(
            state=state,
            signer=signer,
            store=store,
            workers=workers,
            catalogue=catalogue,
            clock=clock,
            quirks=quirks,
            new_id=ids,
            since=state.setting("since") or "",
        )

        async def advance(seconds: float) -> None:
            await asyncio.to_thread(clock.advance, seconds)

        async def reset() -> None:
            await asyncio.to_thread(running.reset)

        admin = Admin(
            faults=faults, quirks=quirks, journal=journal, clock=clock, advance=advance, reset=reset
        )
        dashboard = Dashboard(
            state=state, store=store, api=api, clock=clock, faults=faults, journal=journal, signer=signer,
            origin=origin,
        )  # fmt: skip
        storage = StorageRoutes(store, signer, quirks, lambda: [each.key for each in state.applications()])
        routes = App(api, storage, admin, dashboard, quirks)

        async def refuse(seconds: float) -> None:
            await server.refuse_for(seconds)

        gateway = Gateway(quirks, clock)
        wire = FaultMiddleware(
            routes,
            faults=faults,
            quirks=quirks,
            gateway=gateway,
            journal=journal,
            expire=lambda path: signer.expire(path.removeprefix("/")),
            refuse=refuse,
        )
        server = ServerThread(wire, listener, certificate)
        server.start()
        stack.callback(server.stop)
        stack.callback(catalogue.stop)
        stack.callback(workers.stop)
        stack.enter_context(clock.calling(gateway.catch_up, gateway.next_due))
        stack.enter_context(clock.calling(workers.catch_up, workers.next_due))
        stack.enter_context(clock.calling(store.sweep, lambda: None))
        for seq in state.unfinished():
            workers.submit(seq)
        running = Running(
            settings=settings,
            origin=origin,
            ca_file=ca_file,
            state=state,
            store=store,
            workers=workers,
            api=api,
            server=server,
            faults=faults,
            quirks=quirks,
            gateway=gateway,
            journal=journal,
            key_ids=key_ids,
            ids=ids,
            resources=stack.pop_all(),
        )
        return running


def _set_up(state: Database, new_id: Ids, api_key: str | None, now: str) -> None:
    """Gives a new database its secret and its default application, and an existing one the key of the options."""
    if state.setting("secret") is None:
        state.keep_setting("secret", secrets.token_hex(32))
        state.keep_setting("since", now)
    applications = state.applications()
    if not applications:
        state.add_application(Application(new_id(), "Default Application", api_key or new_id()))
    elif api_key is not None:
        state.add_application(replace(applications[0], key=api_key))


def _reachable(host: str) -> str:
    """Returns the host for URLs: nobody can connect to an address that means all interfaces."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with, not bound to
    return f"[{host}]" if ":" in host else host
