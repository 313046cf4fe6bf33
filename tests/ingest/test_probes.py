"""An ingestion says whether it lives, whether it can take spans, and what it has done."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from indexer.errors import InvalidOtlp
from indexer.ingest.flush import Flusher
from indexer.ingest.probes import IngestionState
from indexer.ingest.wal import Wal
from indexer.ingest.writer_process import WriterProcess
from indexer.receive.export import exporter
from indexer.telemetry import ingestion_metrics
from tests.hot.servers import body
from tests.support.span_files import spans


@pytest.fixture
def parts(tmp_path):
    """A log, its flusher, which is never started, and the state of both."""
    root = tmp_path / "spans"
    root.mkdir()
    process = WriterProcess()
    wal = Wal.open(tmp_path / "log" / "wal.sqlite", bytes_max=100_000)
    flusher = Flusher(wal, root, process)
    yield wal, flusher, IngestionState(wal, flusher, str(root))
    process.close()
    wal.close()


def measured(state):
    """Samples of /metrics by name and label."""
    families = text_string_to_metric_families(state.measured().decode())
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in families
        for sample in family.samples
    }


def test_what_comes_in_is_counted_and_what_waits_is_measured(parts):
    wal, flusher, state = parts
    before = measured(state)
    export = exporter(wal)
    export(body(*spans(3)), False)
    with pytest.raises(InvalidOtlp):
        export(b"\xff", False)
    after = measured(state)

    def grown(name):
        return after[name] - before.get(name, 0)

    assert grown("span_ingestion_requests_total accepted") == 1
    assert grown("span_ingestion_requests_total refused") == 1
    assert grown("span_ingestion_spans_accepted_total") == 3
    assert after["span_ingestion_log_spans"] == 3
    assert 0 < after["span_ingestion_log_bytes"] < after["span_ingestion_log_bytes_limit"]
    assert after["span_ingestion_oldest_unflushed_seconds"] >= 0
    assert after["span_ingestion_ready"] == 1
    flusher.flush_all()
    flushed = measured(state)
    assert flushed["span_ingestion_flushes_total"] == after["span_ingestion_flushes_total"] + 1
    assert flushed["span_ingestion_files_unconfirmed"] == 1
    assert flushed["span_ingestion_log_spans"] == 0


def test_it_is_not_ready_where_files_cannot_be_written(parts, tmp_path):
    _, _, state = parts
    assert state.not_ready() == []
    (tmp_path / "spans").rename(tmp_path / "elsewhere")
    (reason,) = state.not_ready()
    assert "cannot be written" in reason
    assert measured(state)["span_ingestion_ready"] == 0


def test_it_is_not_ready_while_flushing_fails(parts, monkeypatch):
    _, flusher, state = parts
    monkeypatch.setattr(flusher, "_failures", 3)
    assert state.not_ready() == ["the last 3 flushes failed"]


def test_every_metric_has_a_name_of_the_ingestion_and_says_what_it_is():
    families = [one.describe()[0] for one in ingestion_metrics.DECLARED]
    assert all(
        one.name.startswith("span_ingestion_") and one.documentation[-1] == "." for one in families
    )
