"""`kill -9` at any moment costs nothing but the work in hand.

A real process is killed at random moments while real files come, change and go, again and again on
one catalog; at the end the audit proves that the catalog is what a rebuild would make. One seed
decides everything but the scheduler: it is printed, and SPAN_TEST_SEED sets it.
"""

import os
import random
import shutil
import time
from pathlib import Path

import duckdb
import pytest

from tests.support.processes import Site, wait_until
from tests.support.span_files import Span, parquet_bytes, spans

pytestmark = [pytest.mark.duckdb, pytest.mark.process]

KILLS, SOAK_KILLS = 3, 200
TRACES = 30
"""Few traces for many files: most files share one, and so own, lose and regain spans."""


class Churn:
    """Writers at work below one root, as one random number generator decides."""

    def __init__(self, site: Site, chance: random.Random) -> None:
        self.site = site
        self.chance = chance
        self.finished: set[str] = set()
        self.growing: dict[Path, bytes] = {}

    def step(self) -> None:
        """One change on disk."""
        self.chance.choices(
            [self.write, self.remove, self.begin, self.complete], weights=[6, 2, 1, 2]
        )[0]()

    def write(self) -> None:
        """A new file, or another one in the place of an old one."""
        name = f"day={self.chance.randrange(4)}/{self.chance.randrange(40):02}.parquet"
        self.site.write(name, self.rows())
        self.finished.add(name)
        self.growing.pop(self.site.root / name, None)

    def remove(self) -> None:
        if self.finished:
            name = self.chance.choice(sorted(self.finished))
            (self.site.root / name).unlink()
            self.finished.discard(name)

    def begin(self) -> None:
        """Half of a file, in its final name."""
        path = self.site.root / f"grown-{len(self.finished)}-{self.chance.randrange(10**6)}.parquet"
        whole = parquet_bytes(self.rows())
        path.write_bytes(whole[: self.chance.randrange(len(whole))])
        self.growing[path] = whole

    def complete(self) -> None:
        """The other half of one that was begun."""
        if self.growing:
            path, whole = self.growing.popitem()
            with path.open("ab") as file:
                file.write(whole[path.stat().st_size :])
            self.finished.add(path.name)

    def rows(self) -> list[Span]:
        trace = self.chance.randrange(1, TRACES)
        first = self.chance.randrange(1, 20)
        return spans(
            self.chance.randrange(1, 30),
            trace=trace,
            first=first,
            service=self.chance.choice(["shop", "pay", "mail"]),
            status=self.chance.choice([0, 2]),
        )


def test_a_killed_worker_loses_nothing(site: Site, seed: int, soak: bool) -> None:
    """Whenever it is killed, the next one goes on, and the end is what the files say."""
    chance = random.Random(seed)
    churn = Churn(site, chance)
    site.set(INDEXER_BATCH_SIZE=chance.choice([1, 3, 50]))
    for _ in range(SOAK_KILLS if soak else KILLS):
        worker = site.start()
        kill_at = time.monotonic() + chance.uniform(0.2, 1.2)
        while time.monotonic() < kill_at and not worker.has_ended:
            churn.step()
            time.sleep(chance.uniform(0, 0.03))
        assert not worker.has_ended, worker.err
        worker.kill()
    while churn.growing:
        churn.complete()
    worker = site.worker()
    site.wait_files(len(churn.finished))
    assert site.get("/quarantine").json == []
    assert site.end(worker) == 0
    audit = site.call("audit")
    assert audit.code == 0, audit.out
    indexed = {row["file_path"] for row in site.call("files", "--json").json}
    assert indexed == {str(site.root / name) for name in churn.finished}


def test_a_killed_rebuild_leaves_the_old_or_the_new_catalog(
    site: Site, seed: int, soak: bool
) -> None:
    """After each kill one of the two answers, whole; the next rebuild works."""
    chance = random.Random(seed)
    site.set(INDEXER_BATCH_SIZE=4)
    for number in range(60):
        site.write(f"{number:02}.parquet", spans(20, trace=1 + number // 2, first=1 + number % 3))
    assert site.call("--once").code == 0
    answers = _whole_catalog(site)
    ends = {"old": 0, "new": 0}
    for number in range(SOAK_KILLS if soak else KILLS):
        _toggle(site, f"extra-{number % 3}.parquet")
        on_disk = {path.name for path in site.root.glob("*.parquet")}
        rebuild = site.start("--reindex")
        folder = site.pointer.resolve().parent
        present = set(os.listdir(folder))
        wait_until(
            lambda before=present, rebuild=rebuild, folder=folder: (
                rebuild.has_ended or set(os.listdir(folder)) - before
            ),
            "a rebuild that has begun",
        )
        time.sleep(chance.uniform(0, 0.6))
        rebuild.kill()
        found = _whole_catalog(site)
        assert found in (answers, on_disk)
        ends["new" if found == on_disk else "old"] += 1
        answers = found
    print(ends)
    rebuild = site.run("--reindex")
    assert rebuild.code == 0, rebuild.err
    assert _whole_catalog(site) == on_disk
    assert site.call("audit").code == 0
    assert [path.name for path in site.pointer.resolve().parent.iterdir()] == [
        site.pointer.resolve().name
    ]


def test_the_first_start_of_all_may_be_killed(site: Site, seed: int) -> None:
    """Also before there is a catalog: a half-made one is nobody's."""
    chance = random.Random(seed)
    site.write("a.parquet", spans(5))
    for _ in range(4):
        worker = site.start()
        time.sleep(chance.uniform(0.25, 0.6))
        worker.kill()
        if chance.random() < 0.5:
            shutil.rmtree(site.pointer.parent, ignore_errors=True)
    worker = site.worker()
    site.wait_files(1)
    assert site.end(worker) == 0
    assert site.call("audit").code == 0


def test_the_log_of_a_dead_rebuild_does_not_reach_the_next(site: Site) -> None:
    """A write-ahead log without its database must not be replayed into a new catalog."""
    site.write("a.parquet", spans(5))
    worker = site.worker()
    site.wait_files(1)
    worker.kill()
    generation = site.pointer.resolve()
    log = generation.with_name(generation.name + ".wal")
    assert log.stat().st_size > 0
    shutil.copy(log, generation.with_name("000002.duckdb.wal"))
    rebuild = site.run("--reindex")
    assert rebuild.code == 0, rebuild.err
    assert _whole_catalog(site) == {"a.parquet"}
    assert site.call("audit").code == 0


def _toggle(site: Site, name: str) -> None:
    """Make the disk differ from every earlier rebuild."""
    path = site.root / name
    if path.exists():
        path.unlink()
    else:
        site.write(name, spans(7, trace=500))


def _whole_catalog(site: Site) -> set[str]:
    """The files that the catalog at the pointer has; each with all its spans, or it fails."""
    with duckdb.connect(str(site.pointer.resolve()), read_only=True) as connection:
        torn = connection.execute(
            "SELECT relative_path FROM parquet_files AS files WHERE owned_span_count <> "
            "(SELECT count(*) FROM span_metadata AS spans WHERE spans.file_id = files.file_id)"
        ).fetchall()
        assert torn == []
        rows = connection.execute("SELECT relative_path FROM parquet_files").fetchall()
    return {path for (path,) in rows}
