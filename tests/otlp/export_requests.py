"""Export requests as tests need them: one line for the usual, keywords for what matters."""

import json

import pyarrow as pa
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.otlp.json_mapping import read_message
from indexer.otlp.json_reader import DECODER
from indexer.otlp.requests import has_identity

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SPAN_ID = "b7ad6b7169203331"
START = 1_763_000_000_123_456_789


def span(**fields):
    """A span that can be stored, in the terms of OTLP's JSON."""
    usual = {
        "traceId": TRACE_ID,
        "spanId": SPAN_ID,
        "name": "GET /",
        "kind": 2,
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(START + 1_000),
    }
    return {**usual, **fields}


def document(*spans, resource=None, scope=None):
    """A trace request of one resource and one scope."""
    each = {"scopeSpans": [{"spans": list(spans)}]}
    if resource is not None:
        each["resource"] = resource
    if scope is not None:
        each["scopeSpans"][0]["scope"] = scope
    return {"resourceSpans": [each]}


def body(*spans, **around):
    """The same as bytes of JSON."""
    return json.dumps(document(*spans, **around)).encode()


def request_of(sent, kind=ExportTraceServiceRequest):
    """The request that a body of JSON says, read as one message."""
    return read_message(kind, DECODER.decode(sent.decode("utf-8-sig")))


def as_otlp_json(request):
    """What an exporter sends for the request: ids in hex, enumerations as numbers."""
    said = json_format.MessageToDict(request, use_integers_for_enums=True)
    for each, stored in zip(said.get("resourceSpans", []), request.resource_spans, strict=True):
        for scope, kept in zip(each.get("scopeSpans", []), stored.scope_spans, strict=True):
            for one, message in zip(scope.get("spans", []), kept.spans, strict=True):
                _put_ids(one, message)
                for link, linked in zip(one.get("links", []), message.links, strict=True):
                    _put_ids(link, linked)
    return json.dumps(said).encode()


def attribute(key, **value):
    """One pair of OTLP's JSON."""
    return {"key": key, "value": value}


def one_span(**fields):
    """A trace request of one span with the given protobuf fields, as a message."""
    usual = {
        "trace_id": bytes.fromhex(TRACE_ID),
        "span_id": bytes.fromhex(SPAN_ID),
        "name": "GET /",
        "start_time_unix_nano": START,
        "end_time_unix_nano": START + 1_000,
    }
    spans = [{**usual, **fields}]
    return ExportTraceServiceRequest(resource_spans=[{"scope_spans": [{"spans": spans}]}])


def valid_count(request):
    """Spans of a trace request that have their ids."""
    return sum(
        has_identity(span)
        for each in request.resource_spans
        for scope in each.scope_spans
        for span in scope.spans
    )


def rows(table):
    """The table as dictionaries; times as integers, because Python's have no nanoseconds."""
    for name in ("start_time", "end_time"):
        index = table.schema.get_field_index(name)
        table = table.set_column(index, name, table[name].cast(pa.int64()))
    return table.to_pylist()


def _put_ids(said, message):
    for name, field in (
        ("traceId", "trace_id"),
        ("spanId", "span_id"),
        ("parentSpanId", "parent_span_id"),
    ):
        if name in said:
            said[name] = getattr(message, field).hex()
