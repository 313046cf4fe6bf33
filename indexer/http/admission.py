"""What every request passes first: it is checked and admitted, and a fault becomes an answer.

The rules are the same for every port; what differs between ports is a value, ``Admission``.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import field

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.deferred_dataclass import dataclass
from indexer.errors import Unauthorized
from indexer.http.header_index import HeaderIndex
from indexer.http.hosts import NamePolicy
from indexer.http.limits import HEAD_BYTES_MAX
from indexer.http.problems import of_fault, problem
from indexer.http.session import SAFE_METHODS, Access, Sessions
from indexer.system.tokens import bearer, is_equal

_VERSIONS = frozenset({"1.0", "1.1"})
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
PREFLIGHT_AGE_S = 600
"""How long a browser may cache a preflight; Chromium's maximum is 7,200."""
KEPT_HEADS_MAX = 64
"""Heads of requests that are known to be admitted: a client's are alike."""
KEPT_HEAD_BYTES_MAX = 1_024
"""Of one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is refused."""

    status: int
    title: str
    detail: str
    hint: str = ""
    kind: str = "about:blank"
    ends_connection: bool = False
    """The end of this request is not known, so nothing more can be read from the connection."""
    headers: Mapping[str, str] = field(default_factory=dict)


Refuse = Callable[[Scope, Refusal], Response]


def ask_for_token(_: str) -> Access:
    """The rule of a port without sessions."""
    return Access.TOKEN


