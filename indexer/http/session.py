"""A session in a browser's cookie: who has given the token is let in to routes that take one.

A session is the time until which it holds and a MAC (RFC 2104) under the token. Nothing of it is
kept here: a restart ends none, another token ends all. The cookie is HttpOnly, and of a page of
another site only where its origin is listed.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import field
from enum import Enum
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from indexer.deferred_dataclass import dataclass
from indexer.http.hosts import NamePolicy, host_name
from indexer.system.tokens import is_equal

COOKIE = "span_indexer_session"
SESSION_S = 12 * 3600
"""A day's work; then the token is asked for again."""
COOKIE_CHARS_MAX = 128
"""Of a value: longer than any of ours."""
_PURPOSE = b"session of span-indexer until "
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Which change nothing (RFC 9110 9.2.1)."""


class Access(Enum):
    """What a route asks of whoever asks it, where there is a token."""

    TOKEN = "token"  # noqa: S105 - a name
    SESSION = "session"
    """The token, or a session that it began."""
    ANYBODY = "anybody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """The sessions of one token; without a token everybody who is admitted is signed in."""

    token: str = ""
    names: NamePolicy = field(default_factory=NamePolicy)
    now: Callable[[], float] = time.time

    def accepts(self, password: str) -> bool:
        """Whether it is the token."""
        return is_equal(self.token, password)

    def begin(self) -> str:
        """The value of a cookie from now on."""
        until = str(int(self.now()) + SESSION_S)
        return f"{until}.{self._mac(until)}"

    def holds(self, headers: Headers) -> bool:
        """Whether the request brings a session that has not ended."""
        value = _cookie(headers)
        until, _, mac = value.partition(".")
        if len(value) > COOKIE_CHARS_MAX or not (until.isascii() and until.isdecimal()):
            return False
        return is_equal(self._mac(until), mac) and int(until) > self.now()

    def admits(self, scope: Scope) -> bool:
        """Whether its session lets a request in: one that changes something names its page."""
        headers = Headers(scope=scope)
        return self.holds(headers) and (
            scope["method"] in SAFE_METHODS or self.is_own_page(headers, required=True)
        )

    def is_own_page(self, headers: Headers, *, required: bool = False) -> bool:
        """Whether the page that asks is of this host or of a listed origin."""
        origin = headers.get("origin")
        if origin is None:
            return not required
        return self.names.is_named(origin) or is_same_origin(origin, headers)

    def set_cookie(self, scope: Scope, value: str) -> str:
        """The ``Set-Cookie`` that keeps the value; "" ends what there is.

        Browsers take ``SameSite=None``, which pages of other sites need, with ``Secure`` alone.
        """
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        elsewhere = self.names.is_named(origin) and not _is_same_site(origin, headers)
        parts = [f"{COOKIE}={value}", "Path=/", f"Max-Age={SESSION_S if value else 0}", "HttpOnly"]
        parts.append(f"SameSite={'None' if elsewhere else 'Lax'}")
        if elsewhere or _is_over_tls(scope, headers):
            parts.append("Secure")
        return "; ".join(parts)

    def _mac(self, until: str) -> str:
        message = _PURPOSE + until.encode()
        return hmac.new(self.token.encode(), message, hashlib.sha256).hexdigest()


def is_same_origin(origin: str, headers: Headers) -> bool:
    """Whether the page is of the host that is asked."""
    return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def _is_same_site(origin: str, headers: Headers) -> bool:
    """By the name alone: ports are no part of a site; a sibling's name counts as another."""
    return host_name(urlsplit(origin).netloc) == host_name(headers.get("host", ""))


def _is_over_tls(scope: Scope, headers: Headers) -> bool:
    """As this server or a proxy before it says; said wrongly, it costs the cookie and no more."""
    same = headers.get("origin", "").startswith("https://") and is_same_origin(
        headers["origin"], headers
    )
    forwarded = headers.get("x-forwarded-proto", "").lower()
    return scope.get("scheme") == "https" or forwarded == "https" or same


def _cookie(headers: Headers) -> str:
    """The value of our cookie; "" for none."""
    return cookie_parser("; ".join(headers.getlist("cookie"))).get(COOKIE, "")
