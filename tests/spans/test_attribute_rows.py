"""Rows of many files, made at once, equal those that are made of each value by itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import CorruptPage, IndexerError
from indexer.spans.attribute_rows import flag_rows, state_rows, value_rows
from indexer.spans.attributes import LLM_FLAG, AttributeValues, PromotedFile
from tests.support.examples import examples

KEYS = (3, 0, 30)
VALUE = st.tuples(
    st.integers(0, 9),
    st.integers(0, len(KEYS) - 1),
    st.sampled_from(["", "a", "é"]),
    st.sampled_from([(0, 1), (1, 1), (1, 2), (2**64 - 1, 0)]),
    st.booleans(),
)
"""(row, key, value, trace, whether it tells an LLM call)."""
FILES = st.lists(st.none() | st.lists(VALUE, max_size=6), min_size=1, max_size=5)
"""None is a file that cannot give any."""
REFUSAL = CorruptPage("damaged", path="a.parquet")


def promoted(number: int, values: list[Any] | None) -> PromotedFile:
    held: AttributeValues | IndexerError = REFUSAL
    if values is not None:
        rows, keys, texts, traces, llm = zip(*values, strict=True) if values else [()] * 5
        held = AttributeValues(
            row=np.array(rows, np.int32),
            position=np.zeros(len(rows), np.int32),
            key=np.array(keys, np.int8),
            value=pa.array(texts, pa.string()),
            trace_hi=np.array([high for high, _ in traces], np.uint64),
            trace_lo=np.array([low for _, low in traces], np.uint64),
            is_llm=np.array(llm, np.bool_),
        )
    return PromotedFile(file_id=number, key_ids=KEYS, values=held)


@examples(60)
@given(files=FILES)
def test_rows_of_all_files_are_those_of_each_value(files: list[list[Any] | None]) -> None:
    """Of files with values, without any, and that can give none."""
    made = [promoted(7 * number, values) for number, values in enumerate(files)]
    of_values = [(7 * n, *value) for n, values in enumerate(files) for value in values or ()]
    assert [tuple(row.values()) for row in value_rows(made).to_pylist()] == [
        (file, row, 0, KEYS[key], text) for file, row, key, text, _, _ in of_values
    ]
    counts = Counter((file, KEYS[key]) for file, _, key, _, _, _ in of_values)
    error = (REFUSAL.error_type, REFUSAL.message)
    assert [tuple(row.values()) for row in state_rows(made).to_pylist()] == [
        (7 * n, key, counts[7 * n, key], *(error if values is None else (None, None)))
        for n, values in enumerate(files)
        for key in KEYS
    ]
    flags: dict[tuple[int, str], int] = {}
    for file, _, key, _, (high, low), is_llm in of_values:
        at = file, f"{high:016x}{low:016x}"
        flags[at] = flags.get(at, 0) | 1 << KEYS[key] | (LLM_FLAG if is_llm else 0)
    found = [tuple(row.values()) for row in flag_rows(made).to_pylist()]
    assert sorted(found) == sorted((*at, bits) for at, bits in flags.items())


def test_rows_have_the_types_of_their_tables() -> None:
    """Also where no file has a value."""
    for files in ([promoted(1, None)], [promoted(1, [(0, 1, "a", (0, 1), False)])]):
        kinds = [str(kind) for kind in value_rows(files).schema.types]
        assert kinds == ["int32", "int32", "int32", "int8", "string"]
        kinds = [str(kind) for kind in state_rows(files).schema.types]
        assert kinds == ["int32", "int8", "int64", "string", "string"]
        assert [str(kind) for kind in flag_rows(files).schema.types] == [
            "int32",
            "string",
            "uint32",
        ]
