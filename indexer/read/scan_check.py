"""Which columns of a file DuckDB's own reader shows as the canonical reader does.

DuckDB reads a column several times as fast as values are taken apart one by one. It may do so where
every value of the file was looked at and is of the simple kind: plain JSON, UTF-8, numbers that
cannot be negative, IDs in the canonical spelling. What is right of a value is asked of the
canonical reader; nothing here says it a second time.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from indexer.model import ParquetFileInfo
from indexer.parquet.file_columns import FileColumns
from indexer.read.canonical_columns import canonical_values, stands_as_it_is
from indexer.read.dialect import Layout, recognise
from indexer.read.dialect_fields import PayloadColumn
from indexer.read.json_text import parse_json
from indexer.read.metadata import batch, read_file
from indexer.read.nested_check import is_same_json, is_shown_by_sql
from indexer.read.normalise import COUNT_COLUMNS, JSON_COLUMNS
from indexer.read.payload_sql import payload_expression
from indexer.read.tempo_block import is_block
from indexer.spans.columns import SpanColumns
from indexer.spans.file_scan import UNSCANNED, FileScan
from indexer.spans.identifiers import format_hex
from indexer.system import arrow_compute as pc
from indexer.system.duckdb_connection import connect
from indexer.system.duckdb_rows import text_literal
from indexer.system.storage import LocalStorage

BATCH_ROWS = 8_192
"""Rows of one column in memory at a time."""
_PAUSE_TEXTS = 128
"""Texts between two pauses: about a millisecond of work."""
RESERVED = frozenset({"filename", "file_row_number", "file_index", "rowid"})
"""Columns that DuckDB adds to those of a file."""
EVENT_NAMES_MAX = 64
"""Distinct names of events that are kept of a file."""
_EVENT_NAME_CHARS_MAX = 200
PATTERN_SIGNS = frozenset("*?[]{}\\")
"""DuckDB takes a path that has one for a pattern."""
_READ = ("stored", "rewritten")
METADATA = (
    *("trace_id", "span_id", "parent_span_id", "service_name", "name"),
    *("status_code", "span_kind"),
)
"""Fields of the index that are compared with the file's columns; times are read apart."""

T = TypeVar("T")
Pause = Callable[[], None]
"""Called about every millisecond: it may sleep, and ends the check by what it raises."""


def check_file(
    storage: LocalStorage, info: ParquetFileInfo, pause: Pause = lambda: None
) -> FileScan:
    """Look at every value of a file. Raises FileError, TransientError, what ``pause`` raises."""
    with storage.open(info) as source:
        file = FileColumns(source, info.relative_path)
        if is_block(file):
            return UNSCANNED
        layout = recognise(file.schema, info.relative_path)
        folded = [name.casefold() for name in file.schema.names]
        is_plain = len({*folded, *RESERVED}) == len(folded) + len(RESERVED)
        if not is_plain or PATTERN_SIGNS.intersection(info.path) or file.encrypted_columns():
            return UNSCANNED
        check = _Check(file, info.path, layout, pause)
        ways = {one.name: check.way(one) for one in layout.dialect.payload}
        names = check.event_names if ways.get("events") else None
        has_metadata = check_metadata(storage, info, pause)
        read = [one for one in layout.dialect.payload if ways[one.name] in _READ]
        used = {one.columns[0] for one in read if not check.is_nested(one)}
        if has_metadata:
            used |= {field.column for field in layout.dialect.fields if field.name in METADATA}
        if not _reads_the_same(file, info.path, [layout.positions[one] for one in used], pause):
            return UNSCANNED
    return FileScan(
        schema_digest=file.schema_digest,
        has_metadata=has_metadata,
        stored=tuple(name for name, way in ways.items() if way == "stored"),
        rewritten=tuple(name for name, way in ways.items() if way == "rewritten"),
        empty=tuple(name for name, way in ways.items() if way == "empty"),
        event_names=names if names is None or len(names) <= EVENT_NAMES_MAX else None,
        null_free=tuple(name for name in check.null_free if ways[name] == "stored"),
    )


