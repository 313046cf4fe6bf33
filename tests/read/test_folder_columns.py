"""What folders say of the rows below them, and what they do not."""

import pyarrow as pa
import pytest

from indexer.errors import NotSpans
from indexer.read.dialect import recognise
from indexer.read.dialect_document import dialects
from indexer.read.folder_columns import folder_key, folder_values
from indexer.read.metadata import batch, read_file
from indexer.read.payload import read_payload
from indexer.system.storage import LocalStorage
from tests.read.read_back import with_columns
from tests.support.dialect_files import clickhouse
from tests.support.span_files import Span, parquet_bytes, spans, table


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("a.parquet", {}),
        ("service_name=shop/a.parquet", {"service_name": "shop"}),
        ("x/service_name=a%2Fb%20c/day=3/y/z.parquet", {"service_name": "a/b c", "day": "3"}),
        ("s%3D1=%C3%A9/a", {"s=1": "é"}),
        ("k=%FF/a", {"k": "\ufffd"}),
        ("k=1/k=2/a", {"k": "2"}),
        ("k=__HIVE_DEFAULT_PARTITION__/a", {"k": None}),
        ("k=/=v/k==w/a", {"k": "=w"}),
        ("k=1+1/name=file.parquet", {"k": "1+1"}),
    ],
)
def test_a_folder_says_a_value(path, values):
    assert folder_values(path) == values


def test_the_first_name_that_a_folder_has_counts():
    assert folder_key({"b", "c"}, "a", "b", "c") == "b"
    assert folder_key({"b"}, "a") is None


def read(folder, path, content):
    """(the file as the index has it, its payload by row)."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)
    storage = LocalStorage(folder)
    info = storage.stat(path).info
    (file,) = batch([read_file(storage, info)]).files
    dialect = next(one for one in dialects() if one.name == file.dialect)
    rows = sorted(span.file_row_number for span in file.spans.rows())
    return file, read_payload(storage, info, dialect, rows)


def field(file, name):
    return [getattr(span, name) for span in file.spans.rows()]


def test_a_column_that_the_file_lacks_comes_from_its_folder(tmp_path):
    rows = with_columns(
        spans(2), service_name=None, span_kind=None, status_code=None, status_message=None
    )
    path = "service_name=a%2Fb/span_kind=Client/status_code=2/status_message=late/a.parquet"
    file, payload = read(tmp_path, path, parquet_bytes(rows))
    assert field(file, "service_name") == ["a/b"] * 2
    assert field(file, "span_kind") == [3] * 2
    assert field(file, "status_code") == [2] * 2
    assert [row["status_message"] for row in payload] == ["late"] * 2


def test_a_column_of_the_file_wins(tmp_path):
    file, payload = read(
        tmp_path, "service_name=other/attributes=5/a.parquet", parquet_bytes(spans(1))
    )
    assert field(file, "service_name") == ["shop"]
    assert payload[0]["attributes"] == "{}"


def test_the_names_are_the_writers_or_ours(tmp_path):
    content = parquet_bytes(clickhouse("json")([]).drop_columns(["ServiceName"]))
    for number, key in enumerate(("ServiceName", "service_name")):
        file, _ = read(tmp_path, f"{key}=x/{number}.parquet", content)
        assert file.dialect == "clickhouse"


def test_no_value_is_the_unknown_service(tmp_path):
    rows = with_columns(spans(1), service_name=None)
    path = "service_name=__HIVE_DEFAULT_PARTITION__/a.parquet"
    file, _ = read(tmp_path, path, parquet_bytes(rows))
    assert field(file, "service_name") == ["unknown_service"]


def test_files_of_several_folders_keep_their_own_values(tmp_path):
    """They are read together, as one table where their columns are alike."""
    storage, infos = LocalStorage(tmp_path), []
    for number, name in enumerate(("a", "b", "a")):
        path = f"service_name={name}/{number}.parquet"
        rows = with_columns([Span(trace=number + 1)], service_name=None)
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(parquet_bytes(rows))
        infos.append(storage.stat(path).info)
    files = batch([read_file(storage, info) for info in infos]).files
    assert [field(file, "service_name") for file in files] == [["a"], ["b"], ["a"]]


@pytest.mark.parametrize("name", ["start_time", "end_time"])
def test_a_time_is_not_taken_from_a_folder(name):
    schema = table(spans(1)).drop_columns([name]).schema
    with pytest.raises(NotSpans, match=f"missing columns: {name};"):
        recognise(schema, f"{name}=2026-11-25/a.parquet")


def test_columns_that_identify_a_dialect_stand_in_the_file():
    schema = pa.schema([("name", pa.string())])
    with pytest.raises(NotSpans):
        recognise(schema, "trace_id=1/span_id=2/a.parquet")
