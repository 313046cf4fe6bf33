"""``read_otlp`` and its kin, asked of a DuckDB connection, as people do."""

import gzip

import duckdb
import pyarrow as pa
import pytest

from indexer.otlp import install
from indexer.otlp.files.scan import GROUP_BYTES, SkippedRecords
from indexer.otlp.rows.schemas import TABLES
from indexer.otlp.sql.functions import FUNCTIONS
from tests.support.otlp_samples import FOLDER, samples

pytestmark = pytest.mark.duckdb
TRACES = str(FOLDER / "traces_simple.jsonl")
SIGNALS = {"traces": ["traces"], "logs": ["logs"], "metrics": ["sum", "gauge", "summary"]}


@pytest.fixture(scope="module")
def database():
    connection = duckdb.connect(config={"threads": 1})
    install(connection)
    return connection


def rows(connection, sql, *parameters):
    return connection.execute(sql, list(parameters)).fetchall()


def test_the_sample_files_are_what_makes_them():
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == samples()


def test_the_unified_table_has_the_columns_of_the_seed_and_the_signal(database):
    described = rows(database, "DESCRIBE SELECT * FROM read_otlp(?)", TRACES)
    assert [(row[0], row[1]) for row in described] == [
        ("timestamp", "TIMESTAMP_NS"),
        ("signal", "VARCHAR"),
        ("resource", "JSON"),
        ("data", "JSON"),
        ("filename", "VARCHAR"),
    ]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_table_has_its_columns_and_the_filename(database, name):
    described = rows(database, f"DESCRIBE SELECT * FROM {name}(?)", TRACES)
    assert {row[0]: row[1] for row in described} == {
        **TABLES[FUNCTIONS[name]].columns,
        "filename": "VARCHAR",
    }


COUNTS = {"traces": 24, "logs": 18, "gauge": 17, "sum": 19, "histogram": 22, "exp_histogram": 27}
"""Columns of duckdb-otlp 0.6's readers."""
QUERIES = {
    "traces": "start_time_unix_nano, duration_time_unix_nano, service_namespace, name, kind, "
    "status_status_message, span_attributes, events_json, links_json, dropped_links_count, flags",
    "logs": "time_unix_nano, observed_time_unix_nano, severity_number, severity_text, event_name, "
    "body, log_attributes",
    "metrics_gauge": "int_value, double_value, metric_attributes, exemplars_json",
    "metrics_sum": "aggregation_temporality, is_monotonic",
    "metrics_histogram": 'count, sum, "min", "max", bucket_counts, explicit_bounds',
    "metrics_exp_histogram": "scale, zero_count, zero_threshold, positive_offset, "
    "positive_bucket_counts, negative_offset, negative_bucket_counts",
}


@pytest.mark.parametrize("table", COUNTS)
def test_a_table_has_as_many_columns_as_its_model(table):
    """And an end of our own, which a trace had as a duration alone."""
    own = {"end_time_unix_nano"} if table == "traces" else set()
    assert len(TABLES[table].columns.keys() - own) == COUNTS[table]


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_with_the_names_of_its_model_carries_over(database, name):
    found = rows(database, f"SELECT {QUERIES[name]} FROM read_otlp_{name}(?)", TRACES)
    assert bool(found) == (name == "traces")  # the file has spans alone


def test_every_signal_is_in_the_unified_table(database):
    found = rows(
        database,
        "SELECT signal, count(*), min(resource->>'service.name') FROM read_otlp(?) GROUP BY 1 ORDER BY 1",
        str(FOLDER / "*_simple.jsonl"),
    )
    assert found == [
        ("logs", 2, "test-service"),
        ("metrics", 6, "test-service"),
        ("traces", 3, "test-service"),
    ]


