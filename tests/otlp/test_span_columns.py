"""The columns of a row are the same, whether its span is read side by side with others or parsed."""

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.errors import InvalidOtlp
from indexer.otlp import span_columns as module
from indexer.otlp.rows.wire_walk import Unusual
from indexer.otlp.span_columns import parsed_columns, read_columns, span_columns
from indexer.otlp.spans import SPAN_SCHEMA
from tests.otlp.messages import requests

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
IDS = {"trace_id": b"\x01" * 16, "span_id": b"\x02" * 8}
VALUES = (
    {},
    {"string_value": 'a"'},
    {"string_value": ""},
    {"int_value": -1},
    {"bytes_value": b"b"},
)


def pair(key, **value):
    return KeyValue(key=key, value=AnyValue(**value))


def spans_of(request):
    groups = (scope for each in request.resource_spans for scope in each.scope_spans)
    return [span.SerializeToString() for scope in groups for span in scope.spans]


def as_rows(found):
    """Each column with the type that a table gives it."""
    made = {
        name: column
        if isinstance(column, pa.Array)
        else pa.array(column, SPAN_SCHEMA.field(name).type)
        for name, column in found.columns.items()
    }
    times = {name: made[name].cast(pa.int64()) for name in ("start_time", "end_time")}
    return pa.table({**made, **times}).to_pylist(), found.is_kept.tolist()


def assert_alike(spans):
    try:
        read = read_columns(spans)
    except Unusual:
        return
    assert as_rows(read) == as_rows(parsed_columns(spans))


@given(requests)
@few
def test_any_span_is_read_as_it_is_parsed_or_not_at_all(request):
    assert_alike(spans_of(request))


@pytest.mark.parametrize("parent", [b"", bytes(8), b"\x01", b"\x01" * 8, bytes(16)])
def test_a_parent_is_absent_or_as_it_was_sent(parent):
    assert_alike([Span(**IDS, parent_span_id=parent).SerializeToString()])


@pytest.mark.parametrize("kind", [0, 5, 6, 2**31 - 1])
def test_a_kind_that_otlp_does_not_have_is_unspecified(kind):
    spans = [Span(**IDS, kind=kind, status={"code": kind}).SerializeToString()]
    assert_alike(spans)
    assert as_rows(read_columns(spans))[0][0]["span_kind"] == (kind if kind <= 5 else 0)


@pytest.mark.parametrize("number", [1, 2**31, 2**32 - 1])
def test_counts_have_all_of_32_bits(number):
    span = Span(**IDS, flags=number, dropped_links_count=number, dropped_events_count=number)
    assert_alike([span.SerializeToString()])


@pytest.mark.parametrize("time", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_times_stop_at_the_last_of_63_bits(time):
    span = Span(**IDS, start_time_unix_nano=time, end_time_unix_nano=2**64 - 1)
    assert_alike([span.SerializeToString()])


def test_spans_without_ids_are_known_by_either_way():
    odd = ({}, {"span_id": bytes(8)}, {"trace_id": b"\x01" * 15}, {"trace_id": bytes(16)})
    spans = [Span(**{**IDS, **ids}).SerializeToString() for ids in odd[1:]]
    spans += [Span().SerializeToString(), Span(**IDS).SerializeToString()]
    assert read_columns(spans).is_kept.tolist() == [False, False, False, False, True]
    assert_alike(spans)


def test_one_unusual_span_is_parsed_with_some_neighbours_alone(monkeypatch):
    monkeypatch.setattr(module, "UNUSUAL_SPANS", 2)
    monkeypatch.setattr(module, "FEW_SPANS", 0)
    twice = [{"key": "a"}, {"key": "a"}]
    spans = [Span(**IDS, name=str(number)) for number in range(7)]
    spans[3].attributes.extend(Span(attributes=twice).attributes)
    parts = list(span_columns([span.SerializeToString() for span in spans]))
    names = [row["name"] for part in parts for row in as_rows(part)[0]]
    assert names == [span.name for span in spans]
    parsed = [len(part.is_kept) for part in parts if isinstance(part.columns["name"], list)]
    assert parsed == [2]


@pytest.mark.parametrize("more", [0, 1])
def test_few_are_parsed_and_more_are_read_side_by_side(more):
    span = Span(**IDS).SerializeToString()
    (found,) = span_columns([span] * (module.FEW_SPANS + more))
    assert isinstance(found.columns["name"], list) == (more == 0)


def test_a_span_that_does_not_parse_is_refused():
    with pytest.raises(InvalidOtlp, match="invalid span"):
        list(span_columns([Span(**IDS).SerializeToString(), b"\xff"]))


def test_a_key_that_is_not_text_is_left_to_the_parser_which_refuses_it():
    span = Span(**IDS, attributes=[pair("key", string_value="a")]).SerializeToString()
    with pytest.raises(InvalidOtlp):
        list(span_columns([span.replace(b"key", b"k\xffy")]))


@given(st.lists(st.lists(st.sampled_from(VALUES), max_size=4), min_size=1, max_size=4))
@few
def test_values_with_and_without_quotes_stand_in_any_order(rows):
    spans = [
        Span(**IDS, attributes=[pair(f"k{at}", **one) for at, one in enumerate(row)])
        for row in rows
    ]
    serialised = [span.SerializeToString() for span in spans]
    assert as_rows(read_columns(serialised)) == as_rows(parsed_columns(serialised))
