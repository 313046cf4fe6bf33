"""The views ``spans`` and ``state_patches`` say what ``junjo`` says, of any span and of the SDK's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.clients.junjo import spans as junjo
from indexer.clients.junjo.spans import junjo_span, state_patches
from indexer.clients.junjo.sql_views import junjo_views
from indexer.clients.junjo.view_names import VIEWS
from indexer.query.span import Span
from indexer.query.sql import Window, open_session, select
from indexer.read.dialect_fields import PayloadColumn
from indexer.read.normalise import canonical
from indexer.read.payload_sql import payload_expression
from tests.support.answered_spans import answered
from tests.support.catalogs import indexed
from tests.support.examples import examples
from tests.support.processes import REPOSITORY
from tests.support.span_files import SCHEMA_14, write

pytestmark = pytest.mark.duckdb

T0 = 1_795_000_000_000_000_000
JSON_COLUMNS = (
    *("attributes_json", "events_json", "links_json"),
    *(one.column for one in junjo.LIFTED if one.is_json),
)

NO_NUMBERS = {"nan", "inf", "-inf", "+inf"}
"""JSON to DuckDB alone, whatever their letters' case."""
TEXTS = st.text(st.characters(codec="utf-8"), max_size=5).filter(
    lambda text: text.strip().lower() not in NO_NUMBERS
)
OTHERS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(-1e9, 1e9)
VALUES = TEXTS | st.sampled_from(["workflow", "subflow", "node", '{"a":1}', "{", "[1, null]"])
ANY_VALUES = VALUES | OTHERS | st.lists(TEXTS, max_size=2) | st.dictionaries(TEXTS, OTHERS)
NAMES = [*junjo.LEAVING, *(name for one in junjo.LIFTED for name in one.names)]
ATTRIBUTES = st.dictionaries(st.sampled_from([*NAMES, "k", 'q"'] * 2) | TEXTS, ANY_VALUES)
TYPED = st.builds(
    lambda rest, kind: {**rest, "junjo.span_type": kind},
    ATTRIBUTES,
    st.sampled_from(["workflow", "subflow", "node", "run_concurrent"]),
)
MALFORMED = st.sampled_from(["", "{", "null", " null ", "[]", "[1]", '"x"', "7", '{"a"}', "text"])
TIMES = st.sampled_from(
    [
        str(T0),
        T0,
        str(2**64 - 1),
        2**64 - 1,
        0,
        str(2**64),
        "-1",
        "1.5",
        "soon",
        "",
        None,
        [1],
        True,
    ]
) | st.integers(0, 2**64 - 1)
EVENTS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from([junjo.SET_STATE, "set_state ", "SET_STATE", "other", 7])},
        optional={
            "timeUnixNano": TIMES,
            "attributes": st.dictionaries(
                st.sampled_from([junjo.PATCH, junjo.PATCH_STORE_ID, "id"]), ANY_VALUES
            )
            | MALFORMED.filter(lambda text: text != " null "),
            "other": ANY_VALUES,
        },
    )
    | OTHERS.filter(lambda value: value is not None),
    max_size=4,
)
LINKS = st.just([]) | st.just([{"traceId": "ab" * 16, "spanId": "cd" * 8, "attributes": {}}])


def texts(values: st.SearchStrategy[Any]) -> st.SearchStrategy[str | None]:
    return values.map(json.dumps) | values.map(json.dumps) | MALFORMED | st.none()


STORED = st.fixed_dictionaries(
    {
        "parent_span_id": st.none() | st.just("c" * 16),
        "span_kind": st.integers(0, 127),
        "status_code": st.integers(0, 127),
        "start_time_unix_nano": st.integers(-(2**60), 2**62),
        "end_time_unix_nano": st.integers(-(2**60), 2**62),
        "status_message": st.none() | TEXTS,
        "trace_state": st.none() | TEXTS,
        "flags": st.none() | st.integers(0, 2**32 - 1),
        "attributes": texts(ATTRIBUTES | TYPED),
        "events": texts(EVENTS),
        "links": texts(LINKS),
    }
)

