"""Which traces have an LLM call, in the index and beside it."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from indexer.catalog.trace_directory import TraceDirectory
from indexer.spans.attributes import LLM_FLAG
from indexer.spans.identifiers import parse_hex
from indexer.spans.identity import trace_keys
from indexer.system.duckdb_rows import arrow_table, id_list, text_literal

FILES_WHOLE_MAX = 32
"""Of up to this many files all traces with a call are selected: naming the wanted ones is slower in
DuckDB (measured on three files: 1.2 ms against 5.9 ms)."""

_FLAGGED = f"SELECT trace_id FROM trace_files WHERE attribute_flags >= {LLM_FLAG} AND {{where}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmTraces:
    """Which traces have an LLM call, in any tier, file or service.

    ``directory``, the writer's, says which files have the traces: a few instead of all (measured
    on 10M spans: 120 ms for the traces of a page without it).
    """

    cursor: duckdb.DuckDBPyConnection
    directory: TraceDirectory | None
    unindexed: frozenset[str]
    """The traces whose call is in a span that is not indexed yet."""

    def among(self, trace_ids: AbstractSet[str]) -> set[str]:
        """Those of the traces that have an LLM call."""
        asked = sorted(trace_ids - self.unindexed)
        found = set(trace_ids & self.unindexed)
        return found | self._indexed(asked) if asked else found

    def _indexed(self, asked: list[str]) -> set[str]:
        held_by = None if self.directory is None else _files(self.directory, asked)
        where = []
        if held_by is not None:
            where.append(f"file_id IN {id_list(held_by)}" if len(held_by) else "false")
        if held_by is None or len(held_by) > FILES_WHOLE_MAX:
            where.append(f"trace_id IN ({', '.join(map(text_literal, asked))})")
        found = arrow_table(self.cursor, _FLAGGED.format(where=" AND ".join(where)))["trace_id"]
        return set(found.filter(pc.is_in(found, pa.array(asked, pa.string()))).to_pylist())


def _files(directory: TraceDirectory, trace_ids: list[str]) -> list[int]:
    (high, low), _ = parse_hex(pa.array(trace_ids, pa.string()), digits=32)
    _, held_by = directory.files(trace_keys(high, low))
    found: list[int] = np.unique(held_by).tolist()
    return found
