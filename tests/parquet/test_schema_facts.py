"""What a schema says, kept from one file for the next, equals what each file says by itself."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from indexer.parquet import schema_facts
from indexer.parquet.file_columns import FileColumns
from indexer.parquet.schema_facts import known_facts
from tests.support.examples import examples

TEXT, LIST = pa.array(["a", None]), pa.array([["a"], []])
STRUCT = pa.array([{"x": 1}, None], pa.struct([("x", pa.int64())]))
COLUMNS: dict[str, tuple[pa.Array, ...]] = {
    "name": (TEXT, TEXT.cast(pa.large_string()), TEXT.dictionary_encode(), LIST),
    "service": (TEXT, TEXT.cast(pa.binary())),
    "at": (
        pa.array([1, 2]),
        pa.array([1, 2], pa.timestamp("ns")),
        pa.array([1, 2], pa.timestamp("ns", "UTC")),
        pa.array([1, 2], pa.duration("ns")),
    ),
    "inner": (STRUCT, LIST),
}
FILES = st.fixed_dictionaries(
    {},
    optional={name: st.sampled_from(arrays) for name, arrays in COLUMNS.items()},
).filter(bool)
OPTIONS = st.fixed_dictionaries(
    {"store_schema": st.booleans(), "use_deprecated_int96_timestamps": st.booleans()}
)
TEXT_COLUMNS = ("name", "service")


def content(columns: dict[str, pa.Array], **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


def opened(written: bytes, text_columns: tuple[str, ...] = TEXT_COLUMNS) -> FileColumns:
    return FileColumns(pa.BufferReader(written), "a.parquet", text_columns=text_columns)


@examples(40)
@given(
    files=st.lists(
        st.tuples(FILES, OPTIONS, st.sampled_from([(), TEXT_COLUMNS])), min_size=2, max_size=8
    )
)
def test_files_of_any_schemas_one_after_the_other_are_as_each_by_itself(
    files: list[tuple[dict[str, pa.Array], dict[str, bool], tuple[str, ...]]],
) -> None:
    """Names, types, columns of values and what is read of them."""
    for columns, options, text_columns in files:
        written = content(columns, **options)
        after_others = opened(written, text_columns)
        kept, schema_facts._kept = schema_facts._kept, ()
        alone = opened(written, text_columns)
        schema_facts._kept = kept
        assert after_others.schema.equals(alone.schema, check_metadata=True)
        assert after_others.leaf_paths == alone.leaf_paths
        assert after_others.footer == alone.footer
        everything = range(len(columns))
        assert after_others.read(everything).equals(alone.read(everything))
        assert after_others.schema.names == pq.read_schema(io.BytesIO(written)).names


def test_the_next_file_of_a_writer_is_known() -> None:
    """It has other rows, and what follows from the schema is the same object."""
    first = opened(content({"name": TEXT, "at": pa.array([1, 2])}))
    second = opened(content({"name": TEXT.slice(1), "at": pa.array([7])}))
    assert second.schema is first.schema
    assert (first.footer.row_count, second.footer.row_count) == (2, 1)


def test_what_arrow_notes_beside_a_schema_tells_files_apart() -> None:
    """Parquet has text in both; Arrow's type of it is in the notes alone."""
    for kind in (pa.string(), pa.large_string(), pa.string()):
        assert opened(content({"x": TEXT.cast(kind)})).schema.field("x").type == kind
    assert len([one for one in schema_facts._kept if one.names == ("x",)]) == 1


def test_bytes_that_are_no_footer_are_not_known() -> None:
    """Nothing is kept of a footer that begins in another way."""
    opened(content({"name": TEXT}))
    assert known_facts(b"", TEXT_COLUMNS) is None
    assert known_facts(b"\x15\x04", TEXT_COLUMNS) is None
    assert schema_facts._begin(b"\x15\x04\x19") == b""
    assert schema_facts._begin(b"\x25\x04") == b""


def test_no_more_than_a_few_schemas_are_kept() -> None:
    """The latest of them."""
    for number in range(40):
        opened(content({f"column_{number}": TEXT}))
    assert len(schema_facts._kept) == schema_facts._KEPT_MAX
    assert schema_facts._kept[0].names == ("column_39",)