_PAYLOAD = """
CREATE TABLE payload (number INTEGER, parent_span_id VARCHAR, span_kind TINYINT,
    status_code TINYINT, start_time_unix_nano BIGINT, end_time_unix_nano BIGINT,
    status_message VARCHAR, trace_state VARCHAR, flags UBIGINT, attributes VARCHAR,
    events VARCHAR, links VARCHAR);
CREATE TABLE stored AS FROM payload;
CREATE TEMP VIEW otel_spans AS
SELECT printf('%032x', number) AS trace_id, printf('%016x', number) AS span_id,
    'shop' AS service_name, 'GET /' AS name, span_kind AS kind,
    make_timestamptz(start_time_unix_nano // 1000) AS start_time,
    make_timestamptz(end_time_unix_nano // 1000) AS end_time,
    {columns}, * EXCLUDE (number, span_kind, attributes, events, links)
FROM stored AS payload;
CREATE TEMP VIEW otel_spans_with_set_state AS FROM otel_spans
"""


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """The views over an ``otel_spans`` that makes JSON columns out of text as the real one does."""
    columns = ", ".join(
        f"{payload_expression(PayloadColumn(name, (('', name),)), ())} AS {name}"
        for name in ("attributes", "events", "links")
    )
    opened = duckdb.connect(config={"threads": 1})
    opened.execute("SET TimeZone = 'UTC'")
    opened.execute(_PAYLOAD.format(columns=columns))
    for statement in junjo_views(("spans", "state_patches")):
        opened.execute(statement)
    yield opened
    opened.close()


def span_of(stored: dict[str, Any], number: int) -> Span:
    """As an answer of ``trace`` has it."""
    values = {name: canonical(name, value) for name, value in stored.items()}
    end = values.pop("end_time_unix_nano")
    return answered(
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        duration_ns=end - stored["start_time_unix_nano"],
        **values,
    )


def comparable(row: dict[str, Any]) -> dict[str, Any]:
    """Times as text, JSON columns as values."""
    shown = {}
    for name, value in row.items():
        if isinstance(value, datetime):
            shown[name] = f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
        elif name in (*JSON_COLUMNS, "patch_json") and isinstance(value, str):
            shown[name] = json.loads(value)
        else:
            shown[name] = value
    return shown


def mapped(span: Span) -> dict[str, Any]:
    """``junjo_span`` with the state and the graph, which are JSON text, as values too."""
    return {
        name: json.loads(value) if name in JSON_COLUMNS[3:] else value
        for name, value in junjo_span(span).items()
    }


def patched(span: Span) -> list[dict[str, Any]]:
    return [{**row, "patch_json": json.loads(row["patch_json"])} for row in state_patches(span)]


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    return [comparable(row) for row in connection.sql(sql).to_arrow_table().to_pylist()]


@examples(15)
@given(stored=st.lists(STORED, min_size=1, max_size=12))
def test_the_views_and_the_mapping_say_the_same_of_any_span(
    connection: duckdb.DuckDBPyConnection, stored: list[dict[str, Any]]
) -> None:
    """All 22 columns of every span, and all nine of every patch."""
    connection.execute("DELETE FROM stored")
    for number, one in enumerate(stored, 1):
        values = {"number": number, **one}
        names = ", ".join(values)
        marks = ", ".join(f"${name}" for name in values)
        connection.execute(f"INSERT INTO stored ({names}) VALUES ({marks})", values)
    canonicals = [span_of(one, number) for number, one in enumerate(stored, 1)]
    assert rows(connection, "FROM spans ORDER BY span_id") == [mapped(one) for one in canonicals]
    order = "ORDER BY span_id, event_time NULLS LAST, patch_id"
    expected = [row for one in canonicals for row in patched(one)]
    key = lambda row: (row["span_id"], row["event_time"] or "~", row["patch_id"])  # noqa: E731
    assert sorted(rows(connection, f"FROM state_patches {order}"), key=key) == sorted(
        expected, key=key
    )


