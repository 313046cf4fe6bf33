"""A file of one span, as the ingestion writes it, to try a machine with."""

from pathlib import Path

from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.ingest.parquet import write_span_file
from indexer.otlp.spans import span_table_of

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
_SPAN_ID = "b7ad6b7169203331"
_BEGIN_UNIX_NANO = 1_700_000_000_000_000_000


def write_sample(folder: Path) -> Path:
    """Write the file below the folder, which is made. Raises OSError."""
    span = Span(
        trace_id=bytes.fromhex(TRACE_ID),
        span_id=bytes.fromhex(_SPAN_ID),
        name="sample",
        start_time_unix_nano=_BEGIN_UNIX_NANO,
        end_time_unix_nano=_BEGIN_UNIX_NANO + 1_000_000,
    )
    table = span_table_of([(span.SerializeToString(), Resource().SerializeToString())])
    folder.mkdir(parents=True)
    target = folder / "sample.parquet"
    write_span_file(table, target)
    return target
