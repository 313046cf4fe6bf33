"""Blocks of Tempo in the storage: indexed once they are finished, and proved like any other file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from indexer.clients.shared.answer_json import answer_json
from tests.support.catalogs import audited, indexed
from tests.support.tempo_blocks import META, attrs, resource, span, trace, write_block

pytestmark = pytest.mark.duckdb
KEY = "gen_ai.system"


def test_a_block_is_indexed_once_its_meta_is_there(tmp_path: Path) -> None:
    """A span of the second row is the third of the file, and all of it is found by that."""
    last = span(3, Attrs=attrs({KEY: "x"}), DedicatedAttributes={"String01": "SELECT 1"})
    traces = [trace(1, [resource([[span(1)], [span(2)]])]), trace(2, [resource([[last]], "pay")])]
    with indexed(tmp_path, keys=[KEY]) as one:
        block = one.root / "tenant" / "block"
        write_block(block, traces, meta=None)
        one.settle()
        assert one.spans() == []
        assert one.rows("SELECT error_type, transient FROM quarantined_files") == [
            ("FileUnreadable", True)
        ]
        (block / META).write_text('{"dedicatedColumns": [{"s": "span", "n": "db.statement"}]}')
        one.settle()
        assert one.rows("SELECT dialect, row_count, span_count FROM parquet_files") == [
            ("tempo", 3, 3)
        ]
        assert one.rows("SELECT file_row_number, value FROM indexed_attributes") == [(2, "x")]
        (found,) = answer_json(one.answers().trace(f"{2:032x}"))["spans"]
    assert found["file_row_number"] == 2
    assert found["attributes"] == {KEY: "x", "db.statement": "SELECT 1"}
    assert found["scope_name"] == "s0"
    report = audited(tmp_path / "spans", tmp_path / "catalog.duckdb")
    assert (report.findings, report.spans) == ((), 3)


def test_a_span_of_two_blocks_is_one(tmp_path: Path) -> None:
    """As while a compacted block waits to be deleted."""
    rows = [trace(1, [resource([[span(1), span(2)]])])]
    with indexed(tmp_path) as one:
        write_block(one.root / "a", rows)
        write_block(one.root / "b", [*rows, trace(2, [resource([[span(3)]])])])
        (one.root / "a" / META).rename(one.root / "a" / "meta.compacted.json")
        one.settle()
        assert [row[1:3] for row in one.spans()] == [
            (f"{1:016x}", "a/data.parquet"),
            (f"{2:016x}", "a/data.parquet"),
            (f"{3:016x}", "b/data.parquet"),
        ]
        shutil.rmtree(one.root / "a")
        one.settle()
        assert {row[2] for row in one.spans()} == {"b/data.parquet"}
        answer = answer_json(one.answers().trace(f"{1:032x}"))
    assert answer["complete"]
    assert len(answer["spans"]) == 2


def test_a_block_whose_names_are_others_is_no_longer_shown_under_the_old_ones(
    tmp_path: Path,
) -> None:
    with indexed(tmp_path) as one:
        write_block(one.root / "a", [trace(1, [resource([[span(1)]])])])
        one.settle()
        (one.root / "a" / META).write_text('{"dedicatedColumns": [{"s": "span", "n": "a"}]}')
        answer = answer_json(one.answers().trace(f"{1:032x}"))
    assert not answer["complete"]
    assert "not the one that was indexed" in str(answer["missing"])
