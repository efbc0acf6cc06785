"""Error answers: JSON from the API, XML from its storage."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from collections.abc import Mapping


class ApiError(Exception):
    """Ends an API request with an error answer.

    Args:
        status: The HTTP status.
        message: The text for the caller.
        headers: Headers of the answer, if any.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


def error_body(status: int, message: str) -> dict[str, str | int]:
    """Returns `{statusCode, code, error, message}` (source: one third party; clients read `message`)."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return {
        "statusCode": status,
        "code": phrase.upper().replace(" ", "_").replace("-", "_"),
        "error": phrase,
        "message": message,
    }


def api_error(error: ApiError) -> Response:
    """Returns the answer of a failed API request."""
    return JSONResponse(error_body(error.status, error.message), error.status, error.headers)


def storage_error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Returns an error in the form of Google Cloud Storage's XML API."""
    text = (
        "<?xml version='1.0' encoding='UTF-8'?>"
        f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    )
    return Response(text, status, headers, media_type="application/xml")
