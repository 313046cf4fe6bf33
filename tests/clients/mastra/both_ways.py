"""Spans that came over OTLP and were published, and Mastra's routes over them."""

import json
from contextlib import contextmanager
from functools import partial

from indexer.clients.mastra.door import MastraDoor
from indexer.clients.mastra.routes import mastra
from indexer.mastra.sync_store import SyncDuckDBStore
from indexer.system.budget import ByteBudget
from tests.mastra.samples import START, span
from tests.support.catalogs import indexed
from tests.support.served import serving
from tests.support.span_files import Span, write

T0 = int(START.timestamp()) * 10**9
SECOND = 10**9


def sent(trace, number, parent=None, at=0, kind="agent_run", status=1, **attributes):
    """As the exporter sends it: traces 1 and 2 over OTLP alone, 3 both ways."""
    more = {"mastra.span.type": kind, "gen_ai.operation.name": "x", **attributes}
    return Span(
        trace=trace,
        span=number,
        parent=parent,
        kind=1,
        name=f"sent {number}",
        start=T0 + at * SECOND,
        duration=SECOND,
        status=status,
        attributes=json.dumps(more),
    )


SENT = [
    sent(1, 1, at=1, **{"mastra.metadata.userId": "u1", "mastra.tags": '["a"]'}),
    sent(1, 2, 1, at=2, kind="tool_call", status=2),
    sent(2, 1, at=4, kind="workflow_run"),
    sent(3, 1, at=3),
    sent(3, 2, 1, at=3),
    Span(trace=4, span=1, start=T0, attributes='{"gen_ai.operation.name":"x"}'),
]


def trace_id(number):
    return f"{number:032x}"


@contextmanager
def serving_both(folder, keys, published=()):
    """A client of the routes, over ``SENT`` with promoted keys, and over what was published."""
    store = SyncDuckDBStore(threads=1)
    store.init()
    store.observability.batch_create_spans(
        [
            span(trace_id(3), f"{1:016x}", name="published", start=3),
            span(trace_id(5), f"{1:016x}", name="published too", start=2),
            *published,
        ]
    )
    with indexed(folder, keys=keys) as one:
        write(one.root / "a.parquet", SENT)
        one.settle()
        door = MastraDoor(store=store, bodies=ByteBudget(1 << 20), answers=one.answers)
        with serving(routers=[partial(mastra, door=door)]) as served:
            yield served
    store.close()
