"""Given files side by side in one root: SQL says of each what it says of it alone, and a trace too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.query.sql import Window, open_session, select
from tests.support.catalogs import indexed
from tests.support.file_spans import WRITERS, differences
from tests.support.span_files import Span, spans, table, write
from tests.support.sql_spans import asked, spans_of_sql, spans_of_traces

pytestmark = pytest.mark.duckdb

PAIRS = sorted((WRITERS / "mixed-layouts").iterdir())
NAMES = (
    *("run[1]", "run1", "*", "?", "a", "[ab]", "b", "[!c]", "d[1]/f", "d1/f", "**/x", "e/x"),
    *(
        "{x,y}",
        "it's",
        "a%20b",
        "a b",
        "back\\slash",
        "two\nlines",
        'quote"s',
        "#hash",
        "~",
        "$HOME",
    ),
)


def placed(folder: Path, files: dict[str, Path | pa.Table]) -> list[dict[str, Any]]:
    """What SQL says of these files in one root, which is what traces say."""
    root = folder / "spans"
    for name, file in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(file, Path):
            shutil.copy(file, path)
        else:
            pq.write_table(file, path)
    with indexed(folder) as one:
        one.settle()
        traces = spans_of_traces(one)
    found = spans_of_sql(folder / "catalog.duckdb")
    assert found == traces
    return list(found.values())


def of_pair(pair: Path) -> list[dict[str, Any]]:
    return [
        span
        for name in ("a", "b")
        for span in json.loads((pair / f"{name}.expected.json").read_text())["spans"]
    ]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_rows_of_two_layouts_are_the_rows_of_each(pair: Path, tmp_path: Path) -> None:
    found = placed(tmp_path, {"a.parquet": pair / "a.parquet", "b.parquet": pair / "b.parquet"})
    assert differences(found, of_pair(pair)) == []


def test_a_name_with_the_signs_of_a_pattern_is_a_name(tmp_path: Path) -> None:
    """No file is read for another, none twice."""
    files = {
        f"{name}.parquet": table([Span(trace=at, span=at, attributes=json.dumps({"who": name}))])
        for at, name in enumerate(NAMES, 1)
    }
    found = placed(tmp_path, files)
    assert sorted(span["attributes"]["who"] for span in found) == sorted(NAMES)


@pytest.mark.parametrize("name", ["filename", "FileName", "file_row_number", "file_index", "rowid"])
def test_a_column_called_as_one_that_a_reader_adds_is_of_no_concern(
    name: str, tmp_path: Path
) -> None:
    more = table(spans(3, trace=2, attributes='{"i":1}'))
    more = more.append_column(name, pa.array(["old/a.parquet"] * 3))
    found = placed(tmp_path, {"good.parquet": table(spans(2)), "more.parquet": more})
    assert sorted(span["trace_id"][-1] for span in found) == ["1", "1", "2", "2", "2"]
    rows, _ = asked(
        tmp_path / "catalog.duckdb",
        "SELECT trace_id[32:] AS t, count(*) AS n FROM spans GROUP BY 1",
    )
    assert {row["t"]: row["n"] for row in rows} == {"1": 2, "2": 3}


def test_columns_that_differ_in_case_alone_are_two(tmp_path: Path) -> None:
    right = table(spans(3, attributes='{"i":1}'))
    wrong = pa.array(["WRONG"] * 3)
    both = right.add_column(0, "ATTRIBUTES", wrong).add_column(0, "Events", wrong)
    found = placed(tmp_path, {"a.parquet": both})
    assert [(span["attributes"], span["events"]) for span in found] == [({"i": 1}, [])] * 3


def test_an_export_of_the_view_put_back_gives_the_same_rows(tmp_path: Path) -> None:
    """A file of the view has columns called as those of the view, ``file_row_number`` too."""
    for folder in ("first", "second"):
        (tmp_path / folder / "spans").mkdir(parents=True)
    pairs = {f"{at}.parquet": pair / "a.parquet" for at, pair in enumerate(PAIRS)}
    first = placed(tmp_path / "first", pairs)  # type: ignore[arg-type]  # a dict is invariant
    rows, _ = asked(tmp_path / "first" / "catalog.duckdb", "SELECT 1 AS one FROM otel_spans")
    assert len(rows) == len(first)
    exported = tmp_path / "out.parquet"
    _export(tmp_path / "first" / "catalog.duckdb", exported)
    again = placed(tmp_path / "second", {"out.parquet": exported})
    where = ("file_path", "file_row_number")
    key = lambda span: (span["trace_id"], span["span_id"], span["kind"])  # noqa: E731
    assert [_without(span, where) for span in sorted(again, key=key)] == [
        _without(span, where) for span in sorted(first, key=key)
    ]


def _export(catalog: Path, target: Path) -> None:
    session = open_session(catalog, memory_limit="256MiB", threads=1)
    try:
        pq.write_table(select(session, "FROM otel_spans", Window())[0], target)
    finally:
        session.close()


def _without(span: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in span.items() if name not in names}


def test_a_payload_that_cannot_be_read_is_null_and_named(tmp_path: Path) -> None:
    """Encrypted columns of one file; the other's are its own."""
    encrypted = WRITERS / "encrypted" / "plaintext-footer-payload-only.parquet"
    root = tmp_path / "spans"
    write(root / "good.parquet", spans(2, attributes='{"i":1}'))
    shutil.copy(encrypted, root / "closed.parquet")
    with indexed(tmp_path) as one:
        one.settle()
    rows, coverage = asked(tmp_path / "catalog.duckdb", "SELECT attributes FROM otel_spans")
    texts = [row["attributes"] for row in rows]
    assert texts.count('{"i":1}') == 2
    assert set(texts) == {'{"i":1}', None}
    assert coverage is not None
    assert [(m.reason.code, m.file_path) for m in coverage.missing] == [
        ("FileEncrypted", f"{root}/closed.parquet")
    ]
