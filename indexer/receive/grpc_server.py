"""OTLP over gRPC: the traces service on raw bytes, so that what is stored is what was sent.

Logs and metrics are answered UNIMPLEMENTED, which senders do not repeat.
"""

from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import Message

from indexer.errors import InvalidOtlp, WalBusy
from indexer.http.grpc_server import CallLimits, TokenCheck, abort, make_server
from indexer.receive.export import Export

API_KEY_METADATA = "x-junjo-api-key"
_TRACES = "opentelemetry.proto.collector.trace.v1.TraceService"


def otlp_grpc_server(export: Export, *, api_key: str | None, limits: CallLimits) -> grpc.Server:
    """A server that listens nowhere yet."""
    handler: grpc.RpcMethodHandler[bytes, Message] = grpc.unary_unary_rpc_method_handler(
        _export(export),
        request_deserializer=None,
        response_serializer=lambda message: message.SerializeToString(),
    )
    return make_server(
        name="otlp-grpc",
        limits=limits,
        check=TokenCheck(token=api_key, metadata=API_KEY_METADATA),
        handlers=[grpc.method_handlers_generic_handler(_TRACES, {"Export": handler})],
        unserved=_unserved,
    )


def _export(export: Export) -> Callable[[bytes, grpc.ServicerContext], Any]:
    def handle(body: bytes, context: grpc.ServicerContext) -> Any:
        try:
            return export(body, False)
        except InvalidOtlp as error:
            abort(context, grpc.StatusCode.INVALID_ARGUMENT, error.message)
        except WalBusy as error:
            abort(context, grpc.StatusCode.UNAVAILABLE, error.message, retry=True)

    return handle


def _unserved(method: str) -> str:
    kept = f"this service keeps traces alone, at /{_TRACES}/Export"
    for signal in ("logs", "metrics", "profiles"):
        if f".{signal}." in method:
            return f"{signal} are not kept: {kept}; turn the exporter of {signal} off"
    return f"{method[:200]} is not here: {kept}"
