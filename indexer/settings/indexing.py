"""What the worker indexes, from where, and how much of it at a time."""

from typing import Literal, get_args

from indexer.catalog.limits import OPERATIONS_MAX
from indexer.read.limits import FILE_ROWS_MAX
from indexer.settings.kinds import (
    FILE_MODE,
    KEYS,
    PATH,
    SWITCH,
    byte_size,
    choice,
    seconds,
    whole_number,
)
from indexer.settings.setting import Setting, SettingsPart

PROMOTED_KEYS = (
    "junjo.span_type",
    "openinference.span.kind",
    "langfuse.observation.type",
    "langsmith.span.kind",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.system",
    "error.type",
)
"""What listings of agents and of failures filter on, unless told otherwise.

``gen_ai.system`` is what ``gen_ai.provider.name`` was called before semantic conventions 1.37.
"""
LogFormat = Literal["auto", "text", "json", "rich"]
LogLevel = Literal["debug", "info", "warning", "error"]


class IndexingSettings(SettingsPart):
    """Files, catalog, transactions, and how this program logs."""

    storage_path = Setting(
        "JUNJO_SPAN_STORAGE_PATH",
        ".dbdata/spans",
        PATH,
        "The folder whose Parquet files are indexed. Only ever read.",
    )
    catalog_path = Setting(
        "JUNJO_DUCKDB_PATH",
        ".dbdata/duckdb/index.duckdb",
        PATH,
        "Where the catalog is found: a link to its current generation.",
    )
    poll_interval_s = Setting(
        "INDEXER_POLL_INTERVAL",
        30,
        seconds(5, 3600),
        "Seconds between sweeps, which find what file events missed.",
    )
    batch_files = Setting(
        "INDEXER_BATCH_SIZE",
        1000,
        whole_number(1, 10_000),
        "Files registered in one transaction at most.",
    )
    batch_spans = Setting(
        "INDEXER_BATCH_SPANS",
        400_000,
        whole_number(1, 20_000_000),
        "Spans after which a transaction takes no further file (250 bytes of memory each).",
    )
    settle_s = Setting(
        "INDEXER_SETTLE_SECONDS",
        10,
        seconds(0.1, 3600),
        "Seconds a file without a footer must stay the same to count as damaged.",
    )
    reader_threads = Setting(
        "INDEXER_READER_THREADS",
        2,
        whole_number(1, 64),
        "Threads that read Parquet while the writer commits.",
    )
    threads = Setting(
        "INDEXER_THREADS",
        2,
        whole_number(1, 256),
        "Threads that DuckDB may use.",
    )
    memory_limit = Setting(
        "INDEXER_MEMORY_LIMIT",
        "1GiB",
        byte_size("64MiB"),
        "Memory that DuckDB may use, 64MiB or more; above it DuckDB spills to disk.",
    )
    file_rows_max = Setting(
        "INDEXER_FILE_ROWS_MAX",
        FILE_ROWS_MAX,
        whole_number(1, 2**31 - 1),
        "Rows of one file at most (about 250 bytes of memory each).",
    )
    operations_max = Setting(
        "INDEXER_OPERATIONS_MAX",
        OPERATIONS_MAX,
        whole_number(1, 1_000_000),
        "Distinct operations listed per file; spans of further ones are only counted.",
    )
    promoted_attributes = Setting(
        "INDEXER_PROMOTED_ATTRIBUTES",
        ",".join(PROMOTED_KEYS),
        KEYS,
        "Span attributes that the index holds for listings, up to 31, comma-separated; files "
        "indexed before a change are caught up in the background.",
    )
    shared_file_mode = Setting(
        "INDEXER_SHARED_FILE_MODE",
        "0640",
        FILE_MODE,
        "Mode of span files and published snapshots, octal, 0600 to 0664; their folders can be "
        "entered by whoever may read them. Log, catalog and socket are 0600.",
    )
    watch = Setting(
        "INDEXER_WATCH",
        True,
        SWITCH,
        "Use file events; without them only sweeps find files.",
    )
    log_format: Setting[LogFormat] = Setting(
        "INDEXER_LOG_FORMAT",
        "auto",
        choice(get_args(LogFormat)),
        "auto: rich on a terminal, otherwise text.",
    )
    log_level: Setting[LogLevel] = Setting(
        "INDEXER_LOG_LEVEL",
        "info",
        choice(get_args(LogLevel)),
        "The lowest level that is logged.",
    )
    attributes_memory_limit = Setting(
        "INDEXER_ATTRIBUTES_MEMORY_LIMIT",
        "256MiB",
        byte_size("64MiB"),
        "Memory that DuckDB may use to read attributes from files, in addition to "
        "INDEXER_MEMORY_LIMIT; above it DuckDB spills to disk.",
    )
