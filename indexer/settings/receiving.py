"""How spans that are in no file yet arrive: the ingestion that is asked, and the embedded one."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from indexer.ingest.limits import FLUSH_AGE_S, FLUSH_BYTES, FLUSH_ROWS, UNCONFIRMED_S
from indexer.settings.part import SettingsPart
from indexer.settings.values import (
    ByteCount,
    Consent,
    Seconds,
    SomePath,
    any_case,
    byte_size,
    name_list,
    origin_list,
)
from indexer.wire.limits import SPANS_MAX

Synchronous = Literal["FULL", "NORMAL", "OFF"]
AGE_S_MAX = 100 * 365 * 86_400
"""A hundred years: what is older has no time in nanoseconds that fits into 64 bits."""


class ReceivingSettings(SettingsPart):
    """Of the ingestion service: asked by the worker, polled, or embedded."""

    ingestion_host: str = Field(
        "",
        validation_alias="INGESTION_GRPC_HOST",
        description="Host of the ingestion service that holds the spans not yet in files; empty: "
        "answers come from files only.",
    )
    hot_follow_interval_s: Seconds = Field(
        30,
        ge=1,
        le=3600,
        validation_alias="INDEXER_HOT_FOLLOW_INTERVAL",
        description="Seconds between the worker's own requests to that service, which confirm "
        "files and find lost spans; queries, and files just indexed, do not wait for it.",
    )
    hot_max_age_s: Seconds = Field(
        1,
        ge=0,
        le=60,
        validation_alias="INDEXER_HOT_MAX_AGE",
        description="Seconds for which questions share one snapshot of an ingestion like Junjo's, "
        "which writes its log as a file for each; `as_of` says how old it is. One that sends only "
        "what is new, as the embedded one does, is asked for each question.",
    )
    ingestion_port: int = Field(
        50052,
        ge=0,
        le=65535,
        validation_alias="INGESTION_GRPC_PORT",
        description="The internal gRPC port of that service, and of the embedded ingestion.",
    )
    internal_token: SecretStr = Field(
        SecretStr(""),
        validation_alias="JUNJO_INTERNAL_GRPC_TOKEN",
        description="If set, sent and required on the internal port as x-junjo-internal-token.",
    )
    snapshot_path: str = Field(
        "",
        validation_alias="INGESTION_SNAPSHOT_PATH",
        description="The folder, other than the storage, in which Junjo's ingestion writes hot "
        "snapshots.",
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
    ingestion_http_listen: str = Field(
        "127.0.0.1:8322",
        validation_alias="INGESTION_HTTP_LISTEN",
        description="Where the embedded ingestion serves /healthz, /readyz and /metrics, "
        "host:port; port 0: any free one, shown in its log; empty: off.",
    )
    ingestion_http_token: SecretStr = Field(
        SecretStr(""),
        validation_alias="INGESTION_HTTP_TOKEN",
        description="If set, /metrics of the ingestion asks for it as `Authorization: Bearer`; "
        "required where other machines can reach INGESTION_HTTP_LISTEN.",
    )
    ingestion_http_allow_open: Consent = Field(
        "",
        validation_alias="INGESTION_HTTP_ALLOW_OPEN",
        description="yes-without-a-token: anybody who can reach INGESTION_HTTP_LISTEN may read "
        "its metrics.",
    )
    internal_listen_host: str = Field(
        "127.0.0.1",
        validation_alias="INGESTION_GRPC_LISTEN_HOST",
        description="Host on which the embedded ingestion serves the internal port.",
    )
    api_key: SecretStr = Field(
        SecretStr(""),
        validation_alias="INGESTION_API_KEY",
        description="If set, senders must give it as x-junjo-api-key or `Authorization: Bearer`; "
        "required where other machines can reach an OTLP port.",
    )
    otlp_allow_open: Consent = Field(
        "",
        validation_alias="INGESTION_OTLP_ALLOW_OPEN",
        description="yes-without-a-token: anybody who can reach the OTLP ports may send spans.",
    )
    internal_allow_open: Consent = Field(
        "",
        validation_alias="INGESTION_GRPC_ALLOW_OPEN",
        description="yes-without-a-token: anybody who can reach the internal port may read hot "
        "spans and flush.",
    )
    otlp_allowed_hosts: Annotated[str, AfterValidator(name_list)] = Field(
        "",
        validation_alias="INGESTION_ALLOWED_HOSTS",
        description="Names that senders of OTLP over HTTP may use in `Host`, comma-separated, "
        "besides IP addresses and local names; empty: any name with a key, or on an "
        "open address.",
    )
    otlp_allowed_origins: Annotated[str, AfterValidator(origin_list)] = Field(
        "",
        validation_alias="INGESTION_ALLOWED_ORIGINS",
        description="Origins of pages that may send OTLP over HTTP (CORS), comma-separated, or *.",
    )
    otlp_http_connections: int = Field(
        256,
        ge=8,
        le=65_536,
        validation_alias="INGESTION_HTTP_CONNECTIONS",
        description="Connections of OTLP over HTTP at once; above it, the one idle for longest is "
        "closed.",
    )
    otlp_grpc_connections: int = Field(
        1024,
        ge=8,
        le=65_536,
        validation_alias="INGESTION_GRPC_CONNECTIONS",
        description="Connections of OTLP over gRPC at once; one that sends no handshake is closed "
        "after 10 seconds.",
    )
    otlp_grpc_threads: int = Field(
        4,
        ge=1,
        le=256,
        validation_alias="INGESTION_GRPC_THREADS",
        description="Exports over gRPC at once, each of which may hold the largest body.",
    )
    body_bytes_max: Annotated[str, byte_size("1MiB", "1GiB")] = Field(
        "64MiB",
        validation_alias="INGESTION_BODY_BYTES_MAX",
        description="One export, decompressed; OTLP recommends 64 MiB.",
    )
    bodies_bytes_max: Annotated[str, byte_size("1MiB")] = Field(
        "512MiB",
        validation_alias="INGESTION_BODIES_BYTES_MAX",
        description="Exports in progress on all OTLP ports together: gRPC reserves its threads "
        "times the largest body, HTTP has the rest. Above it, senders are asked to "
        "retry later.",
    )
    queue_bytes_max: Annotated[str, byte_size("1MiB")] = Field(
        "64MiB",
        validation_alias="INGESTION_QUEUE_BYTES_MAX",
        description="Exports waiting to be committed to the log.",
    )
    wal_path: SomePath = Field(
        Path(".dbdata/ingestion/wal.sqlite"),
        validation_alias="INGESTION_WAL_PATH",
        description="The write-ahead log of the embedded ingestion, on a local disk.",
    )
    poller_state_path: SomePath = Field(
        Path(".dbdata/ingestion/poller_state.sqlite"),
        validation_alias="INGESTION_POLLER_STATE_PATH",
        description="The key up to which `poll` has written spans, on a local disk.",
    )
    span_poll_interval_s: Seconds = Field(
        5,
        ge=0.1,
        le=3600,
        validation_alias="SPAN_POLL_INTERVAL",
        description="Seconds that `poll` waits after it has read everything.",
    )
    span_batch_size: int = Field(
        SPANS_MAX,
        ge=1,
        le=SPANS_MAX,
        validation_alias="SPAN_BATCH_SIZE",
        description="Spans that `poll` requests at a time and writes to one file.",
    )
    wal_synchronous: Annotated[Synchronous, any_case(Synchronous)] = Field(
        "FULL",
        validation_alias="INGESTION_WAL_SYNCHRONOUS",
        description="FULL: acknowledged spans survive a power cut. NORMAL and OFF: they survive "
        "only the end of the process.",
    )
    wal_bytes_max: Annotated[str, byte_size("64MiB")] = Field(
        "2GiB",
        validation_alias="INGESTION_WAL_BYTES_MAX",
        description="Requests in the log that are in no file yet; above it, senders are asked to "
        "retry later.",
    )
    flush_rows: int = Field(
        FLUSH_ROWS,
        ge=1,
        le=10_000_000,
        validation_alias="FLUSH_MAX_ROWS",
        description="Spans that trigger a flush, and the most in one file.",
    )
    flush_bytes: ByteCount = Field(
        FLUSH_BYTES,
        ge=1,
        le=1 << 30,
        validation_alias="FLUSH_MAX_BYTES",
        description="Bytes of requests that trigger a flush, and the most in one file.",
    )
    flush_age_s: Seconds = Field(
        FLUSH_AGE_S,
        ge=0.1,
        le=86_400,
        validation_alias="FLUSH_MAX_AGE",
        description="Seconds after which spans are flushed, however few they are.",
    )
    retention_age_s: Seconds = Field(
        0,
        ge=0,
        le=AGE_S_MAX,
        validation_alias="INGESTION_RETENTION_MAX_AGE",
        description="Seconds after which a file of the embedded ingestion is deleted; 0: never.",
    )
    unconfirmed_age_s: Seconds = Field(
        UNCONFIRMED_S,
        ge=0,
        le=AGE_S_MAX,
        validation_alias="INGESTION_UNCONFIRMED_MAX_AGE",
        description="Seconds after its flush for which an expired file that no worker has "
        "confirmed is still kept; then it is deleted, and the log says so.",
    )
    retention_bytes: ByteCount = Field(
        0,
        ge=0,
        validation_alias="INGESTION_RETENTION_MAX_BYTES",
        description="Total size of its files; above it, the oldest are deleted; 0: no limit.",
    )
