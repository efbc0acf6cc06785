"""An S3 server as a program: moto, with a check of signatures and expiry in front, which moto lacks.

The check computes the signature with botocore, so a URL is accepted here if Amazon would accept it.
Prints the port it listens on.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, urlencode

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from typing_extensions import override
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI-very-secret"
REGION = "us-east-1"
# botocore has no types.
_auth: Any = import_module("botocore.auth")
_requests: Any = import_module("botocore.awsrequest")
_credentials: Any = import_module("botocore.credentials")
_CLOCKS_APART = timedelta(minutes=15)


class Checked:
    """moto, for requests with a valid signature."""

    def __init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        if request.path.startswith("/moto-api") or "Authorization" in request.headers:
            return self._app(environ, start_response)  # type: ignore[no-any-return]
        refused = _refusal(request)
        if refused is not None:
            body = f"<Error><Code>{refused[0]}</Code><Message>{refused[1]}</Message></Error>"
            return Response(body, 403, content_type="application/xml")(environ, start_response)
        return self._app(environ, start_response)  # type: ignore[no-any-return]


def _refusal(request: Request) -> tuple[str, str] | None:
    query = dict(parse_qsl(request.query_string.decode(), keep_blank_values=True))
    signature = query.pop("X-Amz-Signature", None)
    if signature is None:
        return "AccessDenied", "Access Denied"
    made = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if not made - _CLOCKS_APART <= datetime.now(UTC) < made + timedelta(seconds=int(query["X-Amz-Expires"])):
        return "AccessDenied", "Request has expired"
    path = request.environ["REQUEST_URI"].partition("?")[0]
    signed = _requests.AWSRequest(
        request.method, f"http://{request.host}{path}?{urlencode(query)}", headers={"host": request.host}
    )
    signed.context["timestamp"] = query["X-Amz-Date"]
    auth = _auth.S3SigV4QueryAuth(_credentials.Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION)
    expected = auth.signature(auth.string_to_sign(signed, auth.canonical_request(signed)), signed)
    return None if signature == expected else ("SignatureDoesNotMatch", "The signature does not match.")


class _Quiet(MotoRequestHandler):
    @override
    def log(self, type: str, message: str, *args: Any) -> None:
        """Logs nothing, because URLs are signed."""


def main() -> None:
    server = make_server("127.0.0.1", 0, Checked(), threaded=True, request_handler=_Quiet)
    print(server.port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
