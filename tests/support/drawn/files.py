"""Span files of every dialect, drawn with the spans that are right.

The dialects are described from the writers' own schemas, not from ``schemas/parquet``. What a file
has beside its dialect is drawn too: the order of its columns, columns of other things with nearly the
same names, which optional columns are absent, encodings, compression, pages and row groups.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from tests.support.drawn import columns as drawn
from tests.support.drawn import payload
from tests.support.drawn.blocks import META, blocks
from tests.support.drawn.columns import KINDS, STATUSES, Drawn
from tests.support.drawn.exports import EXPORTS, Ids, as_any_text

T0 = 1_795_000_000_000_000_000
ROWS_MAX = 6
MILLISECOND = 1_000_000

Arrays = dict[str, pa.Array]
Times = Callable[[st.DrawFn, list[int], list[int]], Arrays]


@dataclass(frozen=True, kw_only=True)
class DrawnFile:
    """A file, where it lies below the root, and its spans in the columns of ``otel_spans``."""

    path: str
    content: bytes = field(repr=False)
    dialect: str
    spans: list[dict[str, Any]]
    rejected: int
    """Rows without a valid ID."""
    beside: dict[str, bytes] = field(default_factory=dict)
    """What lies beside it, by path."""

    def put(self, root: Path) -> None:
        """Write it below the root."""
        for path, content in {**self.beside, self.path: self.content}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One writer's columns: of metadata and payload by canonical name, and how it says times."""

    names: dict[str, str]
    times: Times
    start_step: int = 1
    duration_step: int = 1
    needed: frozenset[str] = frozenset()
    """Payload that is never absent, because it tells this dialect from another."""
    events: dict[str, str] | None = None
    """Columns side by side, by the key of each; else ``names`` has one column."""
    links: dict[str, str] | None = None
    null_is_unknown: bool = False


@st.composite
def span_files(draw: st.DrawFn, dialect: str | None = None, folder: str = "") -> DrawnFile:
    """A file of any dialect, or of one."""
    name = dialect or draw(st.sampled_from(DIALECTS))
    count = draw(st.integers(1, ROWS_MAX))
    if name in EXPORTS or name == BLOCK:
        return draw(_export(name, count, folder))
    layout = LAYOUTS[name]
    arrays, spans = draw(_metadata(layout, count))
    path = f"{folder}{draw(st.integers(0, 99))}.parquet"
    service = layout.names["service_name"]
    if draw(st.integers(0, 4)) == 0:
        text = draw(drawn.TEXT.filter(bool))
        path = f"{service}={quote(text, safe='')}/{path}"
        del arrays[service]
        for span in spans:
            span["service_name"] = text
    arrays |= draw(_payload(layout, count, spans))
    keep = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    rejected = [at for at, kept in enumerate(keep) if not kept and any(keep)]
    arrays = _without_ids(arrays, layout, rejected)
    return DrawnFile(
        path=path,
        content=draw(_written(arrays)),
        dialect=name,
        spans=[span for at, span in enumerate(spans) if at not in rejected],
        rejected=len(rejected),
    )


@st.composite
def _export(draw: st.DrawFn, name: str, count: int, folder: str) -> DrawnFile:
    """A file of a writer that spreads a span over many columns, or has a trace in a row."""
    place = f"{folder}{draw(st.integers(0, 99))}"
    if name == BLOCK:
        content, spans = draw(blocks(draw(_ids(count))))
        path, beside = f"{place}/data.parquet", {f"{place}/meta.json": META}
        return DrawnFile(
            path=path, content=content, dialect=name, spans=spans, rejected=0, beside=beside
        )
    columns, spans = EXPORTS[name](draw, draw(_ids(count)))
    return DrawnFile(
        path=f"{place}.parquet",
        content=draw(_written(as_any_text(draw, columns))),
        dialect=name,
        spans=spans,
        rejected=0,
    )


@st.composite
def _ids(draw: st.DrawFn, count: int) -> list[Ids]:
    """Of spans of a few traces, each another."""
    numbers = draw(st.lists(st.integers(1, 2**64 - 1), min_size=count, max_size=count, unique=True))
    wide = draw(st.integers(0, 2**64 - 1))
    spans = [number.to_bytes(8, "big") for number in numbers]
    return [
        Ids(
            trace=(wide << 64 | (number % 3 + 1)).to_bytes(16, "big"),
            span=span,
            parent=None if number % 2 else spans[0],
        )
        for number, span in zip(numbers, spans, strict=True)
    ]


