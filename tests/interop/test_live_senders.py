"""SDKs of other languages into live tables: what each sends is a row of every signal."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing

import duckdb
import pytest

from indexer import live
from indexer.live.attachment import Attachment
from tests.support.processes import REPOSITORY

TOOLS = REPOSITORY / ".venv-interop"
SIGNALS = ("traces", "logs", "metrics")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(duckdb.connect()) as made:
        yield made


@pytest.fixture
def attached(connection: duckdb.DuckDBPyConnection) -> Iterator[Attachment]:
    with live.attach(connection, "otlp://127.0.0.1:0") as made:
        yield made


def send(*command: object) -> None:
    """Run a sender, which fails when it is refused."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stderr


def check(connection: duckdb.DuckDBPyConnection, language: str) -> None:
    """One span, one log record and one data point, each with what it said."""

    def ask(sql: str) -> list[tuple[object, ...]]:
        return connection.execute(sql).fetchall()

    spans = "SELECT data->>'name', data->'attributes'->>'items' FROM live.traces"
    assert ask(spans) == [(f"from {language}", "3")]
    logs = "SELECT body, severity_number FROM live.otlp_logs"
    assert ask(logs) == [(f"from {language}", 9)]
    points = "SELECT name, coalesce(int_value, double_value) FROM live.otlp_metrics_sum"
    assert ask(points) == [("sent", 7)]


def test_the_sdk_of_node_over_http_in_json(
    connection: duckdb.DuckDBPyConnection, attached: Attachment
) -> None:
    send("node", TOOLS / "node" / "send.mjs", f"http://{attached.addresses['http']}")
    check(connection, "node")


def test_the_sdk_of_java_over_grpc(
    connection: duckdb.DuckDBPyConnection, attached: Attachment
) -> None:
    source = REPOSITORY / "tests" / "interop" / "java" / "Send.java"
    send("java", "-cp", f"{TOOLS / 'java'}/*", source, f"http://{attached.addresses['grpc']}")
    check(connection, "java")


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_the_sdk_of_go_in_telemetrygen(
    connection: duckdb.DuckDBPyConnection, attached: Attachment, protocol: str
) -> None:
    options = ["--otlp-http"] if protocol == "http" else []
    endpoint = f"--otlp-endpoint={attached.addresses[protocol]}"
    for signal in SIGNALS:
        amount = f"--{signal}=5"
        generator = TOOLS / "bin" / "telemetrygen"
        send(generator, signal, "--otlp-insecure", "--rate=0", amount, endpoint, *options)
    counts = {
        signal: connection.execute(f"SELECT count(*) FROM live.{signal}").fetchone()
        for signal in SIGNALS
    }
    assert counts == {"traces": (10,), "logs": (5,), "metrics": (5,)}
