"""Thousands of damaged bodies: each is a request or ``InvalidOtlp``, and never anything else.

A server that met another exception would answer with a status that asks for the same body again.
The bodies are damaged by numbers that are the same in every run.
"""

import json
import random

import pytest

from indexer.errors import InvalidOtlp
from indexer.otlp import wire_fields
from indexer.otlp.admission import admit
from indexer.otlp.json_requests import admit_json
from indexer.otlp.requests import parse_protobuf
from indexer.otlp.spans import SPAN_SCHEMA, span_table, span_table_of
from tests.otlp.export_requests import attribute, document, request_of, span, valid_count
from tests.otlp.messages import patched_pieces

ROUNDS = 1_500
VALUES = [
    attribute("text", stringValue="Grüße 😀"),
    attribute("number", intValue="-9223372036854775808"),
    attribute("double", doubleValue=0.5),
    attribute("flag", boolValue=True),
    attribute("bytes", bytesValue="AAECAw=="),
    attribute("array", arrayValue={"values": [{"intValue": 1}, {}]}),
    attribute("pairs", kvlistValue={"values": [attribute("a", stringValue="b")]}),
]
FULL = document(
    span(
        parentSpanId="00f067aa0ba902b7",
        attributes=VALUES,
        events=[{"name": "e", "timeUnixNano": "5", "attributes": VALUES}],
        links=[{"traceId": "ab" * 16, "spanId": "cd" * 8, "traceState": "k=v", "flags": 257}],
        status={"code": 2, "message": "no"},
    ),
    span(spanId="cd" * 8),
    resource={"attributes": [attribute("service.name", stringValue="s"), *VALUES]},
    scope={"name": "lib", "attributes": VALUES},
)
WHOLE = request_of(json.dumps(FULL).encode())
STORED = WHOLE.SerializeToString()
ODD = [None, True, 0, -1, 2**64, 10**400, 1.5, 1e308, "", "x", "1", "NaN", "\ud800", [], [None], {}]
ODD += [{"a": 1}, {"values": 3}, {"intValue": 1, "stringValue": "a"}, [[]], "0" * 32, "A" * 24]


def damaged_bytes(chance, body):
    """A byte or two changed, or some places overwritten, cut out, doubled, and the rest cut off."""
    found = bytearray(body)
    if chance.random() < 0.7:
        for _ in range(chance.randint(1, 2)):
            found[chance.randrange(len(found))] = chance.randrange(256)
        return bytes(found)
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randrange(len(found) or 1), chance.randint(1, 9)
        piece = found[at : at + length]
        found[at : at + length] = chance.choice(
            [chance.randbytes(len(piece)), b"", piece * 2, bytes(len(piece)), b"\xff" * length]
        )
    return bytes(found[: chance.choice([len(found), chance.randint(0, len(found))])])


def damaged_document(chance, value):
    """The same document, a few of its values or keys replaced by odd ones."""
    if chance.random() < 0.02:
        return chance.choice(ODD)
    if isinstance(value, dict):
        keys = [*value, chance.choice([*value, "later"])] if value else []
        return {
            chance.choice(keys) if chance.random() < 0.02 else key: damaged_document(chance, item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [damaged_document(chance, item) for item in value]
    return value


def survivors(bodies):
    """How many of the bodies are requests, each of which must make a table of its spans."""
    made = 0
    for body in bodies:
        try:
            request = parse_protobuf("traces", body)
        except InvalidOtlp:
            continue
        table = span_table([request.SerializeToString()])
        table.validate(full=True)
        assert table.schema == SPAN_SCHEMA
        assert table.num_rows == valid_count(request)
        for column in ("attributes", "events", "links", "resource_attributes"):
            for text in table[column].to_pylist():
                json.loads(text, parse_constant=pytest.fail)
        made += 1
    return made


def test_damaged_protobuf():
    chance = random.Random(20_261)
    made = survivors(damaged_bytes(chance, STORED) for _ in range(ROUNDS))
    assert 100 < made < ROUNDS - 100


@pytest.mark.parametrize("piece_bytes", [1, 64, wire_fields.PIECE_BYTES])
@pytest.mark.parametrize("kind", ["protobuf", "json text", "json values"])
def test_what_is_stored_of_a_damaged_body_becomes_rows(kind, piece_bytes):
    """As many as were acknowledged, whichever spans were left out."""
    chance = random.Random(20_266)
    text = json.dumps(FULL, ensure_ascii=False).encode()
    make, door = {
        "protobuf": (lambda: damaged_bytes(chance, STORED), admit),
        "json text": (lambda: damaged_bytes(chance, text), admit_json),
        "json values": (lambda: json.dumps(damaged_document(chance, FULL)).encode(), admit_json),
    }[kind]
    kept = refused = rejected = 0
    with patched_pieces(piece_bytes):
        for _ in range(ROUNDS // 6):
            try:
                found = door(make())
            except InvalidOtlp:
                refused += 1
                continue
            assert (found.rejected == 0) or found.message
            if found.span_count:
                table = span_table([found.stored])
                table.validate(full=True)
                assert table.num_rows == found.span_count
                kept += 1
                rejected += found.rejected
    assert min(kept, refused, rejected) > 5


@pytest.mark.parametrize("signal", ["metrics", "logs"])
def test_bodies_of_another_signal(signal):
    """Top-level fields have the same number in all signals, so a wrong one is not always seen."""
    chance = random.Random(20_264)
    refused = 0
    for _ in range(ROUNDS // 3):
        try:
            parse_protobuf(signal, damaged_bytes(chance, STORED))
        except InvalidOtlp:
            refused += 1
    assert refused > 100


def test_damaged_pairs_of_span_and_resource():
    chance = random.Random(20_265)
    each = WHOLE.resource_spans[0]
    whole = each.scope_spans[0].spans[0].SerializeToString(), each.resource.SerializeToString()
    rows = refused = 0
    for _ in range(ROUNDS):
        side = chance.randrange(2)
        pair = [
            damaged_bytes(chance, part) if at == side else part for at, part in enumerate(whole)
        ]
        try:
            rows += span_table_of([tuple(pair)]).num_rows
        except InvalidOtlp:
            refused += 1
    assert rows > 100
    assert refused > 100
