"""OTLP over gRPC: services on raw bytes, so that what is stored is what was sent.

Signals that are not kept are answered UNIMPLEMENTED, which senders do not repeat.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import grpc
from google.protobuf.message import Message

from indexer.errors import InvalidOtlp, WalBusy
from indexer.http.grpc_server import CallLimits, TokenCheck, abort, make_server
from indexer.otlp.requests import Signal
from indexer.receive.export import Export, Exports, kept_signals

API_KEY_METADATA = "x-junjo-api-key"
_SERVICES: dict[Signal, str] = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
}


def otlp_grpc_server(exports: Exports, *, api_key: str | None, limits: CallLimits) -> grpc.Server:
    """A server of the signals' services that listens nowhere yet."""
    return make_server(
        name="otlp-grpc",
        limits=limits,
        check=TokenCheck(token=api_key, metadata=API_KEY_METADATA),
        handlers=[_service(signal, export) for signal, export in exports.items()],
        unserved=partial(_unserved, exports),
    )


def _service(signal: Signal, export: Export) -> grpc.GenericRpcHandler:
    handler: grpc.RpcMethodHandler[bytes, Message] = grpc.unary_unary_rpc_method_handler(
        _export(export),
        request_deserializer=None,
        response_serializer=lambda message: message.SerializeToString(),
    )
    return grpc.method_handlers_generic_handler(_SERVICES[signal], {"Export": handler})


def _export(export: Export) -> Callable[[bytes, grpc.ServicerContext], Any]:
    def handle(body: bytes, context: grpc.ServicerContext) -> Any:
        try:
            return export(body, False)
        except InvalidOtlp as error:
            abort(context, grpc.StatusCode.INVALID_ARGUMENT, error.message)
        except WalBusy as error:
            abort(context, grpc.StatusCode.UNAVAILABLE, error.message, retry=True)

    return handle


def _unserved(exports: Exports, method: str) -> str:
    paths = ", ".join(f"/{_SERVICES[signal]}/Export" for signal in exports)
    kept = f"this service accepts only {kept_signals(exports)}, at {paths}"
    for signal in ("logs", "metrics", "profiles"):
        if f".{signal}." in method and signal not in exports:
            return f"{signal} are not accepted: {kept}; turn the exporter of {signal} off"
    return f"{method[:200]} is not served: {kept}"
