"""Blocks of Grafana Tempo in memory: rows of traces, as vParquet4 nests them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

META = "meta.json"
_TEXT = pa.string()
_ATTRS = pa.list_(
    pa.struct(
        [
            ("Key", _TEXT),
            ("IsArray", pa.bool_()),
            ("Value", pa.list_(_TEXT)),
            ("ValueInt", pa.list_(pa.int64())),
            ("ValueDouble", pa.list_(pa.float64())),
            ("ValueBool", pa.list_(pa.bool_())),
            ("ValueUnsupported", _TEXT),
        ]
    )
)
_DEDICATED = pa.struct([(f"String{at:02d}", _TEXT) for at in range(1, 11)])
_OWNED = [("Attrs", _ATTRS), ("DroppedAttributesCount", pa.int32())]
_EVENT = pa.struct([("TimeSinceStartNano", pa.uint64()), ("Name", _TEXT), *_OWNED])
_LINK = pa.struct(
    [("TraceID", pa.binary()), ("SpanID", pa.binary()), ("TraceState", _TEXT), *_OWNED]
)
_SPAN = pa.struct(
    [
        ("SpanID", pa.binary()),
        ("ParentSpanID", pa.binary()),
        ("Name", _TEXT),
        ("Kind", pa.int64()),
        ("TraceState", _TEXT),
        ("StartTimeUnixNano", pa.uint64()),
        ("DurationNano", pa.uint64()),
        ("StatusCode", pa.int64()),
        ("StatusMessage", _TEXT),
        *_OWNED,
        ("Events", pa.list_(_EVENT)),
        ("DroppedEventsCount", pa.int32()),
        ("Links", pa.list_(_LINK)),
        ("DroppedLinksCount", pa.int32()),
        ("HttpMethod", _TEXT),
        ("HttpUrl", _TEXT),
        ("HttpStatusCode", pa.int64()),
        ("DedicatedAttributes", _DEDICATED),
    ]
)
_SCOPE = pa.struct([("Name", _TEXT), ("Version", _TEXT), *_OWNED])
_RESOURCE = pa.struct(
    [*_OWNED, ("ServiceName", _TEXT), ("Cluster", _TEXT), ("DedicatedAttributes", _DEDICATED)]
)
_RS = pa.list_(
    pa.struct(
        [
            ("Resource", _RESOURCE),
            ("ss", pa.list_(pa.struct([("Scope", _SCOPE), ("Spans", pa.list_(_SPAN))]))),
        ]
    )
)
SCHEMA = pa.schema([("TraceID", pa.binary()), ("rs", _RS)])

Row = dict[str, Any]


def attrs(attributes: dict[str, Any]) -> list[Row]:
    """Attributes as Tempo keeps them; an object is one that it has no list for."""
    return [_attr(key, value) for key, value in attributes.items()]


def span(number: int, **fields: Any) -> Row:
    """A span of this number, of 5 ns from 1000 ns on, with nothing that is not said."""
    row: Row = {
        "SpanID": number.to_bytes(8, "big"),
        "ParentSpanID": b"",
        "Name": f"span {number}",
        "Kind": 2,
        "TraceState": "",
        "StartTimeUnixNano": 1_700_000_000_000_000_000 + number,
        "DurationNano": 5,
        "StatusCode": 0,
        "StatusMessage": "",
        "Attrs": [],
        "DroppedAttributesCount": 0,
        "Events": [],
        "DroppedEventsCount": 0,
        "Links": [],
        "DroppedLinksCount": 0,
    }
    return row | fields


def resource(scopes: Sequence[Sequence[Row]], service: str = "shop", **fields: Any) -> Row:
    """A resource with a scope for each list of spans, called s0, s1, and so on."""
    held = {"ServiceName": service, "Attrs": [], "DroppedAttributesCount": 0} | fields
    scope = {"Version": "1", "Attrs": [], "DroppedAttributesCount": 0}
    ss = [{"Scope": {"Name": f"s{at}", **scope}, "Spans": spans} for at, spans in enumerate(scopes)]
    return {"Resource": held, "ss": ss}


def trace(number: int, resources: Iterable[Row]) -> Row:
    """A trace of this number: a row."""
    return {"TraceID": number.to_bytes(16, "big"), "rs": list(resources)}


def block_data(traces: Sequence[Row], group_rows: int = 100) -> bytes:
    """The data of a block."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(traces, SCHEMA), sink, row_group_size=group_rows)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def write_block(folder: Path, traces: Sequence[Row], meta: str | None = "{}") -> Path:
    """The block's data in the folder, and its ``meta.json`` if there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "data.parquet"
    path.write_bytes(block_data(traces))
    if meta is not None:
        (folder / META).write_text(meta)
    return path


def _attr(key: str, value: Any) -> Row:
    if isinstance(value, dict):
        return {"Key": key, "IsArray": False, "ValueUnsupported": json.dumps(value)}
    values = value if isinstance(value, list) else [value]
    first = values[0] if values else ""
    column = {bool: "ValueBool", int: "ValueInt", float: "ValueDouble"}.get(type(first), "Value")
    return {"Key": key, "IsArray": isinstance(value, list), column: values}
