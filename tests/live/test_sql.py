"""Live tables by the literal SQL of a script, on the connection of the library."""

from contextlib import closing

import duckdb
import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

import indexer
from indexer.errors import InvalidSettings, QueryRefused
from indexer.live.attachment import find
from tests.live.rings import spans

pytestmark = pytest.mark.duckdb
ATTACH = "ATTACH 'otlp://127.0.0.1:0' AS live (TYPE otlp, max_rows 100, max_bytes '1MiB')"


@pytest.fixture
def connection(tmp_path, monkeypatch):
    monkeypatch.setenv("JUNJO_DUCKDB_PATH", str(tmp_path / "none.duckdb"))
    with closing(indexer.connect()) as made:
        yield made


def rows(connection, sql, *parameters):
    return connection.execute(sql, list(parameters) or None).fetchall()


def test_attach_send_select_detach(connection):
    assert rows(connection, ATTACH) == []
    sql = "SELECT host || ':' || port FROM live.receiver WHERE protocol = 'grpc'"
    ((address,),) = rows(connection, sql)
    with grpc.insecure_channel(address) as channel:
        TraceServiceStub(channel).Export(spans(0, 300))
    sql = "SELECT count(*), min(data->>'name') FROM live.traces WHERE data->>'kind' IS NULL"
    assert rows(connection, sql) == [(100, "200")]
    assert connection.arrow("SELECT * FROM live.otlp_traces").num_rows == 100
    assert rows(connection, "SELECT max_rows, max_bytes FROM live.stats LIMIT 1") == [
        (100, 1 << 20)
    ]
    rows(connection, "DETACH live")
    with pytest.raises(duckdb.CatalogException):
        rows(connection, "FROM live.traces")


def test_a_script_attaches_asks_and_detaches(connection):
    script = (
        f"{ATTACH}; CREATE TABLE seen AS FROM live.logs; DETACH live; SELECT count(*) FROM seen"
    )
    assert rows(connection, script) == [(0,)]
    assert find(connection.duckdb, "live") is None


def test_attach_if_not_exists_is_for_once(connection):
    rows(connection, ATTACH)
    rows(connection, ATTACH.replace("ATTACH", "ATTACH IF NOT EXISTS"))
    with pytest.raises(duckdb.Error, match="already exists"):
        rows(connection, ATTACH)


def test_what_cannot_be_attached_says_why(connection):
    for sql, kind, said in (
        ("ATTACH 'otlp://nowhere' AS x (TYPE otlp)", InvalidSettings, "invalid OTLP address"),
        ("ATTACH 'otlp://localhost:0' AS x (rows 1)", QueryRefused, "unknown option 'rows'"),
        ("ATTACH 'otlp://localhost:0' AS x (max_rows 'a')", QueryRefused, "invalid max_rows 'a'"),
    ):
        with pytest.raises(kind, match=said):
            rows(connection, sql)


def test_the_port_of_http_may_be_off(connection):
    rows(connection, "ATTACH 'otlp://localhost:0' AS x (TYPE otlp, http_port 'off')")
    assert list(find(connection.duckdb, "x").addresses) == ["grpc"]


def test_a_ring_is_made_filled_seen_and_dropped_by_sql_alone(connection):
    rows(connection, "CREATE RING TABLE r (a BIGINT, b VARCHAR) WITH (max_rows 100)")
    rows(connection, "CREATE RING TABLE IF NOT EXISTS r (a BIGINT)")
    for number in range(150):
        assert rows(connection, "INSERT INTO r VALUES (?, 'x')", number) == [(1,)]
    assert rows(connection, "SELECT count(*), min(a) FROM r") == [(100, 50)]
    assert connection.arrow("INSERT INTO r SELECT 1, 'y'").to_pylist() == [{"Count": 1}]
    rows(connection, "DROP RING TABLE r; DROP RING TABLE IF EXISTS r")
    with pytest.raises(QueryRefused, match="not a ring"):
        rows(connection, "DROP RING TABLE r")


def test_statements_of_duckdb_go_to_duckdb(connection):
    rows(connection, "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)")
    rows(connection, "INSERT INTO t VALUES (?)", 2)
    rows(connection, "ATTACH ':memory:' AS other; DETACH other")
    assert rows(connection, "SELECT sum(a) FROM t") == [(3,)]
    with pytest.raises(duckdb.Error):
        rows(connection, "DETACH other")


def test_closing_the_connection_detaches(connection):
    rows(connection, ATTACH)
    attachment = find(connection.duckdb, "live")
    connection.close()
    assert attachment.addresses
    assert find(duckdb.connect(), "live") is None
    with pytest.raises(QueryRefused, match="detached"):
        attachment.schema.snapshots.begin(1, (1, 1), "traces")
