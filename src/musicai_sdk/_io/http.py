"""The code that both drivers share: building httpx requests, and translating httpx's errors.

Requests go directly to httpx's transports, the level that httpx's instrumentation and mocks patch too. The additions of
an httpx client (default headers, cookies, redirects, authentication) take as much CPU time as the rest of a small
request, and this package doesn't need them.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextvars import Token
from functools import lru_cache
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, cast

import httpx
from typing_extensions import override

from musicai_sdk._io import bounds, libraries
from musicai_sdk._io.protocol import Body, Request
from musicai_sdk._io.proxies import shown
from musicai_sdk._io.secret import Secret
from musicai_sdk._io.tls import about_trust
from musicai_sdk._text import printable, without_queries, without_query
from musicai_sdk.errors import (
    ConfigurationError,
    ConnectionFailedError,
    MusicAiError,
    RequestTimeoutError,
    TransferError,
)

W = TypeVar("W", httpx.Client, httpx.AsyncClient)


def check_given(client: object, kind: Literal["Client", "AsyncClient"], tls: object) -> Any:
    """Checks the caller's client and TLS context, before the first request.

    Returns:
        The client. One of httpx2 has the same methods, so the drivers use it as one of httpx.

    Raises:
        ConfigurationError: the client isn't an instance of `kind`, or `tls` isn't a TLS context.
    """
    if client is not None:
        if not libraries.is_client(client, kind):
            raise ConfigurationError(
                f"http_client must be an httpx.{kind} or httpx2.{kind}, not"
                f" {type(client).__module__}.{type(client).__name__}"
            )
        from musicai_sdk._io.network import bound_client

        bound_client(client)
        hide_secrets()  # this client may have loaded more libraries than this module
    if tls is not None and not isinstance(tls, ssl.SSLContext):
        raise ConfigurationError(f"ssl_context must be an ssl.SSLContext, not {type(tls).__name__}")
    return client


def still_open(client: W) -> W:
    """Returns the caller's client. Raises if the caller has closed it."""
    if client.is_closed:
        raise ConfigurationError(
            "the http_client of this client is closed: close it after its last use, or pass another one"
        )
    return client


class _DualStream:
    """A body for blocking and asynchronous transports.

    Every iteration starts over, so that the request can be repeated.
    """

    def __init__(self, body: Body | bytes | None) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        if self.body is None:
            return iter(())
        return iter((self.body,)) if isinstance(self.body, bytes) else self.body.chunks()

    def __aiter__(self) -> _AsyncChunks:
        return _AsyncChunks(iter(self), reads=not isinstance(self.body, bytes | None))


class _AsyncChunks:
    """The chunks of a body. A thread reads them if that takes time."""

    def __init__(self, chunks: Iterator[bytes], *, reads: bool) -> None:
        self._chunks = chunks
        self._reads = reads

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._reads:
            import asyncio  # here: the synchronous client doesn't need it

            chunk = await asyncio.to_thread(next, self._chunks, b"")
        else:
            chunk = next(self._chunks, b"")
        if not chunk:
            raise StopAsyncIteration
        return chunk


DEFAULT_HEADERS = {"accept": "*/*", "accept-encoding": "gzip, deflate"}
"""Default headers. They name the codings that `codings` decodes."""


def build(request: Request) -> httpx.Request:
    """An httpx request for a transport.

    It has a stream instead of a content, so that httpx neither normalises the headers twice nor reads the body.
    """
    url = _url(request.url)
    built = httpx.Request(
        request.method,
        url,
        headers=_prepared(url.netloc, tuple(request.headers.items())),
        stream=_stream(request.body, "httpx"),
        extensions={"timeout": timeout(request)},
    )
    if (length := _length(request.body)) is not None:
        built.headers["Content-Length"] = length
    if url.userinfo:
        next(httpx.BasicAuth(url.username, url.password).auth_flow(built))
    return _with_key(built, request)


@lru_cache
def _prepared(host: bytes, given: tuple[tuple[str, str], ...]) -> httpx.Headers:
    """The headers of a request, with the defaults. httpx copies them, which is cheaper than to normalise them again."""
    names = {name.lower() for name, _ in given}
    defaults = ((name, text) for name, text in DEFAULT_HEADERS.items() if name not in names)
    return httpx.Headers([("Host", host.decode()), *given, *defaults])


def _url(text: str) -> httpx.URL:
    """The URL as httpx parses it, which takes longer the longer its query is: a signature has a thousand characters.

    So httpx parses the origin, once. The rest of a plain URL stays as it is.
    """
    if len(text) > _LONGEST or (plain := _PLAIN.fullmatch(text)) is None:
        return httpx.URL(text)
    url: Any = httpx.URL(_origin(plain["origin"]))
    url._uri_reference = url._uri_reference._replace(path=plain["path"], query=plain["query"])  # noqa: SLF001
    return cast("httpx.URL", url)


