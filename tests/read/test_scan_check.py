"""Which columns of a file are simple: one odd value, type or name, and DuckDB may not read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.read.scan_check import BATCH_ROWS, check_file
from indexer.spans.file_scan import UNSCANNED, FileScan
from indexer.system.storage import LocalStorage
from tests.support.span_files import SCHEMA_14, Span, spans, table
from tests.support.variants import variant_column

pytestmark = pytest.mark.duckdb

ALL = ("status_message", "attributes", "resource_attributes")
NANOS = 1_795_000_000_000_000_001


def checked(folder: Path, content: pa.Table, **options: Any) -> FileScan:
    pq.write_table(content, folder / "a.parquet", **options)
    storage = LocalStorage(folder)
    entry = storage.stat("a.parquet")
    assert entry is not None
    return check_file(storage, entry.info)


def with_column(name: str, values: pa.Array, rows: int = 3) -> pa.Table:
    content = table(spans(rows))
    return content.set_column(content.column_names.index(name), name, values)


def test_plain_values_are_read_where_they_stand(tmp_path: Path) -> None:
    found = checked(tmp_path, table(spans(3, attributes='{"a": 1}')))
    assert found.has_metadata
    assert sorted(found.stored) == sorted(ALL)
    assert (found.rewritten, found.empty, found.event_names) == ((), ("events",), ())


@pytest.mark.parametrize(
    "odd", ['{"a":1,"a":2}', '{"a":NaN}', '{"a":"\\ud83d"}', "{", "5", '{"a":1e999}', ""]
)
def test_one_odd_value_among_many_is_seen(tmp_path: Path, odd: str) -> None:
    texts = ['{"a":1}'] * BATCH_ROWS + [odd]  # in another batch
    found = checked(tmp_path, with_column("attributes", pa.array(texts), len(texts)))
    assert sorted(found.stored) == ["resource_attributes", "status_message"]
    assert found.has_metadata


@pytest.mark.parametrize(
    "values",
    [
        pa.array([b'{"a":"\xff"}'] * 3).view(pa.string()),
        pa.array([b"{}"] * 3, pa.binary()),
        variant_column([{"a": 1}] * 3),
    ],
)
def test_bytes_are_the_canonical_readers(tmp_path: Path, values: pa.Array) -> None:
    found = checked(tmp_path, with_column("attributes", values))
    assert "attributes" not in (*found.stored, *found.rewritten)


def test_times_as_numbers_are_rewritten_and_events_are_named(tmp_path: Path) -> None:
    """As Junjo writes them; a text and an empty list beside them change nothing."""
    events = [{"name": "set_state", "timeUnixNano": NANOS, "attributes": {"b": 1, "a": "é"}}]
    texts = [json.dumps(events), "[]", json.dumps([{"name": "e", "attributes": {}}])]
    found = checked(tmp_path, with_column("events", pa.array(texts)))
    assert found.rewritten == ("events",)
    assert found.event_names == ("e", "set_state")


def test_events_that_sql_would_change_are_the_canonical_readers(tmp_path: Path) -> None:
    """A merge leaves out a null, which is a value of an attribute."""
    texts = ['[{"name":"e","timeUnixNano":7,"attributes":{"a":null}}]', "[]", "[1, 1.5e400]"]
    found = checked(tmp_path, with_column("events", pa.array(texts)))
    assert (found.rewritten, found.empty, found.event_names) == ((), (), None)


def test_columns_without_a_null_are_named(tmp_path: Path) -> None:
    texts = pa.array(["{}", None, "{}"])
    found = checked(tmp_path, with_column("attributes", texts))
    assert set(ALL) - set(found.null_free) == {"attributes", "status_message"}
    assert "attributes" in found.stored


@pytest.mark.parametrize("name", ["filename", "FILE_ROW_NUMBER", "Attributes"])
def test_a_name_that_duckdb_may_take_for_another_is_enough(tmp_path: Path, name: str) -> None:
    content = table(spans(3)).append_column(name, pa.array(["x"] * 3))
    assert checked(tmp_path, content) == UNSCANNED


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("trace_id", pa.array(["AB" * 16] * 3)),
        ("span_id", pa.array([None, "0" * 15 + "1", "0" * 15 + "2"])),
        ("parent_span_id", pa.array(["0" * 16] * 3)),
        ("service_name", pa.array([None, "a", "b"], pa.string())),
        ("name", pa.array(["x" * 5_000] * 3)),
        ("span_kind", pa.array(["SERVER"] * 3)),
        ("status_code", pa.array([300] * 3)),
        ("start_time", pa.array([-1] * 3, pa.timestamp("ns", "UTC"))),
    ],
)
def test_metadata_in_another_spelling_stays_the_indexs(
    tmp_path: Path, name: str, values: pa.Array
) -> None:
    found = checked(tmp_path, with_column(name, values))
    assert not found.has_metadata
    assert "attributes" in found.stored


def test_an_encoding_that_duckdb_does_not_read_is_the_canonical_readers(tmp_path: Path) -> None:
    """Or one that it reads: it is asked, and what it finds is compared."""
    options = {"use_dictionary": False, "column_encoding": {"status_code": "BYTE_STREAM_SPLIT"}}
    content = with_column("status_code", pa.array([1] * 3, pa.int32()))
    found = checked(tmp_path, content, **options)
    try:
        duckdb.execute(f"SELECT status_code FROM read_parquet('{tmp_path}/a.parquet')").fetchall()
    except duckdb.Error:
        assert found == UNSCANNED
    else:
        assert found.has_metadata


def test_files_of_other_schemas_have_other_digests(tmp_path: Path) -> None:
    """Types, order and optional columns count; values, statistics and compression do not."""
    same = [
        checked(tmp_path, table(spans(2))),
        checked(tmp_path, table([Span(service="b")]), compression="gzip", store_schema=False),
    ]
    other = [
        checked(tmp_path, table(spans(2)).select(SCHEMA_14.names[::-1])),
        checked(tmp_path, with_column("status_code", pa.array([1] * 3, pa.int32()))),
    ]
    assert len({one.schema_digest for one in same}) == 1
    assert len({one.schema_digest for one in [same[0], *other]}) == 3


@pytest.mark.parametrize("pauses", [0, 4, 9])
def test_a_pause_ends_the_check(tmp_path: Path, pauses: int) -> None:
    """Wherever it is."""

    class Enough(Exception):
        pass

    left = iter(range(pauses))

    def pause() -> None:
        if next(left, None) is None:
            raise Enough

    write = tmp_path / "a.parquet"
    pq.write_table(table(spans(2)), write)
    storage = LocalStorage(tmp_path)
    entry = storage.stat("a.parquet")
    assert entry is not None
    with pytest.raises(Enough):
        check_file(storage, entry.info, pause)
