"""INT96 times, of Spark, Hive and SQL Server: a day of 32 bits and nanoseconds in it.

Decoded as nanoseconds in an int64 they wrap around beyond 2262-04-11 and before 1677-09-21; year
9999, which stands for an open end, becomes 1816. Decoded as milliseconds they never do.
"""

import numpy as np
import pyarrow as pa

from indexer.system import arrow_compute as pc

COARSE_UNIT = "ms"
"""All days of 32 bits fit into an int64 of it."""
_NANOS_MAX = int(np.iinfo(np.int64).max)
_NANOS_PER_UNIT = 1_000_000


def saturate(exact: pa.Table, coarse: pa.Table) -> pa.Table:
    """The first table with the first or last nanosecond in the place of values that wrapped around.

    ``coarse`` has the same columns, INT96 among them decoded in the coarse unit.
    """
    for at, column in enumerate(exact.columns):
        if column.type != coarse.column(at).type:
            exact = exact.set_column(at, exact.field(at), _saturated(column, coarse.column(at)))
    return exact


def _saturated(exact: pa.ChunkedArray, coarse: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_timestamp(exact.type):
        return exact
    nanos, units = exact.cast(pa.int64()), coarse.cast(pa.int64())
    bound = _NANOS_MAX // _NANOS_PER_UNIT
    at_bound = pc.and_(pc.equal(units, bound), pc.less(nanos, 0))
    beyond = pc.or_(pc.greater(units, bound), at_bound)
    nanos = pc.if_else(beyond, _NANOS_MAX, nanos)
    return pc.if_else(pc.less(units, -bound), -_NANOS_MAX, nanos).cast(exact.type)
