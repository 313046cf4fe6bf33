"""A person learns what a file is taken for, or what it lacks, before it is put into the storage."""

import argparse
import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.cli.dialect import dialect
from indexer.settings import load_settings
from tests.support.file_spans import WRITERS
from tests.support.span_files import spans, table


@pytest.fixture
def asked(tmp_path, capsys):
    (tmp_path / "spans").mkdir()
    settings = load_settings(JUNJO_SPAN_STORAGE_PATH=tmp_path / "spans")

    def ask(*files, as_json=True):
        names = [str(file) for file in files]
        code = dialect(settings, argparse.Namespace(files=names, json=as_json))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return ask


def test_a_file_has_its_dialect_and_what_is_left_of_its_rows(asked):
    code, out, err = asked(WRITERS / "langfuse" / "current.parquet")
    found = json.loads(out)
    assert (code, err, found["dialect"], found["spans"]) == (0, "", "langfuse", 30)
    assert found["rejected_spans"] == 2
    assert "span_id 't-49c35c02dfcb66d36f4d414f42e7b75f'" in found["rejected_example"]


def test_people_read_the_same_without_what_is_not_there(asked):
    code, out, _ = asked(WRITERS / "databricks" / "v2.parquet", as_json=False)
    assert code == 0
    assert "databricks" in out
    assert "rejected_example" not in out


def test_a_file_that_is_nearly_one_lacks_a_column_by_name(asked, tmp_path):
    pq.write_table(table(spans(2)).drop_columns(["span_id"]), tmp_path / "a.parquet")
    code, out, err = asked(tmp_path / "a.parquet")
    assert (code, out) == (1, "")
    assert "nearest is junjo-14, missing columns: span_id;" in err


def test_a_known_format_has_its_name_and_a_hint(asked):
    code, _, err = asked(WRITERS / "langfuse" / "scores.parquet")
    assert code == 1
    assert "a Langfuse export of scores, which are not spans" in err
    assert "hint: Move it out of the span storage." in err


def test_one_refused_file_does_not_stop_the_others(asked, tmp_path):
    code, out, err = asked(tmp_path / "none.parquet", WRITERS / "databricks" / "v1.parquet")
    assert (code, json.loads(out)["dialect"]) == (1, "databricks-v1")
    assert "there is no such file" in err


def test_a_folder_of_the_storage_says_what_the_file_lacks(asked, tmp_path):
    folder = tmp_path / "spans" / "service_name=shop"
    folder.mkdir()
    pq.write_table(table(spans(2)).drop_columns(["service_name"]), folder / "a.parquet")
    shutil.copy(folder / "a.parquet", tmp_path / "b.parquet")
    assert asked(folder / "a.parquet")[0] == 0
    assert asked(tmp_path / "b.parquet")[0] == 1


def test_a_file_of_no_spans_is_named_as_one(asked, tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    assert "no span dialect fits" in asked(tmp_path / "a.parquet")[2]
