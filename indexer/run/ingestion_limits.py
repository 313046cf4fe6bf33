"""Who may send spans to the embedded ingestion, and how much at once, as the settings say."""

from indexer.http.admission import Admission
from indexer.http.grpc_server import CallLimits
from indexer.http.hosts import NamePolicy
from indexer.http.limits import ConnectionLimits
from indexer.ingest.probes import OPEN_PATHS
from indexer.receive.grpc_server import API_KEY_METADATA
from indexer.settings import Settings
from indexer.settings.values import name_set
from indexer.system.addresses import Address


def otlp_admission(settings: Settings, address: Address) -> Admission:
    """Without a key on loopback only local names are let in."""
    key = settings.api_key.get_secret_value()
    return Admission(
        names=NamePolicy(
            local_only=not key and address.is_loopback,
            hosts=name_set(settings.otlp_allowed_hosts),
            origins=name_set(settings.otlp_allowed_origins),
        ),
        token=key,
        token_header=API_KEY_METADATA,
    )


def probes_admission(settings: Settings) -> Admission:
    """Without a token only local names are let in, whatever the address."""
    token = settings.ingestion_http_token.get_secret_value()
    return Admission(names=NamePolicy(local_only=not token), token=token, open_paths=OPEN_PATHS)


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
