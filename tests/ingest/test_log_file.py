"""A folder's name is durable in the folder above, whoever made it."""

import pytest

from indexer.ingest import log_file
from indexer.ingest.log_file import make_folder


@pytest.fixture
def synced(monkeypatch):
    """Folders in the order in which they are synced."""
    found = []
    monkeypatch.setattr(log_file, "sync_folder", found.append)
    return found


def test_each_new_folder_is_synced_in_the_one_above(tmp_path, synced):
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    assert synced[-2:] == [tmp_path, tmp_path / "a"]


def test_a_folder_that_a_killed_process_made_is_synced(tmp_path, synced):
    """It may have been killed between the two calls."""
    (tmp_path / "a").mkdir()
    make_folder(tmp_path / "a")
    assert synced == [tmp_path]


def test_above_somebody_elses_folder_nothing_need_be_read(tmp_path, monkeypatch):
    def refused(_):
        raise PermissionError

    monkeypatch.setattr(log_file, "sync_folder", refused)
    make_folder(tmp_path)
    with pytest.raises(PermissionError):
        make_folder(tmp_path / "new")
