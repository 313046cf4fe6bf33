"""Which maps, structs and lists SQL shows as the canonical reader does; one odd row is enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.read.nested_check import is_same_json
from indexer.read.scan_check import check_file
from indexer.spans.file_scan import FileScan
from indexer.system.storage import LocalStorage
from tests.support.span_files import spans, table

pytestmark = pytest.mark.duckdb

TEXTS = pa.map_(pa.string(), pa.string())
STRUCT = pa.struct([("a", pa.int64()), ("b", pa.string())])
EVENT = pa.struct([("name", pa.string()), ("attributes", TEXTS)])


def checked(folder: Path, name: str, values: pa.Array) -> FileScan:
    content = table(spans(len(values)))
    content = content.set_column(content.column_names.index(name), name, values)
    pq.write_table(content, folder / "a.parquet")
    storage = LocalStorage(folder)
    entry = storage.stat("a.parquet")
    assert entry is not None
    return check_file(storage, entry.info)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[("k", "é"), ("a", '"'), ("n", None)], [], None], TEXTS),
        pa.array([[("k", 2**53 + 1)]], pa.map_(pa.string(), pa.int64())),
        pa.array([[("k", 0.5)]], pa.map_(pa.string(), pa.float64())),
        pa.array([{"a": 1, "b": None}, {"a": None, "b": "x"}], STRUCT),
    ],
)
def test_maps_and_structs_are_shown_by_sql(tmp_path: Path, values: pa.Array) -> None:
    assert "attributes" in checked(tmp_path, "attributes", values).rewritten


def test_events_of_structs_are_shown_and_named(tmp_path: Path) -> None:
    values = pa.array(
        [[{"name": "exception", "attributes": [("k", "v")]}], [], None], pa.list_(EVENT)
    )
    found = checked(tmp_path, "events", values)
    assert found.event_names == (("exception",) if "events" in found.rewritten else None)


@pytest.mark.parametrize(
    ("kind", "odd"),
    [
        (TEXTS, [("k", "1"), ("k", "2")]),
        (pa.map_(pa.string(), pa.float64()), [("k", float("nan"))]),
        (pa.map_(pa.binary(), pa.binary()), [(b"k", b"\xff")]),
        (
            pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())])),
            [{"key": "k", "value": "v"}],
        ),
    ],
)
def test_one_odd_row_among_many_is_the_canonical_readers(
    tmp_path: Path, kind: pa.DataType, odd: list[Any]
) -> None:
    values = pa.array([[]] * 300 + [odd], kind)
    found = checked(tmp_path, "attributes", values)
    assert "attributes" not in (*found.stored, *found.rewritten)
    assert "resource_attributes" in found.stored


def test_kinds_of_numbers_count_and_the_order_of_keys_does_not() -> None:
    assert is_same_json("attributes", '{"a": 1, "b": 2}', '{"b":2,"a":1}')
    for other in ('{"a":1.0}', '{"a":true}', '{"a":"1"}', None):
        assert not is_same_json("attributes", '{"a":1}', other)
        assert not is_same_json("attributes", other, '{"a":1}')
