"""OTLP over HTTP: encodings, refusals, and bodies that are not what they say."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from indexer.receive import http_app as http
from indexer.receive.export import exporter
from indexer.receive.http_app import JSON, PROTOBUF, http_app
from tests.receive.sink import KeepingSink
from tests.receive.test_grpc_server import GOOD, KEY, request

BODY = GOOD.SerializeToString()
TEXT = json.dumps(
    {
        "resourceSpans": [
            {
                "scopeSpans": [
                    {"spans": [{"traceId": "AB" * 16, "spanId": "cd" * 8, "name": "a", "kind": 2}]}
                ]
            }
        ]
    }
).encode()

Post = Callable[..., object]


@pytest.fixture
def sink() -> KeepingSink:
    return KeepingSink()


@pytest.fixture
async def client(sink: KeepingSink) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(http_app(exporter(sink), api_key=None))
    async with httpx.AsyncClient(transport=transport, base_url="http://otlp") as client:
        yield client


async def post(client: httpx.AsyncClient, body: bytes, kind: str = PROTOBUF, **headers: str):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/v1/traces", content=body, headers={"content-type": kind, **named})


def said(answer: httpx.Response) -> Status:
    """The refusal, in protobuf."""
    assert answer.headers["content-type"] == PROTOBUF
    return Status.FromString(answer.content)


async def test_protobuf_is_kept_as_it_came(client, sink):
    answer = await post(client, BODY)
    assert (answer.status_code, answer.headers["content-type"]) == (200, PROTOBUF)
    assert not ExportTraceServiceResponse.FromString(answer.content).HasField("partial_success")
    assert sink.kept == [(BODY, 2)]


async def test_json_is_answered_in_json_and_kept_as_protobuf(client, sink):
    answer = await post(client, TEXT, "application/json; charset=utf-8")
    assert (answer.status_code, answer.headers["content-type"], answer.json()) == (200, JSON, {})
    ((body, count),) = sink.kept
    (span,) = ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans
    assert (count, span.trace_id, span.span_id, span.kind) == (1, b"\xab" * 16, b"\xcd" * 8, 2)


@pytest.mark.parametrize(("body", "kind"), [(BODY, PROTOBUF), (TEXT, JSON)])
async def test_gzip_is_understood(client, sink, body, kind):
    answer = await post(client, gzip.compress(body, mtime=0), kind, content_encoding="gzip")
    assert answer.status_code == 200
    assert len(sink.kept) == 1


async def test_an_empty_request_succeeds(client, sink):
    for body, kind in ((b"", PROTOBUF), (b"{}", JSON)):
        assert (await post(client, body, kind)).status_code == 200
    assert sink.kept == []


async def test_rejected_spans_are_counted(client, sink):
    answer = await post(client, request((b"", b""), (b"t" * 16, b"s" * 8)).SerializeToString())
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (partial.rejected_spans, len(sink.kept)) == (1, 1)


@pytest.mark.parametrize(
    ("body", "kind", "headers", "status"),
    [
        (b"\xff\xff", PROTOBUF, {}, 400),
        (b"{", JSON, {}, 400),
        (b"not gzip", PROTOBUF, {"content_encoding": "gzip"}, 400),
        (gzip.compress(BODY, mtime=0)[:-4], PROTOBUF, {"content_encoding": "gzip"}, 400),
        (gzip.compress(BODY, mtime=0) * 2, PROTOBUF, {"content_encoding": "gzip"}, 400),
        (BODY, PROTOBUF, {"content_encoding": "zstd"}, 415),
        (BODY, "text/plain", {}, 415),
        (BODY, "", {}, 415),
    ],
)
async def test_what_is_not_otlp_is_the_senders_fault(client, sink, body, kind, headers, status):
    """In the encoding that was asked in, with the code of gRPC inside."""
    answer = await post(client, body, kind, **headers)
    assert answer.status_code == status
    if kind == PROTOBUF:
        assert said(answer).code == 3
        assert said(answer).message
    else:
        assert answer.json()["code"] == 3
    assert sink.kept == []


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
async def test_a_body_beyond_the_limit_is_refused(client, sink, monkeypatch, pack):
    """However small it was before it was unpacked."""
    monkeypatch.setattr(http, "BODY_BYTES_MAX", 1000)
    headers = {"content_encoding": "gzip"} if pack is gzip.compress else {}
    assert (await post(client, pack(b"\n" * 1001), **headers)).status_code == 413
    assert (await post(client, pack(b"")[:0] or pack(BODY), **headers)).status_code == 200


@pytest.mark.parametrize("how", ["busy", "fails"])
async def test_a_busy_sink_asks_the_sender_to_come_back(client, sink, how):
    setattr(sink, how, True)
    answer = await post(client, BODY)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert said(answer).code == 14


async def test_a_body_that_never_ends_is_given_up(client, sink, monkeypatch):
    monkeypatch.setattr(http, "BODY_S", 0.01)

    async def drip() -> AsyncIterator[bytes]:
        yield BODY[:3]
        await asyncio.sleep(5)

    answer = await client.post("/v1/traces", content=drip(), headers={"content-type": PROTOBUF})
    assert answer.status_code == 408
    assert sink.kept == []


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/metrics", "/v1/profiles", "/v1development/x"])
async def test_other_signals_are_not_kept(client, path):
    answer = await client.post(path, content=b"", headers={"content-type": PROTOBUF})
    assert answer.status_code == 404
    assert "served here" in said(answer).message or "traces alone" in said(answer).message


async def test_another_method_is_refused(client):
    answer = await client.get("/v1/traces")
    assert (answer.status_code, answer.headers["content-type"]) == (405, JSON)


@pytest.mark.parametrize(("given", "status"), [(None, 401), ("wrong", 401), (KEY, 200)])
async def test_an_api_key_is_asked_for(sink, given, status):
    transport = httpx.ASGITransport(http_app(exporter(sink), api_key=KEY))
    headers = {"content-type": PROTOBUF} | ({"x-junjo-api-key": given} if given else {})
    async with httpx.AsyncClient(transport=transport, base_url="http://otlp") as client:
        answer = await client.post("/v1/traces", content=BODY, headers=headers)
    assert answer.status_code == status
    assert len(sink.kept) == (status == 200)


@pytest.mark.parametrize(("body", "kind"), [(BODY, PROTOBUF), (TEXT, JSON)])
async def test_damaged_requests_are_taken_or_refused(client, sink, body, kind):
    """Nothing in between: what is answered 200 with nothing rejected is kept whole."""
    chance = random.Random(20261121)
    for _ in range(500):
        damaged = bytearray(body)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        before = len(sink.kept)
        answer = await post(client, bytes(damaged[: chance.randint(1, len(damaged))]), kind)
        assert answer.status_code in {200, 400}
        assert len(sink.kept) - before <= (answer.status_code == 200)