@st.composite
def _metadata(draw: st.DrawFn, layout: Layout, count: int) -> tuple[Arrays, list[dict[str, Any]]]:
    found_ids = draw(_ids(count))
    traces, spans = [one.trace for one in found_ids], [one.span for one in found_ids]
    parents = [one.parent for one in found_ids]
    steps = st.integers(0, 10**15 // layout.start_step).map(lambda n: T0 + n * layout.start_step)
    starts = draw(st.lists(steps, min_size=count, max_size=count))
    longs = st.integers(0, 10**12 // layout.duration_step).map(lambda n: n * layout.duration_step)
    durations = draw(st.lists(longs, min_size=count, max_size=count))
    columns = {
        "service_name": draw(drawn.texts(count, "unknown_service")),
        "name": draw(drawn.texts(count, "")),
        "kind": draw(drawn.enumeration(count, KINDS, "SPAN_KIND_", "SpanKind")),
        "status_code": draw(drawn.enumeration(count, STATUSES, "STATUS_CODE_", "StatusCode")),
    }
    names = layout.names
    arrays = {names[name]: column.array for name, column in columns.items()}
    arrays[names["trace_id"]] = draw(drawn.ids(traces))
    arrays[names["span_id"]] = draw(drawn.ids(spans))
    arrays[names["parent_span_id"]] = draw(drawn.ids(parents))
    arrays |= layout.times(draw, starts, durations)
    found = [
        {
            "trace_id": traces[at].hex(),
            "span_id": spans[at].hex(),
            "parent_span_id": parents[at].hex() if parents[at] is not None else None,
            "start_time_unix_nano": starts[at],
            "duration_ns": durations[at],
            **{name: column.values[at] for name, column in columns.items()},
        }
        for at in range(count)
    ]
    return arrays, found


@st.composite
def _payload(draw: st.DrawFn, layout: Layout, count: int, spans: list[dict[str, Any]]) -> Arrays:
    """Payload columns, whose values go into the spans."""
    arrays: Arrays = {}
    for name, strategy in _PAYLOAD.items():
        side = {"events": layout.events, "links": layout.links}.get(name)
        values: list[Any] = [None] * count
        if side is not None:
            found, values = draw(payload.sides(count, side, is_event=name == "events"))
            arrays |= found
        elif name in layout.names and (name in layout.needed or draw(st.integers(0, 5))):
            column: Drawn = draw(strategy(count))
            arrays[layout.names[name]], values = column.array, column.values
            if layout.null_is_unknown:
                nulls = column.array.is_null().to_pylist()
                values = [
                    None if is_null else value for value, is_null in zip(values, nulls, strict=True)
                ]
        for span, value in zip(spans, values, strict=True):
            span[name] = value
    return arrays


def _without_ids(arrays: Arrays, layout: Layout, rows: list[int]) -> Arrays:
    """Those rows have no span ID."""
    name = layout.names["span_id"]
    values = arrays[name].to_pylist()
    kept = [None if at in rows else value for at, value in enumerate(values)]
    return {**arrays, name: pa.array(kept, arrays[name].type)}


@st.composite
def _written(draw: st.DrawFn, arrays: Arrays) -> bytes:
    """The columns in any order, beside others, as any writer may store them."""
    count = len(next(iter(arrays.values())))
    decoys = st.lists(st.sampled_from(_DECOYS), max_size=3, unique=True)
    others = draw(st.sampled_from([st.just([]), st.just([]), decoys]).flatmap(lambda one: one))
    named = dict(arrays)
    for name in others:
        cased = draw(st.sampled_from(sorted(arrays))).swapcase() if name == "CASE" else name
        if cased not in named:
            named[cased] = pa.array(["WRONG"] * count)
    order = draw(st.permutations(sorted(named)))
    table = pa.table({name: named[name] for name in order})
    flat = {name for name in order if not pa.types.is_nested(table.schema.field(name).type)}
    sink = pa.BufferOutputStream()
    options = draw(_options(table.schema, flat))
    pq.write_table(table, sink, **options)
    content: bytes = sink.getvalue().to_pybytes()
    return content


@st.composite
def _options(draw: st.DrawFn, schema: pa.Schema, flat: set[str]) -> dict[str, Any]:
    # pyarrow cannot cut a column of views into row groups
    has_views = any(pa.types.is_string_view(field.type) for field in schema)
    options: dict[str, Any] = {
        "compression": draw(st.sampled_from(["none", "snappy", "zstd", "gzip", "lz4", "brotli"])),
        "data_page_version": draw(st.sampled_from(["1.0", "2.0"])),
        # pyarrow writes empty pages of small nested columns, and then cannot read them itself
        "data_page_size": draw(st.sampled_from([60, 1 << 20]))
        if len(flat) == len(schema)
        else None,
        "row_group_size": draw(st.sampled_from([100] if has_views else [1, 3, 100])),
        "write_page_checksum": draw(st.booleans()),
        "write_statistics": draw(st.booleans()),
        "store_schema": draw(st.booleans()),
        "use_compliant_nested_type": draw(st.booleans()),
    }
    if draw(st.booleans()):
        return options
    encodings = {}
    for name in sorted(flat):
        kind = schema.field(name).type
        choices = ["PLAIN"]
        if pa.types.is_integer(kind) and kind.bit_width >= 32:
            choices += ["DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"]
        if pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_string(kind):
            choices += ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"]
        if not pa.types.is_dictionary(kind):
            encodings[name] = draw(st.sampled_from(choices))
    return {**options, "use_dictionary": False, "column_encoding": encodings}


_DECOYS = ("CASE", "filename", "file_row_number", "file_index", "FILENAME", "rowid", "other")
_PAYLOAD: dict[str, Callable[[int], st.SearchStrategy[Drawn]]] = {
    **dict.fromkeys(("status_message", "trace_state", "scope_name", "scope_version"), drawn.texts),
    **dict.fromkeys(("attributes", "resource_attributes", "scope_attributes"), payload.attributes),
    **dict.fromkeys(
        (
            *("flags", "dropped_attributes_count", "dropped_events_count"),
            *("dropped_links_count", "resource_dropped_attributes_count"),
        ),
        drawn.counts,
    ),
    "events": payload.events,
    "links": payload.links,
}
"""Canonical payload columns of ``otel_spans``, and how a column of each is drawn."""


def _timestamps(draw: st.DrawFn, nanos: list[int], step: int) -> pa.Array:
    """Times as any type that is exact for them."""
    units = ["ns"] if step < 1_000 else ["ns", "us"]
    unit = draw(st.sampled_from(units))
    factor = 1 if unit == "ns" else 1_000
    kind = pa.timestamp(unit, draw(st.sampled_from([None, "UTC", "Asia/Kathmandu"])))
    kinds = [kind, *([pa.int64(), pa.uint64()] if unit == "ns" else [])]
    return pa.array([time // factor for time in nanos], draw(st.sampled_from(kinds)))


def _start_and_end(start: str, end: str, step: int) -> Times:
    def times(draw: st.DrawFn, starts: list[int], durations: list[int]) -> Arrays:
        ends = [one + took for one, took in zip(starts, durations, strict=True)]
        return {start: _timestamps(draw, starts, step), end: _timestamps(draw, ends, step)}

    return times


def _start_and_duration(start: str, duration: str, step: int) -> Times:
    def times(draw: st.DrawFn, starts: list[int], durations: list[int]) -> Arrays:
        kind = draw(st.sampled_from([pa.int64(), pa.uint64()]))
        return {start: _timestamps(draw, starts, step), duration: pa.array(durations, kind)}

    return times


def _milliseconds(_draw: st.DrawFn, starts: list[int], durations: list[int]) -> Arrays:
    """As otlp2records: the end and the duration are cut to milliseconds, the start is not."""
    ends = [(one + took) // MILLISECOND for one, took in zip(starts, durations, strict=True)]
    return {
        "timestamp": pa.array([one // 1_000 for one in starts], pa.timestamp("us")),
        "end_timestamp": pa.array(ends, pa.int64()),
        "duration": pa.array([took // MILLISECOND for took in durations], pa.int64()),
    }


def _own(_draw: st.DrawFn, starts: list[int], durations: list[int]) -> Arrays:
    ends = [one + took for one, took in zip(starts, durations, strict=True)]
    columns = {"start_time_unix_nano": starts, "end_time_unix_nano": ends, "duration_ns": durations}
    found = {name: pa.array(values, pa.int64()) for name, values in columns.items()}
    return {**found, "is_root": pa.array([False] * len(starts))}


def _datasette(draw: st.DrawFn, starts: list[int], durations: list[int]) -> Arrays:
    found = _own(draw, starts, durations)
    del found["is_root"]
    return found


_SNAKE = {name: name for name in ("trace_id", "span_id", "parent_span_id", "service_name")}
_SAME = {name: name for name in _PAYLOAD}
_JUNJO = {**_SNAKE, "name": "name", "kind": "span_kind", "status_code": "status_code"}
_JUNJO |= {name: name for name in ("status_message", "attributes", "events", "resource_attributes")}
_CLICKHOUSE = {
    "trace_id": "TraceId",
    "span_id": "SpanId",
    "parent_span_id": "ParentSpanId",
    "service_name": "ServiceName",
    "name": "SpanName",
    "kind": "SpanKind",
    "status_code": "StatusCode",
    "status_message": "StatusMessage",
    "attributes": "SpanAttributes",
    "resource_attributes": "ResourceAttributes",
    "trace_state": "TraceState",
    "scope_name": "ScopeName",
    "scope_version": "ScopeVersion",
}
_OTLP = {
    **{name: column for name, column in _SAME.items() if not name.startswith("resource_dropped")},
    **_SNAKE,
    "attributes": "span_attributes",
    "events": "events_json",
    "links": "links_json",
    "status_code": "status_code",
}


def _clickhouse(dot: str) -> Layout:
    event = {"timeUnixNano": "Timestamp", "name": "Name", "attributes": "Attributes"}
    link = {"traceId": "TraceId", "spanId": "SpanId", "traceState": "TraceState"}
    link["attributes"] = "Attributes"
    return Layout(
        names=_CLICKHOUSE,
        times=_start_and_duration("Timestamp", "Duration", 1_000),
        start_step=1_000,
        events={key: f"Events{dot}{column}" for key, column in event.items()},
        links={key: f"Links{dot}{column}" for key, column in link.items()},
    )


LAYOUTS: dict[str, Layout] = {
    "junjo-14": Layout(names=_JUNJO, times=_start_and_end("start_time", "end_time", 1)),
    "junjo-21": Layout(
        names={**_SAME, **_JUNJO, "flags": "trace_flags"},
        times=_start_and_end("start_time", "end_time", 1),
        needed=frozenset({"links", "flags"}),
    ),
    "clickhouse": _clickhouse(""),
    "clickhouse-nested": _clickhouse("."),
    "duckdb-otlp": Layout(
        names={**_OTLP, "name": "name", "kind": "kind", "status_message": "status_status_message"},
        times=_start_and_duration("start_time_unix_nano", "duration_time_unix_nano", 1),
    ),
    "otlp2records": Layout(
        names={**_OTLP, "name": "span_name", "kind": "span_kind"},
        times=_milliseconds,
        start_step=1_000,
        duration_step=MILLISECOND,
    ),
    "rotel": Layout(
        names={
            **{name: _OTLP[name] for name in (*_SNAKE, "status_code", "status_message")},
            **{name: _OTLP[name] for name in ("attributes", "resource_attributes", "trace_state")},
            **{name: _OTLP[name] for name in ("scope_name", "scope_version")},
            "name": "span_name",
            "kind": "span_kind",
        },
        times=_start_and_duration("timestamp", "duration", 1),
        events={
            "timeUnixNano": "events_timestamp",
            "name": "events_name",
            "attributes": "events_attributes",
        },
        links={
            "traceId": "links_trace_id",
            "spanId": "links_span_id",
            "traceState": "links_trace_state",
            "attributes": "links_attributes",
        },
    ),
    "datasette": Layout(
        names={
            **_SNAKE,
            **{name: name for name in ("name", "kind", "status_code", "status_message")},
            **{name: name for name in ("attributes", "events", "links", "scope_name")},
            "resource_attributes": "resource",
        },
        times=_datasette,
    ),
    "otel-spans": Layout(
        names={**_SAME, **_SNAKE, "name": "name", "kind": "kind", "status_code": "status_code"},
        times=_own,
        needed=frozenset({"resource_attributes"}),
        null_is_unknown=True,
    ),
}
BLOCK = "tempo"
DIALECTS = sorted([*LAYOUTS, *EXPORTS, BLOCK])
