"""What can be in memory at once, part by part, from the settings: the sum that a limit must hold.

Factors are measured; what no setting bounds is a constant that was measured too. Beside the sum
grow 12 bytes for each trace in each file (the trace directory, which `status` shows).
"""

from collections.abc import Iterator

from indexer.catalog.recent_files import BYTES_MAX as RECENT_BYTES_MAX
from indexer.clients.mastra.door import BODIES_BYTES_MAX
from indexer.deferred_dataclass import dataclass
from indexer.index.learnt_summaries import QUEUE_BYTES_MAX
from indexer.ingest.service import CALLS_MAX
from indexer.model import Limits
from indexer.query.cost import BYTES_PER_TEXT_BYTE
from indexer.query.tiers.payload_search import HELD_BYTES_MAX
from indexer.query.tiers.read_ahead import WAITING_BYTES
from indexer.receive.export import LARGE_AT_ONCE
from indexer.receive.http_app import SMALL_THREADS
from indexer.run import ingestion_limits
from indexer.settings import Settings
from indexer.settings.values import parse_bytes
from indexer.system.budget import SMALL_BYTES
from indexer.system.duckdb_connection import MEMORY_LIMIT
from indexer.wire.limits import CALL_BYTES_MAX, MESSAGE_BODY_BYTES

MIB = 1 << 20
INGESTION, WRITER, WORKER, UP = "ingestion", "writer", "worker", "up"
BASE_BYTES = {INGESTION: 200 * MIB, WRITER: 190 * MIB, WORKER: 220 * MIB, UP: 160 * MIB}
"""Of a process that has nothing to do: Python, its libraries, and what their allocators keep."""
GRPC_COPIES = 2
"""A message is in gRPC's buffers and in Python's at once."""
PORTION_BYTES = 48 * MIB
"""Spans of one request that are parsed at a time, at most."""
FLUSH_FACTOR = 10
"""A byte of requests while it is rows, columns and an encoded file."""
SPAN_BYTES = 250
"""A span's metadata between reader and catalog."""
FILE_FACTOR = 3
"""A compressed byte of a file in a reader's hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that holds memory."""

    process: str
    name: str
    settings: tuple[str, ...]
    """The variables that bound it; none where it is a constant."""
    size_bytes: int


def parts(settings: Settings) -> list[Part]:
    """Every part of every process, at its largest."""
    found = [*_ingestion(settings), *_writer(settings), *_worker(settings)]
    base = [
        Part(process=process, name="the program itself", settings=(), size_bytes=size)
        for process, size in BASE_BYTES.items()
    ]
    return sorted([*base, *found], key=lambda part: list(BASE_BYTES).index(part.process))


def total_bytes(settings: Settings) -> dict[str, int]:
    """The sum of each process."""
    totals = dict.fromkeys(BASE_BYTES, 0)
    for part in parts(settings):
        totals[part.process] += part.size_bytes
    return totals


def _ingestion(settings: Settings) -> Iterator[Part]:
    grpc = ingestion_limits.otlp_grpc_limits(settings)
    yield Part(
        process=INGESTION,
        name="bodies over HTTP, as sent and inflated",
        settings=("INGESTION_BODIES_BYTES_MAX",),
        size_bytes=ingestion_limits.http_bodies_bytes_max(settings),
    )
    yield Part(
        process=INGESTION,
        name="a body that is being joined from its parts",
        settings=("INGESTION_BODY_BYTES_MAX",),
        size_bytes=settings.bytes_of("body_bytes_max"),
    )
    yield Part(
        process=INGESTION,
        name="messages over gRPC",
        settings=("INGESTION_GRPC_THREADS", "INGESTION_BODY_BYTES_MAX"),
        size_bytes=GRPC_COPIES * grpc.message_bytes_in_hand,
    )
    yield Part(
        process=INGESTION,
        name="spans that are being parsed",
        settings=(),
        size_bytes=LARGE_AT_ONCE * PORTION_BYTES + SMALL_THREADS * SMALL_BYTES,
    )
    yield Part(
        process=INGESTION,
        name="exports that wait for their commit",
        settings=("INGESTION_QUEUE_BYTES_MAX",),
        size_bytes=settings.bytes_of("queue_bytes_max"),
    )
    yield Part(
        process=INGESTION,
        name="calls of the internal port and what they read",
        settings=(),
        size_bytes=CALLS_MAX * (CALL_BYTES_MAX + GRPC_COPIES * MESSAGE_BODY_BYTES),
    )


def _writer(settings: Settings) -> Iterator[Part]:
    yield Part(
        process=WRITER,
        name="a file that is being written",
        settings=("FLUSH_MAX_BYTES", "INGESTION_BODY_BYTES_MAX"),
        size_bytes=FLUSH_FACTOR * max(settings.flush_bytes, settings.bytes_of("body_bytes_max")),
    )


def _worker(settings: Settings) -> Iterator[Part]:
    def sized(name: str, field: str, factor: int = 1) -> Part:
        variable = Settings.fields[field].variable
        size = factor * settings.bytes_of(field)
        return Part(process=WORKER, name=name, settings=(variable,), size_bytes=size)

    yield sized("DuckDB: the catalog and answers from it", "memory_limit")
    yield sized("DuckDB: attributes of new files", "attributes_memory_limit")
    yield Part(
        process=WORKER,
        name="DuckDB: attributes of spans that are not in the index yet",
        settings=(),
        size_bytes=parse_bytes(MEMORY_LIMIT),
    )
    stores = 1 if settings.mastra_path else 0
    yield sized("DuckDB: the Mastra store, if there is one", "mastra_memory_limit", stores)
    yield Part(
        process=WORKER,
        name="batches of Mastra applications, if there is a store",
        settings=(),
        size_bytes=stores * BODIES_BYTES_MAX,
    )
    yield sized("answers that are being made", "answers_bytes_max", BYTES_PER_TEXT_BYTE)
    yield sized("hot spans", "hot_bytes_max")
    yield sized("encoded spans for the next refresh", "span_cache_bytes")
    yield sized("rows of files that are asked again and again", "row_cache_bytes")
    yield Part(
        process=WORKER,
        name="rows of files that came last",
        settings=(),
        size_bytes=RECENT_BYTES_MAX,
    )
    yield sized("where pages lie in files", "page_cache_bytes")
    yield sized("what searches have learnt of files", "search_cache_bytes")
    yield Part(
        process=WORKER,
        name="what searches have learnt and the catalog does not have yet",
        settings=(),
        size_bytes=QUEUE_BYTES_MAX,
    )
    yield Part(
        process=WORKER,
        name="payload that searches look through",
        settings=("INDEXER_QUESTIONS",),
        size_bytes=settings.questions * (HELD_BYTES_MAX + WAITING_BYTES),
    )
    limits = Limits()
    yield Part(
        process=WORKER,
        name="files that are being read and registered",
        settings=("INDEXER_BATCH_SPANS", "INDEXER_READER_THREADS"),
        size_bytes=SPAN_BYTES * settings.batch_spans
        + FILE_FACTOR * limits.group_bytes * settings.reader_threads,
    )
