"""A file is whole under its name or not there, and a trace in it is found without reading it."""

import os
import stat
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.ingest.layout import span_file
from indexer.ingest.leftovers import remove_leftovers
from indexer.ingest.parquet import (
    ROW_GROUP_ROWS,
    write_span_file,
    write_span_tables,
)
from indexer.otlp.spans import CODED_SCHEMA, SPAN_SCHEMA, portions_table, span_table
from tests.ingest.bodies import body, files_below
from tests.read.parquet_pages import pages

KEY = (1_795_000_000_123).to_bytes(6, "big") + bytes(10)


@pytest.fixture
def target(tmp_path):
    return span_file(tmp_path / "root", KEY, KEY)


@pytest.fixture(scope="module")
def table():
    """20,000 spans of 2,000 traces, the latest first."""
    return span_table([body(number, 10) for number in reversed(range(2_000))])


def test_rows_come_back_sorted(target, table):
    size = write_span_file(table, target)
    assert target.stat().st_size == size
    found = pq.read_table(target)
    assert found.schema.equals(SPAN_SCHEMA)
    assert found.equals(table.sort_by([("trace_id", "ascending"), ("start_time", "ascending")]))


def test_texts_in_dictionaries_make_the_same_file(target, tmp_path):
    """Of several batches whose dictionaries differ, with scopes that say nothing."""
    bodies = [body(number, 40, service=f"s{number // 50}") for number in range(250)]
    coded = portions_table(bodies)
    assert coded.schema.equals(CODED_SCHEMA)
    assert coded["scope_name"].num_chunks > 1
    write_span_file(coded, target)
    write_span_file(span_table(bodies), tmp_path / "plain.parquet")
    assert target.read_bytes() == (tmp_path / "plain.parquet").read_bytes()


def test_all_columns_but_attributes_have_statistics(target, table):
    write_span_file(table, target)
    group = pq.read_metadata(target).row_group(0)
    columns = [group.column(at) for at in range(group.num_columns)]
    assert [one.path_in_schema for one in columns if not one.is_stats_set] == ["attributes"]
    assert all(one.has_offset_index for one in columns)


def test_pages_have_checksums_and_row_groups_their_size(target, table):
    write_span_file(table, target)
    with pq.ParquetFile(target, page_checksum_verification=True) as file:
        rows = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
        column = file.metadata.row_group(0).column(1)
        order = file.metadata.row_group(0).sorting_columns
    assert rows == [ROW_GROUP_ROWS, ROW_GROUP_ROWS, 20_000 - 2 * ROW_GROUP_ROWS]
    assert (column.path_in_schema, column.compression) == ("trace_id", "ZSTD")
    assert column.has_column_index
    assert [one.column_index for one in order] == [1, 6]
    damaged = bytearray(target.read_bytes())
    damaged[column.data_page_offset + 60] ^= 0xFF
    target.write_bytes(damaged)
    with pq.ParquetFile(target, page_checksum_verification=True) as file, pytest.raises(OSError):
        file.read_row_group(0, columns=["trace_id"])


def test_a_page_of_attributes_is_a_small_part_of_its_row_group(target, table):
    """A trace decodes as little as one of them."""
    long = pa.array([f'{{"text": "{n:0400}"}}' for n in range(table.num_rows)])
    at = table.schema.get_field_index("attributes")
    write_span_file(table.set_column(at, table.schema.field(at), long), target)
    content = target.read_bytes()
    found = [one for one in pages(content) if (one.group, one.column) == (0, "attributes")]
    assert len(found) >= 8


@pytest.mark.duckdb
def test_the_bloom_filter_excludes_absent_traces(target, table):
    """Also those within the bounds of a row group."""
    write_span_file(table.filter(pa.array([n % 20 < 10 for n in range(20_000)])), target)
    with duckdb.connect() as connection:

        def excluded(trace):
            return connection.execute(
                "SELECT bool_and(bloom_filter_excludes) FROM parquet_bloom_probe(?, 'trace_id', ?)",
                [str(target), f"{trace:032x}"],
            ).fetchone()[0]

        present = {int(one, 16) for one in pq.read_table(target)["trace_id"].to_pylist()}
        absent = [trace for trace in range(1, 2_000) if trace not in present]
        assert not any(excluded(trace) for trace in sorted(present)[:100])
        assert sum(excluded(trace) for trace in absent[:200]) > 180


def test_a_failure_leaves_nothing_behind(target, table):
    def tables():
        yield table
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        write_span_tables(tables(), target)
    assert files_below(target.parents[3]) == []


def test_an_old_file_is_replaced(target, table):
    write_span_file(table, target)
    write_span_file(table.slice(0, 10), target)
    assert pq.read_metadata(target).num_rows == 10
    assert files_below(target.parents[3]) == [target]


def test_the_same_rows_make_the_same_bytes(target, table):
    write_span_file(table, target)
    first = target.read_bytes()
    write_span_file(table, target)
    assert target.read_bytes() == first


def test_leftovers_are_removed_and_nothing_else(target, table):
    write_span_file(table.slice(0, 1), target)
    leftover = target.with_name(f".{target.name}.123.tmp")
    others = [target.with_name(name) for name in (".keep.tmp", f".{target.name}.tmp", "x.tmp")]
    for path in [leftover, *others]:
        path.write_bytes(b"PAR1")
    assert remove_leftovers(target.parents[3]) == [str(leftover)]
    assert set(files_below(target.parents[3])) == {target, *others}


def test_a_file_is_synced_before_it_has_its_name_and_its_folders_after(target, table, monkeypatch):
    """The order that makes a name mean a whole file, told by what is called."""
    told = []
    sync, replace = os.fsync, Path.replace

    def fsync(descriptor):
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        told.append("folder" if folder else "file")
        sync(descriptor)

    def named(self, to):
        told.append("name")
        return replace(self, to)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", named)
    write_span_file(table.slice(0, 1), target)
    assert told == ["folder"] * 5 + ["file", "name", "folder"]
