"""What sessions saw of files is remembered for the user, and may be lost or spoiled at any time."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from indexer.catalog import seen_scans
from indexer.catalog.seen_scans import SeenFile, keep_seen, read_seen
from indexer.spans.file_scan import FileScan

SCAN = FileScan(schema_digest="a", has_metadata=True, stored=("attributes",), event_names=("e",))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"span-index-{os.geteuid()}"


def seen(digest: str = "d") -> SeenFile:
    return SeenFile(footer_digest=digest, size_bytes=1, modified_unix_nano=2, scan=SCAN)


def test_what_sessions_saw_adds_up(tmp_path: Path, folder: Path) -> None:
    """Of each catalog apart, in a folder that nobody else can enter."""
    catalog = tmp_path / "c.duckdb"
    keep_seen(catalog, {1: seen(), 2: seen()})
    keep_seen(catalog, {2: seen("e")})
    keep_seen(tmp_path / "other.duckdb", {3: seen()})
    assert read_seen(catalog) == {1: seen(), 2: seen("e")}
    assert len(list(folder.iterdir())) == 2
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_the_newest_files_and_the_last_catalogs_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen_scans, "FILES_MAX", 2)
    monkeypatch.setattr(seen_scans, "CATALOGS_MAX", 2)
    for name in "abc":
        keep_seen(tmp_path / name, {number: seen() for number in (9, 10, 2)})
    assert [sorted(read_seen(tmp_path / name)) for name in "abc"] == [[], [9, 10], [9, 10]]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"version": 1, "files": {}}', b"\xff", b'{"version": %d, "files": [1]}'],
)
def test_what_is_no_such_file_says_nothing(tmp_path: Path, folder: Path, content: bytes) -> None:
    catalog = tmp_path / "c"
    keep_seen(catalog, {1: seen()})
    (path,) = folder.iterdir()
    version = json.loads(path.read_bytes())["version"]
    path.write_bytes(content.replace(b"%d", str(version).encode()))
    assert read_seen(catalog) == {}


def test_without_a_folder_of_ones_own_nothing_is_remembered(tmp_path: Path, folder: Path) -> None:
    """It may be somebody else's link."""
    folder.symlink_to(tmp_path)
    keep_seen(tmp_path / "c", {1: seen()})
    assert read_seen(tmp_path / "c") == {}
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
