-- Facts about the catalog itself: the storage root that file_path was made with.
CREATE TABLE catalog_facts (
    key VARCHAR PRIMARY KEY,
    value VARCHAR NOT NULL
);

-- One row per indexed data file. file_path is what the checkpoint is derived from.
-- A file is identified by (relative_path, size_bytes, modified_unix_nano, footer_digest);
-- device and inode tell an unmounted volume from a deleted file.
CREATE TABLE parquet_files (
    file_id INTEGER PRIMARY KEY,
    file_path TEXT UNIQUE NOT NULL,
    relative_path TEXT UNIQUE NOT NULL,
    service_name TEXT,                   -- the service with the most spans in the file
    min_time TIMESTAMPTZ,                -- earliest start, NULL for a file without spans
    max_time TIMESTAMPTZ,                -- latest end
    row_count BIGINT NOT NULL,           -- rows in the file, as its footer says
    size_bytes BIGINT NOT NULL,
    indexed_at TIMESTAMPTZ NOT NULL,
    modified_unix_nano BIGINT NOT NULL,
    device UBIGINT NOT NULL,
    inode UBIGINT NOT NULL,
    footer_digest VARCHAR NOT NULL,
    content_digest VARCHAR NOT NULL,     -- sum of the hashes of the file's distinct spans
    dialect VARCHAR NOT NULL,
    missing_columns VARCHAR[] NOT NULL,  -- payload columns of the dialect that the file lacks
    nested_columns VARCHAR[] NOT NULL,   -- payload columns of the file that are MAP, STRUCT or LIST
    span_count BIGINT NOT NULL,          -- distinct spans in the file
    owned_span_count BIGINT NOT NULL,    -- of those, the ones span_metadata has from this file
    rejected_spans BIGINT NOT NULL,      -- rows without a real trace_id or span_id
    duplicate_spans BIGINT NOT NULL,     -- rows whose span is indexed from another row or file
    clamped_values BIGINT NOT NULL,      -- values the index could not take as they are
    other_operation_spans BIGINT NOT NULL -- spans of operations beyond the limit of a file
);

-- What span_metadata is made of: one row per span, whatever was re-sent, rewritten or copied,
-- sorted by trace in each file. No key and no index: the writer keeps (trace_id, span_id,
-- span_kind) unique, and trace_files finds traces. Ids of spans are the integers that they are, because their text
-- doubles the cost of an insert; the text of a trace's id repeats row after row and costs nothing.
CREATE TABLE indexed_spans (
    file_id INTEGER NOT NULL,
    file_row_number INTEGER NOT NULL,
    trace_id VARCHAR NOT NULL,
    span_id_uint64 UBIGINT NOT NULL,
    parent_span_id_uint64 UBIGINT,       -- NULL for a root
    service_name VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    start_time_unix_nano BIGINT NOT NULL,
    duration_ns BIGINT NOT NULL,
    status_code TINYINT NOT NULL,
    span_kind TINYINT NOT NULL
);

-- One row per span. A view and not generated columns: DuckDB evaluates those at each insert too.
CREATE VIEW span_metadata AS
SELECT
    file_id,
    file_row_number,
    trace_id,
    printf('%016x', span_id_uint64) AS span_id,
    printf('%016x', parent_span_id_uint64) AS parent_span_id,
    parent_span_id_uint64 IS NULL AS is_root,
    service_name,
    name,
    make_timestamptz(start_time_unix_nano // 1000) AS start_time,
    make_timestamptz((start_time_unix_nano + duration_ns) // 1000) AS end_time,
    start_time_unix_nano,
    start_time_unix_nano + duration_ns AS end_time_unix_nano,
    duration_ns,
    status_code,
    span_kind
FROM indexed_spans;

-- Which files hold a trace. span_count counts the distinct spans in the file, owned_span_count
-- the ones indexed from it; a file with fewer owned than present holds surviving copies.
CREATE TABLE trace_files (
    trace_id VARCHAR NOT NULL,
    file_id INTEGER NOT NULL,
    span_count INTEGER NOT NULL,
    owned_span_count INTEGER NOT NULL,
    error_count INTEGER NOT NULL,        -- owned spans with status error
    start_time_unix_nano BIGINT NOT NULL,
    end_time_unix_nano BIGINT NOT NULL,
    root_name VARCHAR,
    root_service_name VARCHAR
);

-- What a file holds of each service: owned spans only, so that services is their sum.
CREATE TABLE file_services (
    file_id INTEGER NOT NULL,
    service_name VARCHAR NOT NULL,
    span_count BIGINT NOT NULL,
    root_span_count BIGINT NOT NULL,
    first_start_unix_nano BIGINT NOT NULL,
    last_start_unix_nano BIGINT NOT NULL
);

-- The distinct (service, span name, kind) of a file's owned spans, up to a limit; the spans of
-- further ones are counted in parquet_files.other_operation_spans.
CREATE TABLE file_operations (
    file_id INTEGER NOT NULL,
    service_name VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    span_kind TINYINT NOT NULL,
    span_count BIGINT NOT NULL
);

-- The catalog of services. A span is seen at its start.
CREATE TABLE services (
    service_name TEXT PRIMARY KEY,
    first_seen TIMESTAMPTZ NOT NULL,
    last_seen TIMESTAMPTZ NOT NULL,
    total_spans BIGINT NOT NULL
);

-- Files that were refused, why, and what to do about it. A row leaves when its file is indexed
-- or gone.
CREATE TABLE quarantined_files (
    file_path TEXT PRIMARY KEY,
    relative_path TEXT NOT NULL,
    error_type VARCHAR NOT NULL,
    error_message VARCHAR NOT NULL,
    hint VARCHAR NOT NULL,
    transient BOOLEAN NOT NULL,          -- true: it is still being retried
    tries INTEGER NOT NULL,
    first_seen TIMESTAMPTZ NOT NULL,
    last_seen TIMESTAMPTZ NOT NULL,
    size_bytes BIGINT NOT NULL,
    modified_unix_nano BIGINT NOT NULL
);
