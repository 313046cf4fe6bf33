"""Columns of any type get the values that they had, in types that all of Arrow computes with."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from indexer.parquet.plain_types import plain_schema, plain_table

VIEW = pa.string_view()
TEXT = pa.large_string()


@pytest.mark.parametrize(
    ("stored", "plain", "values"),
    [
        (VIEW, TEXT, ["x", None]),
        (pa.binary_view(), pa.binary(), [b"x", None]),
        (pa.list_view(VIEW), pa.list_(TEXT), [["x"], None]),
        (pa.large_list_view(pa.int64()), pa.large_list(pa.int64()), [[1], None]),
        (pa.list_(VIEW, 1), pa.list_(TEXT, 1), [["x"], ["y"]]),
        (pa.map_(VIEW, pa.int64()), pa.map_(TEXT, pa.int64()), [[("k", 1)], None]),
        (
            pa.large_list(pa.struct([("key", VIEW), ("value", pa.struct([("text", VIEW)]))])),
            pa.large_list(pa.struct([("key", TEXT), ("value", pa.struct([("text", TEXT)]))])),
            [[{"key": "k", "value": {"text": "x"}}], None],
        ),
    ],
    ids=str,
)
def test_views_become_what_they_are_of(
    stored: pa.DataType, plain: pa.DataType, values: list[Any]
) -> None:
    found = plain_table(pa.table({"a": pa.array(values, stored)}))
    assert found.schema.types == [plain]
    assert found.column(0).to_pylist() == values


def test_json_becomes_its_text() -> None:
    texts = pa.array(['{"k":1}', None])
    stored = pa.ExtensionArray.from_storage(pa.json_(pa.string()), texts)
    assert plain_table(pa.table({"a": stored})).column(0).to_pylist() == texts.to_pylist()


def test_plain_types_stay_as_they_are() -> None:
    inner = pa.struct([("a", pa.map_(pa.string(), pa.list_(pa.int8()))), ("b", pa.uuid())])
    kinds = (pa.string(), pa.dictionary(pa.int32(), pa.string()), pa.large_list(inner), inner)
    schema = pa.schema([(str(at), kind) for at, kind in enumerate(kinds)])
    assert plain_schema(schema) == schema
