"""Commands that need a catalog that stands still, beside a worker that does not.

SQL and the audit work on a published copy. Copies come and go while commands hold them, and files
arrive while an audit compares; neither may turn into an error or a false alarm.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from indexer.catalog.generations import snapshot_folder
from tests.support.examples import one_of
from tests.support.processes import Running, Site, wait_until
from tests.support.slow_disk import SlowDisk
from tests.support.span_files import spans

pytestmark = [pytest.mark.process]


def test_sql_answers_from_now(site: Site) -> None:
    """What `trace` has answered, the next `sql` knows too."""
    site.worker()
    for number in range(1, 4):
        site.write(f"{number}.parquet", spans(2, trace=number))
        wait_until(lambda n=number: site.trace(n), "the file's trace")
        answer = site.call("sql", "SELECT count(*) AS n FROM span_metadata", "--json")
        assert answer.json["rows"] == [{"n": 2 * number}]


def test_many_commands_ask_while_files_arrive(site: Site) -> None:
    """None fails, none blocks the worker, each sees whole files only."""
    worker = site.worker()
    asked: list[Running] = []
    with _arriving(site):
        for _ in range(4):
            asked.append(site.start("sql", "SELECT count(*) AS n FROM span_metadata", "--json"))
        for one in asked:
            assert one.wait() == 0, one.err
    for one in asked:
        assert json.loads(one.out)["rows"][0]["n"] % 3 == 0
    assert not worker.has_ended


def test_a_slow_copy_delays_neither_files_nor_the_stop(site: Site, tmp_path: Path) -> None:
    """What lands meanwhile is indexed; told to stop, the worker gives the copy up."""
    disk = SlowDisk(tmp_path)
    site.write("a.parquet", spans(2))
    worker = site.worker(PATH=disk.path)
    site.wait_files(1)
    asked = site.start("sql", "SELECT count(*) AS n FROM span_metadata", "--json")
    wait_until(lambda: disk.has_begun, "a copy in its midst")
    site.write("b.parquet", spans(2, trace=2))
    wait_until(lambda: site.trace(2), "a file that landed beside the copy")
    assert site.end(worker) == 0
    assert "stop.timed_out" not in {one["event"] for one in worker.events}
    assert asked.wait() == 1
    assert not list(snapshot_folder(site.pointer.resolve()).iterdir())
    assert site.call("audit").code == 0


def test_a_snapshot_outlives_the_next_one(site: Site) -> None:
    """A command that was told a path a moment ago can still open it."""
    site.worker()
    site.write("a.parquet", spans(2))
    site.wait_files(1)
    told = site.request("POST", "/snapshot").json["path"]
    site.write("b.parquet", spans(2, trace=2))
    site.wait_files(2)
    assert site.request("POST", "/snapshot").json["path"] != told
    with duckdb.connect(told, read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM parquet_files").fetchone() == (1,)


def test_snapshots_do_not_pile_up(site: Site) -> None:
    """However often somebody asks, a few copies are kept, and none once the worker starts anew."""
    worker = site.worker()
    for number in range(6):
        site.write(f"{number}.parquet", spans(2, trace=1 + number))
        site.wait_files(number + 1)
        assert site.request("POST", "/snapshot").code == 200
    folder = snapshot_folder(site.pointer.resolve())
    assert 1 <= len(list(folder.glob("*.snapshot-*"))) <= 3
    assert site.end(worker) == 0
    site.worker()
    assert not list(folder.glob("*.snapshot-*"))


def test_a_spill_folder_of_a_session_is_not_in_the_way(site: Site) -> None:
    """A large query on a snapshot spills into a folder beside it; the next copy is made all the same."""
    site.worker()
    site.write("a.parquet", spans(2))
    site.wait_files(1)
    told = Path(site.request("POST", "/snapshot").json["path"])
    spilled = told.with_name(told.name + ".tmp")
    spilled.mkdir()
    site.write("b.parquet", spans(2, trace=2))
    site.wait_files(2)
    assert site.request("POST", "/snapshot").code == 200
    assert site.call("sql", "SELECT count(*) FROM services").code == 0
    assert spilled.exists()


def test_the_same_snapshot_serves_while_nothing_changes(site: Site) -> None:
    """QueryExecutor twice copies once."""
    site.worker()
    site.write("a.parquet", spans(2))
    site.wait_promoted(1)
    first = site.request("POST", "/snapshot").json
    assert site.request("POST", "/snapshot").json == first


@pytest.mark.parametrize("mode", one_of([], ["--fast"]), ids=str)
def test_an_audit_beside_arriving_files_is_no_false_alarm(site: Site, mode: list[str]) -> None:
    """Files that land after the audit's snapshot are on their way and not lost."""
    for number in range(40):
        site.write(f"old/{number:02}.parquet", spans(3, trace=100 + number))
    site.worker()
    site.wait_files(40)
    with _arriving(site):
        audit = site.start("audit", *mode)
        while not audit.has_ended:
            site.request("POST", "/snapshot")
    assert "Traceback" not in audit.err, audit.err
    assert audit.wait() == 0, audit.out


@contextmanager
def _arriving(site: Site) -> Iterator[None]:
    """Files of three spans land, one after the other, as fast as they are indexed."""
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            site.write(f"new/{number:05}.parquet", spans(3, trace=10_000 + number))
            wait_until(lambda n=number: site.trace(10_000 + n) or stop.is_set(), "a new trace")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()
