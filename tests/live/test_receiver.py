"""Senders and queries at once, as long as they like: nothing grows, and nothing is lost unseen."""

import gc
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.live.rings import live, spans

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def test_senders_and_queries_at_once_never_see_a_count_step_back(soak):
    """Nothing is evicted from a ring that has room for all, so no count may be less than before."""
    sent, asked = (10_000, 1_000) if soak else (300, 20)
    with live(rows=sent) as found:
        errors = []

        def send():
            try:
                for number in range(sent):
                    found.send(spans(number))
            except Exception as error:
                errors.append(error)

        def ask():
            cursor, last = found.connection.cursor(), 0
            try:
                for _ in range(asked):
                    sql = "SELECT count(*), count(DISTINCT span_id) FROM live.otlp_traces"
                    ((count, different),) = cursor.execute(sql).fetchall()
                    assert last <= count == different
                    last = count
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=send), *(threading.Thread(target=ask) for _ in "ab")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert found.names() == list(range(sent))


def test_memory_comes_to_rest_once_a_ring_is_full(soak):
    """Ten times as many rows as the ring has: of the last samples the second half is no larger.

    It may be smaller: what tests before have left is given back when the allocator likes.
    """
    rows, batch = (100_000, 1_000) if soak else (2_000, 500)
    samples = []
    request = spans(0, batch)
    with live(rows=rows) as found:
        for _ in range(20):
            for _ in range(rows // 2 // batch):
                found.send(request)
            if soak:
                found.ask("SELECT count(*) FROM live.otlp_traces")
            gc.collect()
            samples.append(_resident_bytes())
        stats = found.stats()
    assert (stats["rows"], stats["inserted_rows"]) == (rows, 10 * rows)
    assert max(samples[-5:]) <= 1.05 * max(samples[-10:-5])


def _resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.process
def test_an_interpreter_ends_though_nobody_has_detached():
    """With connections that are still open, and one that is forgotten at the end."""
    script = f"""
import threading, duckdb, grpc, indexer
from indexer import live
bare = duckdb.connect()
attached = live.attach(bare, "otlp://127.0.0.1:0")
library = indexer.connect()
library.execute("ATTACH 'otlp://127.0.0.1:0' AS live (TYPE otlp)")
channel = grpc.insecure_channel(str(attached.addresses["grpc"]))
channel.unary_unary("{EXPORT}")(b"", timeout=100)
forgotten = duckdb.connect()
live.attach(forgotten, "otlp://127.0.0.1:0")
forgotten.execute("SELECT count(*) FROM live.traces").fetchall()
del forgotten
print("over", flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "over\n")
    assert "Traceback" not in done.stderr
