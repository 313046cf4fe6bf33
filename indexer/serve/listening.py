"""Where the dashboards' service listens: parsed, judged and bound before it says that it serves."""

import ipaddress
import socket

from indexer.errors import InvalidSettings

LISTEN, TOKEN, ALLOW_OPEN = "INDEXER_HTTP_LISTEN", "INDEXER_HTTP_TOKEN", "INDEXER_HTTP_ALLOW_OPEN"
OPEN_ON_PURPOSE = "yes-without-a-token"
"""Nobody sets this without knowing what it says."""
PORT_MAX = 65_535
BACKLOG = 512
"""Connections that the kernel holds until they are accepted."""


def bind(listen: str, *, token: str, allow_open: str) -> socket.socket:
    """A listening TCP socket for ``host:port``; port 0 takes any.

    It names its protocol, because asyncio turns off Nagle's algorithm for sockets that do and for
    no others: an answer of two packets would wait 40 ms for the first one's acknowledgement.

    Raises InvalidSettings when it cannot be bound, or when others could reach it and no token
    keeps them out.
    """
    family, address = judged(listen, token=token, allow_open=allow_open)
    try:
        bound = socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        raise InvalidSettings(
            f"{LISTEN}={listen}: {error.strerror or error}",
            hint=f"Choose another {LISTEN}; empty turns the service off.",
        ) from error
    return socket.socket(family, bound.type, socket.IPPROTO_TCP, fileno=bound.detach())


def judged(
    listen: str, *, token: str, allow_open: str
) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """The address to bind. Raises InvalidSettings when it is none, or open to others unsaid."""
    family, address = _resolved(listen)
    if not (is_loopback(address[0]) or token or allow_open == OPEN_ON_PURPOSE):
        raise InvalidSettings(
            f"{LISTEN}={listen} is open to other machines and {TOKEN} is not set",
            hint=f"Set {TOKEN}, or {ALLOW_OPEN}={OPEN_ON_PURPOSE} where a proxy keeps others out.",
        )
    return family, address


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches it. ``::ffff:127.0.0.1`` is loopback as well."""
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def url(listener: socket.socket) -> str:
    """Where to ask, with the port that was bound."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _resolved(listen: str) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """The first address of the host: what is judged is what is bound."""
    host, colon, port = listen.rpartition(":")
    if not (colon and port.isascii() and port.isdecimal() and int(port) <= PORT_MAX):
        raise InvalidSettings(f"{LISTEN}={listen} is no host:port")
    try:
        found = socket.getaddrinfo(
            host.strip("[]") or "0.0.0.0",  # noqa: S104 - no host means all, and is judged so
            int(port),
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )
    except (OSError, UnicodeError) as error:
        raise InvalidSettings(f"{LISTEN}={listen}: the host is not known: {error}") from error
    family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, (str(address[0]), int(address[1]))
