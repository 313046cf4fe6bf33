"""What every request of the dashboards passes first: is it let in, and what if the service fails.

Without a token only a local name in ``Host`` is let in: a page of the web that had its own name
point to this machine could otherwise read every span through its visitor's browser.
"""

import ipaddress
import secrets

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.errors import Unauthorized
from indexer.serve.problems import of_error, of_fault, problem

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""Probes carry no token; these two tell states and no data."""
BODY_BYTES_MAX = 64 << 10
"""Questions are in the URL; a few routes of dashboards take a small form."""
HEAD_BYTES_MAX = 32 << 10
"""Of the path and query, and of all headers; a dashboard's longest URL has a few thousand."""
_HEAD_SAID = f"expected up to {HEAD_BYTES_MAX} bytes"
_VERSIONS = frozenset({"1.0", "1.1"})
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_LOCAL_ENDINGS = (".localhost", ".internal", ".local")
"""Names that no public registry gives to anybody."""


class Edge:
    """An ASGI middleware."""

    def __init__(self, app: ASGIApp, *, token: str = "") -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on; a fault becomes an answer and a line of the log."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            answer = self._refusal(scope) or self._app
            await answer(scope, receive, sending)
        except Exception as fault:
            refusal = of_fault(scope["method"], scope["path"], fault)
            if started:
                raise  # the connection has to break: half an answer is none
            await refusal(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if refused := _head_refused(scope) or _body_refused(scope["method"], headers):
            return refused
        if scope["path"] in OPEN_PATHS:
            return None
        if self._token:
            return None if self._is_allowed(headers) else _unauthorized(headers)
        return None if _is_local(headers.get("host", "")) else _misdirected()

    def _is_allowed(self, headers: Headers) -> bool:
        """In a time that does not tell how much of the token was right."""
        scheme, _, sent = headers.get("authorization", "").partition(" ")
        right = secrets.compare_digest(sent.strip().encode("latin-1"), self._token)
        return right and scheme.lower() == "bearer"


def _head_refused(scope: Scope) -> Response | None:
    """What came in one piece passed the parser's own limit."""
    if scope["http_version"] not in _VERSIONS:
        return _ended(505, "HTTP Version Not Supported", "expected HTTP/1.1")
    if len(scope["raw_path"]) + len(scope["query_string"]) > HEAD_BYTES_MAX:
        return _ended(414, "URI Too Long", _HEAD_SAID)
    if sum(len(name) + len(value) for name, value in scope["headers"]) > HEAD_BYTES_MAX:
        return _ended(431, "Request Header Fields Too Large", _HEAD_SAID)
    return None


def _body_refused(method: str, headers: Headers) -> Response | None:
    """A body that says no length, too much of it, or where a question has none, is not read.

    One with both a length and chunks is how a request is hidden from a proxy.
    """
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers:
        return _ended(411, "Length Required", "a body needs its Content-Length")
    if int(length) > BODY_BYTES_MAX:
        return _ended(413, "Content Too Large", f"a body has up to {BODY_BYTES_MAX} bytes")
    if method in _BODILESS and int(length):
        return _ended(413, "Content Too Large", f"{method} takes no body")
    return None


def _ended(status: int, title: str, detail: str) -> Response:
    """A refusal after which the connection ends: what else it has sent is not looked at."""
    return problem(status, title, detail, headers={"Connection": "close"})


def _unauthorized(headers: Headers) -> Response:
    said = "the token is not the right one" if "authorization" in headers else "a token is needed"
    return of_error(Unauthorized(said))


def _misdirected() -> Response:
    hint = "Ask by an address or a local name, or set INDEXER_HTTP_TOKEN and send the token."
    return problem(421, "Misdirected Request", "the Host is not a name of this machine", hint=hint)


def _is_local(host: str) -> bool:
    """An address, a name without a dot, or one that cannot be anybody's on the internet."""
    name = host.rpartition("]")[0].removeprefix("[") or host.partition(":")[0]
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name.lower().endswith(_LOCAL_ENDINGS)
    return True
