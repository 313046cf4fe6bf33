"""The worker as an operator meets it: a real process, a real folder, a real socket.

What the stages promise one by one has to hold when they are one process among writers that
rename, rewrite, remove and unmount under it. The sweep is an hour away in most of these tests,
so what is answered was found by a file event.
"""

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.support.processes import Site, wait_until
from tests.support.span_files import parquet_bytes, spans, write

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A worker for the tests that neither end it nor need settings of their own."""
    site = Site(tmp_path_factory.mktemp("shared"))
    try:
        site.worker()
        yield site
    finally:
        site.close()


@pytest.fixture
def watched(shared: Site) -> Iterator[Site]:
    """The same, over a root where nothing is before the test and nothing stays after it."""
    yield shared
    for entry in shared.root.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    assert shared.request("POST", "/sweep").code == 200
    shared.wait_files(0)


def test_a_new_file_is_answered_before_any_sweep(site: Site) -> None:
    """`trace` finds the spans of a file that appears, though the next sweep is an hour away."""
    worker = site.worker()
    swept_at = site.status()["swept_at"]
    site.write("year=2026/day=01/a.parquet", spans(3))
    wait_until(lambda: site.trace(1), "the trace")
    answer = site.call("trace", f"{1:032x}", "--json")
    assert answer.code == 0
    assert [span["span_id"] for span in answer.json["spans"]] == [f"{n:016x}" for n in (1, 2, 3)]
    assert answer.json["complete"]
    assert site.status()["swept_at"] == swept_at
    assert not worker.has_ended


def test_a_linked_file_is_answered_before_any_sweep(watched: Site, tmp_path: Path) -> None:
    """A writer that publishes by symbolic link is as fresh as one that renames."""
    write(tmp_path / "elsewhere" / "a.parquet", spans(3))
    (watched.root / "a.parquet").symlink_to(tmp_path / "elsewhere" / "a.parquet")
    wait_until(lambda: watched.trace(1), lambda: f"the trace; {watched.status()}")


def test_files_that_were_there_before_the_start_are_answered(site: Site) -> None:
    """Watch, then list: what is already in the folder needs no event."""
    site.write("a.parquet", spans(2))
    site.worker()
    assert wait_until(lambda: site.trace(1), "the trace")


@pytest.mark.parametrize(
    ("settle_s", "state"), [(60, "still waited for"), (0.1, "already quarantined")]
)
def test_a_half_written_file_that_completes_is_indexed(
    site: Site, settle_s: float, state: str
) -> None:
    """A writer that makes the final name first loses nothing and leaves no error behind."""
    site.worker(INDEXER_SETTLE_SECONDS=settle_s)
    whole = parquet_bytes(spans(4))
    with (site.root / "slow.parquet").open("wb") as file:
        file.write(whole[: len(whole) // 2])
        file.flush()
        seen = "quarantined_files" if state == "already quarantined" else "files_waiting"
        wait_until(lambda: site.status()[seen] == 1, f"a file that is {state}")
        file.write(whole[len(whole) // 2 :])
    wait_until(lambda: len(site.trace(1)) == 4, "the four spans")
    site.wait_files(1)
    assert site.get("/quarantine").json == []
    assert site.call("audit").code == 0


@pytest.mark.parametrize("how", ["renamed over", "written in place"])
def test_a_replaced_file_is_read_again(watched: Site, how: str) -> None:
    """The old spans are gone and the new ones are there, in either way of replacing."""
    path = watched.write("a.parquet", spans(2, trace=1))
    watched.wait_files(1)
    if how == "renamed over":
        watched.write("a.parquet", spans(3, trace=2))
    else:
        path.write_bytes(parquet_bytes(spans(3, trace=2)))
    wait_until(lambda: len(watched.trace(2)) == 3, "the new trace")
    assert watched.trace(1) == []
    assert watched.call("audit").code == 0


def test_a_removed_file_leaves_the_index(watched: Site) -> None:
    """Its spans, its services and its row are gone; the others stay."""
    gone = watched.write("day=01/a.parquet", spans(2, trace=1, service="gone"))
    watched.write("day=02/b.parquet", spans(2, trace=2))
    assert watched.request("POST", "/sweep").code == 200
    watched.wait_files(2)
    gone.unlink()
    watched.wait_files(1)
    assert watched.trace(1) == []
    assert len(watched.trace(2)) == 2
    assert [row["service_name"] for row in watched.get("/services").json["services"]] == ["shop"]


def test_a_removed_folder_takes_its_files_along(watched: Site) -> None:
    """`rm -r` of a day is a removal of each of its files."""
    for number in range(5):
        watched.write(f"day=01/{number}.parquet", spans(1, trace=1 + number))
    watched.write("day=02/b.parquet", spans(1, trace=9))
    assert watched.request("POST", "/sweep").code == 200
    watched.wait_files(6)
    shutil.rmtree(watched.root / "day=01")
    watched.wait_files(1)
    assert watched.call("audit").code == 0


def test_an_absent_root_removes_nothing_and_is_said(site: Site) -> None:
    """A root that is moved away makes the worker unhealthy; moved back, it heals by itself."""
    site.write("day=01/a.parquet", spans(2))
    site.worker(INDEXER_POLL_INTERVAL=5)
    site.wait_files(1)
    away = site.root.with_name("away")
    site.root.rename(away)
    sick = wait_until(
        lambda: (now := site.status()) and not now["healthy"] and now, "an unhealthy worker"
    )
    assert sick["files"] == 1
    assert str(site.root) in sick["problems"][0]
    command = site.call("status")
    assert command.code == 1
    assert ["healthy", "no"] in [line.split() for line in command.out.splitlines()]
    away.rename(site.root)
    well = wait_until(lambda: (now := site.status()) and now["healthy"] and now, "a healthy worker")
    assert well["files"] == 1
    assert well["progress"]["files_removed"] == 0


def test_a_root_that_appears_late_is_listed_at_once(site: Site) -> None:
    """A worker started before its volume is mounted indexes what the volume brings along."""
    away = site.root.with_name("away")
    site.write("a.parquet", spans(2))
    site.root.rename(away)
    worker = site.start()
    wait_until(lambda: (now := site.status()) and not now["healthy"], "an unhealthy worker")
    away.rename(site.root)
    wait_until(lambda: site.trace(1), lambda: f"the trace; {site.status()} {worker.err}")
    wait_until(lambda: site.status()["healthy"], lambda: f"a healthy worker: {site.status()}")


def test_a_root_that_is_another_folder_now_is_watched(site: Site) -> None:
    """A volume mounted anew in the old one's place is followed, not only swept."""
    site.write("a.parquet", spans(2))
    site.worker()
    site.wait_files(1)
    away = site.root.with_name("away")
    site.root.rename(away)
    wait_until(lambda: not site.status()["healthy"], "an unhealthy worker")
    shutil.copytree(away, site.root)
    wait_until(lambda: site.status()["healthy"], "a healthy worker")
    site.write("b.parquet", spans(2, trace=2))
    wait_until(lambda: site.trace(2), "the trace of a file that came later")
    assert site.status()["progress"]["files_removed"] == 0


