"""Who wrote a file is known by its columns, and what does not fit is named precisely.

An operator with a quarantined file has only this text to find out what is wrong with it.
"""

import pyarrow as pa
import pytest

from indexer.contracts import dialect_documents
from indexer.errors import NotSpans, SchemaMismatch
from indexer.read.dialect import recognise
from indexer.read.dialect_document import dialect_named, dialects
from indexer.read.payload import PAYLOAD_COLUMNS
from tests.support.span_files import SCHEMA_14

SCHEMA_21 = pa.schema(
    [
        *SCHEMA_14,
        pa.field("links", pa.string()),
        pa.field("trace_flags", pa.uint32()),
        pa.field("trace_state", pa.string()),
        pa.field("dropped_attributes_count", pa.uint32()),
        pa.field("dropped_events_count", pa.uint32()),
        pa.field("dropped_links_count", pa.uint32()),
        pa.field("resource_dropped_attributes_count", pa.uint32()),
    ]
)


def retyped(column, kind):
    index = SCHEMA_14.get_field_index(column)
    return SCHEMA_14.set(index, pa.field(column, kind))


def without(schema, *columns):
    return pa.schema([field for field in schema if field.name not in columns])


@pytest.mark.parametrize("document", dialect_documents(), ids=lambda document: document["name"])
def test_every_dialect_on_disk_is_known(document):
    (known,) = [dialect for dialect in dialects() if dialect.name == document["name"]]
    assert known.recognised_by == set(document["recognised_by"])
    assert known.title
    assert dialect_named(document["name"]) == known  # its file has its name


@pytest.mark.parametrize("dialect", dialects(), ids=lambda dialect: dialect.name)
def test_every_dialect_says_where_the_identity_of_a_span_is(dialect):
    required = {field.name for field in dialect.fields if not field.optional}
    assert {"trace_id", "span_id", "start_time"} <= required
    assert required & {"end_time", "duration"}


@pytest.mark.parametrize("dialect", dialects(), ids=lambda dialect: dialect.name)
def test_every_payload_column_of_a_dialect_is_one_that_answers_have(dialect):
    assert {payload.name for payload in dialect.payload} <= set(PAYLOAD_COLUMNS)


def test_no_two_dialects_share_a_name():
    names = [dialect.name for dialect in dialects()]
    assert len(set(names)) == len(names)


def test_fourteen_columns_are_recognised():
    assert recognise(SCHEMA_14, "a.parquet").dialect.name == "junjo-14"


def test_twenty_one_columns_are_recognised():
    assert recognise(SCHEMA_21, "a.parquet").dialect.name == "junjo-21"


def test_the_order_of_columns_does_not_matter():
    assert recognise(pa.schema(list(SCHEMA_21)[::-1]), "a.parquet").dialect.name == "junjo-21"


def test_unknown_columns_are_accepted():
    schema = SCHEMA_14.append(pa.field("tenant", pa.binary())).append(pa.field("x", pa.null()))
    assert recognise(schema, "a.parquet").dialect.name == "junjo-14"


@pytest.mark.parametrize("column", ["status_code", "span_kind", "attributes", "events"])
def test_a_missing_optional_column_is_accepted(column):
    assert recognise(without(SCHEMA_14, column), "a.parquet").dialect.name == "junjo-14"


def test_missing_payload_is_named_as_answers_name_it():
    dialect = recognise(without(SCHEMA_21, "trace_flags"), "a.parquet").dialect
    columns = frozenset(without(SCHEMA_21, "trace_flags", "events").names)
    assert (dialect.name, dialect.missing_payload(columns)) == ("junjo-14", ("events",))
    (newer,) = [dialect for dialect in dialects() if dialect.name == "junjo-21"]
    scope = ("scope_name", "scope_version", "scope_attributes")
    assert newer.missing_payload(columns) == ("events", "flags", *scope)


def test_what_lacks_a_required_column_is_refused_with_the_nearest_dialect():
    with pytest.raises(NotSpans) as refusal:
        recognise(without(SCHEMA_14, "trace_id", "name"), "day/a.parquet")
    assert refusal.value.path == "day/a.parquet"
    message = refusal.value.message
    assert "nearest is junjo-14" in message
    assert "missing columns: name, trace_id;" in message
    assert "tried: databricks, otel-spans, databricks-v1, junjo-21, langfuse, rotel," in message


def test_the_nearest_dialect_is_the_one_that_lacks_least():
    with pytest.raises(NotSpans, match="nearest is junjo-14, missing columns: span_id;"):
        recognise(without(SCHEMA_21, "span_id", "links"), "a.parquet")


@pytest.mark.parametrize(
    "schema", [pa.schema([]), pa.schema([("a", pa.int64()), ("b", pa.string())])], ids=len
)
def test_a_table_of_something_else_is_no_spans(schema):
    with pytest.raises(NotSpans, match=r"missing columns: .*(trace_id|TraceId)"):
        recognise(schema, "a.parquet")


def test_column_names_are_compared_exactly():
    with pytest.raises(NotSpans):
        recognise(pa.schema([field.with_name(field.name.upper()) for field in SCHEMA_14]), "a")


@pytest.mark.parametrize(
    ("column", "kind", "expected"),
    [
        ("trace_id", pa.list_(pa.uint8()), "id"),
        ("parent_span_id", pa.uint64(), "id"),
        ("service_name", pa.struct([("name", pa.string())]), "text"),
        ("name", pa.dictionary(pa.int32(), pa.int64()), "text"),
        ("name", pa.list_(pa.string()), "text"),
        ("start_time", pa.float64(), "timestamp"),
        ("end_time", pa.date32(), "timestamp"),
        ("end_time", pa.string(), "timestamp"),
        ("status_code", pa.date32(), "status"),
        ("span_kind", pa.float64(), "kind"),
        ("span_kind", pa.bool_(), "kind"),
    ],
    ids=str,
)
def test_a_column_of_another_type_is_named_with_both_types(column, kind, expected):
    with pytest.raises(SchemaMismatch) as refusal:
        recognise(retyped(column, kind), "day/a.parquet")
    assert f"column {column} is {kind}, expected {expected}" in refusal.value.message
    assert refusal.value.path == "day/a.parquet"


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("trace_id", pa.large_string()),
        ("trace_id", pa.string_view()),
        ("trace_id", pa.dictionary(pa.int32(), pa.string())),
        ("name", pa.dictionary(pa.int8(), pa.large_string())),
        ("service_name", pa.large_string()),
        ("start_time", pa.timestamp("s")),
        ("start_time", pa.timestamp("us", "Europe/Berlin")),
        ("status_code", pa.int64()),
        ("span_kind", pa.uint8()),
        ("span_id", pa.binary()),
        ("span_id", pa.large_binary()),
        ("trace_id", pa.binary(16)),
        ("trace_id", pa.uuid()),
        ("start_time", pa.int64()),
        ("status_code", pa.string()),
    ],
    ids=str,
)
def test_a_column_of_a_related_type_is_accepted(column, kind):
    assert recognise(retyped(column, kind), "a.parquet").dialect.name == "junjo-14"


@pytest.mark.parametrize("column", ["trace_id", "status_code"])
def test_a_metadata_column_that_occurs_twice_is_refused(column):
    schema = SCHEMA_14.append(SCHEMA_14.field(column))
    with pytest.raises(SchemaMismatch, match=f"column {column} occurs more than once"):
        recognise(schema, "a.parquet")


def test_a_payload_column_that_occurs_twice_does_not_matter():
    assert (
        recognise(SCHEMA_14.append(SCHEMA_14.field("events")), "a.parquet").dialect.name
        == "junjo-14"
    )
