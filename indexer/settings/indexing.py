"""What the worker indexes, from where, and how much of it at a time."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from indexer.catalog.limits import OPERATIONS_MAX
from indexer.read.limits import FILE_ROWS_MAX
from indexer.settings.part import SettingsPart
from indexer.settings.values import (
    Seconds,
    SomePath,
    any_case,
    byte_size,
    file_mode,
    key_list,
)

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

    storage_path: SomePath = Field(
        Path(".dbdata/spans"),
        validation_alias="JUNJO_SPAN_STORAGE_PATH",
        description="The folder whose Parquet files are indexed. Only ever read.",
    )
    catalog_path: SomePath = Field(
        Path(".dbdata/duckdb/index.duckdb"),
        validation_alias="JUNJO_DUCKDB_PATH",
        description="Where the catalog is found: a link to its current generation.",
    )
    poll_interval_s: Seconds = Field(
        30,
        ge=5,
        le=3600,
        validation_alias="INDEXER_POLL_INTERVAL",
        description="Seconds between sweeps, which find what file events missed.",
    )
    batch_files: int = Field(
        1000,
        ge=1,
        le=10_000,
        validation_alias="INDEXER_BATCH_SIZE",
        description="Files registered in one transaction at most.",
    )
    batch_spans: int = Field(
        400_000,
        ge=1,
        le=20_000_000,
        validation_alias="INDEXER_BATCH_SPANS",
        description="Spans after which a transaction takes no further file (250 bytes of memory "
        "each).",
    )
    settle_s: Seconds = Field(
        10,
        ge=0.1,
        le=3600,
        validation_alias="INDEXER_SETTLE_SECONDS",
        description="Seconds a file without a footer must stay the same to count as damaged.",
    )
    reader_threads: int = Field(
        2,
        ge=1,
        le=64,
        validation_alias="INDEXER_READER_THREADS",
        description="Threads that read Parquet while the writer commits.",
    )
    threads: int = Field(
        2,
        ge=1,
        le=256,
        validation_alias="INDEXER_THREADS",
        description="Threads that DuckDB may use.",
    )
    memory_limit: Annotated[str, byte_size("64MiB")] = Field(
        "1GiB",
        validation_alias="INDEXER_MEMORY_LIMIT",
        description="Memory that DuckDB may use, 64MiB or more; above it DuckDB spills to disk.",
    )
    file_rows_max: int = Field(
        FILE_ROWS_MAX,
        ge=1,
        le=2**31 - 1,
        validation_alias="INDEXER_FILE_ROWS_MAX",
        description="Rows of one file at most (about 250 bytes of memory each).",
    )
    operations_max: int = Field(
        OPERATIONS_MAX,
        ge=1,
        le=1_000_000,
        validation_alias="INDEXER_OPERATIONS_MAX",
        description="Distinct operations listed per file; spans of further ones are only counted.",
    )
    promoted_attributes: Annotated[str, AfterValidator(key_list)] = Field(
        ",".join(PROMOTED_KEYS),
        validation_alias="INDEXER_PROMOTED_ATTRIBUTES",
        description="Span attributes that the index holds for listings, up to 31, "
        "comma-separated; files indexed before a change are caught up in the background.",
    )
    shared_file_mode: Annotated[str, AfterValidator(file_mode)] = Field(
        "0640",
        validation_alias="INDEXER_SHARED_FILE_MODE",
        description="Mode of span files and published snapshots, octal, 0600 to 0664; their "
        "folders can be entered by whoever may read them. Log, catalog and socket are 0600.",
    )
    watch: bool = Field(
        True,
        validation_alias="INDEXER_WATCH",
        description="Use file events; without them only sweeps find files.",
    )
    log_format: Annotated[LogFormat, any_case(LogFormat)] = Field(
        "auto",
        validation_alias="INDEXER_LOG_FORMAT",
        description="auto: rich on a terminal, otherwise text.",
    )
    log_level: Annotated[LogLevel, any_case(LogLevel)] = Field(
        "info", validation_alias="INDEXER_LOG_LEVEL", description="The lowest level that is logged."
    )
    attributes_memory_limit: Annotated[str, byte_size("64MiB")] = Field(
        "256MiB",
        validation_alias="INDEXER_ATTRIBUTES_MEMORY_LIMIT",
        description="Memory that DuckDB may use to read attributes from files, in addition to "
        "INDEXER_MEMORY_LIMIT; above it DuckDB spills to disk.",
    )
