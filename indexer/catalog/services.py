"""The services table, exact after every change (invariant I5).

New files add to it; a removal, a replacement or a lost copy makes the affected services be
summed again from ``file_services``. Neither ever scans spans. A start of 0 is unknown and no
moment at which a service was seen first; 1970 is shown where no start is known.
"""

from collections.abc import Iterable

import duckdb
import pyarrow as pa

_ADD = """
INSERT INTO services
SELECT
    service_name,
    make_timestamptz(coalesce(min(first_known_start_unix_nano), 0) // 1000),
    make_timestamptz(max(last_start_unix_nano) // 1000),
    sum(span_count)::BIGINT
FROM staged_services
GROUP BY service_name
ON CONFLICT (service_name) DO UPDATE SET
    first_seen = CASE
        WHEN first_seen = make_timestamptz(0) THEN excluded.first_seen
        WHEN excluded.first_seen = make_timestamptz(0) THEN first_seen
        ELSE least(first_seen, excluded.first_seen) END,
    last_seen = greatest(last_seen, excluded.last_seen),
    total_spans = total_spans + excluded.total_spans
"""

_SUM_AGAIN = """
INSERT INTO services
SELECT
    service_name,
    make_timestamptz(coalesce(min(first_known_start_unix_nano), 0) // 1000),
    make_timestamptz(max(last_start_unix_nano) // 1000),
    sum(span_count)::BIGINT
FROM file_services
WHERE service_name IN (SELECT unnest($names))
GROUP BY service_name
"""


def upsert_service(connection: duckdb.DuckDBPyConnection, added: pa.Table) -> None:
    """Add the ``file_services`` rows of newly registered files to the catalog of services."""
    connection.register("staged_services", added)
    try:
        connection.execute(_ADD)
    finally:
        connection.unregister("staged_services")


def sum_again(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    """Make the rows of these services equal to what ``file_services`` says now."""
    listed = sorted(names)
    connection.execute(
        "DELETE FROM services WHERE service_name IN (SELECT unnest($names))", {"names": listed}
    )
    connection.execute(_SUM_AGAIN, {"names": listed})


def services_of(connection: duckdb.DuckDBPyConnection, file_ids: list[int]) -> set[str]:
    """The services that these files hold spans of."""
    rows = connection.execute(
        "SELECT DISTINCT service_name FROM file_services WHERE file_id IN (SELECT unnest($ids))",
        {"ids": file_ids},
    ).fetchall()
    return {name for (name,) in rows}
