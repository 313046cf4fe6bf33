"""A catalog of an earlier version becomes the one that a rebuild from its files would make.

``tests/data/catalog-3`` has four files and the catalog that schema version 3 made of them. There
a span was identified without its kind: ``b`` and ``c`` hold spans that were taken for doubles of a
client's.
"""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import duckdb
import pytest

from indexer.catalog.database import Catalog
from tests.support.catalogs import (
    ATTRIBUTE_ROWS,
    SPAN_ROWS,
    attributes_on_disk,
    audited,
    indexed,
    spans_on_disk,
)
from tests.support.span_files import T0

pytestmark = pytest.mark.duckdb

MADE = Path(__file__).parents[1] / "data" / "catalog-3"
KEYS = ("gen_ai.system",)
TRACE, ELSEWHERE = f"{1:032x}", f"{3:032x}"


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The folder with the files, as old as they were, and the catalog of them on this disk."""
    shutil.copytree(MADE / "spans", tmp_path / "spans")
    packed = (MADE / "catalog.duckdb.gz").read_bytes()
    (tmp_path / "catalog.duckdb").write_bytes(gzip.decompress(packed))
    with duckdb.connect(str(tmp_path / "catalog.duckdb")) as connection:
        for number, path in enumerate(sorted((tmp_path / "spans").iterdir())):
            os.utime(path, ns=(T0 + number * 10**9,) * 2)
            there = [path.stat().st_dev, path.stat().st_ino, path.name]
            connection.execute(
                "UPDATE parquet_files SET device = ?, inode = ? WHERE relative_path = ?", there
            )
    return tmp_path


def test_a_migrated_catalog_equals_a_rebuild(earlier: Path) -> None:
    """I1, by the audit and by brute force; only files with a possible double are read again."""
    with indexed(earlier, keys=KEYS) as one:
        assert len(one.spans()) == 8
        one.settle()
        assert one.pipeline.progress.files_registered == 2
        assert one.rows(SPAN_ROWS) == spans_on_disk(one.root)
        assert sorted(one.rows(ATTRIBUTE_ROWS)) == attributes_on_disk(one.root, KEYS)
        assert len(one.spans()) == 10
    report = audited(earlier / "spans", earlier / "catalog.duckdb")
    assert report.passed, report.findings
    assert not report.pending


def test_until_a_file_is_read_again_answers_say_that_they_lack_it(earlier: Path) -> None:
    """What the index has of it is answered all the same, and other traces are whole."""
    with indexed(earlier, keys=KEYS) as one:
        answer = one.answers().trace(TRACE)
        assert [span.name for span in answer.spans] == ["GET /", "GET /", "call", "GET /"]
        assert [lack.reason.code for lack in answer.completeness.missing] == ["FileChanged"]
        assert one.answers().trace(ELSEWHERE).completeness.is_complete
        one.settle()
        answer = one.answers().trace(TRACE)
        assert [span.span_kind for span in answer.spans] == [2, 2, 3, 2, 1]
        assert answer.completeness.is_complete


def test_a_file_that_was_refused_is_read_again(earlier: Path) -> None:
    """A later version may read it, and its refusal stays until then."""
    path = earlier / "spans" / "e.parquet"
    shutil.copy(earlier / "spans" / "d.parquet", path)
    status = path.stat()
    with duckdb.connect(str(earlier / "catalog.duckdb")) as connection:
        connection.execute(
            "INSERT INTO quarantined_files VALUES (?, ?, 'NotSpans', '', '', false, 1, "
            "now(), now(), ?, ?)",
            [str(path), path.name, status.st_size, status.st_mtime_ns],
        )
    with indexed(earlier, keys=KEYS) as one:
        assert list(one.pipeline.register.refused) == [path.name]
        one.settle()
        assert one.pipeline.register.refused == {}
        assert path.name in one.pipeline.register.files


def test_the_places_of_earlier_rows_are_those_of_one_span_a_row(earlier: Path) -> None:
    catalog = Catalog.open(earlier / "catalog.duckdb")
    for table in ("indexed_spans", "indexed_attributes"):
        rows = catalog.connection.execute(f"SELECT DISTINCT position_in_row FROM {table}")
        assert rows.fetchall() == [(0,)]
    catalog.close()
