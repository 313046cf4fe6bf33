"""One process owns the catalog, and everybody else is told who it is.

DuckDB allows one writer or many readers of a file, and loses even that lock when its owner opens
the file once more. So the claims are made from outside: by second workers, by one-shot runs, and
by plain DuckDB processes that know nothing of this program.
"""

import shutil
import signal
import sys

import pytest

from tests.support.examples import one_of
from tests.support.processes import Running, Site, wait_until
from tests.support.span_files import spans

pytestmark = [pytest.mark.duckdb, pytest.mark.process]


@pytest.mark.parametrize("arguments", one_of([], ["--once"], ["--reindex"]), ids=str)
def test_a_second_writer_is_refused_and_told_who_owns(site: Site, arguments: list[str]) -> None:
    """Exit 2, with a line that names the owner; the owner does not notice."""
    site.write("a.parquet", spans(2))
    worker = site.worker()
    site.wait_files(1)
    second = site.call(*arguments)
    assert second.code == 2
    error, hint = second.err.splitlines()
    assert error.startswith("error: ")
    assert f"owned by python -m indexer (process {worker.pid})" in error
    assert "Stop that process first" in hint
    site.write("b.parquet", spans(2, trace=2))
    wait_until(lambda: site.trace(2), "a file that came afterwards")
    assert site.end(worker) == 0
    assert site.call("audit").code == 0


def test_a_worker_is_refused_while_a_rebuild_runs(site: Site) -> None:
    """The other way round: the one-shot run is the owner that is named."""
    (site.root / "slow.parquet").write_bytes(b"unfinished")
    site.set(INDEXER_SETTLE_SECONDS=60)
    rebuild = site.start("--reindex")
    lock = site.pointer.with_name("index.duckdb.lock")
    wait_until(lambda: lock.exists() and str(rebuild.pid) in lock.read_text(), "a rebuild")
    worker = site.run()
    assert worker.code == 2
    assert f"python -m indexer --reindex (process {rebuild.pid})" in worker.err


def test_after_kill_9_the_next_worker_owns_at_once(site: Site) -> None:
    """A lock ends with its process, however that ends; the left-over socket is in no way."""
    site.write("a.parquet", spans(2))
    first = site.worker()
    site.wait_files(1)
    first.kill()
    assert site.pointer.with_name("index.duckdb.sock").exists()
    assert len(site.call("trace", f"{1:032x}", "--json").json["spans"]) == 2
    second = site.worker()
    assert site.wait_files(1)["process_id"] == second.pid
    refused = site.call("--once")
    assert f"(process {second.pid})" in refused.err
    assert site.end(second) == 0


def test_a_worker_whose_lock_and_socket_were_deleted_still_owns(site: Site) -> None:
    """A rebuild beside it is refused at once, and both are made again."""
    site.write("a.parquet", spans(2))
    worker = site.worker()
    site.wait_files(1)
    generation = site.pointer.resolve()
    lock = site.pointer.with_name("index.duckdb.lock")
    lock.unlink()
    site.pointer.with_name("index.duckdb.sock").unlink()
    refused = site.call("--reindex")
    assert refused.code == 2
    assert str(worker.pid) in refused.err
    wait_until(lambda: site.pointer.with_name("index.duckdb.sock").exists(), "a new socket")
    wait_until(lambda: lock.exists() and str(worker.pid) in lock.read_text(), "a new lock")
    site.pointer.unlink()
    wait_until(site.pointer.is_symlink, "a new link")
    assert site.wait_files(1)["problems"] == []
    assert site.pointer.resolve() == generation
    assert site.end(worker) == 0
    assert {"lock.made_again", "socket.made_again", "pointer.made_again"} <= {
        one["event"] for one in worker.events
    }
    assert site.call("audit").code == 0


