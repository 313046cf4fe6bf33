"""What the help of each command adds to its options: the settings that matter to it, an example."""

from collections.abc import Iterable

from indexer.deferred_dataclass import dataclass

CATALOG = ("JUNJO_DUCKDB_PATH", "JUNJO_SPAN_STORAGE_PATH")
_RECEIVING = (
    "INGESTION_OTLP_GRPC_LISTEN",
    "INGESTION_OTLP_HTTP_LISTEN",
    "INGESTION_API_KEY",
    "INGESTION_WAL_PATH",
    "FLUSH_MAX_AGE",
)
_ANSWERING = ("INDEXER_HTTP_LISTEN", "INDEXER_HTTP_TOKEN", "INDEXER_POLL_INTERVAL")


@dataclass(frozen=True, slots=True)
class Topic:
    """Of one command; ``examples`` are lines of a shell."""

    settings: tuple[str, ...]
    examples: tuple[str, ...]


_TRACE = "aa5d535caf2a06c3a9a92e0abb95e49a"
TOPICS = {
    "": Topic((*CATALOG, *_ANSWERING), ("python -m indexer --once",)),
    "up": Topic((*CATALOG, *_RECEIVING, *_ANSWERING), ("python -m indexer up",)),
    "ingest": Topic(
        ("SPAN_STORAGE_PATH", *_RECEIVING), ("SPAN_STORAGE_PATH=/data python -m indexer ingest",)
    ),
    "poll": Topic(
        ("INGESTION_GRPC_HOST", "INGESTION_GRPC_PORT", "INGESTION_POLLER_STATE_PATH"),
        ("INGESTION_GRPC_HOST=ingestion python -m indexer poll",),
    ),
    "convert": Topic(
        ("INDEXER_SHARED_FILE_MODE",), ("python -m indexer convert traces.jsonl --to .dbdata",)
    ),
    "import": Topic(
        ("INGESTION_OTLP_HTTP_LISTEN", "INGESTION_API_KEY"),
        ("python -m indexer import traces.jsonl --to http://127.0.0.1:4318",),
    ),
    "trace": Topic(CATALOG, (f"python -m indexer trace {_TRACE}",)),
    "traces": Topic(CATALOG, ("python -m indexer traces --service shop --limit 10",)),
    "services": Topic(CATALOG, ("python -m indexer services",)),
    "flush": Topic(
        ("INGESTION_GRPC_HOST", "INGESTION_GRPC_PORT", "JUNJO_INTERNAL_GRPC_TOKEN"),
        ("python -m indexer flush",),
    ),
    "files": Topic(CATALOG, ("python -m indexer files --limit 10",)),
    "quarantine": Topic(CATALOG, ("python -m indexer quarantine --json",)),
    "spans": Topic(
        (*CATALOG, "INDEXER_PROMOTED_ATTRIBUTES"),
        ("python -m indexer spans openinference.span.kind=LLM --service shop",),
    ),
    "search": Topic(CATALOG, ("python -m indexer search --status error --since 1h",)),
    "tail": Topic(CATALOG, ("python -m indexer tail --service shop --status error",)),
    "export": Topic(CATALOG, ("python -m indexer export --service shop --output spans.jsonl",)),
    "sql": Topic(
        (*CATALOG, "INDEXER_MEMORY_LIMIT", "INDEXER_THREADS"),
        ('python -m indexer sql "SELECT * FROM services" --format csv',),
    ),
    "status": Topic(CATALOG, ("python -m indexer status --check",)),
    "dialect": Topic(("JUNJO_SPAN_STORAGE_PATH",), ("python -m indexer dialect spans.parquet",)),
    "mastra-backup": Topic(
        ("INDEXER_MASTRA_PATH", "JUNJO_DUCKDB_PATH"),
        ("python -m indexer mastra-backup copy.duckdb",),
    ),
    "audit": Topic(CATALOG, ("python -m indexer audit --fast",)),
    "doctor": Topic((*CATALOG, *_RECEIVING), ("python -m indexer doctor",)),
    "settings": Topic((), ("python -m indexer settings --config span-indexer.toml",)),
}


def settings_table(names: Iterable[str]) -> str:
    """A line a setting, with its default; then where all of them are."""
    from indexer.settings import Settings  # noqa: PLC0415 - only help needs them here

    defaults = {one.variable: one.default_text for one in Settings.fields.values()}
    lines = [f"  {name:<30} default: {defaults[name] or 'empty'}\n" for name in names]
    return "".join(lines) + "  all of them, with their values: python -m indexer settings\n"
