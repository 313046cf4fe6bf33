"""Live tables: OTLP as it arrives, in a DuckDB connection, in memory that does not grow.

    receiver -> exports -> ring <- snapshots <- functions <- views in DuckDB

ring        The newest rows of one kind, bounded by rows and by bytes; the oldest leave first. A
            row is a span, a log record or a data point, never a request.
snapshots   Which rows a query sees: those of its first look, until its end. A snapshot is a tuple
            of segments that do not change, taken under the lock of the writers without copying a
            row.
exports     Requests become pieces of a ring as the bytes that were sent. Rows are made of them
            when a query first reads a segment, and kept while there is room.
functions   DuckDB has no table functions in Python: views ask scalar functions for a segment at a
            time, as ``indexer.otlp.sql`` does.
catalog     A live schema is an attached database in memory. So every cursor sees it, nothing of it
            is written to a file, and DETACH or the end of the connection end all of it.

How a query is known. A view reads one row of an Arrow stream that has no end, behind a LIMIT.
DuckDB releases such a stream when the query that opened it is over, also when it failed or nobody
fetched the rest; so the stream is the query's lease on its snapshot. Which query it is, two
streams of one query find by ``current_connection_id`` and ``current_query_id``. DuckDB 1.5 may
release a stream only when its worker thread gets other work; what is kept until then is within the
limit of pinned bytes.

This room is a library over any DuckDB connection. It knows no index.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

    from indexer.live.attachment import Attachment


def attach(
    connection: "duckdb.DuckDBPyConnection", url: str, *, alias: str = "live", **options: Any
) -> "Attachment":
    """Receive OTLP at ``otlp://host:port`` into live tables; see ``attachment.attach``."""
    from indexer.live import attachment  # noqa: PLC0415 - rings are used without a receiver

    return attachment.attach(connection, url, alias=alias, **options)


def detach(connection: "duckdb.DuckDBPyConnection", alias: str = "live") -> None:
    """Stop receiving and drop the tables; see ``attachment.detach``."""
    from indexer.live import attachment  # noqa: PLC0415 - as above

    attachment.detach(connection, alias)
