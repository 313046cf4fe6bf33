-- I5: services is the aggregate of span_metadata; a start of 1970 is unknown and no first one.
-- (relative_path, what is wrong), empty when the invariant holds.
WITH counted AS (
    SELECT service_name,
           coalesce(min(nullif(start_time, make_timestamptz(0))), make_timestamptz(0)) AS first_seen,
           max(start_time) AS last_seen,
           count(*) AS total_spans
    FROM span_metadata GROUP BY service_name
)
SELECT NULL, 'service ' || service_name || ' is not the aggregate of its spans'
FROM (
    (FROM counted EXCEPT FROM services) UNION (FROM services EXCEPT FROM counted)
)
