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

    options: SandboxOptions
    origin: str
    ca_file: str | None
    database: Database
    store: ObjectStore
    workers: Workers
    api: Api
    server: ServerThread
    faults: Faults
    quirks: CurrentQuirks
    gateway: Gateway
    request_log: RequestLog
    key_ids: Ids
    ids: Ids
    resources: ExitStack

    def reset(self) -> None:
        """Deletes jobs, objects, requests and faults, restores the first quirks, and accepts connections again."""
        self.faults.clear()
        self.quirks.start_over()
        self.gateway.forget()
        self.server.admit()
        blobs = self.database.clear()
        self.workers.drop_all()
        self.store.remove(blobs)
        self.ids.start_over()
        self.request_log.clear()
        self.workers.transition = self.options.transition


def run(
    options: SandboxOptions,
    clock: Clock,
    faults: Faults,
    quirks: CurrentQuirks,
    request_log: RequestLog,
    catalogue: Catalogue,
) -> Running:
    """Starts the server and the workers; returns when requests are accepted."""
    with ExitStack() as stack:  # Closed in reverse order: at the end, or when one of the steps fails.
        folder = own_folder(options.data_dir, stack)
        database = Database(folder / "sandbox.sqlite3")
        stack.callback(database.close)
        starts = int(database.setting("starts") or 0) + 1
        database.keep_setting("starts", str(starts))
        key_ids, ids = options.ids("keys", starts), options.ids("objects", starts)
        _set_up(database, key_ids, options.api_key, iso(clock.now()))

        listener = listen(options.host, options.port, int(database.setting("port") or 0))
        stack.callback(listener.close)
        port = int(listener.getsockname()[1])
        database.keep_setting("port", str(port))
        origin = f"{'https' if options.tls else 'http'}://{_reachable(options.host)}:{port}"
        certificate, ca_file, trust = None, None, usual_trust()
        if options.tls:
            from musicai_sdk.sandbox.http.tls import (
                make_certificates,  # The cryptography behind it loads slowly.
            )

            files = make_certificates(folder, options.host)
            certificate, ca_file = files.server, str(files.ca)
            trust.load_verify_locations(ca_file)

        signer = Signer(bytes.fromhex(database.setting("secret") or ""), origin, clock, options.url_ttl)
        store = ObjectStore(folder, database, clock, options.retention)
        fetcher = Fetcher(origin, trust)
        stack.callback(fetcher.close)
        workers = Workers(database, Worker(store, catalogue, fetcher), clock, options.slots)
        workers.transition = options.transition
        api = Api(
            database=database,
            signer=signer,
            store=store,
            workers=workers,
            catalogue=catalogue,
            clock=clock,
            quirks=quirks,
            new_id=ids,
            since=database.setting("since") or "",
        )

        async def advance(seconds: float) -> None:
            await asyncio.to_thread(clock.advance, seconds)

        async def reset() -> None:
            await asyncio.to_thread(running.reset)

        admin = Admin(
            faults=faults, quirks=quirks, request_log=request_log, clock=clock, advance=advance, reset=reset
        )
        dashboard = Dashboard(
            database=database, store=store, api=api, clock=clock, faults=faults, request_log=request_log, signer=signer,
            origin=origin,
        )  # fmt: skip
        storage = StorageRoutes(store, signer, quirks, lambda: [each.key for each in database.applications()])
        routes = App(api, storage, admin, dashboard, quirks)

        async def refuse(seconds: float) -> None:
            await server.refuse_for(seconds)

        gateway = Gateway(quirks, clock)
        middleware = FaultMiddleware(
            routes,
            faults=faults,
            quirks=quirks,
            gateway=gateway,
            request_log=request_log,
            expire=lambda path: signer.expire(path.removeprefix("/")),
            refuse=refuse,
        )
        server = ServerThread(middleware, listener, certificate)
        server.start()
        stack.callback(server.stop)
        stack.callback(catalogue.stop)
        stack.callback(workers.stop)
        stack.enter_context(clock.calling(gateway.catch_up, gateway.next_due))
        stack.enter_context(clock.calling(workers.catch_up, workers.next_due))
        stack.enter_context(clock.calling(store.sweep, lambda: None))
        for seq in database.unfinished():
            workers.submit(seq)
        running = Running(
            options=options,
            origin=origin,
            ca_file=ca_file,
            database=database,
            store=store,
            workers=workers,
            api=api,
            server=server,
            faults=faults,
            quirks=quirks,
            gateway=gateway,
            request_log=request_log,
            key_ids=key_ids,
            ids=ids,
            resources=stack.pop_all(),
        )
        return running


def _set_up(database: Database, new_id: Ids, api_key: str | None, now: str) -> None:
    """Gives a new database its secret and its default application, and an existing one the key of the options."""
    if database.setting("secret") is None:
        database.keep_setting("secret", secrets.token_hex(32))
        database.keep_setting("since", now)
    applications = database.applications()
    if not applications:
        database.add_application(Application(new_id(), "Default Application", api_key or new_id()))
    elif api_key is not None:
        database.add_application(replace(applications[0], key=api_key))


def _reachable(host: str) -> str:
    """Returns the host for URLs: nobody can connect to an address that means all interfaces."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with, not bound to
    return f"[{host}]" if ":" in host else host
