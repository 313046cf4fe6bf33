"""What is removed has our name, has expired, and is confirmed; nothing is, unless asked."""

import os

import pytest

from indexer.ingest.retention import SpanFile, enforce, expired_files
from tests.ingest.bodies import files_below

NOW = 1_795_000_000_000_000_000
HOUR = 3_600 * 10**9


def file(hours, size=10):
    return SpanFile(path=f"/{hours:03}", size_bytes=size, unix_nano=NOW - hours * HOUR)


FILES = [file(1), file(30), file(2), file(10)]


@pytest.mark.parametrize(
    ("limits", "gone"),
    [
        ({}, []),
        ({"max_age_s": 5 * 3600}, [30, 10]),
        ({"max_age_s": 30 * 3600}, []),
        ({"max_bytes": 25}, [30, 10]),
        ({"max_bytes": 40}, []),
        ({"max_bytes": 0}, [30, 10, 2, 1]),
        ({"max_bytes": 35, "max_age_s": 5 * 3600}, [30, 10]),
        ({"max_bytes": 5, "max_age_s": 5 * 3600}, [30, 10, 2, 1]),
    ],
)
def test_the_oldest_expire_first(limits, gone):
    found = expired_files(
        FILES, **{"max_age_s": None, "max_bytes": None, **limits}, now_unix_nano=NOW
    )
    assert [one.path for one in found] == [f"/{hours:03}" for hours in gone]


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "year=2026" / "month=11" / "day=18"
    folder.mkdir(parents=True)
    for name in (
        "20261117_000000_0123456789abcdef.parquet",
        "20261118_000000_0123456789abcdef.parquet",
        "20201118_000000_somebody.parquet",
        "other.parquet",
    ):
        (folder / name).write_bytes(b"x" * 100)
    os.symlink(folder / "other.parquet", folder / "20251117_000000_0123456789abcdef.parquet")
    return tmp_path


def test_it_is_off_by_default(root):
    before = files_below(root)
    assert enforce(root, max_age_s=None, max_bytes=None, now_unix_nano=NOW) == []
    assert files_below(root) == before


def test_only_regular_files_with_our_names_are_removed(root):
    removed = enforce(root, max_age_s=0, max_bytes=None, now_unix_nano=NOW)
    assert [os.path.basename(path)[:15] for path in removed] == [
        "20261117_000000",
        "20261118_000000",
    ]
    assert {path.name for path in files_below(root)} == {
        "20201118_000000_somebody.parquet",
        "other.parquet",
        "20251117_000000_0123456789abcdef.parquet",
    }


def test_what_is_not_confirmed_is_kept(root):
    old = str(root / "year=2026/month=11/day=18/20261117_000000_0123456789abcdef.parquet")
    removed = enforce(root, max_age_s=None, max_bytes=100, now_unix_nano=NOW, keep={old})
    assert removed == []
    assert enforce(root, max_age_s=None, max_bytes=100, now_unix_nano=NOW) == [old]
