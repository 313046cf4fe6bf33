"""Spans of this program's own work; they cost nothing until somebody sends them somewhere.

Whoever does has loaded OpenTelemetry: ``own_traces``, or the program that this is a library of.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def registering(*, files: int, spans: int, removed: int) -> Iterator[None]:
    """One transaction of files, with the attributes of OpenTelemetry's database conventions.

    An exception ends it with the status ERROR and ``error.type``.
    """
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        yield
        return
    attributes: dict[str, str | int] = {
        "db.system.name": "duckdb",
        "db.operation.name": "register",
        "db.operation.batch.size": files,
        "span_indexer.spans": spans,
        "span_indexer.files_removed": removed,
    }
    tracer = trace.get_tracer("span_indexer")
    with tracer.start_as_current_span("register duckdb", attributes=attributes) as span:
        try:
            yield
        except Exception as error:
            span.set_attribute("error.type", type(error).__qualname__)
            raise