@cache
def sdk_spans() -> list[dict[str, Any]]:
    """What the installed SDK makes of two workflows, one of which fails."""
    command = [sys.executable, "-m", "tests.support.junjo_app"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def file_of(sent: list[dict[str, Any]]) -> pa.Table:
    """The spans as the Junjo ingestion service writes them."""
    as_text = ("attributes", "events", "resource_attributes")
    columns = {
        "start_time": "start_time_unix_nano",
        "end_time": "end_time_unix_nano",
    }
    return pa.table(
        {
            field.name: pa.array(
                [
                    json.dumps(span[field.name])
                    if field.name in as_text
                    else span[columns.get(field.name, field.name)]
                    for span in sent
                ],
                field.type,
            )
            for field in SCHEMA_14
        },
        schema=SCHEMA_14,
    )


def asked(folder: Path, sql: str) -> list[dict[str, Any]]:
    """The rows of one session."""
    session = open_session(folder / "catalog.duckdb", memory_limit="256MiB", threads=1)
    try:
        return [comparable(row) for row in select(session, sql, Window(), [VIEWS])[0].to_pylist()]
    finally:
        session.close()


def test_the_views_and_the_mapping_say_the_same_of_the_sdks_spans(tmp_path: Path) -> None:
    """From the SDK through a file, the index, and an answer of ``trace``."""
    sent = sdk_spans()
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", file_of(sent))
        one.settle()
        traces = sorted({span["trace_id"] for span in sent})
        found = [span for trace in traces for span in one.answers().trace(trace).spans]
    assert len(found) == len(sent) == 6
    spans_sql = "FROM spans ORDER BY trace_id, start_time, span_id"
    assert sorted(asked(tmp_path, spans_sql), key=_ids) == sorted(map(mapped, found), key=_ids)
    patches = [row for span in found for row in patched(span)]
    assert sorted(asked(tmp_path, "FROM state_patches"), key=_patch_id) == sorted(
        patches, key=_patch_id
    )
    assert len(patches) == 4


WORDS = """
SELECT flow.name,
    list(node.name ORDER BY node.start_time) AS nodes,
    bool_and(node.junjo_parent_id = flow.junjo_id AND flow.junjo_id <> '') AS below,
    any_value((flow.attributes_json ->> 'junjo.executable_runtime_id') = flow.junjo_id) AS stays,
    bool_or(json_exists(flow.attributes_json, '/junjo.span_type')) AS left_behind,
    any_value(flow.junjo_wf_graph_structure -> 'nodes' -> 1 ->> 'nodeLabel') AS second,
    any_value(flow.junjo_wf_state_start ->> 'count') AS count_before,
    any_value(flow.junjo_wf_state_end ->> 'count') AS count_after,
    list(patch.patch_json -> 0 ->> 'op' ORDER BY patch.event_time) AS patches,
    bool_and(patch.node_id = node.junjo_id AND patch.workflow_id = '') AS of_the_node,
    bool_and(patch.patch_store_id = flow.junjo_wf_store_id) AS of_the_store
FROM spans AS node
JOIN spans AS flow ON (flow.trace_id, flow.span_id) = (node.trace_id, node.parent_span_id)
JOIN state_patches AS patch ON (patch.trace_id, patch.span_id) = (node.trace_id, node.span_id)
WHERE node.junjo_span_type = 'node' AND flow.junjo_span_type = 'workflow'
GROUP BY flow.name ORDER BY flow.name
"""


def test_the_sdks_words_stand_in_the_columns_that_its_users_know(tmp_path: Path) -> None:
    """Ids, states, graph and store; its newer names stay among the attributes."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", file_of(sdk_spans()))
        one.settle()
    expected = {
        "nodes": ["Collect", "Count"],
        "below": True,
        "stays": True,
        "left_behind": False,
        "second": "Count",
        "count_before": None,
        "count_after": "3",
        "patches": ["add", "replace"],
        "of_the_node": True,
        "of_the_store": True,
    }
    assert asked(tmp_path, WORDS) == [
        {"name": f"fails: {fails}", **expected} for fails in (False, True)
    ]


def test_a_span_is_one_row_and_every_patch_has_its_span(tmp_path: Path) -> None:
    """What the tables promised with keys: spans sent again change nothing, nor does reindexing."""
    first = _facts(tmp_path / "once", [sdk_spans()])
    again = _facts(tmp_path / "again", [sdk_spans(), sdk_spans()[::-1], sdk_spans()[2:4]])
    assert first == again
    spans_found, patches = again
    assert len({(row["trace_id"], row["span_id"]) for row in spans_found}) == len(spans_found) == 6
    assert len({row["patch_id"] for row in patches}) == len(patches) == 4
    assert {_ids(row) for row in patches} <= {_ids(row) for row in spans_found}


def _facts(folder: Path, sent: list[list[dict[str, Any]]]) -> tuple[list[dict[str, Any]], ...]:
    """Both views over files of what was sent, each sending a file."""
    folder.mkdir()
    with indexed(folder) as one:
        for number, some in enumerate(sent):
            write(one.root / f"{number}.parquet", file_of(some))
        one.settle()
    return (
        sorted(asked(folder, "FROM spans"), key=_ids),
        sorted(asked(folder, "FROM state_patches"), key=_patch_id),
    )


def _ids(row: dict[str, Any]) -> tuple[str, str]:
    return row["trace_id"], row["span_id"]


def _patch_id(row: dict[str, Any]) -> str:
    return str(row["patch_id"])
