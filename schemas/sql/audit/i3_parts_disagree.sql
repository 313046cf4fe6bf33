-- I3: a file's row, spans, traces, services and operations tell the same numbers.
-- (relative_path, what is wrong), empty when the invariant holds.
WITH spans AS (SELECT file_id, count(*) AS n FROM span_metadata GROUP BY file_id),
traces AS (
    SELECT file_id, sum(span_count) AS n, sum(owned_span_count) AS owned
    FROM trace_files GROUP BY file_id
),
services AS (SELECT file_id, sum(span_count) AS n FROM file_services GROUP BY file_id),
operations AS (SELECT file_id, sum(span_count) AS n FROM file_operations GROUP BY file_id)
SELECT files.relative_path, 'its parts disagree: ' || coalesce(spans.n, 0) || ' spans, '
    || coalesce(traces.owned, 0) || ' by trace, ' || coalesce(services.n, 0)
    || ' by service, ' || coalesce(operations.n, 0) + other_operation_spans
    || ' by operation, ' || owned_span_count || ' recorded'
FROM parquet_files AS files
LEFT JOIN spans USING (file_id)
LEFT JOIN traces USING (file_id)
LEFT JOIN services USING (file_id)
LEFT JOIN operations USING (file_id)
WHERE coalesce(spans.n, 0) <> owned_span_count
   OR coalesce(traces.owned, 0) <> owned_span_count
   OR coalesce(traces.n, 0) <> files.span_count
   OR coalesce(services.n, 0) <> owned_span_count
   OR coalesce(operations.n, 0) + other_operation_spans <> owned_span_count
   OR rejected_spans + duplicate_spans + owned_span_count <> row_count
