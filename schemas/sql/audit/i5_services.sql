-- I5: services is the aggregate of span_metadata.
-- (relative_path, what is wrong), empty when the invariant holds.
WITH counted AS (
    SELECT service_name, min(start_time) AS first_seen, max(start_time) AS last_seen,
           count(*) AS total_spans
    FROM span_metadata GROUP BY service_name
)
SELECT NULL, 'service ' || service_name || ' is not the aggregate of its spans'
FROM (
    (FROM counted EXCEPT FROM services) UNION (FROM services EXCEPT FROM counted)
)
