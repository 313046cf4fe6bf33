"""Every port of this program as its settings describe it: address, token, consent to be open."""

from indexer.settings import Settings
from indexer.system.addresses import Endpoint, check_free, resolve


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


def ingestion_http(settings: Settings) -> Endpoint | None:
    """Where probes and Prometheus ask the embedded ingestion; None when off."""
    if not settings.ingestion_http_listen:
        return None
    return Endpoint(
        setting="INGESTION_HTTP_LISTEN",
        listen=settings.ingestion_http_listen,
        token=settings.ingestion_http_token.get_secret_value(),
        token_setting="INGESTION_HTTP_TOKEN",  # noqa: S106 - the name of a setting
        consent=settings.ingestion_http_allow_open,
        consent_setting="INGESTION_HTTP_ALLOW_OPEN",
        default_port=8322,
    )


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


def ingestion_ports(settings: Settings) -> list[Endpoint]:
    """Every port that the embedded ingestion listens on."""
    found = [
        internal(settings),
        otlp_grpc(settings),
        otlp_http(settings),
        ingestion_http(settings),
    ]
    return [endpoint for endpoint in found if endpoint is not None]


def all_ports(settings: Settings) -> list[Endpoint]:
    """Every port of the embedded ingestion and of the worker."""
    worker = dashboards(settings)
    return [*ingestion_ports(settings), *([worker] if worker else [])]


def check_ports(settings: Settings) -> None:
    """Raise InvalidSettings for a port that must not, or cannot, be opened.

    What is wrong in a setting is said before what another program listens on.
    """
    endpoints = all_ports(settings)
    for endpoint in endpoints:
        resolve(endpoint)
    for endpoint in endpoints:
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
