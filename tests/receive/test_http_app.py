"""OTLP over HTTP: encodings, refusals, and bodies that are not what they say."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import zlib
from collections.abc import AsyncIterator, Callable

import httpx
import pyarrow as pa
import pytest
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from indexer.http.admission import Admission
from indexer.http.bodies import inflate
from indexer.receive.export import exporter
from indexer.receive.grpc_server import API_KEY_METADATA
from indexer.receive.http_app import JSON, PROTOBUF, http_app
from indexer.system.budget import ByteBudget
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
    async with connected(sink) as client:
        yield client


def connected(
    sink: KeepingSink, *, bytes_max: int = 64 << 20, budget: int = 256 << 20, key: str = ""
) -> httpx.AsyncClient:
    """A client of the application, without a server between them."""
    app = http_app(
        {"traces": exporter(sink)},
        admission=Admission(token=key, token_header=API_KEY_METADATA),
        budget=ByteBudget(budget),
        body_bytes_max=bytes_max,
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://otlp")


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
        (gzip.compress(BODY, mtime=0) + b"x", PROTOBUF, {"content_encoding": "gzip"}, 400),
        (BODY, PROTOBUF, {"content_encoding": "zstd"}, 400),
        (zlib.compress(BODY) + b"x", PROTOBUF, {"content_encoding": "deflate"}, 400),
        (BODY, PROTOBUF, {"content_encoding": "br"}, 415),
        (BODY, PROTOBUF, {"content_encoding": "gzip, gzip"}, 415),
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
async def test_a_body_beyond_the_limit_is_refused(sink, pack):
    """However small it was before it was unpacked."""
    headers = {"content_encoding": "gzip"} if pack is gzip.compress else {}
    async with connected(sink, bytes_max=1000) as client:
        assert (await post(client, pack(b"\n" * 1001), **headers)).status_code == 413
        assert (await post(client, pack(BODY), **headers)).status_code == 200


async def test_bodies_beyond_the_budget_are_asked_to_come_back(sink):
    """A small body has room where a large one has none."""
    async with connected(sink, budget=2 << 20) as client:
        answer = await post(client, gzip.compress(bytes(8 << 20)), content_encoding="gzip")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert (await post(client, BODY)).status_code == 200


@pytest.mark.parametrize(("body", "kind"), [(BODY, PROTOBUF), (TEXT, JSON)])
@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
        ("X-Gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("zstd", lambda body: pa.compress(body, "zstd", asbytes=True)),
        ("identity", bytes),
    ],
)
async def test_every_coding_of_the_field_is_understood(client, sink, body, kind, coding, pack):
    answer = await post(client, pack(body), kind, content_encoding=coding)
    assert answer.status_code == 200
    assert len(sink.kept) == 1


@given(data=st.data())
async def test_a_body_in_any_pieces_and_members_is_the_body(data):
    """Inflating in windows and portions loses and adds nothing, whatever the members are."""
    body = data.draw(st.binary(max_size=100_000)) * data.draw(st.integers(1, 5))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=5)))
    parts = [body[a:b] for a, b in itertools.pairwise([0, *cuts, len(body)])]
    sent = b"".join(gzip.compress(part, mtime=0) for part in parts)
    with ByteBudget(1 << 30).reservation() as held:
        assert inflate(sent, "gzip", held, 1 << 24) == body
        assert held.held_bytes == len(body)


@pytest.mark.parametrize("how", ["busy", "fails"])
async def test_a_busy_sink_asks_the_sender_to_come_back(client, sink, how):
    setattr(sink, how, True)
    answer = await post(client, BODY)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert said(answer).code == 14


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/metrics", "/v1/profiles", "/v1development/x"])
async def test_other_signals_are_not_kept(client, path):
    answer = await client.post(path, content=b"", headers={"content-type": PROTOBUF})
    assert answer.status_code == 404
    assert "only traces, at /v1/traces" in said(answer).message


@pytest.mark.parametrize("path", ["/v1/traces/", "//v1/traces", "/v1//traces"])
async def test_a_path_that_differs_in_slashes_is_the_path(client, sink, path):
    answer = await client.post(
        f"http://otlp{path}", content=BODY, headers={"content-type": PROTOBUF}
    )
    assert answer.status_code == 200
    assert len(sink.kept) == 1


@pytest.mark.parametrize("path", ["/", "/v1/trace", "/api/traces"])
async def test_a_wrong_path_says_which_is_right(client, sink, path):
    answer = await client.post(path, content=BODY, headers={"content-type": PROTOBUF})
    assert answer.status_code == 404
    assert "/v1/traces" in said(answer).message


async def test_another_method_is_refused(client):
    answer = await client.get("/v1/traces")
    assert (answer.status_code, answer.headers["content-type"]) == (405, JSON)


@pytest.mark.parametrize(("given", "status"), [(None, 401), ("wrong", 401), (KEY, 200)])
async def test_an_api_key_is_asked_for(sink, given, status):
    headers = {"content-type": PROTOBUF} | ({"x-junjo-api-key": given} if given else {})
    async with connected(sink, key=KEY) as client:
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
