"""SQL, traces and the writer say the same of any mix of files, and no file costs another its own.

Files of every dialect, layout and encoding are drawn with their spans (``tests/support/drawn``) and
lie in one root; some of them are damaged afterwards.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.catalogs import Indexed, indexed
from tests.support.drawn.files import DrawnFile, span_files
from tests.support.examples import examples
from tests.support.sql_spans import Spans, spans_of_sql, spans_of_traces

pytestmark = pytest.mark.duckdb

CATALOG = "catalog.duckdb"
MIXES = st.integers(2, 4).flatmap(
    lambda count: st.tuples(*(span_files(folder=f"{number}/") for number in range(count)))
)


@contextmanager
def rooted(files: Sequence[DrawnFile]) -> Iterator[tuple[Path, Indexed]]:
    """The files in one root, indexed."""
    with tempfile.TemporaryDirectory(prefix="mixes-") as folder:
        for file in files:
            file.put(Path(folder) / "spans")
        with indexed(Path(folder)) as one:
            one.settle()
            yield Path(folder), one


def expected(files: Sequence[DrawnFile]) -> Spans:
    """The copy of a span in the file with the smallest path is the one that counts."""
    found: Spans = {}
    for file in sorted(files, key=lambda one: one.path):
        for span in file.spans:
            found.setdefault((span["trace_id"], span["span_id"], span["kind"]), span)
    return found


def as_written(spans: Spans, files: Sequence[DrawnFile]) -> Spans:
    """The spans in the columns that the files' writers know."""
    names = files[0].spans[0].keys()
    return {key: {name: span[name] for name in names} for key, span in spans.items()}


def sql_before_and_after(folder: Path, one: Indexed) -> list[Spans]:
    """What SQL says before the files were looked at, and what it says then."""
    one.catalog.checkpoint()
    shutil.copy(folder / CATALOG, folder / "before.duckdb")
    before = spans_of_sql(folder / "before.duckdb")
    one.pipeline.scan_checks.finish()
    one.catalog.connection.close()
    return [before, spans_of_sql(folder / CATALOG)]


@examples(3)
@given(MIXES)
def test_sql_and_traces_say_what_was_written(files: tuple[DrawnFile, ...]) -> None:
    with rooted(files) as (folder, one):
        assert one.rows("SELECT file_path, error_message FROM quarantined_files") == []
        traces = spans_of_traces(one)
        sql = sql_before_and_after(folder, one)
    assert typed(as_written(traces, files)) == typed(expected(files))
    assert [typed(rows) for rows in sql] == [typed(traces)] * 2


@examples(2)
@given(MIXES, st.data())
def test_a_damaged_file_costs_only_itself(
    files: tuple[DrawnFile, ...], data: st.DataObject
) -> None:
    """It is refused, or read as far as it goes; every row of the others is its own."""
    damaged, *whole = files
    at = data.draw(st.integers(0, len(damaged.content) - 1))
    changed = bytearray(damaged.content)
    changed[at] ^= data.draw(st.integers(1, 255))
    with rooted(whole) as (folder, one):
        replace(damaged, content=bytes(changed)).put(folder / "spans")
        one.settle()
        ours = f"{one.root}/{damaged.path}"
        answers = sql_before_and_after(folder, one)
    right = expected(whole)
    for sql in answers:
        others = {key: span for key, span in sql.items() if span["file_path"] != ours}
        taken = {key for key, span in sql.items() if span["file_path"] == ours}
        assert typed(as_written(others, whole)) == typed(
            {key: span for key, span in right.items() if key not in taken}
        )


def typed(value: Any) -> Any:
    """The value with the kind of each number: true is not 1, and 1.0 is another text than 1."""
    if isinstance(value, dict):
        return {key: typed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [typed(one) for one in value]
    return (type(value).__name__, value) if isinstance(value, bool | int | float) else value
