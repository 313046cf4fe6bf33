"""A fault of this program costs the file that meets it, and no other its place in the index."""

import pytest

from indexer.catalog import files as register_module
from indexer.catalog.database import Catalog
from indexer.catalog.totals import FileTotals
from indexer.read import promoted as promoted_module
from tests.support.catalogs import audited, indexed
from tests.support.span_files import Span, spans, write

pytestmark = pytest.mark.duckdb


@pytest.fixture
def faulty(monkeypatch):
    """Registering a batch that holds ``bad.parquet`` divides by zero after it has deleted."""
    stage = register_module.stage

    def staged(connection, batches, *others):
        if any(file.info.relative_path == "bad.parquet" for one in batches for file in one.files):
            connection.execute("DELETE FROM services")
            raise ZeroDivisionError("a fault")
        return stage(connection, batches, *others)

    monkeypatch.setattr(register_module, "stage", staged)


def test_the_file_alone_is_refused_and_the_others_are_indexed(tmp_path, caplog, faulty):
    with indexed(tmp_path, batch_files=100) as one:
        for number in range(3):
            write(one.root / f"{number}.parquet", spans(2, trace=number + 1))
        write(one.root / "bad.parquet", spans(2, trace=9))
        one.settle()
        (refused,) = one.rows(
            "SELECT relative_path, error_type, error_message, hint FROM quarantined_files"
        )
        assert refused[:2] == ("bad.parquet", "FileFault")
        assert "ZeroDivisionError: a fault" in refused[2]
        assert one.rows("SELECT count(*) FROM parquet_files") == [(3,)]
        assert len(one.spans()) == 6
    assert any(
        getattr(record, "event", "") == "file.fault" and record.exc_info
        for record in caplog.records
    )
    findings = audited(tmp_path / "spans", tmp_path / "catalog.duckdb").findings
    assert {finding.relative_path for finding in findings} <= {"bad.parquet"}


def test_a_fault_after_all_statements_costs_no_later_transaction(tmp_path, monkeypatch):
    """Statements that ran first in it are made anew."""
    after = FileTotals.after

    def faulty(totals, connection, change, services):
        if services == 2:
            raise ZeroDivisionError("a fault")
        return after(totals, connection, change, services)

    monkeypatch.setattr(FileTotals, "after", faulty)
    with indexed(tmp_path) as one:
        services = {"a": ("shop",), "bad": ("shop", "cart"), "c": ("shop",)}
        for number, (name, named) in enumerate(services.items()):
            rows = [Span(trace=10 * number + at, service=each) for at, each in enumerate(named, 1)]
            write(one.root / f"{name}.parquet", rows)
            one.settle()
        assert one.rows("SELECT relative_path FROM quarantined_files") == [("bad.parquet",)]
        assert one.rows("SELECT service_name, total_spans FROM services") == [("shop", 2)]


def test_any_error_inside_a_transaction_takes_all_of_it_back(tmp_path):
    catalog = Catalog.open(tmp_path / "c.duckdb")
    for error in (ZeroDivisionError, MemoryError, KeyError):
        with pytest.raises(error):
            _insert_and_raise(catalog, error)
    with catalog.transaction() as connection:
        connection.execute("INSERT INTO catalog_facts VALUES ('c', 'd')")
    assert (catalog.fact("a"), catalog.fact("c")) == (None, "d")
    catalog.close()


def _insert_and_raise(catalog, error):
    with catalog.transaction() as connection:
        connection.execute("INSERT INTO catalog_facts VALUES ('a', 'b')")
        raise error


def test_a_fault_in_the_second_pass_costs_its_file_alone(tmp_path, monkeypatch):
    attributes = promoted_module._attributes

    def faulty(storage, info, slot):
        if info.relative_path == "bad.parquet":
            raise ZeroDivisionError("a fault")
        return attributes(storage, info, slot)

    monkeypatch.setattr(promoted_module, "_attributes", faulty)
    with indexed(tmp_path, keys=("error.type",)) as one:
        for name in ("a", "bad", "c"):
            write(one.root / f"{name}.parquet", spans(2, attributes='{"error.type":"x"}'))
        one.settle()
        assert not one.pipeline.register.unpromoted
        assert len(one.spans()) == 2
