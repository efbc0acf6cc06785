"""A running sandbox: its parts, and how they start and stop."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from musicai_sdk.sandbox.api.queue import Workers
from musicai_sdk.sandbox.api.routes import Api
from musicai_sdk.sandbox.api.transfers import Fetcher, usual_trust
from musicai_sdk.sandbox.api.work import Worker
from musicai_sdk.sandbox.clock import iso
from musicai_sdk.sandbox.dashboard import Dashboard
from musicai_sdk.sandbox.database.database import Database
from musicai_sdk.sandbox.database.records import Application
from musicai_sdk.sandbox.folder import own_folder
from musicai_sdk.sandbox.http.admin import Admin
from musicai_sdk.sandbox.http.app import App
from musicai_sdk.sandbox.http.gateway import Gateway
from musicai_sdk.sandbox.http.middleware import FaultMiddleware
from musicai_sdk.sandbox.http.server import ServerThread, listen
from musicai_sdk.sandbox.parts import Parts
from musicai_sdk.sandbox.storage.objects import ObjectStore
from musicai_sdk.sandbox.storage.routes import StorageRoutes
from musicai_sdk.sandbox.storage.signer import Signer

if TYPE_CHECKING:
    from socket import socket

    from musicai_sdk.sandbox.ids import Ids
    from musicai_sdk.sandbox.options import SandboxOptions
    from musicai_sdk.sandbox.parts import Controls


@dataclass(frozen=True, kw_only=True)
class Running:
    """A running sandbox; closing `resources` stops it."""

    parts: Parts
    api: Api
    server: ServerThread
    gateway: Gateway
    ca_file: str | None
    key_ids: Ids
    resources: ExitStack

    def reset(self) -> None:
        """Deletes jobs, objects, requests and faults, restores the first quirks, and accepts connections again."""
        parts = self.parts
        parts.faults.clear()
        parts.quirks.start_over()
        self.gateway.forget()
        self.server.admit()
        blobs = parts.database.clear()
        parts.workers.drop_all()
        parts.store.remove(blobs)
        parts.ids.start_over()
        parts.request_log.clear()
        parts.workers.transition = parts.options.transition


def run(controls: Controls) -> Running:
    """Starts the server and the workers; returns when requests are accepted."""
    options, clock, catalogue = controls.options, controls.clock, controls.catalogue
    with ExitStack() as stack:  # Closed in reverse order: at the end, or when one of the steps fails.
        folder = own_folder(options.data_dir, stack)
        database = Database(folder / "sandbox.sqlite3")
        stack.callback(database.close)
        starts = int(database.setting("starts") or 0) + 1
        database.keep_setting("starts", str(starts))
        key_ids = options.ids("keys", starts)
        _set_up(database, key_ids, options.api_key, iso(clock.now()))

        listener, origin = _listen(options, database, stack)
        certificate, ca_file, trust = None, None, usual_trust()
        if options.tls:
            # The cryptography behind it loads slowly.
            from musicai_sdk.sandbox.http.tls import make_certificates

            certificate, ca_file = make_certificates(folder, options.host)
            trust.load_verify_locations(ca_file)

        store = ObjectStore(folder, database, clock, options.retention)
        fetcher = Fetcher(origin, trust)
        stack.callback(fetcher.close)
        workers = Workers(database, Worker(store, catalogue, fetcher), clock, options.slots)
        workers.transition = options.transition
        secret = bytes.fromhex(database.setting("secret") or "")
        parts = Parts(
            **vars(controls),
            origin=origin,
            database=database,
            store=store,
            signer=Signer(secret, origin, clock, options.url_ttl),
            workers=workers,
            ids=options.ids("objects", starts),
        )
        api, gateway = Api(parts), Gateway(parts.quirks, clock)
        admin = Admin(parts, lambda: running.reset())
        app = App(api, StorageRoutes(parts), admin, Dashboard(parts, api), parts.quirks)
        middleware = FaultMiddleware(app, parts, gateway, lambda seconds: server.refuse_for(seconds))
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
            parts=parts,
            api=api,
            server=server,
            gateway=gateway,
            ca_file=None if ca_file is None else str(ca_file),
            key_ids=key_ids,
            resources=stack.pop_all(),
        )
        return running


def _listen(options: SandboxOptions, database: Database, stack: ExitStack) -> tuple[socket, str]:
    """Opens the listening socket, if possible on the port of the previous start; returns it and the origin."""
    listener = listen(options.host, options.port, int(database.setting("port") or 0))
    stack.callback(listener.close)
    port = int(listener.getsockname()[1])
    database.keep_setting("port", str(port))
    return listener, f"{'https' if options.tls else 'http'}://{_reachable(options.host)}:{port}"


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
