"""The ASGI application: routes each request to a part of the sandbox, and turns errors into answers."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from musicai_sdk.sandbox.http.admin import check_caller
from musicai_sdk.sandbox.http.errors import ApiError, api_error
from musicai_sdk.sandbox.http.middleware import OWN, PREFIXES
from musicai_sdk.sandbox.storage.keys import BUCKET, CDN

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from musicai_sdk.sandbox.api.routes import Api
    from musicai_sdk.sandbox.dashboard import Dashboard
    from musicai_sdk.sandbox.faults.quirks import CurrentQuirks
    from musicai_sdk.sandbox.http.admin import Admin
    from musicai_sdk.sandbox.storage.routes import StorageRoutes

_API: Final = tuple(f"{prefix}/" for prefix in PREFIXES)
_SERVICE: Final = (*_API, f"/{BUCKET}/", f"/{CDN}/")
_SHARED: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Range, ETag, Retry-After, x-goog-hash",
}
_PREFLIGHT: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-MD5, Range, If-Range, x-goog-hash",
    "Access-Control-Max-Age": "3600",
}
"""The headers that `Quirks.cors` adds to answers, including those to preflight requests."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class App:
    """Serves the API, its storage, and the sandbox's own pages."""

    api: Api
    storage: StorageRoutes
    admin: Admin
    dashboard: Dashboard
    quirks: CurrentQuirks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        request = Request(scope, receive)
        shared = self.quirks.now.cors and scope["path"].startswith(_SERVICE)
        preflight = shared and request.method == "OPTIONS"
        response = Response(status_code=204) if preflight else await self._respond(request)
        if shared:
            response.headers.update(_PREFLIGHT if preflight else _SHARED)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        path: str = request.scope["path"]
        try:
            if path.startswith(_API):
                return await self.api(request)
            if path.startswith(_SERVICE):
                return await self.storage(request)
            if path.startswith(OWN) or (path == "/" and request.method == "GET"):
                check_caller(request)
                page = await self.dashboard(request) if request.method == "GET" else None
                return page or await self.admin(request)
            return api_error(ApiError(404, f"Route {request.method}:{path} not found"))
        except ApiError as error:
            return api_error(error)
        except ClientDisconnect:
            return api_error(ApiError(400, "The request body ended too early."))
        except Exception:
            _logger.exception("the sandbox could not answer %s %r", request.method, path)
            return api_error(ApiError(500, "The sandbox failed; its log has the traceback."))
