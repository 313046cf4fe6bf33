"""Names of files follow from their keys, and only our own names are ours."""

from pathlib import Path

import pytest

from indexer.ingest.layout import (
    file_unix_nano,
    is_snapshot,
    is_temporary,
    snapshot_file,
    span_file,
    temporary_file,
)

FIRST = (1_795_000_000_123).to_bytes(6, "big") + bytes(10)
LAST = (1_795_000_009_000).to_bytes(6, "big") + bytes(10)


def test_a_file_is_named_after_its_keys():
    path = span_file(Path("/storage"), FIRST, LAST)
    assert path == span_file(Path("/storage"), FIRST, LAST)
    assert str(path).startswith("/storage/year=2026/month=11/day=18/20261118_110640_")
    assert file_unix_nano(path.name) == 1_795_000_000_000_000_000
    assert path != span_file(Path("/storage"), FIRST, FIRST)


@pytest.mark.parametrize(
    "target", [span_file(Path("r"), FIRST, LAST), snapshot_file(Path("s"), LAST)]
)
def test_a_temporary_file_is_hidden_and_ours(target):
    temporary = temporary_file(target)
    assert temporary.parent == target.parent
    assert temporary.name.startswith(".")
    assert temporary.name.endswith(".tmp")
    assert is_temporary(temporary.name)
    assert not is_temporary(target.name)


@pytest.mark.parametrize(
    "name",
    [
        ".other.parquet.1.tmp",
        ".20261118_110640_0123456789abcdef.parquet.tmp",
        "20261118_110640_0123456789abcdef.parquet.1.tmp",
        ".nfs0001",
    ],
)
def test_other_hidden_files_are_not_ours(name):
    assert not is_temporary(name)


@pytest.mark.parametrize(
    "name",
    [
        "a.parquet",
        "20261118_110640_0123456789abcde.parquet",
        "20261118_110640_0123456789ABCDEF.parquet",
        "20261118_110640_0123456789abcdef.parquet.bak",
        "20261399_110640_0123456789abcdef.parquet",
        "hot_snapshot-" + "0" * 32 + ".parquet",
    ],
)
def test_other_files_have_no_time(name):
    assert file_unix_nano(name) is None


def test_a_snapshot_is_named_after_its_newest_key():
    assert snapshot_file(Path("s"), LAST).name == f"hot_snapshot-{LAST.hex()}.parquet"
    assert is_snapshot(snapshot_file(Path("s"), LAST).name)
    assert not is_snapshot("hot_snapshot.parquet")