def test_a_record_of_the_unified_table_is_its_json_with_attributes_as_an_object(database):
    sql = "SELECT epoch_ns(timestamp), data->>'name', data->'attributes'->>'sampled' FROM read_otlp(?)"
    assert rows(database, sql, TRACES)[0] == (1640000000000000001, "GET /users", "true")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_json_and_protobuf_of_the_same_data_give_identical_rows(database, name):
    sql = f"SELECT * EXCLUDE (filename) FROM {name}(?)"
    from_json = rows(database, sql, str(FOLDER / "*_simple.jsonl"))
    assert from_json == rows(database, sql, str(FOLDER / "*_simple.binpb"))
    assert from_json


@pytest.mark.parametrize("path", ["[?]", "?"])
def test_a_path_is_a_text_or_a_list_and_a_parameter(database, path):
    assert rows(database, f"SELECT count(*) FROM read_otlp_traces({path})", TRACES) == [(3,)]


def test_a_list_may_hold_patterns(database):
    paths = [TRACES, str(FOLDER / "logs*.binpb")]
    found = rows(database, "SELECT DISTINCT filename FROM read_otlp(?) ORDER BY 1", paths)
    assert [row[0].rpartition("/")[2] for row in found] == [
        "logs_simple.binpb",
        "traces_simple.jsonl",
    ]


def test_a_missing_file_is_named(database):
    with pytest.raises(duckdb.Error, match=r"File not found: nonexistent\.jsonl"):
        rows(database, "SELECT * FROM read_otlp('nonexistent.jsonl')")


def test_a_pattern_that_nothing_fits_is_named(database, tmp_path):
    with pytest.raises(duckdb.Error, match=r"No files match the pattern: .*\*\.pb"):
        rows(database, "SELECT * FROM read_otlp(?)", f"{tmp_path}/*.pb")


@pytest.mark.parametrize("content", [b"", b" \r\n\n"])
def test_an_empty_file_has_no_rows(database, tmp_path, content):
    (tmp_path / "empty").write_bytes(content)
    assert rows(database, "SELECT * FROM read_otlp(?)", f"{tmp_path}/empty") == []


def test_malformed_lines_are_skipped_counted_and_warned_of(database):
    path = str(FOLDER / "malformed.jsonl")
    with pytest.warns(
        SkippedRecords, match="skipped 3 malformed of 5 records; the first at line 2"
    ):
        assert rows(database, "SELECT count(*) FROM read_otlp(?)", path) == [(6,)]
    sql = (
        "SELECT records, rows, skipped, first_error, error_line, error_offset, finished "
        "FROM otlp_scan_stats() ORDER BY scan DESC LIMIT 1"
    )
    offset = len(samples()["traces_simple.jsonl"])
    assert rows(database, sql) == [(2, 6, 3, "invalid JSON: Expecting value", 2, offset, True)]


def test_a_malformed_line_fails_the_query_when_told_to(database):
    with pytest.raises(duckdb.Error, match=r"malformed\.jsonl: line 2, byte 1546: invalid JSON"):
        rows(
            database,
            "SELECT * FROM read_otlp(?, on_error := 'fail')",
            str(FOLDER / "malformed.jsonl"),
        )


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("on_error := 'nullify'", "invalid on_error 'nullify'"),
        ("signal := 'profiles'", "invalid signal 'profiles'"),
        ("max_file_bytes := -1", "invalid max_file_bytes -1"),
    ],
)
def test_an_invalid_option_is_named(database, argument, message):
    with pytest.raises(duckdb.Error, match=message):
        rows(database, f"SELECT * FROM read_otlp(?, {argument})", TRACES)


def test_a_file_of_something_else_is_refused_with_what_it_is(database, tmp_path):
    (tmp_path / "spans.parquet").write_bytes(b"PAR1....PAR1")
    with pytest.raises(duckdb.Error, match="not OTLP, but a Parquet file"):
        rows(database, "SELECT * FROM read_otlp(?)", f"{tmp_path}/spans.parquet")


