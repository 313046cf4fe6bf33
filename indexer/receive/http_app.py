"""OTLP over HTTP: protobuf and JSON, plain and compressed; refusals as google.rpc.Status.

Signals that are not kept are answered 404, and paths that are nearly right say which ones are.
"""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http import HTTPStatus

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from indexer.deferred_dataclass import dataclass
from indexer.errors import (
    BodiesBusy,
    BodyTooLarge,
    BodyUnreadable,
    CodingUnknown,
    IndexerError,
    InvalidOtlp,
    OtlpTooLarge,
    WalBusy,
)
from indexer.http.admission import Admission
from indexer.http.bodies import collect, content_coding, inflate
from indexer.http.refusals import Refusal
from indexer.otlp.requests import Signal
from indexer.receive.export import Export, Exports, kept_signals
from indexer.system.budget import SMALL_BYTES, ByteBudget, Reservation

PROTOBUF, JSON = "application/x-protobuf", "application/json"
TRACES_PATH = "/v1/traces"
_PATHS: dict[Signal, str] = {"traces": TRACES_PATH, "logs": "/v1/logs", "metrics": "/v1/metrics"}
_PROFILES_PATH = "/v1development/profiles"
RETRY_AFTER_S = 1
"""How long a sender is asked to wait while the service is full."""
SMALL_THREADS = 32
"""Requests that wait for their commit; one commit holds many."""
LARGE_THREADS = 2
"""Larger ones at a time: parsing holds the interpreter, and small ones wait for it."""
_CODES = {400: 3, 401: 16, 403: 7, 404: 12, 405: 12, 408: 4, 411: 3, 413: 3, 414: 3, 415: 3}
_CODES |= {421: 3, 429: 8, 431: 3, 503: 14, 505: 12}
"""google.rpc.Code beside the HTTP status."""
_STATUS: dict[type[IndexerError], int] = {
    BodiesBusy: 503,
    BodyTooLarge: 413,
    BodyUnreadable: 400,
    CodingUnknown: 415,
    OtlpTooLarge: 413,
    InvalidOtlp: 400,
    WalBusy: 503,
}


def http_app(
    exports: Exports, *, admission: Admission, budget: ByteBudget, body_bytes_max: int
) -> ASGIApp:
    """The application of an OTLP/HTTP endpoint; ``admission`` says who is let in.

    Bodies of up to ``body_bytes_max`` bytes, inflated, are held against ``budget``.
    """
    rules = replace(
        admission, body_bytes_max=body_bytes_max, chunked_bodies=True, refuse=_as_status
    )
    return rules.around(_Signals(exports, budget, body_bytes_max))


@dataclass(frozen=True, slots=True)
class _Answer:
    """A status and its message, not encoded yet."""

    status: int
    message: Message
    headers: tuple[tuple[str, str], ...] = ()


class _Signals:
    """The application behind its admission."""

    def __init__(self, exports: Exports, budget: ByteBudget, body_bytes_max: int) -> None:
        self._exports = exports
        self._by_path = {_PATHS[signal]: export for signal, export in exports.items()}
        self._budget = budget
        self._body_bytes_max = body_bytes_max
        self._small = ThreadPoolExecutor(SMALL_THREADS, thread_name_prefix="otlp-http")
        self._large = ThreadPoolExecutor(LARGE_THREADS, thread_name_prefix="otlp-http-large")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except ClientDisconnect:
            return
        response = _encoded(answer, _kind(request))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> _Answer:
        path = re.sub("/+", "/", request.url.path).rstrip("/")
        export = self._by_path.get(path)
        if export is None:
            return _not_served(self._exports, request.url.path, path)
        if request.method != "POST":
            return _refusal(405, f"{request.method} is not allowed on {path}: POST an export")
        kind = _kind(request)
        if kind not in {PROTOBUF, JSON}:
            said = f"content-type {kind[:64]!r}, expected {PROTOBUF} or {JSON}"
            return _refusal(415, said)
        try:
            return _Answer(200, await self._export_body(request, export, is_json=kind == JSON))
        except IndexerError as error:
            return _of_error(error)

    async def _export_body(self, request: Request, export: Export, *, is_json: bool) -> Message:
        coding = content_coding(request.headers.get("content-encoding"))
        loop = asyncio.get_running_loop()
        with self._budget.reservation() as held:
            body = await collect(request, held, self._body_bytes_max)
            if coding != "identity":
                body = await loop.run_in_executor(self._small, self._inflate, body, coding, held)
            threads = self._small if len(body) <= SMALL_BYTES else self._large
            return await loop.run_in_executor(threads, export, body, is_json)

    def _inflate(self, body: bytes, coding: str, held: Reservation) -> bytes:
        return inflate(body, coding, held, self._body_bytes_max)


def _not_served(exports: Exports, asked: str, path: str) -> _Answer:
    paths = ", ".join(_PATHS[signal] for signal in exports)
    kept = f"this endpoint accepts only {kept_signals(exports)}, at {paths}"
    said = f"{asked[:200]} is not served: {kept}"
    if path in {*_PATHS.values(), _PROFILES_PATH}:
        signal = path.rpartition("/")[2]
        said = f"{signal} are not accepted: {said}; turn the exporter of {signal} off"
    return _refusal(404, said)


def _of_error(error: IndexerError) -> _Answer:
    for kind, status in _STATUS.items():
        if isinstance(error, kind):
            return _refusal(status, error.message)
    raise error


def _refusal(status: int, message: str) -> _Answer:
    headers: tuple[tuple[str, str], ...] = ()
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers = (("retry-after", str(RETRY_AFTER_S)),)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = (("allow", "POST"),)
    return _Answer(status, Status(code=_CODES.get(status, 13), message=message), headers)


def _as_status(scope: Scope, refusal: Refusal) -> Response:
    """A refusal of the admission, in the form that OTLP's clients read."""
    said = f"{refusal.detail}. {refusal.hint}" if refusal.hint else refusal.detail
    answer = _refusal(refusal.status, said)
    return _encoded(
        replace(answer, headers=(*answer.headers, *refusal.headers.items())), _kind(Request(scope))
    )


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _encoded(answer: _Answer, kind: str) -> Response:
    """In the encoding of the request, JSON where it has none."""
    if kind == PROTOBUF:
        content = answer.message.SerializeToString()
    else:
        kind, content = JSON, MessageToJson(answer.message, indent=None).encode()
    return Response(content, answer.status, dict(answer.headers), media_type=kind)
