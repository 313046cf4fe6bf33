"""Registration is exact: any order, any grouping, any repetition ends in the same catalog."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from indexer.catalog import staging
from indexer.catalog.catalog_update import CatalogUpdate
from indexer.catalog.database import Catalog
from indexer.catalog.digest import catalog_digest
from indexer.catalog.files import FileRegister
from indexer.read.metadata import batch, read_file
from indexer.system.storage import LocalStorage
from tests.support.catalogs import SPAN_ROWS, audited, indexed, spans_on_disk
from tests.support.examples import examples
from tests.support.fake_clock import FakeClock
from tests.support.span_files import T0, Span, spans, write

pytestmark = pytest.mark.duckdb

SPAN = st.builds(
    Span,
    trace=st.integers(1, 3),
    span=st.integers(1, 4),
    parent=st.sampled_from((None, 1)),
    service=st.sampled_from(("shop", "cart")),
    status=st.sampled_from((0, 2)),
    duration=st.integers(0, 1000),
    kind=st.sampled_from((2, 3)),
)
FILES = st.lists(st.lists(SPAN, max_size=6), min_size=1, max_size=5)


@examples(6, suppress_health_check=[HealthCheck.too_slow])
@given(files=FILES, seed=st.integers(0, 2**16))
def test_any_order_and_repetition_gives_the_digest_of_a_rebuild(
    files: list[list[Span]], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Doubles across files are indexed once, from the smallest path, whatever came first."""
    folder = tmp_path_factory.mktemp("order")
    root = folder / "spans"
    for number, rows in enumerate(files):
        write(root / f"{number}.parquet", rows)
    order = list(range(len(files))) * 2
    random.Random(seed).shuffle(order)
    with indexed(folder) as one:
        storage = LocalStorage(root)
        for number in order:
            if number % 2:  # what it may hold twice is read from the index, else known
                one.catalog.commits.recent = {}
            _register(one.pipeline.register, storage, f"{number}.parquet")
        by_hand = one.spans()
        digest = catalog_digest(one.catalog.connection, "catalog")
    with indexed(tmp_path_factory.mktemp("rebuild")) as other:
        other.pipeline.storage.root = str(root)
        other.settle()
        rebuilt = catalog_digest(other.catalog.connection, "catalog")
        assert by_hand == other.spans()
    assert digest == rebuilt
    assert sorted(by_hand, key=repr) == sorted(spans_on_disk(root), key=repr)
    assert audited(root, folder / "catalog.duckdb").passed


def test_a_file_registered_twice_is_registered_once(tmp_path: Path) -> None:
    """The second registration replaces the first and changes nothing."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(5))
        one.settle()
        once = one.spans()
        _register(one.pipeline.register, one.pipeline.storage, "a.parquet")
        assert one.spans() == once
        assert one.rows("SELECT count(*) FROM parquet_files") == [(1,)]
        assert one.rows("SELECT total_spans FROM services") == [(5,)]


def test_a_smaller_path_takes_a_doubled_span_over(tmp_path: Path) -> None:
    """The later file owns the span; the earlier one keeps a trace of having it."""
    with indexed(tmp_path) as one:
        write(one.root / "b.parquet", spans(3))
        one.settle()
        write(one.root / "a.parquet", spans(2, status=2))
        one.settle()
        assert one.rows(
            "SELECT relative_path, owned_span_count, span_count, duplicate_spans "
            "FROM parquet_files ORDER BY relative_path"
        ) == [("a.parquet", 2, 2, 0), ("b.parquet", 1, 3, 2)]
        assert one.rows("SELECT total_spans FROM services") == [(3,)]
        assert one.rows("SELECT sum(error_count), sum(owned_span_count) FROM trace_files") == [
            (2, 3)
        ]


def test_doubles_are_found_however_many_traces_are_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few are named to the database, many are given to it as a table, and of files that came last
    none is asked for.
    """
    ways = [(0, False), (staging.TRACES_LISTED_MAX, False), (0, True)]
    for number, (most, is_recent) in enumerate(ways):
        monkeypatch.setattr(staging, "TRACES_LISTED_MAX", most)
        folder = tmp_path / str(number)
        folder.mkdir()
        with indexed(folder) as one:
            write(one.root / "b.parquet", [Span(trace=trace) for trace in range(1, 9)])
            one.settle()
            if not is_recent:
                one.catalog.commits.recent = {}
            write(one.root / "a.parquet", [Span(trace=trace) for trace in range(5, 12)])
            one.settle()
            owned = "SELECT relative_path, owned_span_count FROM parquet_files ORDER BY ALL"
            assert one.rows(owned) == [("a.parquet", 7), ("b.parquet", 4)]


