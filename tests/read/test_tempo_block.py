"""Blocks of Tempo: each span has a number, and everything of it is found by that."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.errors import CorruptPage, FileChanged, FileFault, FileUnreadable, FormatNotRead
from indexer.parquet.file_columns import FileColumns
from indexer.read.dialect import recognise
from indexer.read.metadata import read_file
from indexer.read.payload import read_payload
from indexer.read.payload_table import payload_tables
from indexer.read.promoted import AttributeReader
from indexer.read.registered_file import find_registered
from indexer.read.scan_check import check_file
from indexer.read.tally import Tally
from indexer.read.tempo_block import TempoBlock, dedicated_attributes
from indexer.spans.file_scan import UNSCANNED
from indexer.system.storage import LocalStorage
from tests.support.file_spans import spans_of
from tests.support.tempo_blocks import META, attrs, block_data, resource, span, trace, write_block

DATA = "data.parquet"
STATEMENT = '{"dedicatedColumns": [{"s": "span", "n": "db.statement"}]}'
WANTED = ("trace.TraceID", "resource.ServiceName", "scope.Name", "span.Name")
SHAPES = st.lists(  # spans in scopes in resources in traces
    st.lists(st.lists(st.integers(0, 3), max_size=3), max_size=3), max_size=5
)


def info_of(folder):
    return LocalStorage(folder).stat(DATA).info


def test_a_block_without_its_meta_is_not_finished_and_is_tried_again(tmp_path):
    write_block(tmp_path, [trace(1, [resource([[span(1)]])])], meta=None)
    with pytest.raises(FileUnreadable, match=r"without meta\.json") as refused:
        read_file(LocalStorage(tmp_path), info_of(tmp_path))
    assert "writes meta.json last" in refused.value.advice
    (tmp_path / META).write_text("{}")
    assert read_file(LocalStorage(tmp_path), info_of(tmp_path)).footer.row_count == 1


@pytest.mark.parametrize(
    ("meta", "what"),
    [
        ("{", "is invalid"),
        ("[]", "is invalid"),
        ('{"dedicatedColumns": [{"s": "span"}]}', "is invalid"),
        ('{"dedicatedColumns": [{"s": "moon", "n": "a"}]}', "unknown dedicated columns: moon"),
        ('{"dedicatedColumns": [{"s": "span", "n": "a", "t": "int"}]}', "which the block has not"),
    ],
)
def test_a_meta_that_does_not_fit_its_block_is_refused_with_the_reason(tmp_path, meta, what):
    write_block(tmp_path, [trace(1, [resource([[span(1)]])])], meta)
    with pytest.raises(FileFault, match=what):
        read_file(LocalStorage(tmp_path), info_of(tmp_path))


def test_dedicated_columns_are_numbered_for_each_owner_and_type():
    entries = [
        {"s": "span", "n": "a"},
        {"s": "resource", "n": "b", "t": "string"},
        {"s": "span", "n": "c", "t": "int"},
        {"s": "span", "n": "d", "o": ["array"]},
    ]
    found = dedicated_attributes({"dedicatedColumns": entries})
    assert [(one.owner, one.column.partition(".")[2], one.key, one.is_array) for one in found] == [
        ("rs.ss.Spans", "String01", "a", False),
        ("rs.Resource", "String01", "b", False),
        ("rs.ss.Spans", "Int01", "c", False),
        ("rs.ss.Spans", "String02", "d", True),
    ]


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """A storage with nothing but the ``meta.json`` of a block."""
    folder = tmp_path_factory.mktemp("block")
    (folder / META).write_text("{}")
    return LocalStorage(folder)


@settings(max_examples=25, deadline=None)
@given(SHAPES, st.integers(1, 3), st.data())
def test_the_number_of_a_span_is_its_place_in_the_order_of_the_file(named, shapes, rows, data):
    """Whatever rows, resources and scopes they stand in, and in whatever order they are asked for."""
    right, traces = _drawn(shapes)
    source = pa.BufferReader(block_data(traces, rows))
    block = TempoBlock(named, FileColumns(source, DATA), DATA)
    assert block.footer.row_count == len(right)
    positions = [block.schema.names.index(name) for name in WANTED]
    assert block.read(positions).to_pylist() == right
    numbers = st.integers(0, max(len(right) - 1, 0))
    asked = data.draw(st.lists(numbers, max_size=6 if right else 0))
    assert block.take(positions, asked).to_pylist() == [right[at] for at in asked]
    with pytest.raises(CorruptPage, match="of 1 spans are there"):
        block.take(positions, [len(right)])


def _drawn(shapes):
    """(rows of the spans in order, rows of the block)."""
    right, traces = [], []
    for number, resources in enumerate(shapes, 1):
        held = []
        for at, scopes in enumerate(resources):
            ss = []
            for name, count in enumerate(scopes):
                ss.append([span(len(right) + 1 + one) for one in range(count)])
                place = (number.to_bytes(16, "big"), f"r{at}", f"s{name}")
                right += [dict(zip(WANTED, (*place, one["Name"]), strict=True)) for one in ss[-1]]
            held.append(resource(ss, f"r{at}"))
        traces.append(trace(number, held))
    return right, traces


@pytest.mark.parametrize(
    "rows",
    [[], [trace(1, []), trace(2, [resource([])]), trace(3, [resource([[]])])]],
    ids=["no rows", "rows without a span"],
)
def test_a_block_without_a_span_is_a_file_without_one(tmp_path, rows):
    write_block(tmp_path, rows)
    assert spans_of(tmp_path, DATA) == []


def test_promoted_attributes_of_a_block_are_those_of_its_spans(tmp_path):
    one = span(1, Attrs=attrs({"gen_ai.system": "x"}), HttpMethod="GET")
    write_block(tmp_path, [trace(1, [resource([[span(2), one]])])])
    reader = AttributeReader()
    found = reader.read(
        LocalStorage(tmp_path), [info_of(tmp_path)], ["gen_ai.system", "http.method"]
    )
    reader.close()
    (values,) = found
    assert values.row.tolist() == [1, 1]
    assert values.value.to_pylist() == ["x", "GET"]


def test_what_an_answer_costs_of_a_block_is_what_was_read(tmp_path):
    write_block(tmp_path, [trace(1, [resource([[span(1), span(2)]])])])
    dialect = read_file(LocalStorage(tmp_path), info_of(tmp_path)).layout.dialect
    tally = Tally()
    found = read_payload(LocalStorage(tmp_path), info_of(tmp_path), dialect, [1, 0], tally)
    assert [one["scope_name"] for one in found] == ["s0", "s0"]
    assert 0 < tally.bytes_read < info_of(tmp_path).size_bytes
    assert tally.text_bytes > 0


def test_a_search_reads_the_payload_of_every_span(tmp_path):
    spans = [span(1, Attrs=attrs({"size": 3})), span(2)]
    write_block(tmp_path, [trace(1, [resource([spans])]), trace(2, [resource([[span(3)]])])])
    tally = Tally()
    tables = payload_tables(LocalStorage(tmp_path), info_of(tmp_path), ["attributes"], tally)
    found = [one for table in tables for one in table.values("attributes")]
    assert found == [{"size": 3}, {}, {}]
    assert 0 < tally.bytes_read < info_of(tmp_path).size_bytes
    tables = payload_tables(LocalStorage(tmp_path), info_of(tmp_path), [], Tally())
    assert sum(map(len, tables)) == 3


def test_duckdb_reads_no_column_of_a_block_itself(tmp_path):
    write_block(tmp_path, [trace(1, [resource([[span(1)]])])])
    assert check_file(LocalStorage(tmp_path), info_of(tmp_path)) is UNSCANNED


def test_a_block_before_vparquet4_is_refused_by_name():
    inner = pa.struct([("ServiceName", pa.string())])
    rs = pa.struct([("Resource", inner), ("ss", pa.list_(pa.struct([("Spans", pa.int64())])))])
    schema = pa.schema([("TraceID", pa.binary()), ("rs", pa.list_(rs))])
    with pytest.raises(FormatNotRead, match="Tempo before vParquet4"):
        recognise(schema, DATA)


def test_what_names_attributes_is_part_of_what_the_file_is(tmp_path):
    """Other names, or none, and it is not the block that was indexed; a new name of meta.json is."""
    storage = LocalStorage(tmp_path)
    row = span(1, DedicatedAttributes={"String01": "SELECT 1"})
    write_block(tmp_path, [trace(1, [resource([[row]])])], STATEMENT)
    digest = read_file(storage, info_of(tmp_path)).footer.footer_digest
    assert find_registered(storage, info_of(tmp_path), digest) == info_of(tmp_path)
    (only,) = spans_of(tmp_path, DATA)
    assert only["attributes"] == {"db.statement": "SELECT 1"}
    (tmp_path / META).rename(tmp_path / "meta.compacted.json")
    assert find_registered(storage, info_of(tmp_path), digest) == info_of(tmp_path)
    (tmp_path / META).write_text(STATEMENT.replace("statement", "query"))
    with pytest.raises(FileChanged):
        find_registered(storage, info_of(tmp_path), digest)
