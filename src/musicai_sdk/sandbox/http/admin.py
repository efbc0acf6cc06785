"""The admin endpoint, `/__sandbox__/`: the methods of `Sandbox` for programs in other processes."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from pydantic import TypeAdapter
from starlette.responses import JSONResponse, Response

from musicai_sdk.sandbox.clock import iso
from musicai_sdk.sandbox.faults.options import parsed
from musicai_sdk.sandbox.faults.quirks import quirks_of
from musicai_sdk.sandbox.http.errors import ApiError
from musicai_sdk.sandbox.http.middleware import OWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from musicai_sdk.sandbox.faults.options import FaultOptions
    from musicai_sdk.sandbox.faults.rules import Fault
    from musicai_sdk.sandbox.parts import Controls

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_LARGEST_BODY = 1 << 20
_OBJECT: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


@dataclass(frozen=True)
class Admin:
    """Answers requests to the admin endpoint, without a key, and only from this machine."""

    controls: Controls
    """What the requests read and change."""
    reset: Callable[[], None]
    """Resets the sandbox."""

    async def __call__(self, request: Request) -> Response:
        """Answers one request."""
        path = request.scope["path"].removeprefix(OWN)
        match request.method, *path.split("/"):
            case "GET", "faults":
                return JSONResponse([_fault(fault) for fault in self.controls.faults.active()])
            case "POST", "faults":
                return JSONResponse(_fault(await self._add(request)))
            case "DELETE", "faults":
                self.controls.faults.clear()
            case "DELETE", "faults", fault_id:
                if not self.controls.faults.remove(fault_id):
                    raise ApiError(404, f"There is no fault {fault_id!r}.")
            case "GET", "quirks":
                return JSONResponse(asdict(self.controls.quirks.now))
            case "PUT", "quirks":
                try:
                    self.controls.quirks.now = quirks_of(await _body(request))
                except ValueError as error:
                    raise ApiError(400, str(error)) from None
                return JSONResponse(asdict(self.controls.quirks.now))
            case "POST", "clock":
                seconds = (await _body(request)).get("advance")
                if not isinstance(seconds, int | float) or not 0 <= seconds < 1e10:
                    raise ApiError(400, "advance must be a number of seconds from 0.")
                await asyncio.to_thread(self.controls.clock.advance, seconds)
                return JSONResponse({"now": iso(self.controls.clock.now())})
            case "GET", "clock":
                return JSONResponse({"now": iso(self.controls.clock.now())})
            case "POST", "reset":
                await _body(request)
                await asyncio.to_thread(self.reset)
            case "GET", "requests":
                return JSONResponse([
                    {"method": entry.method, "path": entry.path, "query": entry.query, "status": entry.status,
                     "headers": dict(entry.headers)}
                    for entry in self.controls.request_log.entries()
                ])  # fmt: skip
            case _:
                raise ApiError(404, f"Route {request.method}:{request.scope['path']} not found")
        return JSONResponse({})

    async def _add(self, request: Request) -> Fault:
        body = await _body(request)
        try:
            # The fault comes in the command line's form, or option by option. `add` checks it.
            route, options = (
                parsed(str(body["text"]))
                if "text" in body
                else (body.pop("route", ""), cast("FaultOptions", body))
            )
            return self.controls.faults.add(route, **options)
        except (TypeError, ValueError) as error:
            raise ApiError(400, str(error)) from None


def check_caller(request: Request) -> None:
    """Checks that a request comes from this machine, and not from another site's page in a browser.

    Raises:
        ApiError: 403, if the request comes from elsewhere.
    """
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname
    origin = request.headers.get("origin")
    peer = request.client.host if request.client else ""
    if peer not in _LOOPBACK and not peer.startswith("127."):
        raise ApiError(403, "The sandbox's own pages are only for the machine that it runs on.")
    # Check the host name, because the DNS name of another site may point to this machine.
    if host not in _LOOPBACK or (origin and urlsplit(origin).netloc != request.headers.get("host")):
        raise ApiError(403, "The sandbox's own pages can't be used by other sites.")


async def _body(request: Request) -> dict[str, Any]:
    # Another site's page can't send this type without a preflight request.
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise ApiError(415, "Send JSON, with Content-Type: application/json.")
    data = await request.body()
    if len(data) > _LARGEST_BODY:
        raise ApiError(413, f"The request body is larger than {_LARGEST_BODY} bytes.")
    try:
        return _OBJECT.validate_json(data)
    except ValueError:
        raise ApiError(400, "The body is not a JSON object.") from None


def _fault(fault: Fault) -> dict[str, Any]:
    options: dict[str, Any] = {**fault.options}
    if isinstance(options.get("body"), bytes):
        options["body"] = options["body"].decode("utf-8", "replace")
    return {
        "id": fault.id,
        "route": fault.route,
        "calls": fault.calls,
        "hits": fault.hits,
        "options": options,
    }
