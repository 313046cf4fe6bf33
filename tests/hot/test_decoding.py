"""Bodies that do not decode are found among many, and cost nothing but themselves."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import InvalidOtlp
from indexer.hot.decoding import decode_parts
from tests.support.examples import examples

SCHEMA = pa.schema([(name, pa.string()) for name in ("trace_id", "span_id", "parent_span_id")])


def rows_of(parts: Iterable[int]) -> pa.Table:
    """A part is a number of spans; a negative one does not decode."""
    parts = list(parts)
    if any(part < 0 for part in parts):
        raise InvalidOtlp("negative")
    count = sum(parts)
    ids = [["1".zfill(32)] * count, ["1".zfill(16)] * count, [None] * count]
    return pa.table(ids, schema=SCHEMA)


@examples(80)
@given(parts=st.lists(st.integers(-1, 3), max_size=20), truthful=st.booleans())
def test_rows_belong_to_their_parts(parts: list[int], truthful: bool) -> None:
    counts = [max(part, 0) for part in parts] if truthful else [9] * len(parts)
    found = decode_parts(rows_of, parts, counts)
    assert found.table.num_rows == sum(part for part in parts if part > 0)
    assert found.unreadable == tuple(at for at, part in enumerate(parts) if part < 0)
    ends = [sum(max(part, 0) for part in parts[: at + 1]) for at in range(len(parts))]
    assert found.ends.tolist() == ends