def _reads_the_same(file: FileColumns, path: str, positions: Sequence[int], pause: Pause) -> bool:
    """Whether DuckDB finds the values in these columns that are there: it knows fewer encodings."""
    names = [file.schema.names[position] for position in positions]
    sums = ", ".join(f"sum(hash({_quoted(name)}::VARCHAR)::HUGEINT)" for name in names)
    sql = f"SELECT count(*), {sums} FROM " if sums else "SELECT count(*) FROM "

    ended: list[Exception] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for table in file.batches(positions, BATCH_ROWS):
                pause()
                yield from table.to_batches()
        except Exception as error:  # noqa: BLE001 - raised below, and not as one of DuckDB's
            ended.append(error)

    schema = pa.schema([file.schema.field(position) for position in positions])
    with connect() as connection:
        try:
            scan = f"read_parquet([{text_literal(path)}], hive_partitioning = false)"
            theirs = connection.execute(sql + scan).fetchall()
            stored = pa.RecordBatchReader.from_batches(schema, batches())
            connection.register("stored", stored)
            ours = connection.execute(f"{sql} stored").fetchall()
        except duckdb.Error:
            return False
    if ended:
        raise ended[0]
    return bool(ours == theirs)


class _Check:
    """Looks at the payload columns of one open file."""

    def __init__(self, file: FileColumns, path: str, layout: Layout, pause: Pause) -> None:
        self._file, self._path, self._layout, self._pause = file, path, layout, pause
        self._event_names: set[str] = set()
        self.null_free: list[str] = []
        """Text columns in which no value is NULL."""

    @property
    def event_names(self) -> tuple[str, ...]:
        """Of the events in texts that were looked at."""
        return tuple(sorted(self._event_names))

    def way(self, payload: PayloadColumn) -> str | None:
        """How DuckDB may read the column; None where it may not, or there is none."""
        positions = self._layout.positions
        if payload.is_member or not positions.keys() >= set(payload.columns):
            return None
        if self.is_nested(payload):
            return self._nested_way(payload)
        position = positions[payload.columns[0]]
        kind = self._file.schema.field(position).type
        if payload.name in COUNT_COLUMNS:
            return "stored" if pa.types.is_integer(kind) and self._has_counts(position) else None
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            return None
        try:
            return self._text_way(payload, position)
        except UnicodeDecodeError:
            return None

    def is_nested(self, payload: PayloadColumn) -> bool:
        """Whether its values are no texts or numbers, but maps, structs or lists."""
        return not payload.is_whole or payload.columns[0] in self._layout.nested_columns

    def _nested_way(self, payload: PayloadColumn) -> str | None:
        if payload.name not in JSON_COLUMNS:
            return None

        def seen(texts: list[str | None]) -> None:
            self._pause()
            if payload.name == "events":
                for text in filter(None, texts):
                    self._name_events(parse_json(text))

        same = is_shown_by_sql(self._file, self._path, self._layout, payload, seen)
        return "rewritten" if same else None

    def _has_counts(self, position: int) -> bool:
        lowest = [pc.min(column).as_py() for column in self._columns(position)]
        return all(one is None or one >= 0 for one in lowest)

    def _text_way(self, payload: PayloadColumn, position: int) -> str | None:
        """The way of all its texts: what holds for one batch holds for the others too."""
        ways: set[str | None] = set()
        nulls = 0
        for column in self._columns(position):
            nulls += column.null_count
            texts = [one for one in pc.unique(column).to_pylist() if one is not None]
            is_json = payload.name in JSON_COLUMNS
            ways.add(self._json_way(payload, texts, column.null_count) if is_json else "stored")
            if None in ways:
                return None
        if not nulls:
            self.null_free.append(payload.name)
        return next((way for way in ("rewritten", "stored", "empty") if way in ways), "stored")

    def _json_way(self, payload: PayloadColumn, texts: list[str], nulls: int) -> str | None:
        is_list = payload.name in ("events", "links")
        if is_list and set(texts) <= {"[]"} and (payload.null_is_empty or not nulls):
            return "empty"
        if payload.name == "events":
            for at, text in enumerate(texts):
                if at % _PAUSE_TEXTS == 0:
                    self._pause()
                self._name_events(parse_json(text))
        if self._all(texts, lambda text: stands_as_it_is(payload.name, text)):
            return "stored"
        return "rewritten" if is_list and self._is_rewritten(payload, texts) else None

    def _name_events(self, events: Any) -> None:
        for event in events if isinstance(events, list) else ():
            name = event.get("name") if isinstance(event, dict) else None
            if isinstance(name, str) and len(self._event_names) <= EVENT_NAMES_MAX:
                self._event_names.add(name[:_EVENT_NAME_CHARS_MAX])

    def _is_rewritten(self, payload: PayloadColumn, texts: list[str]) -> bool:
        """Whether the expression in SQL makes the canonical values of all these texts."""
        column = PayloadColumn(payload.name, (("", "text"),), null_is_empty=payload.null_is_empty)
        sql = f"SELECT ({payload_expression(column, ())})::VARCHAR FROM payload"
        with connect() as connection:
            connection.register("payload", pa.table({"text": pa.array(texts, pa.string())}))
            try:
                found = [text for (text,) in connection.execute(sql).fetchall()]
            except duckdb.Error:
                return False

        def is_same(pair: tuple[str, str]) -> bool:
            text, shown = pair
            (right,) = canonical_values(payload.name, [text]).to_pylist()
            return is_same_json(payload.name, shown, right)

        return self._all(list(zip(texts, found, strict=True)), is_same)

    def _all(self, values: Sequence[T], test: Callable[[T], bool]) -> bool:
        """Whether all values pass, with pauses."""
        for first in range(0, len(values), _PAUSE_TEXTS):
            self._pause()
            if not all(map(test, values[first : first + _PAUSE_TEXTS])):
                return False
        return True

    def _columns(self, position: int) -> Iterator[pa.Array]:
        for table in self._file.batches([position], BATCH_ROWS):
            self._pause()
            yield table.column(0).combine_chunks()