def test_a_catalog_that_was_deleted_is_said_and_built_anew_by_the_next_start(site: Site) -> None:
    """Every route that needs it is 503 until then; the spans are where they were, in the files."""
    site.write("a.parquet", spans(2))
    worker = site.worker()
    site.wait_files(1)
    shutil.rmtree(site.pointer.resolve().parent)
    wait_until(lambda: site.get("/readyz").code == 503, "a worker that has noticed")
    assert "was deleted" in site.get("/readyz").json["detail"]
    site.write("b.parquet", spans(2, trace=2))
    for path in (f"/api/v1/traces/{1:032x}", "/services", "/files", "/spans"):
        answer = site.get(path)
        assert (answer.code, "was deleted" in answer.json["detail"]) == (503, True), path
    assert site.request("POST", "/snapshot").code == 503
    assert "was deleted" in site.status()["problems"][0]
    assert "was deleted" in site.call("trace", f"{1:032x}").err
    assert site.end(worker) == 0
    assert [one["event"] for one in worker.events].count("catalog.deleted") == 1
    worker = site.worker()
    site.wait_files(2)
    assert len(site.trace(1)) == 2
    assert site.end(worker) == 0
    assert site.call("audit").code == 0


def test_a_reader_delays_the_start_and_does_not_break_it(site: Site) -> None:
    """A dashboard that has the catalog open read-only is waited for."""
    site.write("a.parquet", spans(2))
    assert site.call("--once").code == 0
    reader = _reader(site)
    worker = site.start()
    lock = site.pointer.with_name("index.duckdb.lock")
    wait_until(lambda: str(worker.pid) in lock.read_text(), "a worker that has the lock")
    assert site.status() is None
    assert not worker.has_ended
    reader.kill()
    site.wait_ready(worker)
    assert site.status()["files"] == 1
    assert site.end(worker) == 0


def test_a_reader_that_stays_is_named_as_the_reason(site: Site, soak: bool) -> None:
    """After ten seconds the worker says what is in the way and what to do, and ends with 1."""
    if not soak:
        pytest.skip("ten seconds of waiting; part of --soak")
    assert site.call("--once").code == 0
    _reader(site)
    worker = site.run()
    assert worker.code == 1
    assert "open in another process" in worker.err
    assert "Close the program" in worker.err
    assert "Traceback" not in worker.err


def test_no_other_process_can_open_the_live_catalog(site: Site) -> None:
    """Not for writing, by pointer or by its real path, whatever was asked of the worker before."""
    site.write("a.parquet", spans(2))
    worker = site.worker()
    site.wait_files(1)
    for command in (["status"], ["sql", "FROM services"], ["audit"], ["files"]):
        assert site.call(*command).code == 0
    site.write("b.parquet", spans(2, trace=2))
    site.wait_files(2)
    assert site.request("POST", "/snapshot").code == 200
    for path in (site.pointer, site.pointer.resolve()):
        other = _duckdb(site, f"duckdb.connect({str(path)!r}).execute('DELETE FROM services')")
        assert other.wait() != 0
        assert "lock" in other.err.lower()
    assert site.end(worker) == 0
    assert site.call("audit").code == 0


def test_a_spill_folder_that_a_killed_process_left_is_cleared(site: Site) -> None:
    """DuckDB spills into a folder beside the catalog; after `kill -9` it is still there."""
    site.write("a.parquet", spans(2))
    assert site.call("--once").code == 0
    generation = site.pointer.resolve()
    left_over = generation.with_name(generation.name + ".tmp")
    left_over.mkdir()
    (left_over / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"spilled")
    worker = site.worker()
    assert site.wait_files(1)
    assert site.end(worker, signal.SIGINT) == 0


def _reader(site: Site) -> Running:
    """A process that holds the catalog open read-only until it is ended."""
    reader = _duckdb(
        site,
        f"con = duckdb.connect({str(site.pointer)!r}, read_only=True)",
        "print('open', flush=True)",
        "import sys; sys.stdin.read()",
    )
    wait_until(lambda: reader.out, lambda: f"an open reader: {reader.err}")
    return reader


def _duckdb(site: Site, *lines: str) -> Running:
    return site.start_command([sys.executable, "-c", "\n".join(["import duckdb", *lines])])