def test_services_that_are_there_and_new_ones_come_in_one_file(tmp_path: Path) -> None:
    """The first and last time of one that is there move, and its spans add up."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(trace=1, service="shop", start=T0)])
        one.settle()
        around = [Span(trace=20 + n, service="shop", start=T0 + n * 10**9) for n in (-5, 5)]
        write(one.root / "b.parquet", [*around, Span(trace=9, service="cart", start=T0)])
        one.settle()
        named = "SELECT service_name, epoch_ns(last_seen) - epoch_ns(first_seen), total_spans"
        assert one.rows(f"{named} FROM services ORDER BY ALL") == [
            ("cart", 0, 1),
            ("shop", 10 * 10**9, 3),
        ]


def test_a_service_of_several_files_of_one_transaction_is_their_sum(tmp_path: Path) -> None:
    with indexed(tmp_path, batch_files=3) as one:
        for number, start in enumerate((0, T0 + 10**9, T0)):
            rows = [Span(trace=number + 1, service="shop", start=start)]
            write(one.root / f"{number}.parquet", rows)
        one.settle()
        named = "SELECT epoch_ns(first_seen), epoch_ns(last_seen), total_spans FROM services"
        assert one.rows(named) == [(T0, T0 + 10**9, 3)]


def test_a_service_is_first_seen_when_a_span_of_known_start_comes(tmp_path: Path) -> None:
    """Whatever other services, all of known starts, were updated before."""
    with indexed(tmp_path) as one:
        for n, (service, start) in enumerate(
            [("shop", T0), ("shop", T0 + 1_000), ("cart", 0), ("cart", T0 + 2_000)]
        ):
            write(one.root / f"{n}.parquet", [Span(trace=n + 1, service=service, start=start)])
            one.settle()
        first = "SELECT service_name, epoch_ns(first_seen) FROM services ORDER BY ALL"
        assert one.rows(first) == [("cart", T0 + 2_000), ("shop", T0)]


def test_a_removed_owner_gives_its_spans_back_to_the_surviving_copy(tmp_path: Path) -> None:
    """No span is lost while a file on disk still holds it."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(3))
        write(one.root / "b.parquet", spans(4))
        one.settle()
        (one.root / "a.parquet").unlink()
        one.settle()
        assert one.rows("SELECT relative_path, owned_span_count FROM parquet_files") == [
            ("b.parquet", 4)
        ]
        assert one.rows("SELECT total_spans FROM services") == [(4,)]


def test_spans_with_one_id_in_two_traces_are_two_spans(tmp_path: Path) -> None:
    """A span id is unique inside its trace only."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(trace=1, span=9), Span(trace=2, span=9)])
        one.settle()
        assert one.rows("SELECT count(*) FROM span_metadata") == [(2,)]


def test_a_root_mounted_elsewhere_is_the_same_storage(tmp_path: Path) -> None:
    """Nothing is read again, and readers get the new absolute paths."""
    with indexed(tmp_path) as one:
        write(one.root / "x" / "a.parquet", spans(2))
        one.settle()
    moved = tmp_path / "elsewhere"
    (tmp_path / "spans").rename(moved)
    catalog = Catalog.open(tmp_path / "catalog.duckdb")
    try:
        register = FileRegister(catalog, FakeClock(), str(moved))
        assert set(register.files) == {"x/a.parquet"}
        assert register.get_indexed_file_paths() == {str(moved / "x" / "a.parquet")}
        assert register.is_file_indexed(str(moved / "x" / "a.parquet"))
        rows = catalog.connection.execute("SELECT file_path FROM parquet_files").fetchall()
        assert rows == [(str(moved / "x" / "a.parquet"),)]
    finally:
        catalog.close()


def test_operations_beyond_the_limit_are_counted(tmp_path: Path) -> None:
    """A file with a name per span does not flood the catalog."""
    rows = [Span(span=number, name=f"GET /{number:03d}") for number in range(1, 31)]
    with indexed(tmp_path) as one:
        register = FileRegister(one.catalog, FakeClock(), str(one.root), operations_max=10)
        write(one.root / "a.parquet", rows)
        _register(register, one.pipeline.storage, "a.parquet")
        assert one.rows("SELECT count(*) FROM file_operations") == [(10,)]
        assert one.rows("SELECT other_operation_spans FROM parquet_files") == [(20,)]


def test_memory_after_a_restart_is_what_it_was(tmp_path: Path) -> None:
    """Known files, refusals and the trace directory are all derived from the catalog."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(4) + spans(3, trace=2))
        (one.root / "b.parquet").write_bytes(b"no")
        one.settle()
        before = one.pipeline.register
        after = FileRegister(one.catalog, FakeClock(), str(one.root))
        assert after.files == before.files
        assert after.refused == before.refused
        assert len(after.directory) == len(before.directory) == 2


def test_a_refused_rewrite_takes_the_old_rows_out(tmp_path: Path) -> None:
    """What is no longer on disk is not answered from the index."""
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", spans(4))
        one.settle()
        path.write_bytes(b"ruined")
        one.settle()
        assert one.rows("SELECT count(*) FROM span_metadata") == [(0,)]
        assert one.rows("SELECT count(*) FROM services") == [(0,)]
        assert one.rows("SELECT relative_path FROM quarantined_files") == [("a.parquet",)]


def test_spans_are_inserted_in_order_of_trace(tmp_path: Path) -> None:
    """A trace's rows are neighbours, which is what makes them small and fast."""
    rows = [Span(trace=1 + number % 3, span=number) for number in range(1, 10)]
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", rows)
        one.settle()
        traces = [row[0] for row in one.rows("SELECT trace_id FROM span_metadata")]
        assert traces == sorted(traces)
        assert len(one.rows(SPAN_ROWS)) == 9


def _register(register: FileRegister, storage: LocalStorage, name: str) -> None:
    """One file in one transaction, with the survivors that the pipeline would add."""
    survivors = register.survivors([name])
    names = [name, *sorted(survivors)]
    infos = [entry.info for entry in map(storage.stat, names) if entry is not None]
    register.apply(CatalogUpdate(batches=(batch([read_file(storage, info) for info in infos]),)))
