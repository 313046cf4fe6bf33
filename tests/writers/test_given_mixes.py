"""Given files side by side in one root: SQL says of each what it says of it alone, and a trace too."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.query.sql import Window, open_session, select
from indexer.settings.indexing import PROMOTED_KEYS
from indexer.spans.attributes import LLM_FLAG
from tests.support.catalogs import indexed
from tests.support.file_spans import WRITERS, differences, known_attributes
from tests.support.span_files import Span, spans, table, write
from tests.support.sql_spans import asked, spans_of_sql, spans_of_traces

LLM_KINDS = {
    "langfuse.observation.type": "GENERATION",
    "langsmith.span.kind": "llm",
    "openinference.span.kind": "LLM",
}
pytestmark = pytest.mark.duckdb

MIXED = WRITERS / "mixed-layouts"
EXPORTS = {
    "langfuse": ("current", "empty", "legacy"),
    "langsmith": ("v1", "v2_beta"),
    "databricks": ("v1", "v2"),
    "phoenix-dataframe": ("spans",),
    "tempo-vparquet4": ("data",),
    "tempo-vparquet5": ("data",),
}
"""Writers of which a span is many columns, and their files."""
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


def placed(folder: Path, files: Mapping[str, Path | pa.Table]) -> list[dict[str, Any]]:
    """What SQL says of these files in one root, which is what traces say."""
    root = folder / "spans"
    for name, file in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(file, Path):
            shutil.copy(file, path)
            for meta in file.parent.glob("meta.json"):
                shutil.copy(meta, path.parent)
        else:
            pq.write_table(file, path)
    with indexed(folder) as one:
        one.settle()
        traces = spans_of_traces(one)
        one.catalog.checkpoint()
        shutil.copy(folder / "catalog.duckdb", folder / "before.duckdb")
        one.pipeline.scan_checks.finish()
    assert spans_of_sql(folder / "before.duckdb") == traces
    found = spans_of_sql(folder / "catalog.duckdb")
    assert found == traces
    return list(found.values())


def test_the_rows_of_many_layouts_are_the_rows_of_each(tmp_path: Path) -> None:
    """Pairs of one dialect and other types: MAP beside STRUCT, text beside bytes, and so on."""
    files = {str(path.relative_to(MIXED)): path for path in sorted(MIXED.rglob("*.parquet"))}
    expected = [
        span
        for path in MIXED.rglob("*.expected.json")
        for span in json.loads(path.read_text())["spans"]
    ]
    assert len(files) == 22
    assert differences(placed(tmp_path, files), expected) == []


def given(name: str) -> list[dict[str, Any]]:
    """The spans that are right for a file."""
    told = WRITERS / f"{name}.expected.json"
    told = told if told.exists() else told.with_name("expected.json")
    spans: list[dict[str, Any]] = json.loads(told.read_text())["spans"]
    return spans


def test_exports_in_one_folder_say_in_sql_what_their_traces_say(tmp_path: Path) -> None:
    names = [f"{writer}/{name}" for writer, files in EXPORTS.items() for name in files]
    found = placed(tmp_path, {f"{one}.parquet": WRITERS / f"{one}.parquet" for one in names})
    right = [span for name in names for span in given(name)]
    assert differences(known_attributes(found, right), right) == []
    with indexed(tmp_path, keys=PROMOTED_KEYS) as one:
        one.settle()
        llm = one.rows(f"SELECT count(*) FROM trace_files WHERE attribute_flags >= {LLM_FLAG}")
    calls = {
        span["trace_id"]
        for span in right
        for key, kind in LLM_KINDS.items()
        if span["attributes"].get(key) == kind
    }
    assert llm == [(len(calls),)]


def test_a_name_with_the_signs_of_a_pattern_is_a_name(tmp_path: Path) -> None:
    """No file is read for another, none twice."""
    files = {
        f"{name}.parquet": table([Span(trace=at, span=at, attributes=json.dumps({"who": name}))])
        for at, name in enumerate(NAMES, 1)
    }
    found = placed(tmp_path, files)
    assert sorted(span["attributes"]["who"] for span in found) == sorted(NAMES)


def test_a_column_called_as_one_that_a_reader_adds_is_of_no_concern(tmp_path: Path) -> None:
    """Its values are of somebody else, and so is its type."""
    files = {"good.parquet": table(spans(2))}
    for trace, name in enumerate(("filename", "FileName", "file_row_number", "rowid"), 2):
        more = table(spans(3, trace=trace, attributes=f'{{"of":"{name}"}}'))
        files[f"{trace}.parquet"] = more.append_column(name, pa.array(["old/a.parquet"] * 3))
    found = placed(tmp_path, files)
    assert len(found) == 14
    sql = "SELECT trace_id[32:] AS t, count(*) AS n FROM spans GROUP BY 1 ORDER BY 1"
    rows, _ = asked(tmp_path / "catalog.duckdb", sql)
    assert [row["n"] for row in rows] == [2, 3, 3, 3, 3]


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
    files = {f"{at}.parquet": path for at, path in enumerate(sorted(MIXED.rglob("a.parquet")))}
    first = placed(tmp_path / "first", files)
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
