"""A hot span is answered as the same span of a file is, whatever its values."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.clients.shared.answer_json import span_json
from indexer.errors import QueryTooLarge
from indexer.hot.decoding import Decoder
from indexer.hot.view import DecodedRows, HotView
from indexer.query import span as answered
from indexer.query.cost import CostAccount
from indexer.query.find.span_query import SpanQuery
from indexer.query.find.trace_query import TraceQuery
from indexer.query.limits import AnswerLimits
from indexer.query.tiers.hot_spans import HotSpans
from tests.hot.servers import body
from tests.support.catalogs import indexed
from tests.support.span_files import T0, Span, spans, write

TRACE = f"{1:032x}"


def hot_table(*some: Span) -> pa.Table:
    return Decoder().requests([body(*some)])


def tier(table: pa.Table) -> HotSpans:
    given = {"recent_files": (), "source": "incremental", "bounded": False}
    return HotSpans(view=HotView(rows=DecodedRows(table), as_of_unix_nano=1, **given))


def hot_spans(table: pa.Table) -> list[answered.Span]:
    """The hot spans of the trace, with their payload."""
    hot = tier(table)
    found = hot.candidates(TraceQuery.of(TRACE))
    assert found.missing == ()
    read = hot.payload(found.spans, CostAccount())
    return [span.with_payload(one) for span, one in zip(found.spans, read.payloads, strict=True)]


def rich_table() -> pa.Table:
    """A span with everything that OTLP has, and its child with nothing."""
    request = ExportTraceServiceRequest.FromString(body(*spans(2)))
    scope = request.resource_spans[0].scope_spans[0]
    span = scope.spans[0]
    span.flags, span.trace_state, span.status.message = 257, "a=b", "no"
    span.dropped_attributes_count = 3
    span.attributes.add(key="k").value.string_value = "v"
    event = span.events.add(name="e", time_unix_nano=T0 + 1)
    event.attributes.add(key="n").value.int_value = 1
    span.links.add(trace_id=bytes(range(16)), span_id=bytes(range(8)))
    return Decoder().requests([request.SerializeToString()])


@pytest.mark.duckdb
def test_a_hot_span_is_answered_as_it_will_be_from_its_file(tmp_path: Path) -> None:
    """All values but the file's own; the scope has no column in that layout."""
    table = rich_table()
    hot = [span_json(span) for span in hot_spans(table)]
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", table)
        one.settle()
        cold = [span_json(span) for span in one.answers().trace(TRACE).spans]
    assert [set(span) for span in hot] == [set(span) for span in cold]
    for name in cold[0]:
        if name in ("file_path", "file_row_number") or name.startswith("scope_"):
            continue
        assert [span[name] for span in hot] == [span[name] for span in cold], name
    assert hot[0]["attributes"] == {"k": "v"}
    assert hot[0]["flags"] == 257
    assert hot[0]["file_path"] is None


def test_hot_spans_are_those_of_the_trace_once() -> None:
    table = hot_table(*spans(3), Span(trace=2), Span(trace=1, span=2, name="again"))
    assert sorted(span.span_id[-1] for span in hot_spans(table)) == ["1", "2", "3"]
    assert hot_spans(table.slice(0, 0)) == []


def test_odd_hot_values_are_bounded_as_in_a_file_and_take_nothing_down() -> None:
    """A whole table of times in another unit is a refused file, and hot spans all the same."""
    table = hot_table(*(Span(span=number, start=1_700_000_000_000) for number in range(1, 12)))
    odd = pa.array([b"\xff"] * 11, pa.binary()).view(pa.string())
    table = table.set_column(table.schema.get_field_index("name"), "name", odd)
    table = table.set_column(table.schema.get_field_index("attributes"), "attributes", odd)
    found = hot_spans(table)
    assert found[0].start_time_unix_nano == 1_700_000_000_000
    assert found[0].name == found[0].payload.attributes == "\ufffd"


def test_a_snapshot_may_lack_payload_columns() -> None:
    table = hot_table(Span()).drop_columns(["links", "trace_flags", "scope_name"])
    found = hot_spans(table)
    assert (found[0].payload.links, found[0].payload.flags) == (None, None)
    assert found[0].payload.events == []


def test_the_payload_of_hot_spans_is_held_against_the_limit_of_an_answer() -> None:
    """As that of files is: it is in memory twice while it is answered."""
    hot = tier(hot_table(*(Span(span=number) for number in range(1, 9))))
    found = hot.candidates(SpanQuery()).spans
    with pytest.raises(QueryTooLarge):
        hot.payload(found, CostAccount(limits=AnswerLimits(payload_bytes=4)))


def test_a_long_name_is_whole() -> None:
    """As in the answer from the file that it will lie in."""
    long = "SELECT " + "x" * 5_000
    assert [span.name for span in hot_spans(hot_table(Span(name=long)))] == [long]
