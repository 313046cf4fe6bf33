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
from indexer.http.message_rules import check_body, check_head, has_long_target, header_bytes
from indexer.http.problems import of_fault
from indexer.http.refusals import Refusal, Refuse, as_problem
from indexer.http.session import SAFE_METHODS, Access, Sessions
from indexer.system.tokens import bearer, is_equal

PREFLIGHT_AGE_S = 600
"""How long a browser may cache a preflight; Chromium's maximum is 7,200."""
KEPT_HEADS_MAX = 64
"""Heads of requests that are known to be admitted: a client's are alike."""
KEPT_HEAD_BYTES_MAX = 1_024
"""Of one of them."""


def ask_for_token(_: str) -> Access:
    """The rule of a port without sessions."""
    return Access.TOKEN


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

    def body_bytes_max_of(self, path: str) -> int:
        """How large a body may be that is sent there."""
        for ending, bytes_max in self.body_bytes_max_by_ending.items():
            if path.endswith(ending):
                return bytes_max
        return self.body_bytes_max

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
        if head in self._admitted and not has_long_target(scope, admission.head_bytes_max):
            return None
        headers = HeaderIndex(scope)
        refusal = (
            check_head(scope, headers, admission.head_bytes_max)
            or check_body(
                scope,
                headers,
                admission.body_bytes_max_of(scope["path"]),
                may_be_chunked=admission.chunked_bodies,
            )
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
        if is_usual and header_bytes(scope) <= KEPT_HEAD_BYTES_MAX:
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
