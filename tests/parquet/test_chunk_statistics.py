"""What a footer says of all rows of a column chunk is believed of one writer, where it is exact."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.parquet.chunk_statistics import CONSTANT_BYTES_MAX, Constant, constant_of
from indexer.parquet.column_chunks import row_groups
from indexer.parquet.footer import footer_bytes
from indexer.parquet.page_maps import PageMap

TEXT = {"physical_type": 6, "converted_type": 0, "repetition": 1}
EXACT = {3: 0, 5: b"a", 6: b"a", 7: True, 8: True}


def map_of(array: pa.Array, *, is_footer_known: bool = True, **options: object) -> PageMap:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"column": array}), sink, **options)
    source = pa.BufferReader(sink.getvalue())
    return PageMap(row_groups(footer_bytes(source, "a"), "a"), is_footer_known=is_footer_known)


def constants(kept: PageMap) -> list[Constant | None]:
    return [kept.constant(group.chunks[0]) for group in kept.groups]


@pytest.mark.parametrize(
    ("array", "stored"),
    [
        (pa.array(["", ""]), b""),
        (pa.array(["{}", "{}"]), b"{}"),
        (pa.array([b"\xff"]), b"\xff"),
        (pa.array([None, None], pa.string()), None),
        (pa.array([None], pa.int64()), None),
        (pa.array([-2, -2], pa.int32()), -2),
        (pa.array([2**64 - 1], pa.uint64()), 2**64 - 1),
        (pa.array([-1], pa.int8()), -1),
    ],
    ids=str,
)
def test_what_all_rows_have_is_known_without_a_page(array: pa.Array, stored: object) -> None:
    assert constants(map_of(array)) == [Constant(stored)]


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["a", "b"]),
        pa.array(["a", None]),
        pa.array([1, 2]),
        pa.array(["x" * (CONSTANT_BYTES_MAX + 1)]),
        pa.array([1.5, 1.5]),
        pa.array([["a"], ["a"]]),
        pa.array([], pa.string()),
    ],
    ids=lambda array: str(array.type),
)
def test_what_rows_differ_in_or_is_no_text_or_number_is_not(array: pa.Array) -> None:
    assert not any(constants(map_of(array)))


def test_each_row_group_has_its_own() -> None:
    kept = map_of(pa.array(["a", "a", "b", "b", "b", "c"]), row_group_size=2)
    assert constants(kept) == [Constant(b"a"), Constant(b"b"), None]


def test_a_footer_that_nobody_knows_is_not_believed() -> None:
    """A flipped bit in it would be every row's value."""
    assert constants(map_of(pa.array(["a"]), is_footer_known=False)) == [None]


def test_without_statistics_pages_tell() -> None:
    assert constants(map_of(pa.array(["a"]), write_statistics=False)) == [None]


@pytest.mark.parametrize(
    ("changed", "is_constant"),
    [
        ({}, True),
        ({3: None}, False),
        ({3: 1}, False),
        ({5: b"b"}, False),
        ({6: None}, False),
        ({7: False}, False),
        ({8: None}, False),
    ],
    ids=str,
)
def test_it_has_to_be_exact(changed: dict[int, object], is_constant: bool) -> None:
    statistics = {key: value for key, value in {**EXACT, **changed}.items() if value is not None}
    found = constant_of({5: 9, 12: statistics}, 9, **TEXT)
    assert (found == Constant(b"a")) == is_constant


@pytest.mark.parametrize("metadata", [{}, {5: 9}, {5: 8, 12: EXACT}, {5: 9, 12: [EXACT]}], ids=str)
def test_it_has_to_be_of_all_rows(metadata: dict[int, object]) -> None:
    assert constant_of(metadata, 9, **TEXT) is None


def test_a_number_has_as_many_bytes_as_its_type() -> None:
    of_numbers = {"physical_type": 1, "converted_type": None, "repetition": 1}
    assert constant_of({5: 9, 12: EXACT}, 9, **of_numbers) is None


def test_a_column_that_has_a_value_in_each_row_need_not_count_those_without() -> None:
    statistics = {key: value for key, value in EXACT.items() if key != 3}
    assert constant_of({5: 9, 12: statistics}, 9, **{**TEXT, "repetition": 0}) == Constant(b"a")
