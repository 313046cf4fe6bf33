"""Which names a request may call this service by, and which pages of the web may ask it.

Without a token, a page that had its own name point to this machine (DNS rebinding) could ask
through its visitor's browser; such a request has that name in ``Host``, and mostly in ``Origin``.
"""

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from indexer.deferred_dataclass import dataclass

_LOCAL_ENDINGS = (".localhost", ".internal", ".local")
"""Names that no public registry gives to anybody."""
ANY_ORIGIN = "*"
NAME_CHARS_MAX = 253
"""Of a name in the DNS (RFC 1035)."""
NAMES_KEPT = 64
"""Of which it is known whether they are local: a service is called by a few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePolicy:
    """What ``Host`` and ``Origin`` may be."""

    local_only: bool = False
    """Accept addresses and local names alone, besides ``hosts``."""
    hosts: frozenset[str] = frozenset()
    """Names in lower case, without a port; with any, no other public name is accepted."""
    origins: frozenset[str] = frozenset()
    """Origins of pages that may ask, ``scheme://host[:port]`` in lower case, or ``*``."""

    def accepts_host(self, host: str) -> bool:
        """Whether a ``Host`` header names this service."""
        name = host_name(host)
        if not (self.local_only or self.hosts):
            return True
        return name in self.hosts or _is_local(name)

    def accepts_origin(self, headers: Headers) -> bool:
        """Whether the page that asks, if one does, may."""
        origin = headers.get("origin")
        if origin is None or self.is_listed(origin):
            return True
        same = urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
        return same if self.local_only else True

    def is_listed(self, origin: str) -> bool:
        """Whether the setting names the origin, or any."""
        return ANY_ORIGIN in self.origins or self.is_named(origin)

    def is_named(self, origin: str) -> bool:
        """Whether the setting names just this one: pages of any origin bring no cookie."""
        return origin.lower() in self.origins


def host_name(host: str) -> str:
    """The name of ``Host`` without its port, in lower case."""
    name = host.rpartition("]")[0].removeprefix("[") or host.partition(":")[0]
    return name.lower().removesuffix(".")


def _is_local(name: str) -> bool:
    return _is_local_name(name) if len(name) <= NAME_CHARS_MAX else _has_local_form(name)


@lru_cache(maxsize=NAMES_KEPT)
def _is_local_name(name: str) -> bool:
    return _has_local_form(name)


def _has_local_form(name: str) -> bool:
    """An address, a name without a dot, or one that cannot be anybody's on the internet."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name.endswith(_LOCAL_ENDINGS)
    return True
