"""Files of writers that spread a span over many columns, drawn with the spans that are right.

Langfuse, LangSmith, Phoenix and Databricks, after what is known of them and not after
``schemas/parquet``: attributes out of columns and maps, IDs that are UUIDs, structs and VARIANTs.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from tests.support.drawn import payload
from tests.support.drawn.columns import KINDS, STATUSES, TEXT
from tests.support.variants import variant_column

T0 = 1_795_000_000_000_000_000
STEPS = {"ms": 1_000_000, "us": 1_000, "ns": 1}
WORDS = TEXT.filter(bool)
Columns = dict[str, pa.Array]


@dataclass(frozen=True, kw_only=True)
class Ids:
    """Of one span: 16 and 8 bytes; a root has no parent."""

    trace: bytes
    span: bytes
    parent: bytes | None


Rows = list[dict[str, Any]]


TEXT_KINDS = (
    *(pa.string(), pa.string(), pa.large_string(), pa.string_view()),
    pa.dictionary(pa.int32(), pa.string()),
)
"""Those of IDs are among them, which are other bytes in columns of bytes."""


def as_any_text(draw: st.DrawFn, columns: Columns) -> Columns:
    """Columns of text in one type of it."""
    kind = draw(st.sampled_from(TEXT_KINDS))
    return {
        name: array.cast(kind) if pa.types.is_string(array.type) else array
        for name, array in columns.items()
    }


def texts(values: Sequence[str | None]) -> pa.Array:
    return pa.array(values, pa.string())


def times(draw: st.DrawFn, count: int, units: Sequence[str], *, zone: str | None) -> Any:
    """(columns of starts and ends, right starts, right durations); no end is one at the start."""
    unit = draw(st.sampled_from(units))
    moments = st.integers(0, 10**9).map(lambda number: T0 // STEPS[unit] + number)
    starts = draw(st.lists(moments, min_size=count, max_size=count))
    took = draw(st.lists(st.none() | st.integers(0, 10**6), min_size=count, max_size=count))
    ends = [None if n is None else at + n for at, n in zip(starts, took, strict=True)]
    kind = pa.timestamp(unit, zone)
    return (
        (pa.array(starts, kind), pa.array(ends, kind)),
        [at * STEPS[unit] for at in starts],
        [(n or 0) * STEPS[unit] for n in took],
    )


def langfuse(draw: st.DrawFn, ids: Sequence[Ids]) -> tuple[Columns, Rows]:
    """A window of ``observations_v2`` or ``observations``: what is no text is '' or absent."""
    count = len(ids)
    (start, end), starts, durations = times(draw, count, ["ms", "us"], zone="UTC")
    root = draw(st.sampled_from(["", None, f"t-{ids[0].trace.hex()}"]))
    plain = draw(_column(count, st.sampled_from(["GENERATION", "SPAN", "EVENT"])))
    told = {name: draw(_column(count, TEXT)) for name in ("input", "provided_model_name")}
    levels = draw(_column(count, st.sampled_from(["DEFAULT", "ERROR", "WARNING"])))
    usage = draw(
        _column(count, st.dictionaries(payload.KEYS, st.integers(0, 2**64 - 1), max_size=2))
    )
    costs = draw(_column(count, st.dictionaries(payload.KEYS, st.integers(0, 10**6), max_size=2)))
    tags = draw(_column(count, st.lists(WORDS, max_size=2)))
    public = draw(_column(count, st.booleans()))
    service = draw(_column(count, st.none() | WORDS))
    as_json = draw(st.booleans())
    own = draw(_column(count, st.lists(st.tuples(st.sampled_from("ab"), WORDS), max_size=3)))
    metadata = [
        _of_resource(name, as_json=as_json) + held for name, held in zip(service, own, strict=True)
    ]
    named = draw(_column(count, TEXT))
    columns = {
        "id": texts([one.span.hex() for one in ids]),
        "trace_id": texts([one.trace.hex() for one in ids]),
        "parent_observation_id": texts([one.parent.hex() if one.parent else root for one in ids]),
        "project_id": texts(["p"] * count),
        "type": texts(plain),
        "start_time": start,
        "end_time": end,
        "name": texts(named),
        "level": texts(levels),
        "input": texts(told["input"]),
        "provided_model_name": texts(told["provided_model_name"]),
        "usage_details": _map(usage, pa.uint64()),
        "cost_details": _costs(costs),
        "tags": pa.array(tags, pa.list_(pa.string())),
        "public": pa.array(public, pa.bool_()),
        "metadata": pa.array(metadata, pa.map_(pa.string(), pa.string())),
    }
    rows = []
    for at in range(count):
        first = dict(reversed(metadata[at]))
        gathered = {
            "langfuse.observation.type": plain[at],
            "langfuse.observation.level": levels[at],
            "langfuse.observation.input": told["input"][at],
            "langfuse.observation.model.name": told["provided_model_name"][at],
            "langfuse.observation.usage_details": usage[at],
            "langfuse.observation.cost_details": {
                key: _thousandth(n) for key, n in costs[at].items()
            },
            "langfuse.trace.tags": tags[at],
            "langfuse.trace.public": public[at],
            "langfuse.project_id": "p",
            **{f"langfuse.observation.metadata.{key}": value for key, value in first.items()},
        }
        rows.append(
            right_span(
                ids[at],
                starts[at],
                durations[at],
                name=named[at],
                service_name=service[at] or "unknown_service",
                status_code=2 if levels[at] == "ERROR" else 0,
                attributes={key: one for key, one in gathered.items() if one not in ("", [], {})},
                resource_attributes={} if service[at] is None else {"service.name": service[at]},
            )
        )
    return columns, rows


def langsmith(draw: st.DrawFn, ids: Sequence[Ids]) -> tuple[Columns, Rows]:
    """Runs in format v1 or v2_beta, of which some came over OTLP."""
    count = len(ids)
    unit, zone = draw(st.sampled_from([("ns", None), ("us", "UTC")]))
    (start, end), starts, durations = times(draw, count, [unit], zone=zone)
    first = draw(st.binary(min_size=8, max_size=8) | st.just(bytes(8)))
    runs = [str(uuid.UUID(bytes=first + one.span)) for one in ids]
    parents = [
        None if one.parent is None else str(uuid.UUID(bytes=first + one.parent)) for one in ids
    ]
    states = draw(_column(count, st.sampled_from(["success", "error", "pending"])))
    kinds = draw(_column(count, st.sampled_from(["llm", "chain"])))
    tokens = draw(_column(count, st.integers(0, 5)))
    inputs = draw(_column(count, st.none() | st.just('{"a": 1}')))
    held = draw(_column(count, st.dictionaries(st.sampled_from("ab"), WORDS, max_size=2)))
    named, errors = draw(_column(count, TEXT)), draw(_column(count, st.none() | TEXT))
    columns = {
        "id": texts(runs),
        "trace_id": texts([str(uuid.UUID(bytes=one.trace)) for one in ids]),
        "parent_run_id": texts(parents),
        "dotted_order": texts(["d"] * count),
        "run_type": texts(kinds),
        "name": texts(named),
        "status": texts(states),
        "error": texts(errors),
        "start_time": start,
        "end_time": end,
        "prompt_tokens": pa.array(tokens, pa.int64()),
        "inputs": texts(inputs),
        "extra": texts([json.dumps({"metadata": one}) for one in held]),
    }
    rows = []
    for at in range(count):
        gathered = {
            "langsmith.span.id": runs[at],
            "langsmith.span.parent_id": parents[at],
            "langsmith.trace.id": columns["trace_id"][at].as_py(),
            "langsmith.span.kind": kinds[at],
            "langsmith.span.dotted_order": "d",
            "gen_ai.prompt": inputs[at],
            "gen_ai.usage.input_tokens": tokens[at] or None,
            **{f"langsmith.metadata.{key}": value for key, value in held[at].items()},
        }
        rows.append(
            right_span(
                ids[at],
                starts[at],
                durations[at],
                name=named[at],
                status_code={"success": 1, "error": 2}.get(states[at], 0),
                status_message=errors[at],
                attributes={key: one for key, one in gathered.items() if one is not None},
            )
        )
    return columns, rows


def phoenix(draw: st.DrawFn, ids: Sequence[Ids]) -> tuple[Columns, Rows]:
    """A data frame of ``get_spans_dataframe`` or of a TraceDataset, with its index or without."""
    count = len(ids)
    (start, end), starts, durations = times(draw, count, ["ms", "us", "ns"], zone="UTC")
    states = draw(_column(count, st.integers(0, 2)))
    kinds = draw(_column(count, st.sampled_from(["LLM", "CHAIN"])))
    tokens = draw(_column(count, st.none() | st.integers(0, 2**40)))
    values = draw(_column(count, st.none() | TEXT))
    named, messages = draw(_column(count, TEXT)), draw(_column(count, TEXT))
    columns = {
        "context.span_id": texts([one.span.hex() for one in ids]),
        "context.trace_id": texts([one.trace.hex() for one in ids]),
        "parent_id": texts([one.parent.hex() if one.parent else None for one in ids]),
        "name": texts(named),
        "status_code": texts([STATUSES[one] for one in states]),
        "status_message": texts(messages),
        "start_time": start,
        "end_time": end,
        "attributes.openinference.span.kind": texts(kinds),
        "attributes.llm.token_count.prompt": pa.array(tokens, pa.float64()),
        "attributes.input.value": texts(values),
    }
    if draw(st.booleans()):
        columns["__index_level_0__"] = columns["context.span_id"]
    rows = []
    for at in range(count):
        gathered = {
            "openinference.span.kind": kinds[at],
            "llm.token_count.prompt": tokens[at],
            "input.value": values[at] or None,
        }
        rows.append(
            right_span(
                ids[at],
                starts[at],
                durations[at],
                name=named[at],
                status_code=states[at],
                status_message=messages[at],
                attributes={key: one for key, one in gathered.items() if one is not None},
            )
        )
    return columns, rows


def databricks(
    draw: st.DrawFn, ids: Sequence[Ids], *, is_first: bool = False
) -> tuple[Columns, Rows]:
    """``*_otel_spans``, version 2, or version 1 with its maps of text and its service in them."""
    count = len(ids)
    objects = payload.TEXT_OBJECTS if is_first else payload.OBJECTS
    starts = draw(_column(count, st.integers(T0, T0 + 10**15)))
    durations = draw(_column(count, st.integers(0, 10**12)))
    kinds, states = draw(_column(count, st.integers(0, 5))), draw(_column(count, st.integers(0, 2)))
    named, messages = draw(_column(count, TEXT)), draw(_column(count, TEXT))
    services = draw(_column(count, WORDS))
    attributes, owned = draw(_column(count, objects)), draw(_column(count, objects))
    resources = [one | {"service.name": name} for one, name in zip(owned, services, strict=True)]
    counts, scopes = draw(_column(count, st.integers(0, 9))), draw(_column(count, TEXT))
    held = _text_maps if is_first else variant_column
    root = draw(st.sampled_from(["", None]))
    columns = {
        "trace_id": texts([one.trace.hex() for one in ids]),
        "span_id": texts([one.span.hex() for one in ids]),
        "parent_span_id": texts([one.parent.hex() if one.parent else root for one in ids]),
        "name": texts(named),
        "kind": texts([f"SPAN_KIND_{KINDS[one]}" for one in kinds]),
        "start_time_unix_nano": pa.array(starts, pa.int64()),
        "end_time_unix_nano": pa.array(
            [at + took for at, took in zip(starts, durations, strict=True)], pa.int64()
        ),
        "attributes": held(attributes),
        "dropped_attributes_count": pa.array(counts, pa.int32()),
        "status": _struct(
            message=texts(messages), code=texts([f"STATUS_CODE_{STATUSES[one]}" for one in states])
        ),
        "resource": _struct(
            attributes=held(resources), dropped_attributes_count=pa.array(counts, pa.int32())
        ),
        "instrumentation_scope": _struct(
            name=texts(scopes), version=texts(scopes), attributes=held(attributes)
        ),
    }
    if not is_first:
        columns["service_name"] = texts(services)
    rows = [
        right_span(
            ids[at],
            starts[at],
            durations[at],
            name=named[at],
            kind=kinds[at],
            service_name=services[at],
            status_code=states[at],
            status_message=messages[at],
            attributes=attributes[at],
            dropped_attributes_count=counts[at],
            resource_attributes=resources[at],
            resource_dropped_attributes_count=counts[at],
            scope_name=scopes[at],
            scope_version=scopes[at],
            scope_attributes=attributes[at],
        )
        for at in range(count)
    ]
    return columns, rows


EXPORTS: dict[str, Callable[[st.DrawFn, Sequence[Ids]], tuple[Columns, Rows]]] = {
    "databricks": databricks,
    "databricks-v1": partial(databricks, is_first=True),
    "langfuse": langfuse,
    "langsmith": langsmith,
    "phoenix": phoenix,
}
"""By the name of the dialect."""


def _column(count: int, one: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(one, min_size=count, max_size=count)


def right_span(ids: Ids, start: int, duration: int, **said: Any) -> dict[str, Any]:
    """The span, with nothing that its writer does not say."""
    absent = dict.fromkeys(
        (
            *("status_message", "trace_state", "flags", "events", "links"),
            *("dropped_attributes_count", "dropped_events_count", "dropped_links_count"),
            *("resource_attributes", "resource_dropped_attributes_count"),
            *("scope_name", "scope_version", "scope_attributes"),
        )
    )
    return {
        "trace_id": ids.trace.hex(),
        "span_id": ids.span.hex(),
        "parent_span_id": None if ids.parent is None else ids.parent.hex(),
        "start_time_unix_nano": start,
        "duration_ns": duration,
        "service_name": "unknown_service",
        "kind": 0,
        **absent,
        **said,
    }


def _of_resource(service: str | None, *, as_json: bool) -> list[tuple[str, str]]:
    """As current ingestion flattens metadata, or as JSON text in it."""
    if service is None:
        return []
    if as_json:
        return [("resourceAttributes", json.dumps({"service.name": service}))]
    return [("resourceAttributes.service.name", service)]


def _thousandth(number: int) -> int | float:
    return number / 1000 if number % 1000 else number // 1000


def _map(rows: Sequence[dict[str, Any]], kind: pa.DataType) -> pa.Array:
    return pa.array([list(one.items()) for one in rows], pa.map_(pa.string(), kind))


def _costs(rows: Sequence[dict[str, int]]) -> pa.Array:
    """Of thousandths, as decimals."""
    decimals = [{key: Decimal(n) / 1000 for key, n in one.items()} for one in rows]
    return _map(decimals, pa.decimal128(18, 12))


def _text_maps(rows: Sequence[dict[str, Any]]) -> pa.Array:
    return _map(rows, pa.string())


def _struct(**fields: pa.Array) -> pa.Array:
    return pa.StructArray.from_arrays(list(fields.values()), list(fields))
