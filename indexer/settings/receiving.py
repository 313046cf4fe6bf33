"""How spans that are in no file yet arrive: the ingestion that is asked, and the embedded one."""

from typing import Literal, get_args

from indexer.ingest.limits import FLUSH_AGE_S, FLUSH_BYTES, FLUSH_ROWS, UNCONFIRMED_S
from indexer.settings.kinds import (
    CONSENT,
    NAMES,
    ORIGINS,
    PATH,
    SECRET,
    TEXT,
    byte_count,
    byte_size,
    choice,
    seconds,
    whole_number,
)
from indexer.settings.setting import Setting, SettingsPart
from indexer.wire.limits import SPANS_MAX

Synchronous = Literal["FULL", "NORMAL", "OFF"]
AGE_S_MAX = 100 * 365 * 86_400
"""A hundred years: what is older has no time in nanoseconds that fits into 64 bits."""


class ReceivingSettings(SettingsPart):
    """Of the ingestion service: asked by the worker, polled, or embedded."""

    ingestion_host = Setting(
        "INGESTION_GRPC_HOST",
        "",
        TEXT,
        "Host of the ingestion service that holds the spans not yet in files; empty: answers come "
        "from files only.",
    )
    hot_follow_interval_s = Setting(
        "INDEXER_HOT_FOLLOW_INTERVAL",
        30,
        seconds(1, 3600),
        "Seconds between the worker's own requests to that service, which confirm files and find "
        "lost spans; queries, and files just indexed, do not wait for it.",
    )
    hot_max_age_s = Setting(
        "INDEXER_HOT_MAX_AGE",
        1,
        seconds(0, 60),
        "Seconds for which questions share one snapshot of an ingestion like Junjo's, which writes "
        "its log as a file for each; `as_of` says how old it is. One that sends only what is new, "
        "as the embedded one does, is asked for each question.",
    )
    ingestion_port = Setting(
        "INGESTION_GRPC_PORT",
        50052,
        whole_number(0, 65535),
        "The internal gRPC port of that service, and of the embedded ingestion.",
    )
    internal_token = Setting(
        "JUNJO_INTERNAL_GRPC_TOKEN",
        "",
        SECRET,
        "If set, sent and required on the internal port as x-junjo-internal-token.",
    )
    snapshot_path = Setting(
        "INGESTION_SNAPSHOT_PATH",
        "",
        TEXT,
        "The folder, other than the storage, in which Junjo's ingestion writes hot snapshots.",
    )
    span_storage_path = Setting(
        "SPAN_STORAGE_PATH",
        "",
        TEXT,
        "Where the embedded ingestion writes files; empty: JUNJO_SPAN_STORAGE_PATH.",
    )
    otlp_grpc_listen = Setting(
        "INGESTION_OTLP_GRPC_LISTEN",
        "127.0.0.1:4317",
        TEXT,
        "OTLP over gRPC, host:port; empty: off.",
    )
    otlp_http_listen = Setting(
        "INGESTION_OTLP_HTTP_LISTEN",
        "127.0.0.1:4318",
        TEXT,
        "OTLP over HTTP, host:port; empty: off.",
    )
    ingestion_http_listen = Setting(
        "INGESTION_HTTP_LISTEN",
        "127.0.0.1:8322",
        TEXT,
        "Where the embedded ingestion serves /healthz, /readyz and /metrics, host:port; port 0: "
        "any free one, shown in its log; empty: off.",
    )
    ingestion_http_token = Setting(
        "INGESTION_HTTP_TOKEN",
        "",
        SECRET,
        "If set, /metrics of the ingestion asks for it as `Authorization: Bearer`; required where "
        "other machines can reach INGESTION_HTTP_LISTEN.",
    )
    ingestion_http_allow_open = Setting(
        "INGESTION_HTTP_ALLOW_OPEN",
        "",
        CONSENT,
        "yes-without-a-token: anybody who can reach INGESTION_HTTP_LISTEN may read its metrics.",
    )
    internal_listen_host = Setting(
        "INGESTION_GRPC_LISTEN_HOST",
        "127.0.0.1",
        TEXT,
        "Host on which the embedded ingestion serves the internal port.",
    )
    api_key = Setting(
        "INGESTION_API_KEY",
        "",
        SECRET,
        "If set, senders must give it as x-junjo-api-key or `Authorization: Bearer`; required "
        "where other machines can reach an OTLP port.",
    )
    otlp_allow_open = Setting(
        "INGESTION_OTLP_ALLOW_OPEN",
        "",
        CONSENT,
        "yes-without-a-token: anybody who can reach the OTLP ports may send spans.",
    )
    internal_allow_open = Setting(
        "INGESTION_GRPC_ALLOW_OPEN",
        "",
        CONSENT,
        "yes-without-a-token: anybody who can reach the internal port may read hot spans and "
        "flush.",
    )
    otlp_allowed_hosts = Setting(
        "INGESTION_ALLOWED_HOSTS",
        "",
        NAMES,
        "Names that senders of OTLP over HTTP may use in `Host`, comma-separated, besides IP "
        "addresses and local names; empty: any name with a key, or on an open address.",
    )
    otlp_allowed_origins = Setting(
        "INGESTION_ALLOWED_ORIGINS",
        "",
        ORIGINS,
        "Origins of pages that may send OTLP over HTTP (CORS), comma-separated, or *.",
    )
    otlp_http_connections = Setting(
        "INGESTION_HTTP_CONNECTIONS",
        256,
        whole_number(8, 65_536),
        "Connections of OTLP over HTTP at once; above it, the one idle for longest is closed.",
    )
    otlp_grpc_connections = Setting(
        "INGESTION_GRPC_CONNECTIONS",
        1024,
        whole_number(8, 65_536),
        "Connections of OTLP over gRPC at once; one that sends no handshake is closed after 10 "
        "seconds.",
    )
    otlp_grpc_threads = Setting(
        "INGESTION_GRPC_THREADS",
        4,
        whole_number(1, 256),
        "Exports over gRPC at once, each of which may hold the largest body.",
    )
    body_bytes_max = Setting(
        "INGESTION_BODY_BYTES_MAX",
        "64MiB",
        byte_size("1MiB", "1GiB"),
        "One export, decompressed; OTLP recommends 64 MiB.",
    )
    bodies_bytes_max = Setting(
        "INGESTION_BODIES_BYTES_MAX",
        "512MiB",
        byte_size("1MiB"),
        "Exports in progress on all OTLP ports together: gRPC reserves its threads times the "
        "largest body, HTTP has the rest. Above it, senders are asked to retry later.",
    )
    queue_bytes_max = Setting(
        "INGESTION_QUEUE_BYTES_MAX",
        "64MiB",
        byte_size("1MiB"),
        "Exports waiting to be committed to the log.",
    )
    wal_path = Setting(
        "INGESTION_WAL_PATH",
        ".dbdata/ingestion/wal.sqlite",
        PATH,
        "The write-ahead log of the embedded ingestion, on a local disk.",
    )
    poller_state_path = Setting(
        "INGESTION_POLLER_STATE_PATH",
        ".dbdata/ingestion/poller_state.sqlite",
        PATH,
        "The key up to which `poll` has written spans, on a local disk.",
    )
    span_poll_interval_s = Setting(
        "SPAN_POLL_INTERVAL",
        5,
        seconds(0.1, 3600),
        "Seconds that `poll` waits after it has read everything.",
    )
    span_batch_size = Setting(
        "SPAN_BATCH_SIZE",
        SPANS_MAX,
        whole_number(1, SPANS_MAX),
        "Spans that `poll` requests at a time and writes to one file.",
    )
    wal_synchronous: Setting[Synchronous] = Setting(
        "INGESTION_WAL_SYNCHRONOUS",
        "FULL",
        choice(get_args(Synchronous)),
        "FULL: acknowledged spans survive a power cut. NORMAL and OFF: they survive only the end "
        "of the process.",
    )
    wal_bytes_max = Setting(
        "INGESTION_WAL_BYTES_MAX",
        "2GiB",
        byte_size("64MiB"),
        "Requests in the log that are in no file yet; above it, senders are asked to retry later.",
    )
    flush_rows = Setting(
        "FLUSH_MAX_ROWS",
        FLUSH_ROWS,
        whole_number(1, 10_000_000),
        "Spans that trigger a flush, and the most in one file.",
    )
    flush_bytes = Setting(
        "FLUSH_MAX_BYTES",
        FLUSH_BYTES,
        byte_count(1, 1 << 30),
        "Bytes of requests that trigger a flush, and the most in one file.",
    )
    flush_age_s = Setting(
        "FLUSH_MAX_AGE",
        FLUSH_AGE_S,
        seconds(0.1, 86_400),
        "Seconds after which spans are flushed, however few they are.",
    )
    retention_age_s = Setting(
        "INGESTION_RETENTION_MAX_AGE",
        0,
        seconds(0, AGE_S_MAX),
        "Seconds after which a file of the embedded ingestion is deleted; 0: never.",
    )
    unconfirmed_age_s = Setting(
        "INGESTION_UNCONFIRMED_MAX_AGE",
        UNCONFIRMED_S,
        seconds(0, AGE_S_MAX),
        "Seconds after its flush for which an expired file that no worker has confirmed is still "
        "kept; then it is deleted, and the log says so.",
    )
    retention_bytes = Setting(
        "INGESTION_RETENTION_MAX_BYTES",
        0,
        byte_count(0),
        "Total size of its files; above it, the oldest are deleted; 0: no limit.",
    )
