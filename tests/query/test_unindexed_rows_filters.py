"""A condition on hot spans finds those that SQLite finds among the same rows.

DuckDB has a part of it found by Arrow, in columns of which each part has other distinct texts.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.hot.metadata import HotMetadata
from indexer.query.sql_scope import HandedOver, HotRows, Unindexed
from indexer.query.tiers.hot_spans import hot_columns
from tests.query.test_unindexed_rows import columns_of, copied
from tests.support.catalogs import indexed
from tests.support.examples import examples
from tests.support.span_files import T0, Span, table, write
from tests.support.sql_spans import asked

pytestmark = pytest.mark.duckdb

TEXTS = ("", "shop", "Shop", "shop-2", "bank", "ba'nk", "ü", "a%b", "a\x00b")
COLUMNS = (
    *("trace_id", "span_id", "parent_span_id", "service_name", "name", "kind", "status_code"),
    *("start_time_unix_nano", "end_time_unix_nano", "duration_ns"),
)
SPANS = st.builds(
    Span,
    trace=st.integers(1, 4),
    span=st.integers(1, 40),
    kind=st.integers(0, 5),
    parent=st.sampled_from([None, 1, 7]),
    service=st.sampled_from(TEXTS),
    name=st.sampled_from(TEXTS),
    start=st.sampled_from([0, T0, T0 + 1]),
    duration=st.sampled_from([0, 17, -5]),
    status=st.integers(0, 2),
)
PARTS = st.lists(st.lists(SPANS, max_size=12), min_size=1, max_size=4)


def quoted(text: str) -> str:
    """SQL of both; neither reads a zero byte in a text."""
    pieces = ["'" + piece.replace("'", "''") + "'" for piece in text.split("\x00")]
    return "(" + " || chr(0) || ".join(pieces) + ")"


LITERALS = {
    "service_name": [quoted(text) for text in TEXTS],
    "name": [quoted(text) for text in TEXTS],
    "trace_id": [f"'{number:032x}'" for number in (1, 2, 9)],
    "span_id": [f"'{number:016x}'" for number in (1, 2, 99)],
    "parent_span_id": [f"'{number:016x}'" for number in (1, 7)],
    "kind": ["0", "2", "3", "-1", "1000"],
    "status_code": ["0", "2"],
    "start_time_unix_nano": ["0", str(T0), str(T0 + 1)],
    "duration_ns": ["0", "17", "-5"],
}
TEXT_COLUMNS = ("service_name", "name", "trace_id", "span_id", "parent_span_id")
PATTERNS = ("shop%", "%p", "%o%", "_hop", "", "%", "a\\%b", "0000%", "%1")


@st.composite
def simple(draw: Any) -> str:
    column = draw(st.sampled_from(sorted(LITERALS)))
    literal = st.sampled_from(LITERALS[column])
    form = draw(st.sampled_from(["compare", "in", "null", "between", "like", "distinct"]))
    if form == "compare":
        sign = draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]))
        return f"{column} {sign} {draw(literal)}"
    if form == "in":
        some = ", ".join(draw(st.lists(literal, min_size=1, max_size=3)))
        return f"{column} {draw(st.sampled_from(['IN', 'NOT IN']))} ({some})"
    if form == "between":
        return f"{column} BETWEEN {draw(literal)} AND {draw(literal)}"
    if form == "like" and column in TEXT_COLUMNS:
        negated = draw(st.sampled_from(["", "NOT "]))
        return f"{column} {negated}LIKE '{draw(st.sampled_from(PATTERNS))}' ESCAPE '\\'"
    if form == "distinct":
        return f"{column} IS DISTINCT FROM {draw(literal)}"
    return f"{column} {draw(st.sampled_from(['IS NULL', 'IS NOT NULL']))}"


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
        st.builds("trace_id IN (SELECT trace_id FROM otel_spans WHERE {})".format, inner),
        st.builds(
            "EXISTS (SELECT 1 FROM otel_spans AS other WHERE other.service_name ="
            " asked.service_name AND other.name <> asked.name AND {})".format,
            st.sampled_from(["true", "other.kind = asked.kind", "other.span_id < asked.span_id"]),
        ),
    )


CONDITIONS = st.lists(st.recursive(simple(), combined, max_leaves=4), min_size=1, max_size=6)


def statement(conditions: Sequence[str]) -> str:
    found = [
        f"SELECT {at} AS question, trace_id, span_id, kind, service_name, name"
        f" FROM otel_spans AS asked WHERE {one}"
        for at, one in enumerate(conditions)
    ]
    return "\nUNION ALL ".join(found) + "\nORDER BY question, service_name, name, 2, 3, 4"


def mapped(parts: Sequence[Sequence[Span]], folder: Path, lacking_in: Path | None) -> HandedOver:
    """As a command has them: each part of a file in memory; the first of two that were joined."""
    tables = [pa.table(table(list(part))) for part in parts]
    made = [HotMetadata.of(one, hot_columns) for one in tables]
    made = [HotMetadata.joined(made[:2]), *made[2:]]
    rows = []
    for at, part in enumerate(made):
        path = str(folder / f"{at}.arrow")
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, part.table.schema) as writer:
            writer.write_table(part.table)
        rows.append((pa.ipc.open_file(pa.memory_map(path)).read_all(), part.row_count))
    given = HotRows(parts=rows, lacking_in=None if lacking_in is None else str(lacking_in))
    return HandedOver(lambda: given, columns_of(pa.concat_tables(tables)))


def by_sqlite(rows: Sequence[dict[str, Any]], sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(":memory:")) as judge:
        judge.create_function("chr", 1, chr, deterministic=True)
        judge.execute("PRAGMA case_sensitive_like = true")
        judge.execute(f"CREATE TABLE otel_spans ({', '.join(COLUMNS)})")
        marks = ", ".join("?" * len(COLUMNS))
        values = [tuple(row[name] for name in COLUMNS) for row in rows]
        judge.executemany(f"INSERT INTO otel_spans VALUES ({marks})", values)
        return judge.execute(sql).fetchall()


def distinct(parts: Sequence[Sequence[Span]]) -> list[list[Span]]:
    """Each span of the parts once, as the worker promises where it does."""
    seen: set[tuple[str, str, int]] = set()
    kept: list[list[Span]] = []
    for part in parts:
        kept.append([])
        for span in part:
            key = (span.trace_id, span.span_id, span.kind)
            if key not in seen:
                seen.add(key)
                kept[-1].append(span)
    return kept


@examples(12)
@given(PARTS, st.lists(SPANS, max_size=6), CONDITIONS, st.booleans())
def test_any_condition_finds_what_sqlite_finds(
    parts: list[list[Span]], files: list[Span], conditions: list[str], promised: bool
) -> None:
    files = distinct([files])[0]
    if promised:
        parts = distinct([files, *parts])[1:]
    with tempfile.TemporaryDirectory(prefix="filters-") as name, indexed(Path(name)) as one:
        if files:
            write(one.root / "a.parquet", files)
        one.settle()
        catalog = copied(one)
        hot = mapped(parts, Path(name), catalog if promised else None)
        beside = Unindexed(hot=hot)
        every, _ = asked(catalog, f"SELECT {', '.join(COLUMNS)} FROM otel_spans", beside)
        sql = statement(conditions)
        found, _ = asked(catalog, sql, beside)
    expected = {(span.trace_id, span.span_id, span.kind) for span in chain(files, *parts)}
    assert len(every) == len(expected)
    assert [tuple(row.values()) for row in found] == by_sqlite(every, sql)
