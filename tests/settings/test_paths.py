"""A path that cannot be used ends each start with the name of its setting and what to do."""

import argparse
import os

import pytest

from indexer.cli.up import up
from indexer.errors import InvalidSettings
from indexer.index.session import owning
from indexer.run.ingestion import Ingestion
from indexer.run.poller import serve_poll
from indexer.settings import load_settings
from indexer.settings.paths import (
    check_ingestion_paths,
    check_poller_paths,
    check_reader_paths,
    check_worker_paths,
)
from tests.support.permissions import bound_by_permissions

CATALOG, SPANS, WRITTEN = "JUNJO_DUCKDB_PATH", "JUNJO_SPAN_STORAGE_PATH", "SPAN_STORAGE_PATH"
LOG, KEY = "INGESTION_WAL_PATH", "INGESTION_POLLER_STATE_PATH"


def up_alone(settings):
    return up(settings, argparse.Namespace(config=None))


def own_the_catalog(settings):
    with owning(settings, "a test"):
        pass


FILES = {CATALOG: check_worker_paths, LOG: check_ingestion_paths, KEY: check_poller_paths}
FOLDERS = [
    (SPANS, check_ingestion_paths),
    (WRITTEN, check_ingestion_paths),
    (SPANS, check_poller_paths),
]


@pytest.fixture
def usable(tmp_path, monkeypatch):
    """Settings whose paths can all be used, but for those that a test gives."""

    def settings(**paths):
        monkeypatch.setenv("INGESTION_GRPC_HOST", "127.0.0.1")
        given = {name: tmp_path / "ok" / name for name in (CATALOG, SPANS, LOG, KEY)}
        return load_settings(**{name: str(path) for name, path in {**given, **paths}.items()})

    return settings


def refused(check, settings, setting):
    """The message, after it names the setting and the next step."""
    with pytest.raises(InvalidSettings) as refusal:
        check(settings)
    assert refusal.value.exit_code == 2
    assert refusal.value.message.startswith(f"{setting}=")
    assert setting in refusal.value.advice
    assert "reindex" not in refusal.value.advice
    return refusal.value.message


@pytest.mark.parametrize("setting", FILES)
def test_a_folder_where_a_file_is_meant(usable, tmp_path, setting):
    found = refused(FILES[setting], usable(**{setting: tmp_path}), setting)
    assert f"{tmp_path} is a folder, and a file is meant" in found


@pytest.mark.parametrize("setting", FILES)
def test_a_file_without_permission(usable, tmp_path, setting):
    path = tmp_path / "given"
    path.touch(mode=0o400)
    with bound_by_permissions():
        found = refused(FILES[setting], usable(**{setting: path}), setting)
    assert f"user {os.geteuid()} may not read and write {path}" in found


@pytest.mark.parametrize(("setting", "check"), [*FILES.items(), *FOLDERS])
def test_a_folder_above_that_may_not_be_written(usable, tmp_path, setting, check):
    (tmp_path / "shut").mkdir(mode=0o500)
    with bound_by_permissions():
        found = refused(check, usable(**{setting: tmp_path / "shut" / "a" / "b"}), setting)
    assert f"may not write in {tmp_path / 'shut'}" in found


@pytest.mark.parametrize(("setting", "check"), [*FILES.items(), *FOLDERS])
def test_a_file_above_and_names_that_no_file_system_takes(usable, tmp_path, setting, check):
    (tmp_path / "file").touch()
    found = refused(check, usable(**{setting: tmp_path / "file" / "below"}), setting)
    assert f"{tmp_path / 'file'} is a file, and a folder is meant" in found
    long = tmp_path / ("n" * 300) / "below"
    assert "too long" in refused(check, usable(**{setting: long}), setting)
    (tmp_path / "loop").symlink_to("loop")
    assert refused(check, usable(**{setting: tmp_path / "loop" / "below"}), setting)


@pytest.mark.parametrize(("setting", "check"), [*FILES.items(), *FOLDERS])
def test_a_place_where_nobody_can_make_anything(usable, setting, check):
    refused(check, usable(**{setting: "/proc/self/there/is/none"}), setting)


@pytest.mark.parametrize("ending", [".lock", ".sock"])
def test_a_folder_in_the_place_of_the_lock_or_the_socket(usable, tmp_path, ending):
    (tmp_path / f"c{ending}").mkdir()
    assert ending in refused(check_worker_paths, usable(**{CATALOG: tmp_path / "c"}), CATALOG)


@pytest.mark.parametrize("check", [check_ingestion_paths, check_poller_paths, check_worker_paths])
def test_a_span_folder_that_is_a_file(usable, tmp_path, check):
    (tmp_path / "spans").touch()
    found = refused(check, usable(**{SPANS: tmp_path / "spans"}), SPANS)
    assert "is a file, and a folder is meant" in found


def test_a_storage_that_is_not_there_yet_keeps_no_worker_from_starting(usable, tmp_path):
    check_worker_paths(usable(**{SPANS: tmp_path / "mounted" / "later"}))
    assert not (tmp_path / "mounted").exists()


def test_a_catalog_that_a_command_may_not_read_is_no_damaged_one(usable, tmp_path):
    path = tmp_path / "shut" / "catalog"
    path.parent.mkdir()
    path.touch(mode=0o000)
    with bound_by_permissions():
        refused(check_reader_paths, usable(**{CATALOG: path}), CATALOG)
        path.parent.chmod(0)
        refused(check_reader_paths, usable(**{CATALOG: path}), CATALOG)
        path.parent.chmod(0o700)


@pytest.mark.parametrize("start", [Ingestion, serve_poll, up_alone, own_the_catalog])
def test_nothing_starts_on_a_span_folder_that_is_a_file(usable, tmp_path, start):
    (tmp_path / "spans").touch()
    refused(start, usable(**{SPANS: tmp_path / "spans"}), SPANS)


def test_trying_leaves_nothing_behind(usable, tmp_path):
    settings = usable()
    for check in (check_worker_paths, check_ingestion_paths, check_poller_paths):
        check(settings)
    assert [path.name for path in (tmp_path / "ok").rglob("*") if path.is_file()] == []
