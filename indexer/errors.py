"""Every way this program refuses, as facts with a next step.

    IndexerError
    ├── TransientError              the same input may work later
    │   ├── FileUnreadable          permissions, I/O error
    │   ├── FileVanished            gone between listing and reading
    │   ├── FileChanged             written to while it was read
    │   ├── StorageUnavailable      the root, or a folder below it, cannot be listed
    │   ├── HotUnavailable          the ingestion service does not answer
    │   ├── WalBusy                 the log accepts nothing now; the sender retries
    │   ├── BodiesBusy              requests in progress hold all the memory allowed
    │   ├── RefusedFull             no room for requests that cannot become rows
    │   ├── FlushUnfinished         the last flush failed; the next start retries it
    │   ├── CatalogBusy             another process holds the database file
    │   ├── QueriesBusy             as many queries as may run or wait are here
    │   ├── QueryTimedOut           the answer took longer than allowed
    │   ├── QueryCancelled          nobody is waiting for the answer any more
    │   ├── SnapshotEvicted         a query needs more evicted rows of live tables than it may keep
    │   ├── AnswerOutOfMemory       DuckDB has no memory left for the answer
    │   ├── CatalogUnavailable      the open catalog cannot be read at the moment
    │   ├── CatalogDeleted          its files are gone under the running worker
    │   ├── CatalogWriteFailed      a commit did not happen (disk full, memory)
    │   └── TaskDied                an essential part of the process
    └── PermanentError              the same input never will
        ├── FileError               one data file is refused; it is quarantined
        │   ├── FooterUnreadable
        │   ├── NotSpans
        │   ├── FormatNotRead
        │   ├── SchemaMismatch
        │   ├── InvalidIds
        │   ├── FileEncrypted
        │   ├── EncodingUnsupported
        │   ├── CorruptPage
        │   ├── FileTooLarge
        │   ├── FileFault
        │   ├── FileEndsProcess         the decoder ends the process on it
        │   ├── NotRegularFile      a FIFO, a socket, a device
        │   ├── PathTooLong
        │   └── PathNotUtf8
        ├── BodyTooLarge            a body is too large
        ├── BodyUnreadable          a body does not decode with its Content-Encoding
        ├── CodingUnknown           a Content-Encoding that is not supported
        ├── InvalidOtlp             an export request is refused
        │   └── OtlpTooLarge        it has more parts than one request may
        ├── NotOtlp                 a file holds something else
        ├── OtlpFileMissing         no file has the name, or matches the pattern
        ├── OtlpFileTooLarge        a remote or compressed file is too large
        ├── CatalogOwned            another indexer has the lock
        ├── CatalogUnreadable
        ├── CatalogTooNew
        ├── InvalidSettings
        ├── QueryRefused
        ├── InvalidId               text that is not a valid ID
        ├── InvalidMastraCall       arguments that the Mastra store cannot take
        ├── QueryTooLarge           the answer would cost more than one answer may
        ├── OperatorsOnly           an action that is for the Unix socket alone
        └── Unauthorized            a request without the token

Foreign exceptions are mapped to these once, at the edge where they enter.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Self


class IndexerError(Exception):
    """Base of all. ``hint`` tells the operator the next step; ``path`` names the file, if any."""

    hint: ClassVar[str] = ""
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, path: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.advice = hint if hint is not None else self.hint

    @property
    def error_type(self) -> str:
        """The class name: what ``quarantined_files.error_type`` and the logs show."""
        return type(self).__name__


class TransientError(IndexerError):
    """The same input may work later, so it is retried with backoff."""


class PermanentError(IndexerError):
    """The same input never will, so it is not retried until it changes."""


class FileUnreadable(TransientError):
    """The operating system refused to read the file."""

    hint = (
        "Give the worker read permission, or repair the volume; the file is retried automatically."
    )


class FileVanished(TransientError):
    """The file was listed and is gone."""

    hint = "Nothing to do: the next sweep removes it from the index."


class FileChanged(TransientError):
    """The file was written to while it was read."""

    hint = "Nothing to do: it is read again once it stays the same."


class HotUnavailable(TransientError):
    """The ingestion service does not answer, or its answer cannot be used."""

    hint = "Check INGESTION_GRPC_HOST and INGESTION_GRPC_PORT, and that the service is running."


class WalBusy(TransientError):
    """The write-ahead log accepts nothing at the moment: it is full, or its disk is slow."""

    hint = "Senders retry automatically; check that flushing keeps up and that the disk has space."


class BodiesBusy(TransientError):
    """Requests in progress already hold as many bytes as allowed."""

    hint = "Senders retry automatically; raise INGESTION_BODIES_BYTES_MAX if this persists."


class RefusedFull(TransientError):
    """The folder of acknowledged requests that cannot become rows is full."""

    hint = "Inspect the files and move them elsewhere; until then the log keeps new requests."


class FlushUnfinished(TransientError):
    """The ingestion stopped and its last flush failed; the log keeps what is in no file."""

    hint = "Free disk space, or repair the span storage; the next start writes what is in the log."


class StorageUnavailable(TransientError):
    """The storage root, or a folder below it, cannot be listed."""

    hint = "Mount it, make it readable, or set JUNJO_SPAN_STORAGE_PATH; nothing leaves the index."


class CatalogBusy(TransientError):
    """Another process has the database file open."""

    hint = "Close the program that has it open; `python -m indexer sql` reads a copy."


class QueriesBusy(TransientError):
    """As many queries as may run or wait are already here."""

    hint = "Ask again in a moment, or ask for less at a time."


class QueryTimedOut(TransientError):
    """The answer took longer than allowed."""

    hint = "Ask for less at a time: a smaller limit, or a shorter time range."


class QueryCancelled(TransientError):
    """Nobody is waiting for the answer any more."""

    hint = "Ask again."


class SnapshotEvicted(TransientError):
    """The live tables evicted more rows that a query still needs than it may keep."""

    hint = "Ask for less at a time, or attach with a larger pinned_bytes_max."


class AnswerOutOfMemory(TransientError):
    """DuckDB has no memory left for this answer."""

    hint = "Ask for less at a time, or raise INDEXER_MEMORY_LIMIT."


class CatalogUnavailable(TransientError):
    """The open catalog, or the folder that it spills into, cannot be read or written."""

    hint = "Free disk space, or repair the catalog's volume; the worker reopens it by itself."


class CatalogDeleted(TransientError):
    """Somebody has deleted the catalog's files under the running worker."""

    hint = "Restart the worker: it rebuilds the catalog from the files."


