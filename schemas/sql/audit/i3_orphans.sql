-- I3: nothing is left of a file that is not registered.
-- (relative_path, what is wrong), empty when the invariant holds.
SELECT NULL, 'table ' || part || ' has rows of file_id ' || file_id
    || ', which is not registered'
FROM (
    SELECT 'span_metadata' AS part, file_id FROM span_metadata
    UNION SELECT 'trace_files', file_id FROM trace_files
    UNION SELECT 'file_services', file_id FROM file_services
    UNION SELECT 'file_operations', file_id FROM file_operations
    UNION SELECT 'file_scans', file_id FROM file_scans
    UNION SELECT 'file_key_summaries', file_id FROM file_key_summaries
)
WHERE file_id NOT IN (SELECT file_id FROM parquet_files)
