-- I3: a file's attribute values are all there, or none of them and it says so.
-- (relative_path, what is wrong), empty when the invariant holds.
WITH found AS (
    SELECT file_id, key_id, count(*) AS n FROM indexed_attributes GROUP BY file_id, key_id
)
SELECT parquet_files.relative_path,
       'has ' || coalesce(found.n, 0) || ' values of ' || coalesce(key, 'a key that is not promoted')
       || ', ' || coalesce(value_count, 0) || ' recorded'
FROM file_attributes FULL JOIN found USING (file_id, key_id)
LEFT JOIN promoted_attributes USING (key_id)
LEFT JOIN parquet_files USING (file_id)
WHERE coalesce(found.n, 0) <> coalesce(value_count, 0) OR key IS NULL
UNION ALL
SELECT NULL, 'attributes of file_id ' || file_id || ', which is not registered'
FROM file_attributes WHERE file_id NOT IN (SELECT file_id FROM parquet_files)
