"""A map has the first value of each key, in any slice of any column."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from indexer.read.map_keys import first_entries
from tests.support.examples import examples

PAIRS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=5)


@examples(30)
@given(rows=st.lists(st.none() | PAIRS, max_size=5), data=st.data())
def test_the_first_of_a_key_counts(rows, data):
    column = pa.array(rows, pa.map_(pa.string(), pa.int64()))
    begin = data.draw(st.integers(0, len(rows)))
    expected = [None if row is None else list(dict(reversed(row)).items()) for row in rows[begin:]]
    found = first_entries(column.slice(begin)).to_pylist()
    assert [None if row is None else dict(row) for row in found] == [
        None if row is None else dict(row) for row in expected
    ]
    assert all(row is None or len(row) == len(dict(row)) for row in found)
