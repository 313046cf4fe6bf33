"""The operations of the benchmark on fuju-trace-duckdb, as JSON on stdout.

    python fuju_operations.py PACKAGES WORK DATABASE

It keeps events: a span is created by a start event and updated by an end event. It can delete
nothing, and what is nearest to a list of traces is its list of spans.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from importlib import import_module
from statistics import median
from typing import Any

START, END = 1, 2
NANOSECONDS = 1_000_000_000


def main(packages: str, work: str, database: str) -> int:
    """Do the work in a new database."""
    sys.path.insert(0, packages)
    connect = import_module("fuju_trace").connect

    with open(work) as lines, connect(duckdb_path=database, tenant_id=1, initialize=True) as store:
        facts = json.loads(next(lines))
        creating = updating = 0.0
        for line in lines:
            batch = json.loads(line)
            started = [_start(span) for span in batch["created"]]
            creating += _seconds(partial(store.ingest, started))
            ended = [_end(one) for one in batch["changed"]]
            updating += _seconds(partial(store.ingest, ended))
        figures = {
            "create": facts["spans"] / creating,
            "update": facts["spans"] / updating,
            "list": _asked(facts, lambda _: store.list_spans(limit=10)),
            "filtered": _asked(
                facts,
                lambda _: store.list_spans(
                    filters={"agent_name": "Agent 1", "attrs": {"plan": "gold"}}, limit=10
                ),
            ),
            "trace": _asked(facts, store.trace),
        }
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def _start(span: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_event(span, START, span["startedAt"]),
        "parent_span_id": span["parentSpanId"],
        "span_name": span["name"],
        "agent_name": span.get("entityName"),
        "model": span["attributes"]["model"],
        "input_text": json.dumps(span["input"]),
        "attrs": span.get("metadata", {}),
    }


def _end(update: Mapping[str, Any]) -> dict[str, Any]:
    values = update["updates"]
    return {
        **_event(update, END, values["endedAt"]),
        "status": 1 if values["error"] else 0,
        "output_text": json.dumps(values["output"]),
    }


def _event(span: Mapping[str, Any], kind: int, moment: str) -> dict[str, Any]:
    return {
        "trace_id": span["traceId"],
        "span_id": span["spanId"],
        "ext_span_id": span["traceId"] + span["spanId"],
        "event_type": kind,
        "seq": kind,
        "ts": int(datetime.fromisoformat(moment).timestamp() * NANOSECONDS),
    }


def _seconds(call: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    call()
    return time.perf_counter() - began_s


def _asked(facts: Mapping[str, Any], call: Callable[[str], object]) -> float:
    """The median in milliseconds, after one call that is not counted."""
    first, *others = facts["asked"]
    call(first)
    return 1e3 * median(_seconds(partial(call, one)) for one in others)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
