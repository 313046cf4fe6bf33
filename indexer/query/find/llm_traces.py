"""Which traces have an LLM call, in the index and beside it."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import field

import duckdb
import numpy as np
import pyarrow as pa

from indexer.catalog.trace_directory import TraceDirectory
from indexer.deferred_dataclass import dataclass
from indexer.spans.attributes import LLM_FLAG, llm_values
from indexer.spans.identifiers import parse_hex
from indexer.spans.identity import trace_keys
from indexer.system import arrow_compute as pc
from indexer.system.duckdb_rows import arrow_table, id_list, text_literal

FILES_WHOLE_MAX = 32
"""Of up to this many files all traces with a call are selected: naming the wanted ones is slower in
DuckDB (measured on three files: 1.2 ms against 5.9 ms)."""

_FLAGGED = f"""SELECT trace_id FROM trace_files
WHERE attribute_flags >= {LLM_FLAG} AND {{in_files}} AND {{in_traces}}"""
_OF_SERVICE = """SELECT DISTINCT trace_id FROM indexed_spans JOIN (
    SELECT file_id, file_row_number, position_in_row FROM indexed_attributes
    WHERE {in_files} AND ({calls})
) USING (file_id, file_row_number, position_in_row)
WHERE service_name = {service} AND {in_files} AND {in_traces}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmTraces:
    """Which traces have an LLM call, in any tier or file, in any service or in one.

    ``directory``, the writer's, says which files have the traces: a few instead of all (measured
    on 10M spans: 120 ms for the traces of a page without it).
    """

    cursor: duckdb.DuckDBPyConnection
    directory: TraceDirectory | None
    unindexed: frozenset[str]
    """The traces whose call is in a span that is not indexed yet."""
    service: str | None = None
    """The one that the call has to be in, if it has."""
    keys: Mapping[str, int] = field(default_factory=dict)
    """The promoted attributes that tell LLM calls, and their numbers."""

    @property
    def sql(self) -> str:
        """All of them, as a query of trace IDs."""
        unindexed = ", ".join(text_literal(one) for one in sorted(self.unindexed))
        return f"{self._all()} UNION ALL SELECT unnest([{unindexed}]::VARCHAR[])"

    def among(self, trace_ids: AbstractSet[str]) -> set[str]:
        """Those of the traces that have an LLM call."""
        asked = sorted(trace_ids - self.unindexed)
        found = set(trace_ids & self.unindexed)
        return found | self._indexed(asked) if asked else found

    def _indexed(self, asked: list[str]) -> set[str]:
        held_by = None if self.directory is None else _files(self.directory, asked)
        in_files = in_traces = "true"
        if held_by is not None:
            in_files = f"file_id IN {id_list(held_by)}" if len(held_by) else "false"
        if held_by is None or len(held_by) > FILES_WHOLE_MAX:
            in_traces = f"trace_id IN ({', '.join(map(text_literal, asked))})"
        found = arrow_table(self.cursor, self._all(in_files, in_traces))["trace_id"]
        return set(found.filter(pc.is_in(found, pa.array(asked, pa.string()))).to_pylist())

    def _all(self, in_files: str = "true", in_traces: str = "true") -> str:
        """The indexed ones in some files and among some traces."""
        if self.service is None:
            return _FLAGGED.format(in_files=in_files, in_traces=in_traces)
        return _OF_SERVICE.format(
            calls=" OR ".join(_calls(key, number) for key, number in self.keys.items()) or "false",
            service=text_literal(self.service),
            in_files=in_files,
            in_traces=in_traces,
        )


def _calls(key: str, number: int) -> str:
    """Which values of one attribute tell an LLM call."""
    values = llm_values(key)
    told = "<> ''" if values is None else f"IN ({', '.join(map(text_literal, values))})"
    return f"(key_id = {number} AND value {told})"


def _files(directory: TraceDirectory, trace_ids: list[str]) -> list[int]:
    (high, low), _ = parse_hex(pa.array(trace_ids, pa.string()), digits=32)
    _, held_by = directory.files(trace_keys(high, low))
    found: list[int] = np.unique(held_by).tolist()
    return found
