"""OTLP over gRPC: the traces service on raw bytes, so that what is stored is what was sent.

Logs and metrics are answered UNIMPLEMENTED, which senders do not repeat.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from indexer.errors import InvalidOtlp, WalBusy
from indexer.receive.export import BODY_BYTES_MAX, RETRY_AFTER_S, Export, is_allowed

API_KEY_METADATA = "x-junjo-api-key"
THREADS = 16
"""Requests in hand: each waits for its commit, and a commit takes many."""
CONCURRENT_RPCS_MAX = 256
"""Beyond, senders are told to come back; each may hold a body in memory."""

_TRACES = "opentelemetry.proto.collector.trace.v1.TraceService"


def grpc_server(export: Export, *, listen: str, api_key: str | None) -> tuple[grpc.Server, int]:
    """A server that is bound and not started yet, and its port. Raises OSError when it cannot."""
    server = grpc.server(
        ThreadPoolExecutor(THREADS, thread_name_prefix="otlp-grpc"),
        options=[
            ("grpc.max_receive_message_length", BODY_BYTES_MAX),
            ("grpc.so_reuseport", 0),
        ],
        maximum_concurrent_rpcs=CONCURRENT_RPCS_MAX,
        compression=grpc.Compression.NoCompression,
    )
    handler: grpc.RpcMethodHandler[bytes, Message] = grpc.unary_unary_rpc_method_handler(
        _export(export, api_key),
        request_deserializer=None,
        response_serializer=lambda message: message.SerializeToString(),
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(_TRACES, {"Export": handler}),)
    )
    return server, bound(server, listen)


def bound(server: grpc.Server, listen: str) -> int:
    """The port that the server now has. Raises OSError when the address is taken or is none."""
    try:
        port = server.add_insecure_port(listen)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {listen}: {error}") from error
    if port == 0:
        raise OSError(f"cannot listen on {listen}")
    return int(port)


def _export(export: Export, api_key: str | None) -> Callable[[bytes, grpc.ServicerContext], Any]:
    def handle(body: bytes, context: grpc.ServicerContext) -> Any:
        metadata = dict(context.invocation_metadata())
        if not is_allowed(api_key, _text(metadata.get(API_KEY_METADATA))):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, f"{API_KEY_METADATA} is not right")
        try:
            return export(body, False)
        except InvalidOtlp as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
        except WalBusy as error:
            _come_back(context, error.message)

    return handle


def _come_back(context: grpc.ServicerContext, message: str) -> NoReturn:
    """UNAVAILABLE with RetryInfo: what OTLP asks for under backpressure."""
    retry = AnyMessage()
    retry.Pack(RetryInfo(retry_delay=Duration(seconds=RETRY_AFTER_S)))
    status = Status(code=grpc.StatusCode.UNAVAILABLE.value[0], message=message, details=[retry])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNAVAILABLE, message)


def _text(value: str | bytes | None) -> str | None:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
