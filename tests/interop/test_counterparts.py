"""Senders that nobody here wrote: telemetrygen and an OpenTelemetry Collector, into ``up``.

``make test-interop`` builds both from the Go module proxy and runs this; without them there is
nothing to run. Everything that they count as sent is asked for, hot and out of the files.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import REPOSITORY, Site, free_ports, wait_until
from tests.support.up import Ports, flush, prepare, start_up

pytestmark = [pytest.mark.duckdb, pytest.mark.process]

TOOLS = REPOSITORY / ".venv-interop"
GENERATOR = TOOLS / "bin" / "telemetrygen"
COLLECTOR = TOOLS / "otelcol" / "otelcol"
TRACES, CHILDREN, WORKERS = 40, 3, 2

EXPORTERS = {
    "grpc": {"otlp": {"compression": "gzip"}},
    "http": {"otlphttp": {"compression": "gzip", "encoding": "proto"}},
    "json": {"otlphttp": {"compression": "none", "encoding": "json"}},
}


@pytest.fixture
def ports(site: Site) -> Ports:
    ports = prepare(site)
    start_up(site)
    return ports


def generate(*arguments: str) -> None:
    """Traces of four spans each, in batches; raises when telemetrygen says that one failed."""
    done = subprocess.run(
        [
            GENERATOR,
            "traces",
            "--otlp-insecure",
            "--rate=0",
            f"--traces={TRACES}",
            f"--workers={WORKERS}",
            f"--child-spans={CHILDREN}",
            "--span-links=2",
            "--status-code=Error",
            "--service=generated",
            '--telemetry-attributes=word="tschüß"',
            "--telemetry-attributes=number=9007199254740993",
            "--telemetry-attributes=yes=true",
            *arguments,
        ],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )  # fmt: skip - one option after the other
    assert done.returncode == 0, done.stderr


def check(site: Site, ports: Ports) -> None:
    """All that was sent is there: first hot, then cold, the same both times."""
    total = TRACES * WORKERS * (CHILDREN + 1)
    wait_until(
        lambda: spans_of(site, "generated") == total,
        lambda: f"{total} hot spans; there are {spans_of(site, 'generated')}",
    )
    roots = site.get("/services/generated/roots", limit=1000).json["spans"]
    assert len(roots) == TRACES * WORKERS
    traces = {
        root["trace_id"]: site.get(f"/api/v1/traces/{root['trace_id']}").json for root in roots
    }
    assert all(trace["complete"] for trace in traces.values())
    flush(ports)
    wait_until(lambda: (site.status() or {}).get("spans") == total, lambda: f"{site.status()}")
    for trace_id, hot in traces.items():
        cold = site.get(f"/api/v1/traces/{trace_id}").json
        assert [plain(span) for span in cold["spans"]] == [plain(span) for span in hot["spans"]]
        check_trace(hot["spans"])


def spans_of(site: Site, service: str) -> int:
    found = {
        row["service_name"]: row["total_spans"] for row in site.get("/services").json["services"]
    }
    return found.get(service, 0)


def plain(span: dict[str, Any]) -> dict[str, Any]:
    """What does not tell where the span was found."""
    return {key: span[key] for key in span.keys() - {"file_path", "file_row_number"}}


def check_trace(spans: list[dict[str, Any]]) -> None:
    """The fields that telemetrygen was told to fill."""
    by_parent = Counter(span["parent_span_id"] for span in spans)
    (root,) = [span for span in spans if span["parent_span_id"] is None]
    assert by_parent == {None: 1, root["span_id"]: CHILDREN}
    assert sorted(span["span_kind"] for span in spans) == [2] * CHILDREN + [3]
    for span in spans:
        assert span["status_code"] == 2
        assert span["attributes"]["word"] == "tschüß"
        assert span["attributes"]["number"] == 9007199254740993
        assert span["attributes"]["yes"] is True
        assert span["resource_attributes"]["service.name"] == "generated"
        assert span["scope_name"] == "telemetrygen"
        assert span["end_time_unix_nano"] > span["start_time_unix_nano"]


def test_telemetrygen_over_grpc(site: Site, ports: Ports) -> None:
    generate(f"--otlp-endpoint=127.0.0.1:{ports.grpc}")
    check(site, ports)


def test_telemetrygen_over_http(site: Site, ports: Ports) -> None:
    generate("--otlp-http", f"--otlp-endpoint=127.0.0.1:{ports.http}")
    check(site, ports)


@pytest.fixture
def collector(site: Site, ports: Ports) -> Iterator[Callable[[str], int]]:
    """Starts a Collector that sends on to ``up``; the port that it receives on."""

    def start(exporter: str) -> int:
        (port,) = free_ports(1)
        config = site.folder / f"{exporter}.json"
        config.write_text(json.dumps(configuration(exporter, port, ports)))
        running = site.start_command([str(COLLECTOR), f"--config={config}"])
        wait_until(lambda: "Everything is ready" in running.err, lambda: running.err)
        return port

    return start


def configuration(exporter: str, port: int, ports: Ports) -> dict[str, Any]:
    """A Collector's configuration; YAML takes JSON."""
    ((kind, options),) = EXPORTERS[exporter].items()
    endpoint = f"127.0.0.1:{ports.grpc}" if kind == "otlp" else f"http://127.0.0.1:{ports.http}"
    return {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"127.0.0.1:{port}"}}}},
        "processors": {"batch": {"timeout": "100ms"}},
        "exporters": {kind: {"endpoint": endpoint, "tls": {"insecure": True}, **options}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {
                "traces": {"receivers": ["otlp"], "processors": ["batch"], "exporters": [kind]}
            },
        },
    }


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_a_collector_sends_on(
    site: Site, ports: Ports, collector: Callable[[str], int], exporter: str
) -> None:
    """By gRPC with gzip, by HTTP with gzip, and by HTTP as JSON."""
    generate(f"--otlp-endpoint=127.0.0.1:{collector(exporter)}")
    check(site, ports)


def test_the_tools_are_the_ones_that_were_built() -> None:
    """A missing tool is a failure here, never a test that is left out."""
    assert [path.name for path in (GENERATOR, COLLECTOR) if Path(path).exists()] == [
        "telemetrygen",
        "otelcol",
    ]
