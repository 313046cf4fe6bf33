"""Every setting, from the environment: one model, described, bounded, checked at the door."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from indexer.errors import InvalidSettings
from indexer.ingest.flush import FLUSH_AGE_S, FLUSH_BYTES, FLUSH_ROWS
from indexer.read.metadata import FILE_ROWS_MAX
from indexer.register.files import OPERATIONS_MAX
from indexer.register.promoted import KEYS_MAX, PROMOTED_KEYS
from indexer.system.budget import SMALL_SHARE
from indexer.system.permissions import FileModes
from indexer.system.tokens import check_token

_PREFIX = "INDEXER_"
KEY_CHARS_MAX = 256
"""Far longer than any key of the semantic conventions."""
POLLED_SPANS_MAX = 10_000
"""What ingestion services answer at most."""
_BYTE_UNITS = {"B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}


def _byte_size(least: str, most: str = "1024TiB") -> AfterValidator:
    """Text like ``512MiB`` within bounds, as ``536870912B``."""

    def check(text: str) -> str:
        size = _bytes(text)
        if not _bytes(least) <= size <= _bytes(most):
            raise ValueError(f"expected {least} to {most}")
        return f"{size}B"

    return AfterValidator(check)


def _bytes(text: str) -> int:
    number = text.rstrip("BbIiKkMmGgTt ")
    unit = text[len(number) :].strip().upper() or "B"
    try:
        return int(float(number) * _BYTE_UNITS[unit])
    except (ValueError, KeyError, OverflowError):
        raise ValueError("expected a size like 512MiB or 2GiB") from None


def _file_mode(text: str) -> str:
    if not (text and set(text) <= set("01234567")):
        raise ValueError("expected an octal mode such as 0640")
    FileModes.of(int(text, 8))
    return text


def _names(text: str) -> str:
    """Names separated by commas or spaces, in lower case."""
    return ",".join(text.lower().replace(",", " ").split())


def _origins(text: str) -> str:
    origins = _names(text)
    for origin in origins.split(",") if origins else ():
        parts = urlsplit(origin)
        bare = parts.scheme and parts.netloc and not (parts.path or parts.query or parts.fragment)
        if origin != "*" and not bare:
            raise ValueError(f"{origin!r} is not an origin like https://app.example.com, or *")
    return origins


def _keys(text: str) -> str:
    keys = [key.strip() for key in text.split(",") if key.strip()]
    if len(keys) > KEYS_MAX or len(set(keys)) < len(keys):
        raise ValueError(f"expected up to {KEYS_MAX} different keys, separated by commas")
    if any(len(key) > KEY_CHARS_MAX for key in keys):
        raise ValueError(f"expected keys of up to {KEY_CHARS_MAX} characters")
    return ",".join(keys)


class Settings(BaseSettings):
    """The names are those that Junjo's compose files use, and INDEXER_* for the rest."""

    model_config = SettingsConfigDict(case_sensitive=True, frozen=True, extra="ignore")

    storage_path: Path = Field(
        Path(".dbdata/spans"),
        validation_alias="JUNJO_SPAN_STORAGE_PATH",
        description="The folder whose Parquet files are indexed. Only ever read.",
    )
    catalog_path: Path = Field(
        Path(".dbdata/duckdb/index.duckdb"),
        validation_alias="JUNJO_DUCKDB_PATH",
        description="Where the catalog is found: a link to its current generation.",
    )
    poll_interval_s: float = Field(
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
        description="A transaction is closed once it has so many spans (250 bytes of memory each).",
    )
    settle_s: float = Field(
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
        description="Threads DuckDB may use.",
    )
    memory_limit: Annotated[str, _byte_size("64MiB")] = Field(
        "1GiB",
        validation_alias="INDEXER_MEMORY_LIMIT",
        description="Memory DuckDB may use, from 64MiB; it spills to disk beyond.",
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
        description="Distinct operations listed per file; spans of further ones are counted.",
    )
    promoted_attributes: Annotated[str, AfterValidator(_keys)] = Field(
        ",".join(PROMOTED_KEYS),
        validation_alias="INDEXER_PROMOTED_ATTRIBUTES",
        description="Span attributes that the index holds for listings, up to 31, "
        "comma-separated; a change is caught up in the background.",
    )
    shared_file_mode: Annotated[str, AfterValidator(_file_mode)] = Field(
        "0640",
        validation_alias="INDEXER_SHARED_FILE_MODE",
        description="Mode of span files and published snapshots, octal, 0600 to 0664; their "
        "folders can be entered by whoever may read them. Log, catalog and socket are 0600.",
    )
    watch: bool = Field(
        True,
        validation_alias="INDEXER_WATCH",
        description="Listen to file events; without them the sweep alone finds files.",
    )
    log_format: Literal["auto", "text", "json", "rich"] = Field(
        "auto",
        validation_alias="INDEXER_LOG_FORMAT",
        description="auto: rich on a terminal, text otherwise.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", validation_alias="INDEXER_LOG_LEVEL", description="The least level logged."
    )

    http_listen: str = Field(
        "127.0.0.1:8321",
        validation_alias="INDEXER_HTTP_LISTEN",
        description="Where dashboards ask the worker over HTTP, host:port; port 0: any free one, "
        "as its log says; empty: off.",
    )
    http_token: SecretStr = Field(
        SecretStr(""),
        validation_alias="INDEXER_HTTP_TOKEN",
        description="Asked of dashboards as `Authorization: Bearer`, if set; needed where other "
        "machines can reach INDEXER_HTTP_LISTEN.",
    )
    http_allow_open: Literal["", "yes-without-a-token"] = Field(
        "",
        validation_alias="INDEXER_HTTP_ALLOW_OPEN",
        description="yes-without-a-token: whoever reaches INDEXER_HTTP_LISTEN may read every span.",
    )

    http_allowed_hosts: Annotated[str, AfterValidator(_names)] = Field(
        "",
        validation_alias="INDEXER_ALLOWED_HOSTS",
        description="Names in `Host` that dashboards may use, comma-separated, besides addresses "
        "and local names; empty: any with a token, none without.",
    )
    http_allowed_origins: Annotated[str, AfterValidator(_origins)] = Field(
        "",
        validation_alias="INDEXER_ALLOWED_ORIGINS",
        description="Origins of pages elsewhere that may ask dashboards' routes (CORS), "
        "comma-separated, or *.",
    )
    http_connections: int = Field(
        256,
        ge=8,
        le=65_536,
        validation_alias="INDEXER_HTTP_CONNECTIONS",
        description="Connections of dashboards at once; the longest idle gives way.",
    )

    questions: int = Field(
        4,
        ge=1,
        le=64,
        validation_alias="INDEXER_QUESTIONS",
        description="Answers that are made at once; more wait for each other and for the writer.",
    )
    answer_files_max: int = Field(
        2000,
        ge=1,
        le=1_000_000,
        validation_alias="INDEXER_ANSWER_FILES_MAX",
        description="Files that are read for one answer, 5 ms each.",
    )
    answer_bytes_max: Annotated[str, _byte_size("1MiB")] = Field(
        "128MiB",
        validation_alias="INDEXER_ANSWER_BYTES_MAX",
        description="Payload of one answer, as text; it takes four times as much memory.",
    )
    answers_bytes_max: Annotated[str, _byte_size("1MiB")] = Field(
        "256MiB",
        validation_alias="INDEXER_ANSWERS_BYTES_MAX",
        description="Payload of all answers that are being made; beyond, clients are asked to "
        "come back.",
    )
    span_cache_bytes: Annotated[str, _byte_size("0B")] = Field(
        "64MiB",
        validation_alias="INDEXER_SPAN_CACHE_BYTES",
        description="Encoded spans that are kept for the next refresh.",
    )
    page_cache_bytes: Annotated[str, _byte_size("0B")] = Field(
        "32MiB",
        validation_alias="INDEXER_PAGE_CACHE_BYTES",
        description="Where pages lie in the files that were asked last.",
    )
    hot_bytes_max: Annotated[str, _byte_size("1MiB")] = Field(
        "256MiB",
        validation_alias="INDEXER_HOT_BYTES_MAX",
        description="Hot spans that the worker holds; with more, answers say what they lack.",
    )
    attributes_memory_limit: Annotated[str, _byte_size("64MiB")] = Field(
        "256MiB",
        validation_alias="INDEXER_ATTRIBUTES_MEMORY_LIMIT",
        description="Memory DuckDB may use to take attributes out of files, beside "
        "INDEXER_MEMORY_LIMIT; it spills to disk beyond.",
    )

    backlog_files_max: int = Field(
        1000,
        ge=1,
        le=100_000_000,
        validation_alias="INDEXER_READY_BACKLOG",
        description="Files that may wait to be indexed while /readyz says that the worker is "
        "ready.",
    )

    ingestion_host: str = Field(
        "",
        validation_alias="INGESTION_GRPC_HOST",
        description="Host of the ingestion service that has the spans not in files yet; "
        "empty: only files answer.",
    )
    ingestion_port: int = Field(
        50052,
        ge=0,
        le=65535,
        validation_alias="INGESTION_GRPC_PORT",
        description="Its internal gRPC port; also where the embedded ingestion serves it.",
    )
    internal_token: SecretStr = Field(
        SecretStr(""),
        validation_alias="JUNJO_INTERNAL_GRPC_TOKEN",
        description="Sent and asked for on the internal port as x-junjo-internal-token, if set.",
    )
    snapshot_path: str = Field(
        "",
        validation_alias="INGESTION_SNAPSHOT_PATH",
        description="The folder of hot snapshots that an ingestion of Junjo's writes, "
        "beside the storage path.",
    )
    span_storage_path: str = Field(
        "",
        validation_alias="SPAN_STORAGE_PATH",
        description="Where the embedded ingestion writes files; empty: JUNJO_SPAN_STORAGE_PATH.",
    )
    otlp_grpc_listen: str = Field(
        "127.0.0.1:4317",
        validation_alias="INGESTION_OTLP_GRPC_LISTEN",
        description="OTLP over gRPC, host:port; empty: off.",
    )
    otlp_http_listen: str = Field(
        "127.0.0.1:4318",
        validation_alias="INGESTION_OTLP_HTTP_LISTEN",
        description="OTLP over HTTP, host:port; empty: off.",
    )
    internal_listen_host: str = Field(
        "127.0.0.1",
        validation_alias="INGESTION_GRPC_LISTEN_HOST",
        description="Where the embedded ingestion serves the internal port.",
    )
    api_key: SecretStr = Field(
        SecretStr(""),
        validation_alias="INGESTION_API_KEY",
        description="Asked of senders as x-junjo-api-key or `Authorization: Bearer`, if set; "
        "needed where other machines can reach an OTLP port.",
    )
    otlp_allow_open: Literal["", "yes-without-a-token"] = Field(
        "",
        validation_alias="INGESTION_OTLP_ALLOW_OPEN",
        description="yes-without-a-token: whoever reaches the OTLP ports may send spans.",
    )
    internal_allow_open: Literal["", "yes-without-a-token"] = Field(
        "",
        validation_alias="INGESTION_GRPC_ALLOW_OPEN",
        description="yes-without-a-token: whoever reaches the internal port may read hot spans "
        "and flush.",
    )
    otlp_allowed_hosts: Annotated[str, AfterValidator(_names)] = Field(
        "",
        validation_alias="INGESTION_ALLOWED_HOSTS",
        description="Names in `Host` that senders of OTLP over HTTP may use, comma-separated, "
        "besides addresses and local names; empty: any with a key, or on an open address.",
    )
    otlp_allowed_origins: Annotated[str, AfterValidator(_origins)] = Field(
        "",
        validation_alias="INGESTION_ALLOWED_ORIGINS",
        description="Origins of pages that may send OTLP over HTTP (CORS), comma-separated, or *.",
    )
    otlp_http_connections: int = Field(
        256,
        ge=8,
        le=65_536,
        validation_alias="INGESTION_HTTP_CONNECTIONS",
        description="Connections of OTLP over HTTP at once; the longest idle gives way.",
    )
    otlp_grpc_connections: int = Field(
        1024,
        ge=8,
        le=65_536,
        validation_alias="INGESTION_GRPC_CONNECTIONS",
        description="Connections of OTLP over gRPC at once; one that does not speak ends after "
        "10 seconds.",
    )
    otlp_grpc_threads: int = Field(
        4,
        ge=1,
        le=256,
        validation_alias="INGESTION_GRPC_THREADS",
        description="Exports over gRPC at once. Each may hold the largest body.",
    )
    body_bytes_max: Annotated[str, _byte_size("1MiB", "1GiB")] = Field(
        "64MiB",
        validation_alias="INGESTION_BODY_BYTES_MAX",
        description="One export, inflated; OTLP recommends 64 MiB.",
    )
    bodies_bytes_max: Annotated[str, _byte_size("1MiB")] = Field(
        "512MiB",
        validation_alias="INGESTION_BODIES_BYTES_MAX",
        description="Exports in hand over all OTLP ports together; gRPC has its threads times the "
        "largest body of it, HTTP the rest. Beyond, senders are asked to come back.",
    )
    queue_bytes_max: Annotated[str, _byte_size("1MiB")] = Field(
        "64MiB",
        validation_alias="INGESTION_QUEUE_BYTES_MAX",
        description="Exports that wait for their commit to the log.",
    )
    wal_path: Path = Field(
        Path(".dbdata/ingestion/wal.sqlite"),
        validation_alias="INGESTION_WAL_PATH",
        description="The write-ahead log of the embedded ingestion, on a local disk.",
    )
    poller_state_path: Path = Field(
        Path(".dbdata/ingestion/poller_state.sqlite"),
        validation_alias="INGESTION_POLLER_STATE_PATH",
        description="The key up to which `poll` has written spans, on a local disk.",
    )
    span_poll_interval_s: float = Field(
        5,
        ge=0.1,
        le=3600,
        validation_alias="SPAN_POLL_INTERVAL",
        description="Seconds that `poll` waits once it has read all there was.",
    )
    span_batch_size: int = Field(
        POLLED_SPANS_MAX,
        ge=1,
        le=POLLED_SPANS_MAX,
        validation_alias="SPAN_BATCH_SIZE",
        description="Spans that `poll` asks for at a time, and of one file.",
    )
    wal_synchronous: Literal["FULL", "NORMAL", "OFF"] = Field(
        "FULL",
        validation_alias="INGESTION_WAL_SYNCHRONOUS",
        description="FULL: what was acknowledged survives a power cut. NORMAL and OFF: it survives "
        "the end of the process alone.",
    )
    wal_bytes_max: Annotated[str, _byte_size("64MiB")] = Field(
        "2GiB",
        validation_alias="INGESTION_WAL_BYTES_MAX",
        description="Requests that wait for their file; beyond, senders are asked to come back.",
    )
    flush_rows: int = Field(
        FLUSH_ROWS,
        ge=1,
        le=10_000_000,
        validation_alias="FLUSH_MAX_ROWS",
        description="Spans that make a flush due, and of one file.",
    )
    flush_bytes: int = Field(
        FLUSH_BYTES,
        ge=1,
        le=1 << 30,
        validation_alias="FLUSH_MAX_BYTES",
        description="Bytes of requests that make a flush due, and of one file.",
    )
    flush_age_s: float = Field(
        FLUSH_AGE_S,
        ge=0.1,
        le=86_400,
        validation_alias="FLUSH_MAX_AGE",
        description="Seconds after which a span is flushed, however few there are.",
    )
    retention_age_s: float = Field(
        0,
        ge=0,
        validation_alias="INGESTION_RETENTION_MAX_AGE",
        description="Seconds after which a file of the embedded ingestion is deleted; 0: never.",
    )
    retention_bytes: int = Field(
        0,
        ge=0,
        validation_alias="INGESTION_RETENTION_MAX_BYTES",
        description="Bytes of its files; beyond, the oldest are deleted; 0: no limit.",
    )

    @property
    def storage_root(self) -> str:
        """Absolute path of the span storage."""
        return os.path.abspath(self.storage_path)

    @property
    def ingestion_root(self) -> str:
        """Absolute path of the folder that the embedded ingestion writes to."""
        return os.path.abspath(self.span_storage_path or self.storage_path)

    @property
    def promoted_keys(self) -> tuple[str, ...]:
        """Keys of the promoted attributes."""
        return tuple(key for key in self.promoted_attributes.split(",") if key)

    @property
    def file_modes(self) -> FileModes:
        """Modes of what others may read."""
        return FileModes.of(int(self.shared_file_mode, 8))

    def bytes_of(self, name: str) -> int:
        """The field of that name, a size, as a number of bytes."""
        return _bytes(str(getattr(self, name)))

    @property
    def catalog_pointer(self) -> Path:
        """Absolute path of the link to the catalog."""
        return Path(os.path.abspath(self.catalog_path))


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process. Raises InvalidSettings with one line naming the variable."""
    known = {str(item.validation_alias) for item in Settings.model_fields.values()}
    unknown = sorted(name for name in os.environ if name.startswith(_PREFIX) and name not in known)
    if unknown:
        raise InvalidSettings(
            f"{unknown[0]} is no setting of this program",
            hint=f"Known ones: {', '.join(sorted(n for n in known if n.startswith(_PREFIX)))}.",
        )
    try:
        return _checked(Settings(**overrides))
    except ValidationError as error:
        first = error.errors()[0]
        name = first["loc"][0]
        raise InvalidSettings(f"{name}={first['input']!r}: {first['msg']}") from None


def _checked(settings: Settings) -> Settings:
    """What no field can tell of itself."""
    one, all_of_them = settings.bytes_of("answer_bytes_max"), settings.bytes_of("answers_bytes_max")
    if one > all_of_them - all_of_them // SMALL_SHARE:
        raise InvalidSettings(
            "INDEXER_ANSWERS_BYTES_MAX has no room for one answer of INDEXER_ANSWER_BYTES_MAX "
            f"beside the part of it, one in {SMALL_SHARE}, that is kept for small answers",
            hint="Raise the first, or lower the second.",
        )
    for name in ("http_token", "api_key", "internal_token"):
        alias = str(Settings.model_fields[name].validation_alias)
        check_token(alias, getattr(settings, name).get_secret_value())
    reserved = settings.otlp_grpc_threads * settings.bytes_of("body_bytes_max")
    left = settings.bytes_of("bodies_bytes_max") - (reserved if settings.otlp_grpc_listen else 0)
    for_large = left - left // SMALL_SHARE
    if settings.otlp_http_listen and for_large < settings.bytes_of("body_bytes_max"):
        raise InvalidSettings(
            "INGESTION_BODIES_BYTES_MAX has no room for one body over HTTP beside "
            f"{settings.otlp_grpc_threads} over gRPC of INGESTION_BODY_BYTES_MAX each",
            hint="Raise it, or lower INGESTION_GRPC_THREADS or INGESTION_BODY_BYTES_MAX.",
        )
    return settings
