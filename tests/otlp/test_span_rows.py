"""A few spans as values are the rows of the table that is made of them."""

import pyarrow as pa
import pytest
from hypothesis import given

from indexer.errors import InvalidOtlp
from indexer.otlp.span_groups import SpanGroup, span_groups
from indexer.otlp.span_origins import SpanOrigins
from indexer.otlp.span_rows import span_rows
from indexer.otlp.spans import span_table
from tests.benchmark.export_bodies import Bodies
from tests.otlp.messages import few, requests

ORIGINS = SpanOrigins()


def as_values(table):
    """The rows of a table, its times as numbers."""
    times = {name: table[name].cast(pa.int64()) for name in ("start_time", "end_time")}
    columns = {name: table[name] for name in table.column_names}
    return pa.table({**columns, **times}).to_pylist()


@given(requests)
@few
def test_any_spans_are_what_a_table_says_of_them(request):
    body = request.SerializeToString()
    assert span_rows(span_groups(body), ORIGINS) == as_values(span_table([body]))


def test_spans_of_services_are_too():
    body = Bodies(3).body(1, 10**18)
    assert span_rows(span_groups(body), ORIGINS) == as_values(span_table([body]))


def test_what_does_not_parse_is_refused():
    with pytest.raises(InvalidOtlp):
        span_rows([SpanGroup(b"", b"", [b"\xff"])], ORIGINS)
    assert span_rows([], ORIGINS) == []