LINE = samples()["traces_simple.jsonl"].rstrip()[:-1] + b', "pad": "' + b"x" * 100_000 + b'"}\n'
LINES = 2 * GROUP_BYTES // len(LINE) + 20


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A file of three groups, also as gzip and zstd."""
    folder = tmp_path_factory.mktemp("large")
    content = LINE * LINES
    (folder / "a.jsonl").write_bytes(content)
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(content, 1))
    (folder / "c.jsonl.zst").write_bytes(pa.compress(content, codec="zstd", asbytes=True))
    return folder


def newest_scan(connection):
    sql = "SELECT bytes, finished FROM otlp_scan_stats() ORDER BY scan DESC LIMIT 1"
    return rows(connection, sql)[0]


def test_rows_of_every_group_of_a_file_come_once(database, large):
    sql = "SELECT filename[-3:], count(*) FROM read_otlp_traces(?) GROUP BY 1 ORDER BY 1"
    counts = dict(rows(database, sql, f"{large}/*"))
    assert counts == dict.fromkeys(["onl", ".gz", "zst"], 3 * LINES)


def test_a_limit_ends_the_reading(database, large):
    rows(database, "SELECT name FROM read_otlp_traces(?) LIMIT 5", f"{large}/a.jsonl")
    read, finished = newest_scan(database)
    assert not finished
    assert read < 2 * GROUP_BYTES


def test_a_filter_on_the_filename_keeps_other_files_closed(database, tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.jsonl").write_bytes(samples()["traces_simple.jsonl"])
    before = rows(database, "SELECT count(*) FROM otlp_scan_stats()")[0][0]
    sql = "SELECT count(*) FROM read_otlp_traces(?) WHERE filename LIKE '%b.jsonl'"
    assert rows(database, sql, f"{tmp_path}/*") == [(3,)]
    assert rows(database, "SELECT count(*) FROM otlp_scan_stats()")[0][0] == before + 1


def test_one_file_can_be_joined_with_itself(database):
    sql = (
        "SELECT count(*) FROM read_otlp_traces($path) AS child "
        "JOIN read_otlp_traces($path) AS parent ON child.parent_span_id = parent.span_id"
    )
    assert database.execute(sql, {"path": TRACES}).fetchall() == [(2,)]


def test_a_cursor_has_the_functions_once_they_are_installed_in_it(database):
    cursor = database.cursor()
    install(cursor)
    assert rows(cursor, "SELECT count(*) FROM read_otlp_traces(?)", TRACES) == [(3,)]


def test_a_database_file_keeps_nothing_of_it(tmp_path):
    with duckdb.connect(str(tmp_path / "a.db")) as connection:
        install(connection)
        connection.execute("CREATE TABLE spans AS FROM read_otlp_traces(?)", [TRACES])
    with duckdb.connect(str(tmp_path / "a.db"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM spans").fetchone() == (3,)
        with pytest.raises(duckdb.CatalogException):
            connection.execute("FROM read_otlp('x')")


def test_without_external_access_no_file_is_read(tmp_path):
    connection = duckdb.connect()
    install(connection)
    connection.execute("SET enable_external_access = false")
    with pytest.raises(duckdb.Error, match="disabled by configuration"):
        connection.execute("FROM read_otlp(?)", [TRACES])


@pytest.mark.parametrize(
    "path", ["../secret.jsonl", "/etc/hostname", "link.jsonl", "http://localhost/a"]
)
def test_with_a_folder_only_files_below_it_are_read(tmp_path, path):
    folder = tmp_path / "spans"
    folder.mkdir()
    (tmp_path / "secret.jsonl").write_bytes(b"{}")
    (folder / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (folder / "own.jsonl").write_bytes(samples()["logs_simple.jsonl"])
    connection = duckdb.connect()
    install(connection, folder=folder)
    connection.execute("SET enable_external_access = false")
    assert connection.execute("SELECT count(*) FROM read_otlp('own.jsonl')").fetchone() == (2,)
    with pytest.raises(duckdb.Error, match="is not below"):
        connection.execute("FROM read_otlp(?)", [path])
