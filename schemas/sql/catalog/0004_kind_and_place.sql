-- A span's place in a file is a row and the position in it, and its identity has its kind: a
-- client's and a server's span under one id are two.
ALTER TABLE indexed_spans ADD COLUMN
    position_in_row INTEGER DEFAULT 0;   -- 0 but for files with a trace a row
ALTER TABLE indexed_spans ALTER COLUMN position_in_row SET NOT NULL;

ALTER TABLE indexed_attributes ADD COLUMN
    position_in_row INTEGER DEFAULT 0;   -- as in indexed_spans
ALTER TABLE indexed_attributes ALTER COLUMN position_in_row SET NOT NULL;

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
    make_timestamptz((start_time_unix_nano + duration_ns) // 1000) AS end_time,
    start_time_unix_nano,
    start_time_unix_nano + duration_ns AS end_time_unix_nano,
    duration_ns,
    status_code,
    span_kind
FROM indexed_spans;

-- The promoted attributes of indexed spans, one row per span and key.
CREATE OR REPLACE VIEW span_attributes AS
SELECT
    indexed_spans.trace_id,
    printf('%016x', indexed_spans.span_id_uint64) AS span_id,
    indexed_spans.span_kind,
    indexed_spans.service_name,
    indexed_spans.name,
    make_timestamptz(indexed_spans.start_time_unix_nano // 1000) AS start_time,
    promoted_attributes.key,
    indexed_attributes.value,
    file_id,
    file_row_number,
    position_in_row
FROM indexed_attributes
JOIN promoted_attributes USING (key_id)
JOIN indexed_spans USING (file_id, file_row_number, position_in_row);

-- Files of which a row was taken for a double that may be a span of another kind, or whose ids
-- were in a spelling that is read now, and files that were refused. No file has this size, so each
-- is read again; one that is indexed is replaced by itself.
UPDATE parquet_files SET size_bytes = -1
WHERE duplicate_spans > 0 OR rejected_spans > 0 OR clamped_values > 0;
UPDATE quarantined_files SET size_bytes = -1;
