"""Every way this program refuses, as facts with a next step.

    IndexerError
    ├── TransientError              the same input may work later
    │   ├── FileUnreadable          permissions, I/O error
    │   ├── FileVanished            gone between listing and reading
    │   ├── FileChanged             written to while it was read
    │   ├── StorageUnavailable      the root, or a folder below it, cannot be listed
    │   ├── HotUnavailable          the ingestion service does not answer
    │   ├── WalBusy                 the log takes no more now; the sender tries again
    │   ├── BodiesBusy              requests in hand hold all the memory that they may
    │   ├── RefusedFull             no room for requests that cannot be rows
    │   ├── FlushUnfinished         the last flush failed; the next start does it
    │   ├── CatalogBusy             another process holds the database file
    │   ├── QueriesBusy             as many questions as can wait are waiting
    │   ├── QueryTimedOut           the answer took longer than it may
    │   ├── QueryCancelled          nobody waits for the answer any more
    │   ├── SnapshotEvicted         a query kept more rows of live tables than it may
    │   ├── AnswerOutOfMemory       DuckDB has no memory left for the answer
    │   ├── CatalogUnavailable      the open catalog cannot be read at the moment
    │   ├── CatalogDeleted          its files are gone under the running worker
    │   ├── CatalogWriteFailed      a commit did not happen (disk full, memory)
    │   └── TaskDied                a part of the process that it cannot do without
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
        ├── BodyTooLarge            a body has more bytes than it may
        ├── BodyUnreadable          a body is not in the coding that it names
        ├── CodingUnknown           a content coding that is not accepted
        ├── InvalidOtlp             an export request is refused
        │   └── OtlpTooLarge        it has more parts than one request may have
        ├── NotOtlp                 a file holds something else
        ├── OtlpFileMissing         no file has the name, or fits the pattern
        ├── OtlpFileTooLarge        a remote or compressed file is larger than one may be
        ├── CatalogOwned            another indexer has the lock
        ├── CatalogUnreadable
        ├── CatalogTooNew
        ├── InvalidSettings
        ├── QueryRefused
        ├── InvalidId               text that cannot be the ID it should be
        ├── QueryTooLarge           the answer would cost more than one may
        ├── OperatorsOnly           an action that is for the Unix socket alone
        └── Unauthorized            a request without the token

Foreign exceptions are mapped to these once, at the edge where they enter.
"""

from collections.abc import Sequence
from typing import ClassVar, Self


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

    hint = "Give the worker read permission, or repair the volume; it is retried by itself."


class FileVanished(TransientError):
    """The file was listed and is gone."""

    hint = "Nothing to do: the next sweep settles it."


class FileChanged(TransientError):
    """The file was written to while it was read."""

    hint = "Nothing to do: it is read again once it stays the same."


class HotUnavailable(TransientError):
    """The ingestion service does not answer, or answers what cannot be used."""

    hint = "Check INGESTION_GRPC_HOST and INGESTION_GRPC_PORT, and that the service runs."


class WalBusy(TransientError):
    """The write-ahead log takes no more at the moment: it is full, or its disk is slow."""

    hint = "Senders try again by themselves; see whether flushing keeps up and the disk has room."


class BodiesBusy(TransientError):
    """Requests in hand hold as many bytes as all of them together may."""

    hint = "Senders try again by themselves; raise INGESTION_BODIES_BYTES_MAX if it stays so."


class RefusedFull(TransientError):
    """The folder of acknowledged requests that cannot be rows has no room for another one."""

    hint = "Look at the files and move them elsewhere; until then the log keeps what comes."


class FlushUnfinished(TransientError):
    """The ingestion stopped and its last flush failed. The log has what is in no file."""

    hint = "Make room, or repair the span storage; the next start writes what is in the log."


class StorageUnavailable(TransientError):
    """The storage root, or a folder below it, cannot be listed."""

    hint = "Check the mount and its permissions; nothing below it is removed from the index."


class CatalogBusy(TransientError):
    """Another process has the database file open."""

    hint = "Close the program that has it open; snapshots (`python -m indexer sql`) never block."


class QueriesBusy(TransientError):
    """As many questions as can be answered and wait are already here."""

    hint = "Ask again in a moment, or ask for less at a time."


class QueryTimedOut(TransientError):
    """The answer took longer than it may."""

    hint = "Ask for less at a time: a smaller limit, or a window of time."


class QueryCancelled(TransientError):
    """Nobody waits for the answer any more."""

    hint = "Ask again."


class SnapshotEvicted(TransientError):
    """Rows that a query was to see have left the live tables, and it may not keep so many."""

    hint = "Ask for less at a time, or attach with a larger pinned_bytes_max."


class AnswerOutOfMemory(TransientError):
    """The database has no memory left for this answer beside the others and its writer."""

    hint = "Ask for less at a time, or raise INDEXER_MEMORY_LIMIT."


class CatalogUnavailable(TransientError):
    """The open catalog, or the folder that it spills into, cannot be read or written."""

    hint = "Free disk space and see to the volume of the catalog; the worker opens it again."


class CatalogDeleted(TransientError):
    """Somebody has deleted the catalog's files under the running worker."""

    hint = "Start the worker again: it builds the catalog anew from the files."


class CatalogWriteFailed(TransientError):
    """A transaction was rolled back by the database."""

    hint = "Free disk space or raise INDEXER_MEMORY_LIMIT; the worker resumes by itself."


class TaskDied(TransientError):
    """A part of the process died that it cannot do without, so all of it was stopped."""

    hint = "Start it again, and report the traceback that the log has above this line."