_origin = lru_cache(httpx.URL)
_LONGEST = 8192
"""The most characters of a URL that isn't left to httpx, which refuses a longer one."""
_PLAIN = re.compile(
    r"(?P<origin>https?://[a-z0-9.-]++(?::[0-9]++)?)"
    r"(?P<path>(?:/(?!\.)(?:[a-z0-9_~!$&'()*+,;=:@.-]++|%[0-9a-f]{2})*+)++)"
    r"(?:\?(?P<query>(?:[a-z0-9_~!$&'()*+,;=:@./?-]++|%[0-9a-f]{2})*+))?",
    re.ASCII | re.IGNORECASE,
)
"""A URL whose path and query httpx sends as they are."""


def build_with(client: httpx.Client | httpx.AsyncClient, request: Request) -> httpx.Request:
    """An httpx request with the defaults of the caller's client."""
    length = _length(request.body)
    # Other codings of the client aren't decoded here.
    is_chosen = any(name.lower() == "accept-encoding" for name in request.headers)
    coding = {} if is_chosen else {"Accept-Encoding": DEFAULT_HEADERS["accept-encoding"]}
    built = client.build_request(
        request.method,
        request.url,
        headers={**coding, **request.headers, **({} if length is None else {"Content-Length": length})},
        content=request.body if isinstance(request.body, bytes) else None,
        extensions={"timeout": timeout(request)},
    )
    if request.body is not None and not isinstance(request.body, bytes):
        # With `content=`, the body would be either blocking or asynchronous.
        built.stream = _stream(request.body, type(built).__module__)
    if request.channel == "storage":
        # The URL's signature is the authorization, and covers its query.
        built.headers.pop("Authorization", None)
        built.url = type(built.url)(request.url)
    return _with_key(built, request)


def sending(client: httpx.Client | httpx.AsyncClient, request: Request) -> dict[str, Any]:
    """How the caller's client sends a request: without redirects, and without authentication in place of the key.

    A class of the caller's own may add other headers to API requests, so that one is used.
    """
    replaces_key = isinstance(client.auth, libraries.authentication())
    auth = {"auth": None} if replaces_key or request.channel == "storage" else {}
    return {"stream": True, "follow_redirects": False, **auth}


def _stream(body: Body | bytes | None, library: str) -> Any:
    return libraries.stream_type(_DualStream, library)(body)


def _length(body: Body | bytes | None) -> str | None:
    """The `Content-Length` of a body."""
    if body is None:
        return None
    return str(len(body) if isinstance(body, bytes) else body.size)


def _with_key(built: httpx.Request, request: Request) -> httpx.Request:
    """Sets the key on the finished request, so that no local variable of this package contains it."""
    if request.secret is not None:
        built.headers["Authorization"] = request.secret.reveal()
    return built


def timeout(request: Request) -> dict[str, float | None]:
    """The timeouts for httpx: at most 10 s for connecting, and until the deadline for a free connection.

    `bounds` limits the exchange as a whole.
    """
    seconds = request.timeout
    wait = request.longest_wait
    pool = None if wait is None else max(0.001, wait)
    connect = request.connect_timeout or min(seconds or 10.0, 10.0)
    return {"connect": connect, "read": seconds, "write": seconds, "pool": pool}


def headers_of(response: httpx.Response) -> dict[str, str]:
    """The headers by lower-case name. The values of repeated headers are joined."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name = raw_name.decode("latin-1").lower()
        try:
            value = raw_value.decode()
        except UnicodeDecodeError:
            value = raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def failure(
    request: Request,
    error: httpx.HTTPError | httpx.InvalidURL,
    *,
    proxy: str | None = None,
    own_trust: bool = True,
    over: bool = False,
) -> MusicAiError:
    """Converts an httpx error to an error of this package, without request objects and URL queries.

    Args:
        request: The request.
        error: The error of httpx.
        proxy: The URL of the proxy on the way, if any.
        own_trust: Whether the caller, and not the environment, determines the trusted certificates.
        over: Whether the time of the whole exchange was up.
    """
    way = f" through the proxy {shown(proxy)}" if proxy else ""
    where = f"{request.method} {without_query(request.url)}{way}"
    channel = request.channel
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return RequestTimeoutError(f"{where}: no connection in time", sent=False, channel=channel)
        case httpx.TimeoutException():
            within = (
                f" within {request.timeout:g} s" if request.timeout and request.left is None else " in time"
            )
            what = "no complete answer" if over else "no answer"
            return RequestTimeoutError(f"{where}: {what}{within}", sent=True, channel=channel)
        case httpx.ConnectError() | httpx.ProxyError():
            text = f"{where}: can't connect: {_reason(error)}"
            if "CERTIFICATE_VERIFY_FAILED" in text and not own_trust:
                text = f"{text}; {about_trust()}"
            return ConnectionFailedError(text, sent=False, channel=channel)
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            if channel == "storage":
                # The URL is that of one file; the settings are right.
                url = printable(without_query(request.url))[:200]
                return TransferError(
                    f"{request.method} {url}: this URL can't be used ({type(error).__name__})", url=url
                )
            return ConfigurationError(f"{where}: the request can't be sent: {type(error).__name__}")
        case httpx.DecodingError():
            text = f"{where}: the answer can't be decoded: {_reason(error)}"
            return ConnectionFailedError(text, sent=True, channel=channel)
        case _:
            text = f"{where}: the connection broke: {_reason(error)}"
            return ConnectionFailedError(text, sent=True, channel=channel)


def _reason(error: Exception) -> str:
    """The error's text without received bytes, which h11 quotes: they may contain signed URLs and cookies."""
    return without_queries(_RECEIVED.sub("", str(error))) or type(error).__name__