class CatalogWriteFailed(TransientError):
    """A transaction was rolled back by the database."""

    hint = "Free disk space or raise INDEXER_MEMORY_LIMIT; the worker resumes by itself."


class TaskDied(TransientError):
    """An essential part of the process died, so the whole process was stopped."""

    hint = "Restart it, and report the traceback above this line in the log."


class FileError(PermanentError):
    """One data file is refused. It is quarantined until its bytes change."""


class FooterUnreadable(FileError):
    """No readable Parquet footer: empty, truncated, or not Parquet at all."""

    hint = "Write the file again, or delete it; it is read again as soon as it changes."


class NotSpans(FileError):
    """A readable Parquet file of no known span dialect."""

    hint = "Move it out of the span storage, or describe its dialect in schemas/parquet."


class FormatNotRead(FileError):
    """A file of a known format that this version does not index."""

    hint = "Send the spans over OTLP instead."


class SchemaMismatch(FileError):
    """A required column has a type that no dialect reads, or times of another unit."""

    hint = "Fix the writer's column type and write the file again."


class InvalidIds(FileError):
    """No row of the file has both a valid trace ID and a valid span ID."""

    hint = "Write OpenTelemetry's IDs, 32 and 16 hex digits; the readme lists other spellings."


class FileEncrypted(FileError):
    """The footer, or a column that is needed, is encrypted, and this program holds no keys."""

    hint = "Write it without encryption, or with encrypted attributes, events and links alone."

    @classmethod
    def of_columns(cls, names: Sequence[str], path: str) -> Self:
        """The columns are encrypted."""
        return cls(f"encrypted columns: {', '.join(names)}", path=path)


class EncodingUnsupported(FileError):
    """An undamaged file whose encoding or compression is not supported."""

    hint = "Write the file with another encoding or compression, such as PLAIN and zstd."


class CorruptPage(FileError):
    """A page fails its checksum or cannot be decoded."""

    hint = "Restore the file from its writer or a backup; the bytes on disk are damaged."


class FileTooLarge(FileError):
    """More rows than one file may have."""

    hint = "Raise INDEXER_FILE_ROWS_MAX if the machine has the memory (about 250 bytes a row)."


