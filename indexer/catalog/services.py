"""The services table, exact after every change (invariant I5).

New files add to it; a removal, a replacement or a lost copy makes the affected services be
summed again from ``file_services``. Neither ever scans spans. A start of 0 is unknown and no
moment at which a service was seen first; 1970 is shown where no start is known.
"""

from collections.abc import Iterable

import duckdb
import numpy as np
import pyarrow as pa

from indexer.spans.texts import Texts
from indexer.system import arrow_compute as pc
from indexer.system.duckdb_statements import insert_rows, update_from_rows

_NEVER = np.iinfo(np.int64).max

_ADDED = """
SELECT
    service_name,
    make_timestamptz(coalesce(first_known_start_unix_nano, 0) // 1000) AS first_seen,
    make_timestamptz(last_start_unix_nano // 1000) AS last_seen,
    span_count AS total_spans
FROM {rows}
"""

_INSERT = f"INSERT INTO services {_ADDED}"

_ADD = f"""
UPDATE services SET
    first_seen = CASE
        WHEN services.first_seen = make_timestamptz(0) THEN added.first_seen
        WHEN added.first_seen = make_timestamptz(0) THEN services.first_seen
        ELSE least(services.first_seen, added.first_seen) END,
    last_seen = greatest(services.last_seen, added.last_seen),
    total_spans = services.total_spans + added.total_spans
FROM ({_ADDED}) AS added
WHERE services.service_name = added.service_name
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


def follow_files(
    connection: duckdb.DuckDBPyConnection,
    known: frozenset[str],
    added: pa.Table | None,
    left: set[str],
) -> frozenset[str]:
    """Bring the table in step with files that came and files that lost spans or went.

    ``known`` are the services that it has, ``added`` the ``file_services`` rows of files that came,
    and ``left`` services that other files had more spans of; returns the services that it has now.
    """
    if left:
        sum_again(connection, left if added is None else left | _names(added))
        return service_names(connection)
    return known if added is None else upsert_service(connection, added, known)


def service_names(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """All services of the catalog."""
    rows = connection.execute("SELECT service_name FROM services").fetchall()
    return frozenset(name for (name,) in rows)


def upsert_service(
    connection: duckdb.DuckDBPyConnection, added: pa.Table, known: frozenset[str]
) -> frozenset[str]:
    """Add the ``file_services`` rows of newly registered files to the catalog of services.

    ``known`` are all services that it has; returns those that it has now. An update of rows that
    are there takes a third of the time of an insert that may conflict with them, and half of that
    once the rows come summed (measured).
    """
    if not added.num_rows:
        return known
    sums = _by_service(added)
    names = sums["service_name"].to_pylist()
    is_new = np.array([name not in known for name in names], np.bool_)
    if is_new.any():
        insert_rows(connection, _INSERT, sums.filter(pa.array(is_new)))
        sums = sums.filter(pa.array(~is_new))
    if sums.num_rows:
        update_from_rows(connection, _ADD, sums)
    return known.union(names)


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


def _by_service(added: pa.Table) -> pa.Table:
    """The sums of rows of ``file_services``, one row a service, under the names of their columns.

    In the statement that adds them they take 5 ms, however few rows there are (measured).
    """
    texts = Texts.from_arrow(added["service_name"].combine_chunks())
    codes, place = np.unique(texts.codes, return_inverse=True)
    known = pc.fill_null(added["first_known_start_unix_nano"], _NEVER).to_numpy()
    first = np.full(len(codes), _NEVER)
    np.minimum.at(first, place, known)
    last = np.full(len(codes), np.iinfo(np.int64).min)
    np.maximum.at(last, place, added["last_start_unix_nano"].to_numpy())
    spans = np.zeros(len(codes), np.int64)
    np.add.at(spans, place, added["span_count"].to_numpy())
    return pa.table(
        {
            "service_name": pa.array([texts.values[code] for code in codes], pa.string()),
            "first_known_start_unix_nano": pa.array(first, mask=first == _NEVER),
            "last_start_unix_nano": last,
            "span_count": spans,
        }
    )


def _names(added: pa.Table) -> frozenset[str]:
    return frozenset(added["service_name"].to_pylist())
