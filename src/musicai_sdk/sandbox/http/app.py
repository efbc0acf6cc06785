"""The ASGI application: which part of the sandbox answers a request, and what becomes of its errors."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request

from musicai_sdk.sandbox.http.admin import check_caller
from musicai_sdk.sandbox.http.errors import ApiError, api_error
from musicai_sdk.sandbox.http.middleware import OWN, PREFIXES
from musicai_sdk.sandbox.storage.routes import BUCKET, CDN

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from musicai_sdk.sandbox.api.routes import Api
    from musicai_sdk.sandbox.dashboard import Dashboard
    from musicai_sdk.sandbox.http.admin import Admin
    from musicai_sdk.sandbox.storage.routes import StorageRoutes

_logger = logging.getLogger(__name__)


class App:
    """Serves the API and its storage."""

    def __init__(self, api: Api, storage: StorageRoutes, admin: Admin, dashboard: Dashboard) -> None:
        self._api = api
        self._storage = storage
        self._admin = admin
        self._dashboard = dashboard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        path: str = request.scope["path"]
        try:
            if path.startswith(tuple(f"{prefix}/" for prefix in PREFIXES)):
                return await self._api(request)
            if path.startswith((f"/{BUCKET}/", f"/{CDN}/")):
                return await self._storage(request)
            if path.startswith(OWN) or (path == "/" and request.method == "GET"):
                check_caller(request)
                page = await self._dashboard(request) if request.method == "GET" else None
                return page or await self._admin(request)
            return api_error(ApiError(404, f"Route {request.method}:{path} not found"))
        except ApiError as error:
            return api_error(error)
        except ClientDisconnect:
            return api_error(ApiError(400, "The request body ended too early."))
        except Exception:
            _logger.exception("the sandbox could not answer %s %r", request.method, path)
            return api_error(ApiError(500, "The sandbox could not answer; its log says why."))
