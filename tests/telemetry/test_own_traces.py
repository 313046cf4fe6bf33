"""When the service sends its own traces, where to, and what it says when it cannot."""

import logging
import sys

import pytest
from opentelemetry import trace

from indexer.errors import InvalidSettings
from indexer.telemetry import own_traces as module
from indexer.telemetry.own_traces import own_traces

RECEIVER = "127.0.0.1:4318"


@pytest.fixture(autouse=True)
def nothing_asked(monkeypatch, caplog):
    """No variable of the caller's shell, and no provider that outlives the test."""
    for name in (module.EXPORTER, module.ENDPOINT, module.TRACES_ENDPOINT, module.PROTOCOL):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(trace, "set_tracer_provider", lambda _: None)
    caplog.set_level(logging.DEBUG, logger="indexer")
    opentelemetry = logging.getLogger("opentelemetry")
    monkeypatch.setattr(opentelemetry, "handlers", [])
    monkeypatch.setattr(opentelemetry, "propagate", False)


def events(caplog):
    return [record.event for record in caplog.records if hasattr(record, "event")]


def test_an_endpoint_alone_sends_nothing(monkeypatch):
    """It is what the programs of a machine share; this one is asked by its exporter."""
    monkeypatch.setenv(module.ENDPOINT, "http://127.0.0.1:4318")
    assert own_traces(RECEIVER).provider is None
    monkeypatch.setenv(module.EXPORTER, "none")
    assert own_traces(RECEIVER).provider is None


def test_a_disabled_sdk_sends_nothing(monkeypatch):
    monkeypatch.setenv(module.EXPORTER, "otlp")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert own_traces(RECEIVER).provider is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (module.EXPORTER, "zipkin"),
        (module.PROTOCOL, "grpc"),
        (module.ENDPOINT, "localhost:4318"),
        (module.TRACES_ENDPOINT, "file:///tmp"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(module.EXPORTER, "otlp")
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match="OTEL_"):
        own_traces(RECEIVER)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setenv(module.EXPORTER, "otlp")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(InvalidSettings, match="OTEL_TRACES_EXPORTER") as refused:
        own_traces(RECEIVER)
    assert "extra `telemetry`" in refused.value.advice


@pytest.mark.parametrize(
    ("endpoint", "to_itself"),
    [
        ("http://127.0.0.1:4318", True),
        ("http://localhost:4318/", True),
        ("http://127.0.0.1:4319", False),
        ("http://collector.internal:4318", False),
    ],
)
def test_sending_to_itself_is_said(monkeypatch, caplog, endpoint, to_itself):
    monkeypatch.setenv(module.EXPORTER, "otlp")
    monkeypatch.setenv(module.ENDPOINT, endpoint)
    own_traces(RECEIVER).close()
    assert ("traces.to_itself" in events(caplog)) is to_itself
    assert "traces.started" in events(caplog)


def test_a_collector_that_is_away_is_told_once_a_minute(monkeypatch, caplog):
    monkeypatch.setenv(module.EXPORTER, "otlp")
    monkeypatch.setenv(module.ENDPOINT, "http://127.0.0.1:1")
    own_traces(RECEIVER).close()
    for _ in range(5):
        logging.getLogger("opentelemetry.exporter").error("connection refused")
    assert events(caplog).count("traces.failed") == 1