class FileFault(FileError):
    """Reading the file hits a bug in this program."""

    hint = "Report it with the traceback in the log; the file is retried once it changes."


class FileEndsProcess(FileError):
    """The process that reads the file crashes: it did so twice with this file."""

    hint = "Report it with the file, and write the file with another writer; it is read on change."


class NotRegularFile(FileError):
    """A FIFO, a socket or a device with the name of a data file; it is never opened."""

    hint = "Remove it or rename it: only regular files hold spans."


class PathTooLong(FileError):
    """The path of the file is longer than the operating system allows."""

    hint = "Move the file to a shorter path; most systems allow 4,095 bytes."


class PathNotUtf8(FileError):
    """The path is not valid UTF-8, so no table can name it."""

    hint = "Rename the file."


class CatalogOwned(PermanentError):
    """Another indexer process owns the catalog."""

    hint = "Stop that process first, or use another JUNJO_DUCKDB_PATH."
    exit_code = 2


class CatalogUnreadable(PermanentError):
    """The catalog cannot be opened: it is damaged, or it is another program's file."""

    hint = "Move it away, then rebuild it from the files with `python -m indexer --reindex`."
    exit_code = 2


class CatalogTooNew(PermanentError):
    """The catalog was written by a newer version."""

    hint = "Upgrade this installation, or rebuild with `python -m indexer --reindex`."
    exit_code = 2


class InvalidSettings(PermanentError):
    """A setting is invalid or unknown."""

    hint = "Correct or unset the variable; `python -m indexer settings` shows all of them."
    exit_code = 2


class QueryRefused(PermanentError):
    """A query that cannot be answered as it stands."""

    hint = "Send a single SELECT; the catalog is read-only here."
    exit_code = 2


class InvalidId(PermanentError):
    """Text that is not a valid trace ID or span ID."""

    hint = "Expected 32 hex digits for a trace ID, 16 for a span ID, not all zero."
    exit_code = 2


class InvalidMastraCall(PermanentError):
    """Arguments that the Mastra store cannot take, or a store that is not open."""

    hint = "Correct the arguments; the message names the first that is invalid."

    issues: Sequence[Any] = ()  # all that is wrong with a query, by indexer.mastra.query_issues

    def __init__(self, message: str, *, error_id: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.error_id = error_id
        """Mastra's own ID of the error, or one formed like those of its stores."""


class QueryTooLarge(PermanentError):
    """The answer would cost more than one answer may."""

    hint = "Ask for less at a time: a smaller limit, or a shorter time range."
    exit_code = 2


class OperatorsOnly(PermanentError):
    """An action that changes the worker's state, requested over TCP."""

    hint = "Use the Unix socket beside the catalog, as the user who runs the worker."


class Unauthorized(PermanentError):
    """A request without the token that INDEXER_HTTP_TOKEN requires."""

    hint = "Send it as `Authorization: Bearer TOKEN`."


class BodyTooLarge(PermanentError):
    """The body of a request is too large, as sent or decompressed."""

    hint = "Send smaller batches, or raise INGESTION_BODY_BYTES_MAX."


class BodyUnreadable(PermanentError):
    """The body of a request does not decode with its Content-Encoding."""

    hint = "Check the compression setting of the sender's exporter."


class CodingUnknown(PermanentError):
    """A Content-Encoding that is not supported."""

    hint = "Send gzip, deflate, zstd, or none."


class InvalidOtlp(PermanentError):
    """An export request that cannot be decoded, or is too large."""

    hint = "The sender is at fault: check its SDK version and its exporter's settings."


class OtlpTooLarge(InvalidOtlp):
    """An export request with more parts, or longer repeated attributes, than allowed."""

    hint = "Send smaller batches, or fewer and shorter attributes."


class NotOtlp(PermanentError):
    """A file that should hold OTLP holds something else."""

    hint = "OTLP files are JSON or protobuf, plain or compressed with gzip or zstd."


class OtlpFileMissing(PermanentError):
    """No file has this name, or none matches the pattern."""

    hint = "Check the path; a relative one starts at the current directory of the program."


class OtlpFileTooLarge(PermanentError):
    """A remote file, or the content of a compressed one, is too large."""

    hint = "Raise max_file_bytes for a remote file; decompress a compressed one first."
