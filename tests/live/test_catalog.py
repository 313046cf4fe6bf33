"""Live tables inside DuckDB: where they are listed, what joins them, and what a query sees."""

import threading

import duckdb
import pytest

from indexer.live.attachment import Attachment
from indexer.live.catalog import LEASES_VIEW
from indexer.live.limits import RingLimits
from indexer.live.schema import OTLP_TABLES, otlp_schema
from indexer.otlp import install
from tests.live.rings import live, spans
from tests.support.otlp_samples import FOLDER

pytestmark = pytest.mark.duckdb


@pytest.fixture
def found():
    with live() as made:
        yield made


def test_live_tables_are_listed_as_tables(found):
    tables = {*OTLP_TABLES, "stats"}
    listed = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'live'"
    assert {name for (name,) in found.ask(listed)} == tables
    listed = (
        "SELECT table_name, table_type FROM information_schema.tables WHERE table_catalog = 'live'"
    )
    assert set(found.ask(listed)) == {(name, "BASE TABLE") for name in tables}
    assert {row[2] for row in found.ask("SHOW ALL TABLES") if row[0] == "live"} == tables
    assert found.ask("SELECT count(*) FROM duckdb_views() WHERE database_name = 'live'") == [(0,)]
    found.ask("CREATE TABLE mine (a INTEGER)")
    assert ("mine",) in found.ask("SELECT table_name FROM duckdb_tables()")


def test_another_cursor_reads_them_too(found):
    found.send(spans(0, 2))
    with found.connection.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM live.traces").fetchall() == [(2,)]


def test_they_are_joined_with_files_and_tables(found):
    install(found.connection)
    found.send(spans(0, 3))
    found.ask("CREATE TABLE wanted AS SELECT '1' AS name")
    sql = f"""
        SELECT a.name, count(*) FROM live.otlp_traces a JOIN wanted USING (name)
        CROSS JOIN read_otlp_traces('{FOLDER / "traces_simple.jsonl"}') GROUP BY 1
    """
    assert found.ask(sql) == [("1", 3)]


def test_a_row_is_seen_by_the_very_next_query(found):
    for number in range(5):
        found.send(spans(number))
        assert found.names() == list(range(number + 1))


def test_a_query_that_names_a_table_twice_sees_one_snapshot():
    """While a writer goes on, no query finds a row in one place that the other has not."""
    with live(rows=200) as found:
        _ask_beside_a_writer(found)


def _ask_beside_a_writer(found):
    over = threading.Event()

    def write():
        number = 0
        while not over.wait(0.002):
            found.send(spans(number, 7))
            number += 7

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            sql = """
                SELECT count(*) FROM live.otlp_traces a
                FULL JOIN live.otlp_traces b USING (span_id)
                WHERE a.name IS NULL OR b.name IS NULL
            """
            assert found.ask(sql) == [(0,)]
            sql = (
                "SELECT (SELECT count(*) FROM live.traces), (SELECT count(*) FROM live.otlp_traces)"
            )
            ((one, other),) = found.ask(sql)
            assert one == other
    finally:
        over.set()
        writer.join()


def test_a_recursive_query_sees_one_snapshot(found):
    found.send(spans(0, 5))
    sql = """
        WITH RECURSIVE steps AS (
            SELECT 0 AS step, (SELECT count(*) FROM live.traces) AS rows
            UNION ALL
            SELECT step + 1, (SELECT count(*) FROM live.traces) FROM steps WHERE step < 3
        )
        SELECT DISTINCT rows FROM steps
    """
    assert found.ask(sql) == [(5,)]


def test_what_a_streaming_query_keeps_is_counted_and_let_go_of(found):
    found.send(spans(0, 1000))
    sql = "SELECT name, pad FROM live.otlp_traces, range(10000) AS t(pad)"
    reader = found.connection.cursor().sql(sql).to_arrow_reader(1000)
    reader.read_next_batch()
    found.send(spans(1000, 1000))
    assert found.stats()["pinned_bytes"] > 10_000
    del reader
    found.ask("SELECT count(*) FROM range(1000000)")  # DuckDB 1.5: other work for its threads
    for _ in range(8):
        found.ask("SELECT count(*) FROM live.otlp_logs")
    assert found.stats()["pinned_bytes"] == 0


def test_a_query_that_keeps_too_much_ends_with_an_error():
    with live(rows=8000, pinned_bytes_max=1000) as found:
        found.send(spans(0, 8000))
        sql = "SELECT data, unnest(range(1000)) FROM live.traces"
        reader = found.connection.cursor().sql(sql).to_arrow_reader(1000)
        reader.read_next_batch()
        found.send(spans(8000, 8000))
        with pytest.raises(Exception, match="left the live tables"):
            reader.read_all()
        assert found.names() == list(range(8000, 16000))


def test_a_limit_gives_the_oldest_rows(found):
    found.send(spans(0, 1000))
    assert found.ask("SELECT name FROM live.otlp_traces LIMIT 1") == [("0",)]


def test_nothing_of_it_is_in_the_file_of_a_database(tmp_path):
    with duckdb.connect(str(tmp_path / "mine.duckdb")) as connection:
        connection.execute("CREATE TABLE mine (a INTEGER)")
        made = Attachment(
            connection, "live", otlp_schema(RingLimits(), pinned_bytes_max=1, decoded_bytes_max=1)
        )
        assert connection.execute("SELECT count(*) FROM live.traces").fetchall() == [(0,)]
        made.close()
    with duckdb.connect(str(tmp_path / "mine.duckdb")) as connection:
        names = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
        assert names == [("mine",)]


def test_a_live_table_takes_no_insert(found):
    with pytest.raises(duckdb.Error):
        found.ask("INSERT INTO live.traces SELECT * FROM live.traces")


def test_a_lease_is_of_no_use_outside_of_its_query(found):
    ((lease,),) = found.ask(f"SELECT lease FROM live.{LEASES_VIEW} LIMIT 1")
    with pytest.raises(duckdb.Error, match="outside of"):
        found.ask(f"SELECT live_stats({lease} + 1000000)")
