"""``read_otlp`` and its kin in a DuckDB connection: table macros over scalar functions in Python.

DuckDB has no table functions in Python. So a macro makes a row for each group of a file, asks a
scalar function for the group's rows as one list, and unnests it. DuckDB calls a function for a
vector of 2,048 rows at once, so each group is followed by 2,047 rows of padding: no more than one
group is in memory, and a LIMIT ends the reading with the group that fulfils it. Filters on
``filename`` are applied before a file is opened.

Every macro is temporary: a database file keeps nothing of it.
"""

import weakref
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, cast, get_args

import duckdb
import numpy as np
import pyarrow as pa

from indexer.errors import QueryRefused
from indexer.otlp.files.paths import FileAccess
from indexer.otlp.files.scan import OnError, ScanStats
from indexer.otlp.requests import Signal
from indexer.otlp.rows.schemas import TABLES, Kind, TableKind
from indexer.otlp.sql.readings import Readings, ReadingSpec
from indexer.system.duckdb_functions import ensure_arrow_function

REMOTE_FILE_BYTES_MAX = 256 << 20
"""A file behind DuckDB's http or s3 is in memory as a whole."""
_VECTOR_ROWS = 2048
"""STANDARD_VECTOR_SIZE of DuckDB 1.5 and 2.0. Another one would cost memory, not rows."""

FUNCTIONS: dict[str, Kind] = {
    "read_otlp": "unified",
    "read_otlp_traces": "traces",
    "read_otlp_logs": "logs",
    "read_otlp_metrics_gauge": "gauge",
    "read_otlp_metrics_sum": "sum",
    "read_otlp_metrics_histogram": "histogram",
    "read_otlp_metrics_exp_histogram": "exp_histogram",
    "read_otlp_metrics_summary": "summary",
}
SCAN_STATS = "otlp_scan_stats"

_MACRO = """
CREATE OR REPLACE TEMP MACRO {name}(
    path, on_error := 'skip', signal := NULL, max_file_bytes := {bytes_max}
) AS TABLE
SELECT unnest(otlp_rows, max_depth := 2), filename
FROM (
    SELECT filename, otlp_group_{kind}(CASE WHEN otlp_padding = 0 THEN otlp_spec END, otlp_number)
        AS otlp_rows
    FROM (
        SELECT filename, otlp_spec, otlp_number, unnest(range({vector_rows})) AS otlp_padding
        FROM (
            SELECT filename, otlp_begun.spec AS otlp_spec,
                unnest(range(otlp_begun.groups)) AS otlp_number
            FROM (
                SELECT filename, otlp_begin(
                    filename, '{kind}', on_error, signal, CAST(max_file_bytes AS BIGINT)
                ) AS otlp_begun
                FROM (
                    SELECT unnest(otlp_files(
                        CAST(to_json(path) AS VARCHAR),
                        CAST(current_setting('enable_external_access') AS BOOLEAN)
                    )) AS filename
                )
            )
        )
    )
)
"""
_STATS_MACRO = f"""
CREATE OR REPLACE TEMP MACRO {SCAN_STATS}() AS TABLE
SELECT unnest(otlp_stats(0), max_depth := 2)
"""
_STATS_TYPES = {"int": "BIGINT", "str": "VARCHAR", "bool": "BOOLEAN"}
_BEGUN = pa.struct([("spec", pa.string()), ("groups", pa.int64())])


def install(connection: duckdb.DuckDBPyConnection, *, folder: Path | None = None) -> None:
    """Give the connection ``read_otlp``, its typed kin, and ``otlp_scan_stats``.

    With a ``folder`` only files below it can be read, and relative paths begin there. Cursors of
    the connection need it as well. Raises duckdb.Error.
    """
    access = FileAccess(_DuckDbFiles(connection), folder)
    functions = _Functions(access, Readings(access))
    for name, (function, parameters, result) in functions.declarations().items():
        ensure_arrow_function(connection, name, function, parameters, result)
    for name, kind in FUNCTIONS.items():
        connection.execute(
            _MACRO.format(
                name=name,
                kind=kind,
                bytes_max=REMOTE_FILE_BYTES_MAX,
                vector_rows=_VECTOR_ROWS,
            )
        )
    connection.execute(_STATS_MACRO)


