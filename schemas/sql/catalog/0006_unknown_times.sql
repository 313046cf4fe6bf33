-- OTLP says an unknown time with 0. A span without an end has none, and no duration; one without a
-- start counts, and moves no service's first_seen.
ALTER TABLE file_services ADD COLUMN
    first_known_start_unix_nano BIGINT;  -- NULL where no span says when it started

UPDATE file_services SET first_known_start_unix_nano = first_start_unix_nano
WHERE first_start_unix_nano >= 1000;

-- One row per span. A view and not generated columns: DuckDB evaluates those at each insert too.
CREATE OR REPLACE VIEW span_metadata AS
SELECT
    file_id,
    file_row_number,
    position_in_row,
    trace_id,
    printf('%016x', span_id_uint64) AS span_id,
    printf('%016x', parent_span_id_uint64) AS parent_span_id,
    parent_span_id_uint64 IS NULL AS is_root,
    service_name,
    name,
    make_timestamptz(start_time_unix_nano // 1000) AS start_time,
    make_timestamptz(nullif(start_time_unix_nano + duration_ns, 0) // 1000) AS end_time,
    start_time_unix_nano,
    nullif(start_time_unix_nano + duration_ns, 0) AS end_time_unix_nano,
    CASE WHEN start_time_unix_nano <> 0 AND start_time_unix_nano + duration_ns <> 0
         THEN duration_ns END AS duration_ns,
    status_code,
    span_kind
FROM indexed_spans;

-- Files with an unknown start or end were indexed otherwise. No file has this size, so each is
-- read again and replaced by itself.
UPDATE parquet_files SET size_bytes = -1
WHERE clamped_values > 0
   OR file_id IN (SELECT file_id FROM file_services WHERE first_start_unix_nano < 1000);
