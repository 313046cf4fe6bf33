"""The rows of live tables are those that read_otlp has of the same requests in a file."""

import pytest

from indexer.live.schema import OTLP_TABLES
from indexer.otlp import install
from indexer.otlp.sql.functions import FUNCTIONS
from tests.live.rings import live, spans
from tests.support import otlp_samples
from tests.support.otlp_samples import FOLDER

pytestmark = pytest.mark.duckdb
SAMPLES = {
    "traces": otlp_samples.traces(),
    "logs": otlp_samples.logs(),
    "metrics": otlp_samples.metrics(),
}


@pytest.fixture(scope="module")
def filled():
    """The sample requests, sent once each, and read_otlp beside them."""
    with live() as found:
        install(found.connection)
        for signal, request in SAMPLES.items():
            found.send(request, signal)
        yield found


def shown(name):
    """The function of a table."""
    kind = OTLP_TABLES[name][1]
    return next(function for function, made in FUNCTIONS.items() if made == kind)


@pytest.mark.parametrize("table", OTLP_TABLES)
def test_a_live_table_has_the_rows_and_types_of_its_function(filled, table):
    signal, _ = OTLP_TABLES[table]
    file = str(FOLDER / f"{signal}_simple.jsonl")
    hidden = "(filename, signal)" if table == signal else "(filename)"
    expected = f"SELECT * EXCLUDE {hidden} FROM {shown(table)}('{file}')"
    assert filled.ask(f"SELECT * FROM live.{table}") == filled.ask(expected)
    assert filled.ask(f"DESCRIBE live.{table}") == filled.ask(f"DESCRIBE {expected}")


def test_the_three_columns_of_the_seed(filled):
    assert [row[:2] for row in filled.ask("DESCRIBE live.traces")] == [
        ("timestamp", "TIMESTAMP_NS"),
        ("resource", "JSON"),
        ("data", "JSON"),
    ]


@pytest.mark.parametrize(
    "table", [name for name, (signal, _) in OTLP_TABLES.items() if signal == "metrics"]
)
def test_evicted_points_have_left_every_table_of_metrics(table):
    """A ring of one request has lost its first points, of whatever type they are."""
    request = SAMPLES["metrics"]
    scopes = request.resource_metrics[0].scope_metrics
    kinds = [
        metric.WhichOneof("data")
        for metric in scopes[0].metrics
        for _ in getattr(metric, metric.WhichOneof("data")).data_points
    ]
    kind = OTLP_TABLES[table][1].replace("exp_", "exponential_")
    for rows in (1, len(kinds) // 2, len(kinds) - 1):
        with live(rows=rows) as found:
            found.send(request, "metrics")
            left = kinds[len(kinds) - rows :]
            expected = rows if kind == "unified" else left.count(kind)
            assert found.ask(f"SELECT count(*) FROM live.{table}") == [(expected,)]


def test_many_spans_read_by_columns_are_those_read_one_by_one():
    with live(rows=5000) as found:
        for first in range(0, 6000, 600):
            found.send(spans(first, 600, resources=5))
        assert found.names() == list(range(1000, 6000))
        assert found.ask("SELECT count(*), min(data->>'name') FROM live.traces") == [(5000, "1000")]


def test_rows_beyond_what_may_be_kept_are_made_again_for_each_query():
    with live(rows=100, decoded_bytes_max=1000) as found:
        for first in range(0, 100, 10):
            found.send(spans(first, 10))
        assert found.names() == found.names() == list(range(100))
        assert found.stats()["decoded_bytes"] <= 1000


def test_rows_made_for_a_query_are_kept_and_let_go_of_with_their_segment():
    with live(rows=100) as found:
        found.send(spans(0, 100))
        found.names()
        kept = found.stats()["decoded_bytes"]
        assert kept > 0
        found.names()
        assert found.stats()["decoded_bytes"] == kept
        found.send(spans(100, 100))
        found.ask("SELECT 1")
        assert found.names() == list(range(100, 200))
        # DuckDB 1.5 may hold the last query, and its rows, until its threads have other work.
        assert found.stats()["decoded_bytes"] <= kept * 2.1
