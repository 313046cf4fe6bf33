"""A group of files is read as far as it can be; what fails stays with the file that failed."""

import os

import pyarrow as pa
import pytest

from indexer.errors import FileFault, FileVanished, FooterUnreadable, InvalidIds
from indexer.read.group import GroupRead, read_group
from indexer.read.metadata import read_file
from indexer.system.storage import LocalStorage
from tests.read.read_back import put, with_columns
from tests.support.span_files import parquet_bytes, spans

ROWS_MAX = 1000


def group(folder, *contents):
    """Read files 0.parquet, 1.parquet, ... with these contents; None vanishes meanwhile."""
    infos = []
    for number, content in enumerate(contents):
        _, info = put(folder, content or b"", f"{number}.parquet")
        infos.append(info)
        if content is None:
            os.unlink(info.path)
    return read_group(LocalStorage(folder), infos, ROWS_MAX)


def paths(pairs):
    return [(info.relative_path, type(error)) for info, error in pairs]


def registered(read):
    return [file.info.relative_path for one in read.batches for file in one.files]


def test_sound_files_are_one_batch(tmp_path):
    read = group(tmp_path, parquet_bytes(spans(3)), parquet_bytes(spans(2, trace=2)))
    assert len(read.batches) == 1
    assert (registered(read), read.spans) == (["0.parquet", "1.parquet"], 5)


def test_each_failure_stays_its_own(tmp_path):
    read = group(tmp_path, b"no Parquet", parquet_bytes(spans(3)), None)
    assert [info.relative_path for info in read.taken] == [f"{n}.parquet" for n in range(3)]
    assert registered(read) == ["1.parquet"]
    assert paths(read.refused) == [("0.parquet", FooterUnreadable)]
    assert paths(read.transient) == [("2.parquet", FileVanished)]


def test_a_group_without_a_sound_file_has_no_batch(tmp_path):
    read = group(tmp_path, b"", None)
    assert (read.batches, read.spans) == ([], 0)


def test_no_files_are_no_batch(tmp_path):
    assert read_group(LocalStorage(tmp_path), [], ROWS_MAX) == GroupRead(taken=[])


def test_files_with_rejected_rows_and_of_none_are_registered_too(tmp_path):
    """They are finished files; only some of their rows are not spans."""
    odd = parquet_bytes(with_columns(spans(3), span_id=["", "x", "1" * 16]))
    read = group(tmp_path, odd, parquet_bytes([]))
    assert (registered(read), read.spans) == (["0.parquet", "1.parquet"], 1)
    assert read.batches[0].files[0].rejected_example == f"row 0: trace_id '{1:032x}', span_id ''"


def test_a_file_of_rejected_rows_alone_is_refused_with_an_example(tmp_path):
    """Its neighbours are registered as if it were not there."""
    odd = parquet_bytes(with_columns(spans(2), trace_id=["594561017196745703", None]))
    beside = [parquet_bytes(spans(2, trace=number)) for number in (8, 9)]
    read = group(tmp_path, beside[0], odd, beside[1])
    assert (registered(read), read.spans) == (["0.parquet", "2.parquet"], 4)
    assert paths(read.refused) == [("1.parquet", InvalidIds)]
    ((_, error),) = read.refused
    assert "no row has a valid trace ID and span ID" in error.message
    assert f"row 0: trace_id '594561017196745703', span_id '{1:016x}'" in error.message


@pytest.mark.parametrize(
    ("odd", "said"),
    [(None, "null"), ("x" * 200, "xxx..."), (b"\xff" * 3, "b'\\xff"), (b"text", "'text'")],
    ids=str,
)
def test_the_example_shows_what_stands_there(tmp_path, odd, said):
    kind = pa.binary() if isinstance(odd, bytes) else pa.string()
    content = parquet_bytes(with_columns(spans(1), span_id=pa.array([odd], kind)))
    ((_, error),) = group(tmp_path, content).refused
    assert said in error.message
    assert len(error.message) < 400


def test_two_groups_add_up(tmp_path):
    whole = group(tmp_path, b"", parquet_bytes(spans(3)))
    whole.add(group(tmp_path, parquet_bytes(spans(2)), None))
    assert [info.relative_path for info in whole.taken] == ["0.parquet", "1.parquet"] * 2
    assert (whole.spans, len(whole.batches)) == (5, 2)
    assert (len(whole.refused), len(whole.transient)) == (1, 1)


def test_a_fault_in_reading_one_file_costs_no_other(tmp_path, monkeypatch):
    """No content of a file may stop the others, not even one that nobody thought of."""

    def read(storage, info, *, rows_max):
        if info.relative_path == "0.parquet":
            raise ZeroDivisionError("nobody thought of it")
        return read_file(storage, info, rows_max=rows_max)

    monkeypatch.setattr("indexer.read.group.read_file", read)
    found = group(tmp_path, parquet_bytes(spans(2)), parquet_bytes(spans(3, trace=2)))
    assert (registered(found), found.spans) == (["1.parquet"], 3)
    ((info, error),) = found.refused
    assert (info.relative_path, type(error)) == ("0.parquet", FileFault)
    assert error.message == "it cannot be read: ZeroDivisionError: nobody thought of it"
