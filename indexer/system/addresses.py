"""Addresses to listen on: parsed, resolved, checked and bound in one way for every port."""

import errno
import ipaddress
import os
import re
import socket
from contextlib import suppress
from pathlib import Path

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidSettings

CONSENT = "yes-without-a-token"
"""The value of a setting that opens a port to others without a token: nobody types it by chance."""
PORT_MAX = 65_535
BACKLOG = 512
"""Connections that the kernel holds until they are accepted."""
ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - what `:4318` means, and it needs a token or consent
_FORM = "expected host:port, for example 127.0.0.1:{port} or [::1]:{port}"
_BRACKETED = re.compile(r"\[([^\[\]]*)\]:([^:]*)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One port as the settings describe it."""

    setting: str
    """The variable that holds ``listen``, for messages."""
    listen: str
    """``host:port``; without a host every address of the machine; port 0 is any free one."""
    token: str = ""
    token_setting: str = ""
    consent: str = ""
    consent_setting: str = ""
    default_port: int = 0
    """Named in the example of a message."""


@dataclass(frozen=True, slots=True)
class Address:
    """A resolved address: what was checked is what is bound."""

    family: socket.AddressFamily
    host: str
    """Numeric."""
    port: int

    def __str__(self) -> str:
        """As URLs and gRPC write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it; ``::ffff:127.0.0.1`` is loopback as well."""
        found = ipaddress.ip_address(self.host.partition("%")[0])
        return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def resolve(endpoint: Endpoint) -> Address:
    """The address to bind.

    Raises InvalidSettings for one that cannot be parsed or resolved, and for one that other
    machines reach where there is neither a token nor consent.
    """
    host, port = _parse(endpoint)
    address = _first_address(endpoint, host, port)
    if not (address.is_loopback or endpoint.token or endpoint.consent == CONSENT):
        raise InvalidSettings(
            f"{endpoint.setting}={endpoint.listen} is open to other machines and "
            f"{endpoint.token_setting} is not set",
            hint=f"Set {endpoint.token_setting}, or {endpoint.consent_setting}={CONSENT} where "
            "the network keeps strangers out.",
        )
    return address


def bind(endpoint: Endpoint) -> socket.socket:
    """A listening TCP socket of the endpoint. Raises InvalidSettings when it cannot be bound.

    It names its protocol, because asyncio turns off Nagle's algorithm for sockets that do and for
    no others: an answer of two packets would wait 40 ms for the first one's acknowledgement.
    """
    address = resolve(endpoint)
    try:
        bound = socket.create_server(
            (address.host, address.port),
            family=address.family,
            backlog=BACKLOG,
            dualstack_ipv6=address.host == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        raise bind_error(endpoint, address, error) from error
    return socket.socket(address.family, bound.type, socket.IPPROTO_TCP, fileno=bound.detach())


def check_free(endpoint: Endpoint) -> Address:
    """The address, once it could be bound: for servers that bind by themselves and do not say why.

    Raises InvalidSettings.
    """
    address = resolve(endpoint)
    if address.port:
        bind(endpoint).close()
    return address


def bound_address(listener: socket.socket) -> Address:
    """Where a socket is bound, with the port that it was given."""
    host, port = listener.getsockname()[:2]
    return Address(listener.family, str(host), int(port))


def bind_error(endpoint: Endpoint, address: Address, error: OSError) -> InvalidSettings:
    """Why the address cannot be bound, with its setting and, where it can be seen, its owner."""
    said = f"{endpoint.setting}={endpoint.listen}: {error.strerror or error}"
    hint = f"Choose another {endpoint.setting}; empty turns the port off."
    if error.errno == errno.EADDRINUSE:
        owner = _owner(address.port)
        said = f"{endpoint.setting}={endpoint.listen}: port {address.port} is taken" + (
            f" by {owner}" if owner else ""
        )
        hint = f"Stop that program, or choose another {endpoint.setting}."
    if error.errno == errno.EACCES:
        hint = f"Ports below 1024 need a privilege: choose another {endpoint.setting}."
    return InvalidSettings(said, hint=hint)


def _parse(endpoint: Endpoint) -> tuple[str, int]:
    text = endpoint.listen.strip()
    bracketed = _BRACKETED.match(text)
    host, colon, port = (bracketed[1], ":", bracketed[2]) if bracketed else text.rpartition(":")
    valid = port.isascii() and port.isdecimal() and len(port) <= len(str(PORT_MAX))
    ambiguous = not bracketed and (":" in host or "[" in host or "]" in host)
    if not colon or not valid or int(port) > PORT_MAX or ambiguous:
        form = _FORM.format(port=endpoint.default_port or 4318)
        raise InvalidSettings(
            f"{endpoint.setting}={endpoint.listen} is not an address",
            hint=f"{form[0].upper()}{form[1:]}; empty turns the port off.",
        )
    if bracketed and not _is_ipv6(host):
        raise InvalidSettings(f"{endpoint.setting}={endpoint.listen}: {host!r} is not IPv6")
    return host, int(port)


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def _first_address(endpoint: Endpoint, host: str, port: int) -> Address:
    """IPv4 before IPv6 where a name has both, as most clients of a name try it."""
    try:
        found = socket.getaddrinfo(
            host or ALL_ADDRESSES, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise InvalidSettings(
            f"{endpoint.setting}={endpoint.listen}: the host cannot be resolved: {error}",
            hint="Use an address of this machine, or a name that resolves to one.",
        ) from error
    family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return Address(socket.AddressFamily(family), str(address[0]), int(address[1]))


def _owner(port: int) -> str:
    """``name (process 12)`` of a listener on the port, where /proc shows it; else ""."""
    inodes = _listening_inodes(port)
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        with suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                if os.readlink(descriptor) in inodes:
                    return f"{(process / 'comm').read_text().strip()} (process {process.name})"
    return ""


def _listening_inodes(port: int) -> set[str]:
    """Socket names, as descriptors show them, of those in state LISTEN (0A) on the port."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                columns = line.split()
                if columns[3] == "0A" and int(columns[1].rpartition(":")[2], 16) == port:
                    found.add(f"socket:[{columns[9]}]")
    return found