def check_metadata(storage: LocalStorage, info: ParquetFileInfo, pause: Pause) -> bool:
    """Whether the file's own columns are what the index has. Raises as ``check_file``."""
    raw = read_file(storage, info)
    (data,) = batch([raw]).files
    if data.rejected_spans or data.repeated_spans or data.clamped_values:
        return False
    pause()
    fields = [field for field in raw.layout.dialect.fields if not field.paths]
    names = {field.name: field.column for field in fields}
    right = _indexed(data.columns.take(np.argsort(data.columns.row)))
    for name in METADATA:
        if names.get(name) not in raw.layout.positions:
            return False
        if not _is_same(raw.table[names[name]], right[name], name):
            return False
        pause()
    return True


def _indexed(columns: SpanColumns) -> dict[str, pa.Array]:
    """The fields as the view shows them, in the order of the rows."""
    return {
        "trace_id": format_hex([columns.trace_hi, columns.trace_lo]),
        "span_id": format_hex([columns.span_id]),
        "parent_span_id": format_hex([columns.parent_span_id], null=columns.parent_span_id == 0),
        "service_name": columns.service.to_arrow().dictionary_decode(),
        "name": columns.name.to_arrow().dictionary_decode(),
        "status_code": pa.array(columns.status),
        "span_kind": pa.array(columns.kind),
    }


def _is_same(column: pa.ChunkedArray, right: pa.Array, name: str) -> bool:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if is_text != pa.types.is_string(right.type) or (not is_text and not pa.types.is_integer(kind)):
        return False
    try:
        found = column.cast(kind).cast(right.type).combine_chunks()
    except pa.ArrowInvalid:
        return False
    if name == "parent_span_id":
        found = pc.if_else(pc.equal(found, ""), pa.scalar(None, pa.string()), found)
    return bool(found.equals(right))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