class _DuckDbFiles:
    """Files by URL, read by DuckDB with the extensions and secrets of the connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = weakref.ref(connection)

    def names(self, pattern: str) -> list[str]:
        return [row[0] for row in self._ask("SELECT file FROM glob(?) ORDER BY file", pattern)]

    def size_bytes(self, url: str) -> int:
        ((size,),) = self._ask("SELECT size FROM read_blob(?)", url)
        return int(size)

    def content(self, url: str) -> bytes:
        ((content,),) = self._ask("SELECT content FROM read_blob(?)", url)
        return cast("bytes", content)

    def _ask(self, sql: str, argument: str) -> list[Any]:
        connection = self._connection()
        if connection is None:
            raise QueryRefused(
                "the connection that read_otlp was installed in is gone",
                hint="Keep it open as long as its cursors.",
            )
        with connection.cursor() as cursor:
            return cursor.execute(sql, [argument]).fetchall()


class _Functions:
    """The scalar functions, which take and give Arrow arrays of one vector's rows."""

    def __init__(self, access: FileAccess, readings: Readings) -> None:
        self._access, self._readings = access, readings

    def declarations(self) -> dict[str, tuple[Callable[..., Any], list[str], str]]:
        """(function, types of its parameters, type of its result) by name."""
        begin_parameters = ["VARCHAR", "VARCHAR", "VARCHAR", "VARCHAR", "BIGINT"]
        groups = {
            f"otlp_group_{kind}": (
                self._group_of(table),
                ["VARCHAR", "BIGINT"],
                f"{table.row_sql_type}[]",
            )
            for kind, table in TABLES.items()
        }
        return {
            "otlp_files": (self._files, ["VARCHAR", "BOOLEAN"], "VARCHAR[]"),
            "otlp_begin": (self._begin, begin_parameters, "STRUCT(spec VARCHAR, groups BIGINT)"),
            "otlp_stats": (self._stats, ["INTEGER"], f"{_stats_type()}[]"),
            **groups,
        }

    def _files(self, paths: Any, external_access: Any) -> pa.Array:
        if self._access.folder is None and not all(external_access.to_pylist()):
            raise QueryRefused("file system operations are disabled by configuration", hint="")
        return pa.array([self._access.names(path) for path in paths.to_pylist()])

    def _begin(self, file: Any, kind: Any, on_error: Any, signal: Any, bytes_max: Any) -> pa.Array:
        columns = (file, kind, on_error, signal, bytes_max)
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        specs = [self._readings.begin(*_checked(*row)) for row in rows]
        # The group after the last one finds out whether the file goes on.
        return pa.array(
            [{"spec": spec.text(), "groups": spec.groups + 1} for spec in specs], _BEGUN
        )

    def _group_of(self, table: TableKind) -> Callable[[Any, Any], pa.Array]:
        row_type = pa.struct(list(table.schema))

        def group(specs: Any, numbers: Any) -> pa.Array:
            lengths = np.zeros(len(specs) + 1, np.int32)
            found: list[pa.RecordBatch] = []
            for place, spec in enumerate(specs.to_pylist()):
                if spec is not None:
                    more = self._readings.group(ReadingSpec.parse(spec), numbers[place].as_py())
                    lengths[place + 1] = sum(batch.num_rows for batch in more)
                    found += more
            structs = [batch.to_struct_array() for batch in found]
            values = pa.concat_arrays(structs) if structs else pa.array([], row_type)
            return pa.ListArray.from_arrays(pa.array(np.cumsum(lengths, dtype=np.int32)), values)

        return group

    def _stats(self, asked: Any) -> pa.Array:
        names = [field.name for field in fields(ScanStats)]
        rows = [
            {"scan": number, **{name: getattr(stats, name) for name in names}}
            for number, stats in self._readings.stats()
        ]
        return pa.array([rows] * len(asked))


def _checked(
    file: str, kind: Kind, on_error: str | None, signal: str | None, bytes_max: int | None
) -> tuple[str, Kind, OnError, Signal | None, int]:
    if on_error not in get_args(OnError):
        raise QueryRefused(f"invalid on_error {on_error!r}", hint="It is 'skip' or 'fail'.")
    if signal is not None and signal not in get_args(Signal):
        raise QueryRefused(
            f"invalid signal {signal!r}", hint="It is 'traces', 'logs' or 'metrics'."
        )
    if bytes_max is None or bytes_max < 0:
        raise QueryRefused(f"invalid max_file_bytes {bytes_max}", hint="Give a number of bytes.")
    return file, kind, cast("OnError", on_error), cast("Signal | None", signal), bytes_max


def _stats_type() -> str:
    columns = ["scan BIGINT"]
    for field in fields(ScanStats):
        kind = str(field.type).removesuffix(" | None").removeprefix("<class '").removesuffix("'>")
        columns.append(f'"{field.name}" {_STATS_TYPES[kind]}')
    return f"STRUCT({', '.join(columns)})"
