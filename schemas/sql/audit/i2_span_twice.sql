-- I2: (trace_id, span_id, span_kind) occurs once in span_metadata, whatever was re-sent or copied.
-- (relative_path, what is wrong), empty when the invariant holds.
SELECT parquet_files.relative_path,
       'span ' || span_id || ' of trace ' || trace_id || ' and kind ' || span_kind
       || ' is indexed more than once'
FROM (
    SELECT trace_id, printf('%016x', span_id_uint64) AS span_id, span_kind, max(file_id) AS file_id
    FROM indexed_spans GROUP BY trace_id, span_id_uint64, span_kind HAVING count(*) > 1 LIMIT 100
) JOIN parquet_files USING (file_id)
