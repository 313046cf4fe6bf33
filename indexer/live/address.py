"""``otlp://host:port`` as the addresses of a receiver's two ports."""

import re

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidSettings
from indexer.system.addresses import Endpoint

SCHEME = "otlp"
_URL = re.compile(
    r"otlp://(?P<host>\[[^\[\]/?#@]*\]|[^:\[\]/?#@]*):(?P<port>[0-9]{1,5})/?\Z", re.IGNORECASE
)
_HINT = "Expected otlp://host:port, for example otlp://localhost:4317 or otlp://[::1]:4317."


@dataclass(frozen=True, slots=True)
class ReceiverAddress:
    """Where gRPC and HTTP are served, and who may send."""

    grpc: Endpoint
    http: Endpoint | None
    """None: not at all."""


def receiver_address(
    url: str, *, http_port: int | None = None, token: str = "", allow_open: str = ""
) -> ReceiverAddress:
    """The addresses of a URL.

    HTTP is at ``http_port``, by default the next port after gRPC's as OTLP has it (4317, 4318); a
    negative one turns it off. Port 0 is any free one. Raises InvalidSettings.
    """
    found = _URL.match(url.strip())
    if found is None:
        raise InvalidSettings(f"invalid OTLP address {url!r}", hint=_HINT)
    host, port = found["host"], int(found["port"])
    beside = http_port if http_port is not None else port + 1 if port else 0
    shared = {
        "token": token,
        "token_setting": "token",
        "consent": allow_open,
        "consent_setting": "allow_open",
    }
    return ReceiverAddress(
        Endpoint(setting="address", listen=f"{host}:{port}", default_port=4317, **shared),
        Endpoint(setting="http_port", listen=f"{host}:{beside}", default_port=4318, **shared)
        if beside >= 0
        else None,
    )
