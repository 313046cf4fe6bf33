"""A snapshot is a whole catalog of its moment, and taking one keeps the writer's lock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from indexer.query.snapshot import publish_snapshot
from tests.support.catalogs import indexed
from tests.support.span_files import spans, write

pytestmark = pytest.mark.duckdb


def test_a_snapshot_holds_what_was_committed_and_nothing_later(tmp_path: Path) -> None:
    """Readers of it see one moment."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(3))
        one.settle()
        path = publish_snapshot(one.catalog, 1)
        write(one.root / "b.parquet", spans(3, trace=2))
        one.settle()
        with duckdb.connect(str(path), read_only=True) as reader:
            assert reader.execute("SELECT count(*) FROM span_metadata").fetchone() == (3,)


def test_old_snapshots_are_unlinked(tmp_path: Path) -> None:
    """Two copies at a time; who has an old one open keeps reading it."""
    with indexed(tmp_path) as one:
        first = publish_snapshot(one.catalog, 1)
        reader = duckdb.connect(str(first), read_only=True)
        newer = [publish_snapshot(one.catalog, serial) for serial in (2, 3)]
        assert all(path.exists() for path in newer)
        assert not first.exists()
        assert reader.execute("SELECT count(*) FROM services").fetchone() == (0,)
        reader.close()


def test_another_process_still_cannot_open_the_live_catalog(tmp_path: Path) -> None:
    """Copying the file in this process would have dropped the lock."""
    with indexed(tmp_path) as one:
        publish_snapshot(one.catalog, 1)
        attempt = subprocess.run(
            [sys.executable, "-c", f"import duckdb; duckdb.connect({str(one.catalog.path)!r})"],
            capture_output=True,
            text=True,
        )
        assert "lock" in attempt.stderr
