"""The same spans as files of each writer: what it costs to index them, and to show a trace of them.

Junjo's files are the measure: their columns are flat, and attributes are JSON text. Each side takes
its turn in this process, and processor time is compared.
"""

import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.model import ParquetFileInfo
from indexer.read.dialect_document import dialects
from indexer.read.dialect_fields import Dialect
from indexer.read.metadata import batch, read_file
from indexer.read.payload import read_payload
from indexer.read.promoted import AttributeReader
from indexer.read.span_payload import span_payload
from indexer.settings.indexing import PROMOTED_KEYS
from indexer.system.storage import LocalStorage
from tests.benchmark.plan import Plan, scratch
from tests.benchmark.report import Line
from tests.support.dialect_files import LAYOUTS, OtelSpan
from tests.support.export_files import EXPORTS
from tests.support.tempo_blocks import Row, attrs, resource, trace, write_block
from tests.support.tempo_blocks import span as block_span
from tests.support.variants import variant_column

TRACE_SPANS = 100
MEASURE = "junjo-14"
_START = 1_795_000_000_000_000_000
_SECOND = 1_000_000_000


def measure(plan: Plan) -> list[Line]:
    """Two lines a dialect: spans a second into the index, and milliseconds for a trace."""
    with scratch("dialects") as folder:
        found = _written(folder, _spans(plan.dialect_spans))
        storage, reader = LocalStorage(folder), AttributeReader()
        known = {one.name: one for one in dialects()}
        try:
            costs: dict[str, tuple[list[float], list[float]]]
            costs = {name: ([], []) for name in found}
            for _ in range(plan.rounds + 1):
                for name, info in found.items():
                    costs[name][0].append(_seconds(partial(_index, storage, reader, info)))
                    costs[name][1].append(_seconds(partial(_show, storage, info, known[name])))
        finally:
            reader.close()
        middle = {
            name: (statistics.median(index[1:]), statistics.median(shown[1:]))
            for name, (index, shown) in costs.items()
        }
        sizes = {name: info.size_bytes for name, info in found.items()}
    return [
        line
        for name in found
        if name != MEASURE
        for line in _lines(name, middle[name], middle[MEASURE], plan.dialect_spans, sizes[name])
    ]


def _lines(
    name: str, ours: tuple[float, float], junjo: tuple[float, float], spans: int, size: int
) -> list[Line]:
    details = {"spans": spans, "bytes": size}
    return [
        Line(
            name=f"index a file of {name}, attributes too",
            measured=spans / ours[0],
            unit="spans/s",
            compared=spans / junjo[0],
            compared_with=MEASURE,
            ratio=junjo[0] / ours[0],
            details=details,
        ),
        Line(
            name=f"show a trace of {TRACE_SPANS} spans of {name}",
            measured=1000 * ours[1],
            unit="ms",
            compared=1000 * junjo[1],
            compared_with=MEASURE,
            ratio=junjo[1] / ours[1],
            details=details,
        ),
    ]


def _spans(count: int) -> list[OtelSpan]:
    return [
        OtelSpan(
            trace_id=f"{number // TRACE_SPANS + 1:032x}",
            span_id=f"{number + 1:016x}",
            parent_span_id=f"{number:016x}" if number % TRACE_SPANS else None,
            service=f"service {number % 7}",
            name=f"operation {number % 50}",
            start=_START + number * 1_000_000,
            duration=number % 1_000 * 1_000_000,
            kind=number % 6,
            status=number % 3,
            message=None,
            attributes={f"attribute.{at}": f"value {number * at}" for at in range(10)},
            resource={"service.name": f"service {number % 7}", "host.name": "host"},
            events=(),
            links=(),
        )
        for number in range(count)
    ]


def _written(folder: Path, spans: list[OtelSpan]) -> dict[str, ParquetFileInfo]:
    """A file of each dialect, by the name of the dialect."""
    storage = LocalStorage(folder)
    paths: dict[str, str] = {}
    for dialect, _, layout in (*LAYOUTS.values(), *EXPORTS.values()):
        if dialect not in paths:
            paths[dialect] = f"{dialect}.parquet"
            pq.write_table(_as_written(dialect, layout(spans), spans), folder / paths[dialect])
    paths["tempo"] = "tempo/data.parquet"
    write_block(folder / "tempo", [_block_trace(held) for _, held in groupby(spans, _trace_of)])
    found = {name: storage.stat(path) for name, path in paths.items()}
    return {name: entry.info for name, entry in found.items() if entry is not None}


def _trace_of(span: OtelSpan) -> str:
    return span.trace_id


def _as_written(dialect: str, table: pa.Table, spans: list[OtelSpan]) -> pa.Table:
    """Databricks has a VARIANT where the layout has a map."""
    if dialect != "databricks":
        return table
    at = table.column_names.index("attributes")
    return table.set_column(at, "attributes", variant_column([one.attributes for one in spans]))


def _block_trace(held: Iterable[OtelSpan]) -> Row:
    spans = sorted(held, key=lambda one: one.service)
    resources = [
        resource([[_block_span(one) for one in group]], service)
        for service, group in groupby(spans, lambda one: one.service)
    ]
    return trace(int(spans[0].trace_id, 16), resources)


def _block_span(one: OtelSpan) -> Row:
    return block_span(
        int(one.span_id, 16),
        ParentSpanID=bytes.fromhex(one.parent_span_id or ""),
        Name=one.name,
        Kind=one.kind,
        StartTimeUnixNano=one.start,
        DurationNano=one.duration,
        StatusCode=one.status,
        Attrs=attrs(one.attributes),
    )


def _index(storage: LocalStorage, reader: AttributeReader, info: ParquetFileInfo) -> None:
    batch([read_file(storage, info)])
    reader.read(storage, [info], PROMOTED_KEYS)


def _show(storage: LocalStorage, info: ParquetFileInfo, dialect: Dialect) -> None:
    """Neighbours in the file, as most writers have the spans of a trace."""
    for stored in read_payload(storage, info, dialect, range(TRACE_SPANS)):
        span_payload(stored)


def _seconds(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
