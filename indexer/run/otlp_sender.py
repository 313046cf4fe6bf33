"""Spans of OTLP files are sent to an OTLP address over HTTP, each request until it is acknowledged.

A request that the address cannot take now is sent again, as OTLP says: 429, 502, 503 and 504, and
connections that break. Sent twice, a span is the same span.
"""

import re
import time
from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from indexer.deferred_dataclass import dataclass
from indexer.errors import QueryRefused, TransientError
from indexer.otlp.files.paths import FileAccess
from indexer.otlp.files.scan import Scan, ScanOptions, ScanStats
from indexer.otlp.portions import portions
from indexer.otlp.requests import span_count
from indexer.run.conversion import LocalOnly
from indexer.system import retry

REQUEST_S = 60.0
"""Of one request: a megabyte over a slow line."""
LASTING_S = 300.0
"""Of all tries of one request: a service that restarts is back within minutes."""
PAUSE_S_MAX = 30.0
"""However long the address asks to wait: it is asked again by then."""
PATH = "/v1/traces"
_AGAIN = frozenset({429, 502, 503, 504})
_MEDIA_TYPE = "application/x-protobuf"
_SCHEME = re.compile("[a-z]+://", re.IGNORECASE)


class _NotNow(Exception):
    """The address cannot take the request now; it may ask to wait."""

    def __init__(self, message: str, pause_s: float = 0.0) -> None:
        super().__init__(message)
        self.pause_s = pause_s


@dataclass(slots=True, kw_only=True)
class Sent:
    """What became of one file."""

    stats: ScanStats
    spans: int = 0
    """That were acknowledged, rejected ones included."""
    rejected: int = 0
    reason: str = ""
    """Of the first rejection."""


class OtlpAddress:
    """``host:port`` or a URL, to which ``/v1/traces`` is added as the exporters of SDKs do."""

    def __init__(
        self,
        address: str,
        *,
        token: str = "",
        sleep: Callable[[float], None],
        lasting_s: float | None = None,
    ) -> None:
        """``lasting_s`` bounds all tries of one request instead of ``LASTING_S``; 0 is one try.

        Raises QueryRefused for an invalid HTTP address.
        """
        url = urlsplit(address if _SCHEME.match(address) else f"http://{address}")
        if url.scheme not in ("http", "https") or not url.hostname:
            raise QueryRefused(
                f"invalid OTLP address {address!r}", hint="Write it like http://127.0.0.1:4318."
            )
        self._https, self._host, self._port = url.scheme == "https", url.hostname, url.port
        self._path = url.path.rstrip("/").removesuffix(PATH) + PATH
        self._headers = {"Content-Type": _MEDIA_TYPE}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._sleep = sleep
        self._lasting_s = LASTING_S if lasting_s is None else lasting_s

    def send(self, body: bytes) -> tuple[int, str]:
        """How many spans of the request were rejected, and why; once it is acknowledged.

        Raises QueryRefused for a request that is refused for good, TransientError for one that
        was not taken within ``lasting_s``.
        """

        def once() -> tuple[int, str]:
            try:
                return self._send(body)
            except _NotNow as error:
                self._sleep(min(error.pause_s, PAUSE_S_MAX))
                raise

        try:
            return retry.call(once, on=_NotNow, backoff=retry.SEND, lasting_s=self._lasting_s)
        except _NotNow as error:
            hint = "Check its service, and import again: a span that is sent twice is one span."
            raise TransientError(str(error), hint=hint) from error

    def _send(self, body: bytes) -> tuple[int, str]:
        with closing(self._connection()) as connection:
            try:
                connection.request("POST", self._path, body, self._headers)
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, HTTPException) as error:
                raise _NotNow(f"{self._name} does not answer: {error}") from error
        if answer.status == HTTPStatus.OK:
            said = _decoded(ExportTraceServiceResponse, content).partial_success
            return said.rejected_spans, said.error_message
        reason = f"{self._name} answered {answer.status}"
        detail = _decoded(Status, content).message
        if answer.status in _AGAIN:
            raise _NotNow(f"{reason}: {detail}", _pause_s(answer))
        raise QueryRefused(f"{reason}: {detail}", hint="Check the address and its token.")

    def _connection(self) -> HTTPConnection:
        kind = HTTPSConnection if self._https else HTTPConnection
        return kind(self._host, self._port or (443 if self._https else 4318), timeout=REQUEST_S)

    @property
    def _name(self) -> str:
        return f"{self._host}:{self._port}{self._path}" if self._port else self._host + self._path


def send_file(name: str, address: OtlpAddress, progress: Callable[[Sent], None]) -> Sent:
    """Send the spans of an OTLP file, in order; records of other signals are passed over.

    Raises NotOtlp, OtlpFileMissing, FileUnreadable, and what ``OtlpAddress.send`` raises.
    """
    with closing(FileAccess(LocalOnly()).open(name, 0)) as source:
        scan = Scan(name, source, ScanOptions(kind="unified"))
        sent = Sent(stats=scan.stats)
        for message in scan.messages():
            if message.signal == "traces" and message.resources:
                request = ExportTraceServiceRequest(resource_spans=message.resources)
                for body in portions(request.SerializeToString()):
                    _send(body, address, sent)
                    progress(sent)
    return sent


def _send(body: bytes, address: OtlpAddress, sent: Sent) -> None:
    rejected, reason = address.send(body)
    sent.spans += span_count(ExportTraceServiceRequest.FromString(body))
    sent.rejected += rejected
    sent.reason = sent.reason or reason


def _decoded(kind: Any, content: bytes) -> Any:
    """A message of the answer; an empty one where it is of no OTLP service."""
    try:
        return kind.FromString(content)
    except DecodeError:
        return kind()


def _pause_s(answer: HTTPResponse) -> float:
    asked = answer.getheader("Retry-After", "")
    return float(asked) if asked.isdecimal() else 0.0


def sender(address: str, token: str) -> OtlpAddress:
    """An address that is waited for in real time."""
    return OtlpAddress(address, token=token, sleep=time.sleep)
