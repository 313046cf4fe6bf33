-- Attributes that the index holds beside the metadata, because listings filter on them.
-- key_id numbers a key in this catalog, and its bit in trace_files.attribute_flags.
CREATE TABLE promoted_attributes (
    key_id TINYINT PRIMARY KEY,
    key VARCHAR UNIQUE NOT NULL
);

-- One row per value: spans without the attribute have none. All rows of a file that have a trace
-- are here, whoever owns their span, so that a file's values depend on the file alone.
CREATE TABLE indexed_attributes (
    file_id INTEGER NOT NULL,
    file_row_number INTEGER NOT NULL,
    key_id TINYINT NOT NULL,
    value VARCHAR NOT NULL               -- cut after 1024 characters; the payload has all of it
);

-- Which attributes a file has given: no row, not yet. A row with an error_type: they cannot be
-- read, and will not be until the file changes.
CREATE TABLE file_attributes (
    file_id INTEGER NOT NULL,
    key_id TINYINT NOT NULL,
    value_count BIGINT NOT NULL,
    error_type VARCHAR,
    error_message VARCHAR
);

-- One bit for each key that some row of the trace in this file has.
ALTER TABLE trace_files ADD COLUMN attribute_flags UINTEGER DEFAULT 0;

-- The promoted attributes of indexed spans, one row per span and key.
CREATE VIEW span_attributes AS
SELECT
    indexed_spans.trace_id,
    printf('%016x', indexed_spans.span_id_uint64) AS span_id,
    indexed_spans.service_name,
    indexed_spans.name,
    make_timestamptz(indexed_spans.start_time_unix_nano // 1000) AS start_time,
    promoted_attributes.key,
    indexed_attributes.value,
    file_id,
    file_row_number
FROM indexed_attributes
JOIN promoted_attributes USING (key_id)
JOIN indexed_spans USING (file_id, file_row_number);