_RECEIVED = re.compile(r":?\s*(bytearray\()?\bb['\"].*", re.DOTALL)


class _HideSecrets(logging.Filter):
    """Removes the key and signed queries from the libraries' log lines about this package's requests.

    httpx logs complete URLs at INFO. httpcore logs all headers of an answer, including `Location`, at DEBUG. Records of
    other libraries are dropped: hpack logs every header of HTTP/2, one by one and as bytes, including the key.
    """

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        limits = bounds.current.get()
        if limits is None:
            return True
        match libraries.module_of(record.name):
            case "httpx" | "httpx2" if isinstance(record.args, tuple):
                record.args = tuple(_logged(value, limits.secret) for value in record.args)
            case "httpx" | "httpx2" | "httpcore" | "httpcore2":
                text = _QUERY.sub("…", _without_key(record.getMessage(), limits.secret))
                record.msg, record.args = without_queries(text), None
            case _:
                return False
        return True


def _logged(value: object, secret: Secret | None) -> object:
    """An argument of a record of httpx: a URL, a number, or a text such as the reason of a status."""
    if isinstance(value, int):
        return value
    if libraries.is_url(value):
        return without_query(str(value))
    return without_queries(_without_key(str(value), secret))


def _without_key(text: str, secret: Secret | None) -> str:
    return text if secret is None else secret.hidden_in(text)


_QUERY = re.compile(r"(?<=\?)[^\s'\"]+")
_FILTER = _HideSecrets()


def hide_secrets() -> None:
    """Adds the filter to all loggers of the libraries."""
    for each in libraries.loggers():
        each.addFilter(_FILTER)  # does nothing the second time


hide_secrets()


def decoding(headers: Mapping[str, str]) -> Callable[[bytes], Iterator[bytes]] | None:
    """A function that decodes the next bytes of an API's answer, in pieces; None if there is nothing to decode.

    httpx decodes all that has arrived at once, and five kilobytes may become gigabytes. Like httpx without optional
    libraries, this leaves codings that weren't asked for as they are.
    """
    if "content-encoding" not in headers:
        return None
    from musicai_sdk._io.codings import CodingError, supported_decoder  # here: few answers are coded

    decoder = supported_decoder(headers)
    if decoder is None:
        return None

    def decode(data: bytes) -> Iterator[bytes]:
        try:
            yield from decoder.feed(data)
        except CodingError as error:
            raise httpx.DecodingError(str(error)) from None

    return decode


class ErrorTranslation:
    """Surrounds every use of httpx for one request: limits its time, redacts its log, translates its errors.

    An httpx error ends the block without being raised. `check`, called after the block, raises the translated error. So
    that error has no context and no frames of libraries, whose local variables contain the headers with the key. Those
    frames are removed from the tracebacks of other exceptions, such as interrupts.
    """

    __slots__ = ("_failure", "_own_trust", "_proxy", "_request", "_token", "bounds")

    def __init__(self, request: Request, *, proxy: str | None, own_trust: bool) -> None:
        self._request = request
        self._proxy = proxy
        self._own_trust = own_trust
        self._failure: MusicAiError | None = None
        self.bounds = bounds.Bounds(request)

    def __enter__(self) -> None:
        self._token: Token[bounds.Bounds | None] = bounds.current.set(self.bounds)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        bounds.current.reset(self._token)
        if error is None:
            return False
        if (known := libraries.as_httpx(error)) is not None:
            self._failure = failure(
                self._request,
                known,
                proxy=self._proxy,
                own_trust=self._own_trust,
                over=self.bounds.over,
            )
            return True
        without_libraries(error)
        return False

    def check(self) -> None:
        """Raises the error that ended the block."""
        error, self._failure = self._failure, None
        if error is not None:
            try:
                raise error
            finally:
                del error  # breaks the reference cycle through the traceback

    def timed_out(self) -> None:
        """Sets the error of an exchange whose time is up."""
        self._failure = failure(self._request, httpx.ReadTimeout(""), over=True)


def without_libraries(error: BaseException) -> None:
    """Removes the frames of HTTP libraries from the tracebacks of an error, its causes and contexts."""
    seen = set[int]()
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        each.__traceback__ = _kept(each.__traceback__)
        left += each.__cause__, each.__context__


def _kept(traceback: TracebackType | None) -> TracebackType | None:
    kept = list[TracebackType]()
    while traceback is not None:
        if libraries.module_of(traceback.tb_frame.f_globals.get("__name__", "")) not in libraries.MODULES:
            kept.append(traceback)
        traceback = traceback.tb_next
    for each, following in zip(kept, [*kept[1:], None], strict=True):
        each.tb_next = following
    return kept[0] if kept else None
