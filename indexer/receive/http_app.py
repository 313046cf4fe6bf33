"""OTLP over HTTP: protobuf and JSON, plain and gzip; refusals as google.rpc.Status.

Logs and metrics are answered 404: this endpoint keeps traces alone, and says so.
"""

import asyncio
import zlib
from functools import partial

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from indexer.errors import InvalidOtlp, WalBusy
from indexer.receive.export import BODY_BYTES_MAX, RETRY_AFTER_S, Export, is_allowed
from indexer.receive.grpc_server import API_KEY_METADATA

BODY_S = 30.0
"""How long a sender may take over its body."""
PROTOBUF, JSON = "application/x-protobuf", "application/json"

_CODES = {400: 3, 401: 16, 404: 12, 405: 12, 408: 4, 413: 3, 415: 3, 503: 14}
"""google.rpc.Code beside the HTTP status."""


class Refused(Exception):
    """The answer is an HTTP status and why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def http_app(export: Export, *, api_key: str | None) -> Starlette:
    """The application of an OTLP/HTTP endpoint."""
    return Starlette(
        routes=[
            Route("/v1/traces", partial(_traces, export, api_key), methods=["POST"]),
            Route("/v1/{signal:path}", _other_signal, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _no_route},
    )


async def _traces(export: Export, api_key: str | None, request: Request) -> Response:
    try:
        _check_key(request, api_key)
        kind = _content_type(request)
        body = await asyncio.wait_for(_body(request), BODY_S)
        answer = await run_in_threadpool(export, body, kind == JSON)
    except Refused as refusal:
        return _refusal(request, refusal.status, refusal.message)
    except InvalidOtlp as error:
        return _refusal(request, 400, error.message)
    except WalBusy as error:
        return _refusal(request, 503, error.message, {"retry-after": str(RETRY_AFTER_S)})
    except TimeoutError:
        return _refusal(request, 408, f"the body did not arrive within {BODY_S:g} s")
    except ClientDisconnect:
        return Response(status_code=400)
    return _encoded(answer, 200, kind)


def _check_key(request: Request, api_key: str | None) -> None:
    if not is_allowed(api_key, request.headers.get(API_KEY_METADATA)):
        raise Refused(401, f"{API_KEY_METADATA} is not right")


async def _other_signal(request: Request) -> Response:
    message = f"{request.url.path}: this endpoint keeps traces alone, at /v1/traces"
    return _refusal(request, 404, message)


async def _body(request: Request) -> bytes:
    """The body, decompressed. Raises Refused for what is too large or not what it says."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "gzip"}:
        raise Refused(415, f"content-encoding {encoding!r}, expected gzip or none")
    inflate = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    parts = []
    size = 0
    async for chunk in request.stream():
        part = _inflated(inflate, chunk, BODY_BYTES_MAX - size + 1) if inflate else chunk
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise Refused(413, f"the body is larger than {BODY_BYTES_MAX} bytes")
        parts.append(part)
    if inflate and any(parts) and (not inflate.eof or inflate.unused_data):
        raise Refused(400, "the gzip body ends early, or goes on after its end")
    return b"".join(parts)


def _inflated(inflate: "zlib._Decompress", chunk: bytes, bytes_max: int) -> bytes:
    """At most so many bytes: a small body may stand for a very large one."""
    try:
        return inflate.decompress(inflate.unconsumed_tail + chunk, bytes_max)
    except zlib.error as error:
        raise Refused(400, f"the body is not gzip: {error}") from error


def _content_type(request: Request) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {PROTOBUF, JSON}:
        raise Refused(415, f"content-type {kind!r}, expected {PROTOBUF} or {JSON}")
    return kind


def _refusal(
    request: Request, status: int, message: str, headers: dict[str, str] | None = None
) -> Response:
    """In the encoding of the request, JSON where it has none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = Status(code=_CODES.get(status, 13), message=message)
    answer = _encoded(body, status, PROTOBUF if kind == PROTOBUF else JSON)
    answer.headers.update(headers or {})
    return answer


def _encoded(message: Message, status: int, kind: str) -> Response:
    content = (
        message.SerializeToString()
        if kind == PROTOBUF
        else MessageToJson(message, indent=None).encode()
    )
    return Response(content, status, media_type=kind)


def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _refusal(request, status, f"{request.method} {request.url.path} is not served here")
