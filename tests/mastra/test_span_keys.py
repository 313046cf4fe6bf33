"""Keys of spans are the same numbers in Python and in the migration, and a trace is a range of them."""

import duckdb
import pytest

from indexer.contracts import mastra_migrations
from indexer.mastra.span_keys import span_key, trace_keys

pytestmark = pytest.mark.duckdb
IDS = [("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"), ("", "é"), ("a/b", "c"), ("ü", "")]


def test_the_migration_gives_stored_rows_the_keys_that_new_ones_have():
    with duckdb.connect() as connection:
        for number, _, text in mastra_migrations()[:3]:
            if number == 3:
                rows = [(trace, span, 7, 1) for trace, span in IDS]
                connection.executemany(
                    "INSERT INTO mastra_spans (trace_id, span_id, span_key, layers) "
                    "VALUES (?, ?, ?, ?)",
                    rows,
                )
            connection.execute(text)
        found = connection.execute(
            "SELECT trace_id, span_id, span_key FROM mastra_spans"
        ).fetchall()
    assert sorted(found) == sorted((*ids, span_key(*ids)) for ids in IDS)


@pytest.mark.parametrize("trace_id", ["", "t", "0af7651916cd43dd8448eb211c80319c"])
def test_keys_of_a_trace_are_one_range_of_64_bits(trace_id):
    first, last = trace_keys(trace_id)
    assert -(1 << 63) <= first <= span_key(trace_id, "s") <= last < 1 << 63
    assert trace_keys("other") != (first, last)
