"""The columns of a table: those that a query reads are made, for the rows that it asks for."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import indexer
from indexer.live.limits import RANGE_ROWS, RANGES_BYTES_MAX, RingLimits
from indexer.live.table_rows import TableRows
from tests.live.rings import live, piece, ring, spans

pytestmark = pytest.mark.duckdb


class Numbers:
    """Rows that are the numbers of a ring."""

    schema = pa.schema([("number", pa.int64())])

    def count(self, segment, skip):
        return segment.rows - skip

    def column(self, segment, name):
        return pa.array([number for one in segment.pieces for number in one.content], pa.int64())


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=8),
    st.integers(1, 100),
    st.lists(st.integers(0, 2**31), max_size=60),
)
def test_any_rows_in_any_order_have_their_values(sizes, rows, asked):
    made = ring(rows=rows)
    total = 0
    for size in sizes:
        made.append([piece(*range(total, total + size))])
        total += size
    expected = list(range(max(0, total - rows), total))
    found = TableRows(Numbers(), made.snapshot())
    assert len(found) == len(expected)
    numbers = np.array([one % len(expected) for one in asked], np.int64)
    assert found.column("number", numbers).to_pylist() == [expected[one] for one in numbers]
    first, end = sorted([numbers[0], numbers[-1]]) if len(numbers) else (0, 0)
    neighbours = np.arange(first, end, dtype=np.int64)
    assert found.column("number", neighbours).to_pylist() == expected[first:end]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(1, 100), st.data())
def test_any_ranges_have_a_list_of_their_values_each(sizes, rows, data):
    made = ring(rows=rows)
    for size in sizes:
        end = made.counts().inserted_rows
        made.append([piece(*range(end, end + size))])
    expected = list(range(max(0, sum(sizes) - rows), sum(sizes)))
    ends = st.integers(1, len(expected))
    asked = data.draw(
        st.lists(
            ends.flatmap(lambda end: st.tuples(st.integers(0, end - 1), st.just(end))),
            min_size=1,
            max_size=9,
        )
    )
    cut = data.draw(st.integers(1, len(expected)))
    neighbours = [
        (first, min(first + cut, len(expected))) for first in range(0, len(expected), cut)
    ]
    found = TableRows(Numbers(), made.snapshot())
    for ranges in (asked, neighbours):
        firsts, last = (np.array(side, np.int64) for side in zip(*ranges, strict=True))
        lists = found.ranges("number", firsts, last).to_pylist()
        assert lists == [expected[first:end] for first, end in ranges]


def test_ranges_are_shorter_where_all_of_them_would_be_more_than_arrow_has_in_one_array():
    assert RingLimits().range_rows == RANGE_ROWS
    assert RingLimits(bytes=RANGES_BYTES_MAX * 2).range_rows == RANGE_ROWS // 2
    assert RingLimits(bytes=1 << 50).range_rows == 1


def test_counting_makes_no_rows_and_times_no_json():
    with live(rows=1000) as found:
        found.send(spans(0, 600))
        assert found.ask("SELECT count(*) FROM live.traces") == [(600,)]
        assert found.stats()["decoded_bytes"] == 0
        times = found.ask("SELECT min(timestamp), max(timestamp) FROM live.traces")
        kept = found.stats()["decoded_bytes"]
        column = "start_time_unix_nano"
        assert times == found.ask(f"SELECT min({column}), max({column}) FROM live.otlp_traces")
        assert found.stats()["decoded_bytes"] == kept > 0


def test_rows_that_a_filter_leaves_have_their_own_values():
    with live(rows=5000) as found:
        found.send(spans(0, 3000, resources=3))
        found.send(spans(3000, 3000))
        sql = """
            SELECT name, coalesce(span_id, 'none'), CASE WHEN kind = 0 THEN name ELSE 'other' END
            FROM live.otlp_traces WHERE CAST(name AS INTEGER) % 7 = 3 ORDER BY CAST(name AS INTEGER)
        """
        names = [number for number in range(1000, 6000) if number % 7 == 3]
        expected = [(str(one), f"{one + 1:016x}", str(one)) for one in names]
        assert found.ask(sql) == expected


def test_what_is_inside_of_lists_and_structs_stays_as_long_as_duckdb_needs_it():
    """Rows of many segments, copied together, in types that DuckDB has as trees of vectors."""
    connection = indexer.connect()
    connection.execute(
        "CREATE RING TABLE mine (n INTEGER, words VARCHAR[], pair STRUCT(a VARCHAR, b JSON), j JSON)"
    )
    for first in range(0, 6000, 750):
        connection.execute(
            f"""INSERT INTO mine SELECT i, ['a long text of ' || i, NULL, 'another one ' || i],
            {{'a': 'a long text in ' || i, 'b': json_object('number', i)}}, json_object('text', i)
            FROM range({first}, {first + 750}) t(i)"""
        )
    rows = connection.execute(
        """SELECT n, coalesce(words, []), words[1] || '', pair.a, pair.b->>'number', j->>'text'
        FROM mine WHERE n % 2 = 0 ORDER BY n"""
    ).fetchall()
    assert rows == [
        (
            number,
            [f"a long text of {number}", None, f"another one {number}"],
            f"a long text of {number}",
            f"a long text in {number}",
            str(number),
            str(number),
        )
        for number in range(0, 6000, 2)
    ]