def test_nothing_is_written_below_the_storage_root(site: Site) -> None:
    """Names, sizes, times and modes are the same after a life of the worker (I7)."""
    site.write("day=01/a.parquet", spans(2))
    (site.root / "broken.parquet").write_bytes(b"no")
    (site.root / ".hidden").mkdir()
    (site.root / "tmp").mkdir()
    before = _listing(site)
    worker = site.worker(INDEXER_SETTLE_SECONDS=0.1)
    wait_until(lambda: site.status()["quarantined_files"] == 1, "the refusal")
    for command in (["status"], ["trace", f"{1:032x}"], ["sql", "FROM otel_spans"], ["audit"]):
        assert site.call(*command).code == 0, command
    assert site.end(worker) == 0
    assert site.call("--reindex").code == 0
    assert _listing(site) == before


def test_the_socket_is_for_the_owner_alone(site: Site) -> None:
    """Who may not open the catalog may not talk to its worker: mode 0600, gone at the end."""
    worker = site.worker()
    socket = site.pointer.with_name("index.duckdb.sock")
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert site.end(worker) == 0
    assert not socket.exists()


def test_the_catalogs_own_files_are_never_opened(make_site) -> None:
    """Below the root, linked as a data file even: opening it would drop the database's lock."""
    site = make_site()
    site = make_site("inside", root=site.root, pointer=site.root / "index.parquet")
    site.write("a.parquet", spans(2))
    worker = site.worker()
    site.wait_files(1)
    generation = site.pointer.resolve()
    os.link(generation, site.root / "hard.parquet")
    (site.root / "soft.parquet").symlink_to(generation)
    site.write("b.parquet", spans(2, trace=2))
    wait_until(lambda: site.trace(2), "a file that came after the links")
    site.request("POST", "/sweep")
    assert site.status()["files"] == 2
    assert site.get("/quarantine").json == []
    assert not _can_be_written_by_another(site, generation)
    assert site.end(worker) == 0


def _can_be_written_by_another(site: Site, path: os.PathLike[str]) -> bool:
    script = f"import duckdb; duckdb.connect({str(path)!r})"
    other = site.start_command([sys.executable, "-c", script])
    code = other.wait()
    assert code == 0 or duckdb.IOException.__name__ in other.err, other.err
    return code == 0


def _listing(site: Site) -> list[tuple[object, ...]]:
    paths = [site.root, *sorted(site.root.rglob("*"))]
    return [
        (str(path), status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino)
        for path in paths
        for status in [path.lstat()]
    ]