def as_problem(_: Scope, refusal: Refusal) -> Response:
    """The refusal as problem details."""
    return problem(
        refusal.status,
        refusal.title,
        refusal.detail,
        hint=refusal.hint,
        kind=refusal.kind,
        headers=refusal.headers,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Who and what one port admits."""

    names: NamePolicy = field(default_factory=NamePolicy)
    token: str = ""
    token_header: str = ""
    """A header of its own for the token, beside ``Authorization: Bearer``."""
    open_paths: frozenset[str] = frozenset()
    """Paths that need no token: they show states and no data."""
    access: Callable[[str], Access] = ask_for_token
    """What a path asks for, where there is a token: a route takes a session if this says so."""
    body_bytes_max: int = 0
    body_bytes_max_by_ending: Mapping[str, int] = field(default_factory=dict)
    """Of paths that end so: routes that take batches beside others that take questions."""
    chunked_bodies: bool = False
    """Whether a body may come without its length."""
    head_bytes_max: int = HEAD_BYTES_MAX
    exposed_headers: tuple[str, ...] = ()
    """Headers of an answer that a page of a listed origin may read."""
    refuse: Refuse = as_problem

    @property
    def sessions(self) -> Sessions:
        """Those that its token begins."""
        return Sessions(token=self.token, names=self.names)

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application behind these rules."""
        inner: ASGIApp = _Authorized(app, self) if self.token else app
        if self.names.origins:
            inner = CORSMiddleware(
                inner,
                allow_origins=sorted(self.names.origins),
                allow_methods=["GET", "HEAD", "POST"],
                allow_headers=["*"],
                allow_credentials="*" not in self.names.origins,
                expose_headers=list(self.exposed_headers),
                max_age=PREFLIGHT_AGE_S,
            )
        return _Admitted(inner, self)


_ORIGIN_REFUSAL = Refusal(
    status=403,
    title="Forbidden",
    detail="pages of this Origin are not allowed",
    hint="Add the origin to the allowed origins (see the settings).",
)


class _Admitted:
    """Refuses, or passes on; a fault becomes an answer and a log line."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission
        self._admitted: set[Hashable] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await (self._refusal(scope) or self._app)(scope, receive, sending)
        except Exception as fault:
            answer = of_fault(scope["method"], scope["path"], fault)
            if started:
                raise  # the connection has to break: half an answer is useless
            await answer(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        admission = self._admission
        head = (scope["method"], scope["http_version"], *scope["headers"])
        if head in self._admitted and not _has_long_target(scope, admission.head_bytes_max):
            return None
        headers = HeaderIndex(scope)
        refusal = (
            _check_head(scope, headers, admission.head_bytes_max)
            or _check_body(scope, headers, admission)
            or _check_names(scope, headers, admission)
        )
        if refusal is None:
            self._keep(head, scope, headers)
            return None
        answer = admission.refuse(scope, refusal)
        if refusal.ends_connection:
            answer.headers["connection"] = "close"
        return answer

    def _keep(self, head: Hashable, scope: Scope, headers: Headers) -> None:
        """A client sends the same head again and again, and it is admitted to every path.

        Not so where a body comes, whose length depends on the path, nor to open paths alone.
        """
        is_usual = "content-length" not in headers and "transfer-encoding" not in headers
        is_usual = is_usual and scope["path"] not in self._admission.open_paths
        if is_usual and _header_bytes(scope) <= KEPT_HEAD_BYTES_MAX:
            if len(self._admitted) >= KEPT_HEADS_MAX:
                self._admitted.clear()
            self._admitted.add(head)


class _Authorized:
    """Requires the token, or what the path asks for instead."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission
        self._sessions = admission.sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        admission = self._admission
        asks = scope["type"] == "http" and scope["path"] not in admission.open_paths
        refusal = self._refusal(scope) if asks else None
        answer = self._app if refusal is None else admission.refuse(scope, refusal)
        await answer(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        if _has_token(headers, self._admission):
            return None
        access = self._admission.access(scope["path"])
        by_session = access is Access.SESSION
        if access is Access.TOKEN or (by_session and not self._sessions.holds(headers)):
            return _token_refusal(headers, self._admission)
        if scope["method"] in SAFE_METHODS:
            return None
        return None if self._sessions.is_own_page(headers, required=by_session) else _ORIGIN_REFUSAL


def _check_head(scope: Scope, headers: Headers, head_bytes_max: int) -> Refusal | None:
    """RFC 9112 2.3, 3.2 and 6.3: the version, one ``Host``, one way to say where a body ends."""
    if scope["http_version"] not in _VERSIONS:
        return _closing_refusal(505, "HTTP Version Not Supported", "expected HTTP/1.1")
    said = f"expected up to {head_bytes_max} bytes"
    if _has_long_target(scope, head_bytes_max):
        return _closing_refusal(414, "URI Too Long", said)
    if _header_bytes(scope) > head_bytes_max:
        return _closing_refusal(431, "Request Header Fields Too Large", said)
    return _check_framing(scope, headers)


def _has_long_target(scope: Scope, head_bytes_max: int) -> bool:
    length: int = len(scope["raw_path"]) + len(scope["query_string"])
    return length > head_bytes_max


def _header_bytes(scope: Scope) -> int:
    return sum(len(name) + len(value) for name, value in scope["headers"])


def _check_framing(scope: Scope, headers: Headers) -> Refusal | None:
    """A request with both a length and chunks is how another one is hidden from a proxy."""
    hosts = headers.getlist("host")
    if len(hosts) > 1 or (not hosts and scope["http_version"] != "1.0"):
        return _closing_refusal(400, "Bad Request", f"expected one Host, got {len(hosts)}")
    if "transfer-encoding" in headers and "content-length" in headers:
        return _closing_refusal(
            400, "Bad Request", "a body has either a Content-Length or chunks, not both"
        )
    if "transfer-encoding" in headers and scope["http_version"] == "1.0":
        return _closing_refusal(400, "Bad Request", "chunks need HTTP/1.1")
    return None


def _check_body(scope: Scope, headers: Headers, admission: Admission) -> Refusal | None:
    """A body that is too large, or that its method has no use for, is not read."""
    method = scope["method"]
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers and not admission.chunked_bodies:
        return _closing_refusal(411, "Length Required", "a body needs a Content-Length")
    if not (length.isascii() and length.isdecimal()):
        return _closing_refusal(400, "Bad Request", "Content-Length is not a number")
    bytes_max = _body_bytes_max(scope["path"], admission)
    if int(length) > bytes_max:
        said = f"expected a body of up to {bytes_max} bytes"
        return Refusal(status=413, title="Content Too Large", detail=said)
    if method in _BODILESS and (int(length) or "transfer-encoding" in headers):
        return _closing_refusal(413, "Content Too Large", f"{method} takes no body")
    return None


def _body_bytes_max(path: str, admission: Admission) -> int:
    for ending, bytes_max in admission.body_bytes_max_by_ending.items():
        if path.endswith(ending):
            return bytes_max
    return admission.body_bytes_max


def _check_names(scope: Scope, headers: Headers, admission: Admission) -> Refusal | None:
    names = admission.names
    if scope["path"] in admission.open_paths:
        return None
    if not names.accepts_host(headers.get("host", "")):
        hint = "Use an IP address or a local name, add the name to the allowed hosts, "
        return Refusal(
            status=421,
            title="Misdirected Request",
            detail="the Host header does not name this service",
            hint=f"{hint}or set a token and send it.",
        )
    preflight = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
    origin = headers.get("origin", "")
    if names.accepts_origin(headers) and not (preflight and not names.is_listed(origin)):
        return None
    return _ORIGIN_REFUSAL


def _has_token(headers: Headers, admission: Admission) -> bool:
    sent = [bearer(headers.get("authorization"))]
    sent += [headers.get(admission.token_header)] if admission.token_header else []
    equal = [is_equal(admission.token, (one or "").encode("latin-1")) for one in sent]
    return any(equal)  # all are compared, so that the time does not reveal which one it was


def _token_refusal(headers: Headers, admission: Admission) -> Refusal:
    own = admission.token_header
    given = "authorization" in headers or (own and own in headers)
    said = "the token is wrong" if given else "a token is required"
    also = f", or as {own}" if own else ""
    return Refusal(
        status=401,
        title=Unauthorized.__name__,
        detail=said,
        hint=f"Send it as `Authorization: Bearer TOKEN`{also}.",
        kind=f"urn:span-indexer:error:{Unauthorized.__name__}",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _closing_refusal(status: int, title: str, detail: str) -> Refusal:
    return Refusal(status=status, title=title, detail=detail, ends_connection=True)
