"""Only what lies below a root, whatever the root is called, is ever opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from indexer.wire.paths import below, is_regular, recent_files


def test_a_path_below_the_root_by_either_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "name").symlink_to(tmp_path / "real")
    for root in ("real", "name"):
        for written in ("real", "name"):
            path = f"{tmp_path}/{written}/a/b.parquet"
            expected = None if (root, written) == ("real", "name") else "a/b.parquet"
            assert below(path, str(tmp_path / root)) == expected


@pytest.mark.parametrize("path", ["", "a", "{}", "{}/", "{}/../x", "{}/a/../b", "{}x/a", "{}/\0"])
def test_what_is_not_below_is_nothing(tmp_path: Path, path: str) -> None:
    assert below(path.format(tmp_path), str(tmp_path)) is None


def test_links_inside_the_root_are_followed_and_out_of_it_are_not(tmp_path: Path) -> None:
    root = tmp_path / "spans"
    (root / "a").mkdir(parents=True)
    (root / "inside").symlink_to(root / "a")
    (root / "outside").symlink_to(tmp_path)
    assert below(f"{root}/inside/x", str(root)) == "inside/x"
    assert below(f"{root}/outside/x", str(root)) is None


def test_a_pipe_is_no_regular_file_and_a_missing_one_is_neither(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"")
    assert is_regular(str(tmp_path / "pipe")) is False
    assert is_regular(str(tmp_path / "file")) is True
    assert is_regular(str(tmp_path / "gone")) is None


def test_a_list_beyond_the_limit_is_cut_and_told(tmp_path: Path) -> None:
    paths = [f"{tmp_path}/{number}.parquet" for number in range(5)]
    kept, problems = recent_files(paths, str(tmp_path), 3)
    assert list(kept) == paths[:3]
    assert problems == ("2 recent files beyond the limit are left out",)
