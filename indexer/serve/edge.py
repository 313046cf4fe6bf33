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
    if len(scope["raw_path"]) + len(scope["query_string"]) > HEAD_BYTES_MAX:
        status, title = 414, "URI Too Long"
    elif sum(len(name) + len(value) for name, value in scope["headers"]) > HEAD_BYTES_MAX:
        status, title = 431, "Request Header Fields Too Large"
    else:
        return None
    detail = f"expected up to {HEAD_BYTES_MAX} bytes"
    return problem(status, title, detail, headers={"Connection": "close"})


def _body_refused(method: str, headers: Headers) -> Response | None:
    """A body that is too large, or that a question carries, is not read: the connection ends."""
    length = headers.get("content-length", "0")
    reads = method in {"GET", "HEAD", "OPTIONS", "TRACE"}
    if reads and (length != "0" or "transfer-encoding" in headers):
        detail = f"{method} takes no body"
    elif not length.isdecimal() or int(length) > BODY_BYTES_MAX:
        detail = f"a body has up to {BODY_BYTES_MAX} bytes"
    else:
        return None
    return problem(413, "Content Too Large", detail, headers={"Connection": "close"})


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