class FileError(PermanentError):
    """One data file is refused. It is quarantined until its bytes change."""


class FooterUnreadable(FileError):
    """No readable Parquet footer: empty, truncated, or not Parquet at all."""

    hint = "Write the file again, or delete it; it is read again as soon as it changes."


class NotSpans(FileError):
    """A readable Parquet file of no known span dialect."""

    hint = "Move it out of the span storage, or add its dialect as a TOML file."


class FormatNotRead(FileError):
    """A file of a known format that this version does not index."""

    hint = "Send the spans over OTLP instead."


class SchemaMismatch(FileError):
    """A required column has a type that no dialect reads, or times in another unit than it says."""

    hint = "Fix the writer's column type and write the file again."


class InvalidIds(FileError):
    """No row of the file has a trace ID and a span ID."""

    hint = "Write OpenTelemetry's IDs, 32 and 16 hex digits; the readme lists other spellings."


class FileEncrypted(FileError):
    """The footer, or a column that is needed, is encrypted, and this program holds no keys."""

    hint = "Write it without encryption, or with encrypted attributes, events and links alone."

    @classmethod
    def of_columns(cls, names: Sequence[str], path: str) -> Self:
        """The columns are encrypted."""
        return cls(f"encrypted columns: {', '.join(names)}", path=path)


class EncodingUnsupported(FileError):
    """A sound file whose encoding or compression cannot be decoded here."""

    hint = "Write the file with another encoding or compression, such as PLAIN and zstd."


class CorruptPage(FileError):
    """A page fails its checksum or does not decode."""

    hint = "Restore the file from its writer or a backup; the bytes on disk are damaged."


class FileTooLarge(FileError):
    """More rows than one file may have."""

    hint = "Raise INDEXER_FILE_ROWS_MAX if the machine has the memory (about 250 bytes a row)."


class FileFault(FileError):
    """The file meets a fault of this program."""

    hint = "Report it with the traceback in the log; the file is tried again once it changes."


class FileEndsProcess(FileError):
    """The process that reads the file dies of it: it died twice with this file in hand."""

    hint = "Report it with the file, and write the file with another writer; it is read on change."


class NotRegularFile(FileError):
    """A FIFO, a socket or a device under the name of a data file; it is never opened."""

    hint = "Remove it or rename it: only regular files hold spans."


class PathTooLong(FileError):
    """The path of the file is longer than the operating system takes."""

    hint = "Move the file to a shorter path; most systems take 4,095 bytes."


class PathNotUtf8(FileError):
    """The path is not valid UTF-8, so no table can name it."""

    hint = "Rename the file."


class CatalogOwned(PermanentError):
    """Another indexer process owns the catalog."""

    hint = "Stop that process first, or use another JUNJO_DUCKDB_PATH."
    exit_code = 2


class CatalogUnreadable(PermanentError):
    """The catalog file is not one that this program can open."""

    hint = (
        "`python -m indexer --reindex` rebuilds it from the files; move the damaged one away first."
    )
    exit_code = 2


class CatalogTooNew(PermanentError):
    """The catalog was written by a newer version."""

    hint = "Upgrade this installation, or rebuild with `python -m indexer --reindex`."
    exit_code = 2


class InvalidSettings(PermanentError):
    """A setting is out of range or unknown."""

    hint = "Correct or unset the variable; docs/reference/settings.md lists them all."
    exit_code = 2


class QueryRefused(PermanentError):
    """A question that has no answer as it stands."""

    hint = "Send a single SELECT; the catalog is read-only here."
    exit_code = 2


class InvalidId(PermanentError):
    """Text that cannot be the trace ID or span ID that it should be."""

    hint = "Expected 32 hex digits for a trace ID, 16 for a span ID, not all zero."
    exit_code = 2


class QueryTooLarge(PermanentError):
    """The estimate of what the answer costs is beyond what one answer may cost."""

    hint = "Ask for less at a time: a smaller limit, or a window of time."
    exit_code = 2


class OperatorsOnly(PermanentError):
    """An action that changes the worker's state, asked for over TCP."""

    hint = "Ask over the Unix socket beside the catalog, as the user who runs the worker."


class Unauthorized(PermanentError):
    """A request without the token that INDEXER_HTTP_TOKEN asks for."""

    hint = "Send it as `Authorization: Bearer TOKEN`."


class BodyTooLarge(PermanentError):
    """The body of a request has more bytes than it may, as sent or inflated."""

    hint = "Send smaller batches, or raise INGESTION_BODY_BYTES_MAX."


class BodyUnreadable(PermanentError):
    """The body of a request is not in the content coding that it names."""

    hint = "See the compression setting of the sender's exporter."


class CodingUnknown(PermanentError):
    """A content coding that is not accepted."""

    hint = "Send gzip, deflate, zstd, or none."


class InvalidOtlp(PermanentError):
    """An export request that does not decode, or is too large."""

    hint = "The sender is at fault: see its SDK's version and its exporter's settings."


class OtlpTooLarge(InvalidOtlp):
    """An export request with more messages, or longer repeated text, than one may have."""

    hint = "Send smaller batches, or fewer and shorter attributes."


class NotOtlp(PermanentError):
    """A file that is to be read as OTLP holds something else."""

    hint = "OTLP files are JSON or protobuf, plain or compressed with gzip or zstd."


class OtlpFileMissing(PermanentError):
    """No file has the name, or none fits the pattern."""

    hint = "Check the path; a relative one begins where the program was started."


class OtlpFileTooLarge(PermanentError):
    """A remote file, or the content of a compressed one, is larger than it may be."""

    hint = "Raise max_file_bytes for a remote file; inflate a compressed one first."
