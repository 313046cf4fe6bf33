"""Every port of this program as its settings describe it: address, token, names, limits."""

from indexer.clients.application import BODY_BYTES_MAX, EXPOSED_HEADERS, OPEN_PATHS
from indexer.http.admission import Admission
from indexer.http.grpc_server import CallLimits
from indexer.http.hosts import NamePolicy
from indexer.http.limits import ConnectionLimits
from indexer.receive.grpc_server import API_KEY_METADATA
from indexer.settings import Settings
from indexer.system.addresses import Address, Endpoint, check_free


def dashboards(settings: Settings) -> Endpoint | None:
    """Where dashboards ask the worker; None when off."""
    if not settings.http_listen:
        return None
    return Endpoint(
        setting="INDEXER_HTTP_LISTEN",
        listen=settings.http_listen,
        token=settings.http_token.get_secret_value(),
        token_setting="INDEXER_HTTP_TOKEN",  # noqa: S106 - the name of a setting
        consent=settings.http_allow_open,
        consent_setting="INDEXER_HTTP_ALLOW_OPEN",
        default_port=8321,
    )


def otlp_grpc(settings: Settings) -> Endpoint | None:
    """OTLP over gRPC; None when off."""
    return _otlp("INGESTION_OTLP_GRPC_LISTEN", settings.otlp_grpc_listen, 4317, settings)


def otlp_http(settings: Settings) -> Endpoint | None:
    """OTLP over HTTP; None when off."""
    return _otlp("INGESTION_OTLP_HTTP_LISTEN", settings.otlp_http_listen, 4318, settings)


def internal(settings: Settings) -> Endpoint:
    """The internal port, where the worker asks the embedded ingestion."""
    host = settings.internal_listen_host.strip()
    name = f"[{host.strip('[]')}]" if ":" in host else host
    return Endpoint(
        setting="INGESTION_GRPC_LISTEN_HOST:INGESTION_GRPC_PORT",
        listen=f"{name}:{settings.ingestion_port}",
        token=settings.internal_token.get_secret_value(),
        token_setting="JUNJO_INTERNAL_GRPC_TOKEN",  # noqa: S106 - the name of a setting
        consent=settings.internal_allow_open,
        consent_setting="INGESTION_GRPC_ALLOW_OPEN",
        default_port=50052,
    )


def of_ingestion(settings: Settings) -> list[Endpoint]:
    """Every port that the embedded ingestion listens on."""
    found = [internal(settings), otlp_grpc(settings), otlp_http(settings)]
    return [endpoint for endpoint in found if endpoint is not None]


def dashboards_admission(settings: Settings) -> Admission:
    """Without a token only local names are let in, whatever the address."""
    token = settings.http_token.get_secret_value()
    return Admission(
        names=NamePolicy(
            local_only=not token,
            hosts=_set(settings.http_allowed_hosts),
            origins=_set(settings.http_allowed_origins),
        ),
        token=token,
        open_paths=OPEN_PATHS,
        body_bytes_max=BODY_BYTES_MAX,
        exposed_headers=EXPOSED_HEADERS,
    )


def otlp_admission(settings: Settings, address: Address) -> Admission:
    """Without a key on loopback only local names are let in."""
    key = settings.api_key.get_secret_value()
    return Admission(
        names=NamePolicy(
            local_only=not key and address.is_loopback,
            hosts=_set(settings.otlp_allowed_hosts),
            origins=_set(settings.otlp_allowed_origins),
        ),
        token=key,
        token_header=API_KEY_METADATA,
    )


def dashboards_limits(settings: Settings) -> ConnectionLimits:
    """Limits of dashboards' connections."""
    return ConnectionLimits(connections=settings.http_connections)


def otlp_http_limits(settings: Settings) -> ConnectionLimits:
    """Limits of connections of OTLP over HTTP."""
    return ConnectionLimits(connections=settings.otlp_http_connections)


def otlp_grpc_limits(settings: Settings) -> CallLimits:
    """Limits of calls of OTLP over gRPC."""
    return CallLimits(
        threads=settings.otlp_grpc_threads,
        message_bytes=settings.bytes_of("body_bytes_max"),
        connections=settings.otlp_grpc_connections,
    )


def http_bodies_bytes_max(settings: Settings) -> int:
    """What bodies over HTTP may hold: all but what gRPC has reserved whole."""
    reserved = otlp_grpc_limits(settings).message_bytes_in_hand if settings.otlp_grpc_listen else 0
    return settings.bytes_of("bodies_bytes_max") - reserved


def check_ports(settings: Settings) -> None:
    """Raise InvalidSettings for a port that may not, or cannot, be opened."""
    asked = dashboards(settings)
    for endpoint in [*of_ingestion(settings), *([asked] if asked else [])]:
        check_free(endpoint)


def _otlp(setting: str, listen: str, port: int, settings: Settings) -> Endpoint | None:
    if not listen:
        return None
    return Endpoint(
        setting=setting,
        listen=listen,
        token=settings.api_key.get_secret_value(),
        token_setting="INGESTION_API_KEY",  # noqa: S106 - the name of a setting
        consent=settings.otlp_allow_open,
        consent_setting="INGESTION_OTLP_ALLOW_OPEN",
        default_port=port,
    )


def _set(names: str) -> frozenset[str]:
    return frozenset(name for name in names.split(",") if name)
