"""`Sandbox`: starts and stops the server, and lets tests control it."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from typing_extensions import override

from musicai_sdk.sandbox.api.catalogue import Catalogue
from musicai_sdk.sandbox.api.transition import Transition
from musicai_sdk.sandbox.clock import Clock
from musicai_sdk.sandbox.database.records import Application
from musicai_sdk.sandbox.faults.quirks import CurrentQuirks, Quirks, checked_quirks
from musicai_sdk.sandbox.faults.rules import Faults
from musicai_sdk.sandbox.http.request_log import RequestLog
from musicai_sdk.sandbox.lifecycle import run
from musicai_sdk.sandbox.options import SandboxOptions, retention_of, slots_of
from musicai_sdk.sandbox.parts import Controls

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from pydantic import JsonValue

    from musicai_sdk import AsyncMusicAiClient, MusicAiClient
    from musicai_sdk.sandbox.api.transition import When
    from musicai_sdk.sandbox.engine.task import Handler
    from musicai_sdk.sandbox.http.request_log import JournalEntry
    from musicai_sdk.sandbox.lifecycle import Running


class Sandbox:
    """The Music.AI API on this machine, for as long as the `with` block lasts.

    Args:
        port: The port to serve on; 0 for any free one.
        tls: Whether to serve https, with a certificate authority of the sandbox's own; see `ca_file`.
        data_dir: The folder that keeps jobs, objects and keys across restarts; None for a temporary one. Only its owner
            can read the files in it, and the folder itself if the sandbox creates it.
        plan: The number of concurrent jobs, or the name of a plan: `payg` (2) or `professional` (10).
        seed: Makes keys and ids the same in every run; None for random ones.
        host: The address to serve on. Anyone who can reach it can use the sandbox.
        workflows: Workflows by slug, in place of the built-in ones.
        api_key: The key of the default application; None for the one in `data_dir`, or else a new one.
        url_ttl: How long signed URLs are valid, in seconds on the sandbox's clock; None for as long as the service's:
            24 hours for uploads, 6.9 days for results.
        retention: How long files are kept, in seconds on the sandbox's clock; `plan` for the plan's (48 h for `payg`),
            None for ever.
        transition: When jobs show their outcomes: `when-done`, `immediate` (the first poll waits for it),
            `after:SECONDS` on the sandbox's clock, `polls:NUMBER`, or a `Transition`.
        quirks: The quirks of the service; None for none.

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        tls: bool = False,
        data_dir: str | Path | None = None,
        plan: int | Literal["payg", "professional"] = "professional",
        seed: int | None = None,
        host: str = "127.0.0.1",
        workflows: Mapping[str, Handler] | None = None,
        api_key: str | None = None,
        url_ttl: float | None = None,
        retention: float | Literal["plan"] | None = "plan",
        transition: When = "when-done",
        quirks: Quirks | None = None,
    ) -> None:
        self.clock: Clock = Clock()
        """The clock of time stamps and expiries; `clock.advance(seconds)` lets time pass."""
        self.faults: Faults = Faults(seed)
        """The faults; `faults.add(...)` makes requests go wrong."""
        options = SandboxOptions(
            port=port,
            tls=tls,
            data_dir=None if data_dir is None else Path(data_dir).absolute(),
            slots=slots_of(plan),
            seed=seed,
            host=host,
            api_key=api_key,
            url_ttl=url_ttl,
            retention=retention_of(plan) if retention == "plan" else retention,
            transition=Transition.of(transition),
        )
        self._controls = Controls(
            options=options,
            clock=self.clock,
            faults=self.faults,
            quirks=CurrentQuirks(Quirks() if quirks is None else checked_quirks(quirks)),
            request_log=RequestLog(),
            catalogue=Catalogue(workflows),
        )
        self._running: Running | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @override
    def __repr__(self) -> str:
        return f"Sandbox({self._running.parts.origin if self._running else 'not running'})"

    def start(self) -> None:
        """Starts the server; returns when it accepts requests.

        Raises:
            RuntimeError: the sandbox is running already.
            OSError: the port is taken, the data folder can't be written to, or another sandbox uses it.
        """
        if self._running is not None:
            raise RuntimeError("the sandbox is running already")
        self._running = run(self._controls)

    def stop(self) -> None:
        """Stops the server, waits for running jobs, and removes a temporary data folder. Idempotent."""
        running, self._running = self._running, None
        if running is not None:
            running.resources.close()

    @property
    def base_url(self) -> str:
        """The API's URL, ending in `/v1`, for `MUSIC_AI_BASE_URL`."""
        return f"{self._now.parts.origin}/v1"

    @property
    def api_key(self) -> str:
        """The key of the default application, for `MUSIC_AI_API_KEY`."""
        return self._now.parts.database.applications()[0].key

    @property
    def ca_file(self) -> str | None:
        """The certificate authority's PEM file, for `SSL_CERT_FILE`; None without TLS."""
        return self._now.ca_file

    @property
    def applications(self) -> list[Application]:
        """All applications with their keys, the default one first."""
        return self._now.parts.database.applications()

    @property
    def jobs(self) -> list[dict[str, JsonValue]]:
        """All jobs of all applications as the API shows them without quirks, newest first."""
        return [self._now.api.job_answer(job) for job in self._now.parts.database.jobs()]

    @property
    def transition(self) -> Transition | None:
        """When jobs that are created from now on show their outcomes; None for when their work is done.

        It can be set to anything that the argument accepts, until the next `reset`.
        """
        return self._now.parts.workers.transition

    @transition.setter
    def transition(self, value: When) -> None:
        self._now.parts.workers.transition = Transition.of(value)

    @property
    def quirks(self) -> Quirks:
        """The quirks in force. They can be set at any time, from any thread, and hold from the next request on."""
        return self._controls.quirks.now

    @quirks.setter
    def quirks(self, value: Quirks) -> None:
        self._controls.quirks.now = checked_quirks(value)

    @property
    def requests(self) -> list[JournalEntry]:
        """The requests so far, in the order of their answers; keys and signatures are redacted."""
        return self._controls.request_log.entries()

    def add_key(self, name: str) -> str:
        """Adds an application and returns its key; applications don't see each other's jobs."""
        application = Application(self._now.key_ids(), name, self._now.key_ids())
        self._now.parts.database.add_application(application)
        return application.key

    def put_in_batch(self, job_id: str, batch_name: str) -> None:
        """Puts a job into a batch, which only the service's dashboard can do.

        Raises:
            KeyError: there is no such job.
        """
        if not self._now.parts.database.set_batch(job_id, batch_name):
            raise KeyError(job_id)

    def workflow(self, slug: str) -> Callable[[Handler], Handler]:
        """Registers the decorated function as the workflow `slug`, in place of a built-in one with that slug.

        The function gets a `Task`, runs on a worker thread, and returns its outputs by name: a file in the task's
        folder, or a plain JSON value.
        """
        if not slug:
            raise ValueError("a workflow needs a slug")

        def register(handler: Handler) -> Handler:
            self._controls.catalogue.register(slug, handler)
            return handler

        return register

    @contextmanager
    def refusing(self) -> Generator[None]:
        """Refuses connections within the `with` block, and closes the idle ones.

        The fault `refuse` does so for a time, or from a certain request on.
        """
        server = self._now.server
        server.refuse()
        try:
            yield
        finally:
            server.admit()

    def reset(self) -> None:
        """Deletes jobs, objects, requests and faults; keys, workflows and the clock stay. Seeded ids restart.

        The quirks are those of the constructor again. Requests that a fault is still delaying are reset, requests that
        a quirk holds are lost, and connections are accepted again.
        """
        self._now.reset()

    def client(self, **options: Any) -> MusicAiClient:
        """Returns a client of this sandbox.

        Args:
            **options: Arguments of `MusicAiClient`.
        """
        from musicai_sdk import MusicAiClient  # The server works without it.

        return MusicAiClient(**{**self._client_options(), **options})

    def async_client(self, **options: Any) -> AsyncMusicAiClient:
        """Returns an async client of this sandbox.

        Args:
            **options: Arguments of `AsyncMusicAiClient`.
        """
        from musicai_sdk import AsyncMusicAiClient  # The server works without it.

        return AsyncMusicAiClient(**{**self._client_options(), **options})

    def _client_options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"api_key": self.api_key, "base_url": self.base_url}
        if self.ca_file is not None:
            options["ssl_context"] = ssl.create_default_context(cafile=self.ca_file)
        return options

    @property
    def _now(self) -> Running:
        if self._running is None:
            raise RuntimeError("the sandbox is not running: use it as a context manager, or call start()")
        return self._running
