"""A full disk is a state of the worker and not its end.

The transaction that does not fit rolls back, the worker says that it is unhealthy and why, and
when there is room again it resumes by itself. Once on a small file system of its own, where root
may mount one, and once with a limit on the size of files, which needs nobody's permission.
"""

import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.examples import one_of
from tests.support.processes import Running, Site, asking, wait_until
from tests.support.span_files import spans

pytestmark = [pytest.mark.process]

SMALL, LARGE = "12m", "96m"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of twelve megabytes, that ``enlarge`` makes a larger one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    options = ["-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(disk)]
    done = subprocess.run([mount, *options], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"mounting is refused here: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_is_survived(small_disk: Path, make_site: Callable[..., Site]) -> None:
    """Unhealthy while it is full, every file indexed once it is not, and nothing lost."""
    site = make_site(pointer=small_disk / "db" / "index.duckdb")
    _survives(
        site,
        lambda _worker: _fill(small_disk),
        lambda _worker: _enlarge(small_disk),
    )


def test_a_limit_on_file_size_is_survived(site: Site) -> None:
    """The same without a mount: no file of the worker's may grow, until it may again."""
    _survives(site, lambda worker: _limit(site, worker), _unlimit)


def test_questions_while_the_catalog_is_opened_anew_are_survived(site: Site) -> None:
    """After a failed commit it is closed and opened; whoever asks just then is told so, at worst."""
    site.write("first.parquet", spans(400, trace=1))
    worker = site.worker()
    site.wait_files(1)
    paths = ("/status", f"/api/v1/traces/{1:032x}", "/services", "/services/shop/roots")
    with asking(site, *paths, threads=4) as answers:
        for cycle in range(1, 3):
            _limit(site, worker)
            for number in range(20):
                rows = spans(400, trace=100 * cycle + number)
                site.write(f"{cycle}-{number}.parquet", rows)
            wait_until(lambda: not _healthy(site), "an unhealthy worker")
            _unlimit(worker)
            wait_until(
                lambda n=1 + 20 * cycle: _healthy(site) and (site.status() or {}).get("files") == n,
                lambda: f"a worker that has resumed; {site.status()} {worker.err[-3000:]}",
            )
    assert not worker.has_ended
    assert {answer.code for answer in answers} <= {200, 503}


def test_a_worker_on_a_full_disk_answers_and_stops(site: Site) -> None:
    """Unhealthy is not dead: what is indexed is answered, and SIGTERM ends it with exit 0."""
    site.write("before.parquet", spans(4, trace=1))
    worker = site.worker()
    site.wait_files(1)
    _limit(site, worker)
    _write_many(site)
    wait_until(lambda: not _healthy(site), "an unhealthy worker")
    wait_until(lambda: len(site.trace(1)) == 4, "an answer, while no catalog is being opened")
    status = site.call("status", "--json")
    assert status.code == 1
    assert status.json["problems"]
    assert site.end(worker) == 0, worker.err
    assert "Traceback" not in worker.err
    assert site.call("--once").code == 0
    assert site.call("audit").code == 0


def test_no_room_for_a_snapshot_is_an_answer(site: Site) -> None:
    """`sql` says what is missing, in a line; the worker goes on, and replaces files as ever."""
    for number in range(20):
        site.write(f"{number}.parquet", spans(20, trace=1 + number))
    worker = site.worker()
    site.wait_files(20)
    _limit(site, worker)
    refused = site.call("sql", "FROM services")
    assert refused.code == 1
    assert refused.err.startswith("error: ")
    assert "Traceback" not in refused.err
    assert site.call("status", "--json").json["state"] == "running"
    site.write("0.parquet", spans(30, trace=1))
    _unlimit(worker)
    wait_until(
        lambda: site.status() and len(site.trace(1)) == 30,
        lambda: f"the replaced file; {site.status()} {worker.err}",
    )
    assert not worker.has_ended
    assert site.call("sql", "FROM services").code == 0
    assert site.call("audit").code == 0


@pytest.mark.parametrize("mode", one_of("--once", "--reindex"))
def test_a_one_shot_run_on_a_full_disk_fails_in_a_line(
    small_disk: Path, make_site: Callable[..., Site], mode: str
) -> None:
    """Exit 1, the reason and a hint; the catalog of before still answers; with room it works."""
    site = make_site(pointer=small_disk / "db" / "index.duckdb")
    site.write("before.parquet", spans(4, trace=1))
    assert site.call("--once").code == 0
    _write_many(site)
    _fill(small_disk)
    failed = site.run(mode)
    assert failed.code == 1, failed.err
    assert "Traceback" not in failed.err
    assert "error: " in failed.err
    assert "hint: " in failed.err
    assert len(site.call("trace", f"{1:032x}", "--json").json["spans"]) == 4
    _enlarge(small_disk)
    assert site.call(mode).code == 0
    assert site.call("audit").code == 0


def _survives(site: Site, fill: Callable[[Running], None], free: Callable[[Running], None]) -> None:
    site.write("before.parquet", spans(4, trace=1))
    gone = site.write("gone.parquet", spans(4, trace=2))
    worker = site.worker()
    site.wait_files(2)
    fill(worker)
    _write_many(site)
    site.write("before.parquet", spans(5, trace=1))
    gone.unlink()
    with asking(site, "/status", f"/api/v1/traces/{1:032x}", "/services", threads=2) as answers:
        sick = wait_until(
            lambda: (now := site.status()) and not now["healthy"] and now,
            lambda: f"an unhealthy worker; {site.status()}",
        )
        assert "Free disk space" in sick["problems"][0]
        free(worker)
        wait_until(
            lambda: (now := site.status()) and now["healthy"] and now["files"] == 61,
            lambda: f"a worker that has resumed; {site.status()} {worker.err[-3000:]}",
        )
    assert not worker.has_ended
    assert {answer.code for answer in answers} <= {200, 503}
    assert len(site.trace(1)) == 5
    assert site.trace(2) == []
    assert site.call("audit").code == 0
    assert site.end(worker, signal.SIGTERM) == 0
    assert site.call("audit").code == 0


def _healthy(site: Site) -> bool:
    status = site.status()
    return status is None or bool(status["healthy"])


def _write_many(site: Site) -> None:
    for number in range(60):
        site.write(f"many/{number:02}.parquet", spans(400, trace=100 + number))


def _fill(disk: Path) -> None:
    """Leave next to no room."""
    with (disk / "ballast").open("wb") as file:
        file.write(b"x" * max(0, shutil.disk_usage(disk).free - 8192))


def _enlarge(disk: Path) -> None:
    subprocess.run(["mount", "-o", f"remount,size={LARGE}", str(disk)], check=True)


def _limit(site: Site, worker: Running) -> None:
    """No file of the worker's may become larger than its write-ahead log is now."""
    log = site.pointer.resolve().with_name(site.pointer.resolve().name + ".wal")
    size = log.stat().st_size if log.exists() else 0
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (size + 1024, resource.RLIM_INFINITY))


def _unlimit(worker: Running) -> None:
    both = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, both)
