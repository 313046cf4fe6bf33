"""A file of a known format that is not read is refused under its own name, never as the nearest."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.errors import FormatNotRead, NotSpans
from indexer.read.dialect import recognise
from indexer.read.dialect_document import dialects
from indexer.read.known_formats import known_format, known_formats
from tests.support.dialect_files import LAYOUTS
from tests.support.export_files import EXPORTS
from tests.support.file_spans import WRITERS
from tests.support.span_files import SCHEMA_14

EVERY = {**LAYOUTS, **EXPORTS}


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("langfuse/scores.parquet", "a Langfuse export of scores, which are not spans"),
        ("langfuse/traces.parquet", "a Langfuse export of traces, which have no end and no spans"),
    ],
)
def test_a_file_is_refused_under_its_name(path, title):
    with pytest.raises(FormatNotRead) as refusal:
        recognise(pq.read_schema(WRITERS / path), path)
    assert refusal.value.message == f"this version does not read {title}"
    assert refusal.value.path == path
    assert refusal.value.advice in {one.hint for one in known_formats()}


@pytest.mark.parametrize("known", known_formats(), ids=lambda one: one.title)
def test_every_format_is_recognised_by_its_own_names(known):
    """And by nothing that a dialect needs: a format that is read is in no list of others."""
    schema = pa.schema([(name, pa.string()) for name in sorted(known.recognised_by)])
    assert known_format(schema) == known
    assert known.hint.endswith(".")
    required = [dialect.required_columns for dialect in dialects()]
    assert not any(columns <= known.recognised_by for columns in required)


@pytest.mark.parametrize("layout", EVERY)
def test_a_dialect_is_none_of_them(layout):
    assert known_format(EVERY[layout][2]([]).schema) is None


def test_names_are_found_inside_lists_and_structs():
    inner = pa.struct([("ServiceName", pa.string())])
    rs = pa.struct([("Resource", inner), ("ss", pa.list_(pa.struct([("Spans", pa.int64())])))])
    schema = pa.schema([("TraceID", pa.binary()), ("rs", pa.large_list(rs))])
    assert known_format(schema).title == "a block of Grafana Tempo before vParquet4"
    assert known_format(pa.schema([("TraceID", pa.binary()), ("rs", pa.binary())])) is None


def test_a_schema_of_structs_in_each_other_has_an_end():
    kind = pa.int64()
    for _ in range(300):
        kind = pa.struct([("a", kind), ("b", pa.int64())])
    assert known_format(pa.schema([("a", kind)])) is None


def test_what_is_unknown_is_no_spans():
    with pytest.raises(NotSpans):
        recognise(pa.schema([field for field in SCHEMA_14 if field.name != "trace_id"]), "a")
