"""A block of Grafana Tempo read as a file with a row a span.

The number of a span is its place among all spans of the block, in the order of the file: that of
its trace's row, of its resource, its scope, and its own in that. ``meta.json`` beside the data
names the attributes of dedicated columns. Tempo writes it last: without it a block is unfinished.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from indexer.errors import CorruptPage, FileFault, FileUnreadable
from indexer.model import FileFooter
from indexer.parquet.decode_errors import decoding
from indexer.parquet.file_columns import FileColumns
from indexer.read.block_meta import digest_with, read_meta
from indexer.read.tempo_attributes import EVENT, RESOURCE, SPAN, Dedicated, Places
from indexer.read.tempo_spans import COLUMNS, SPANS_ALONE, NestedSpans, SpanColumn
from indexer.system.storage import LocalStorage

TRACES = 256
"""Rows of a block in memory at a time."""
_RECOGNISED_BY = frozenset({"TraceID", SPANS_ALONE, "rs.ss.Spans.Attrs.IsArray"})
"""Paths of columns; the last one came with vParquet4."""
_OWNERS = {"resource": RESOURCE, "span": SPAN, "event": EVENT}
_TYPES = {"string": "String", "int": "Int"}
_UNFINISHED = "Nothing to do: Tempo writes meta.json last, and the block is tried again."


def is_block(file: FileColumns) -> bool:
    """Whether it is the data of a block whose form is known."""
    return _are_of_block(file.leaf_paths)


@lru_cache(maxsize=64)
def _are_of_block(leaf_paths: tuple[str, ...]) -> bool:
    return set(map(_path, leaf_paths)) >= _RECOGNISED_BY


def span_rows(storage: LocalStorage, file: FileColumns, path: str) -> "FileColumns | TempoBlock":
    """The file itself, or the spans of the block that it is.

    Raises FileUnreadable for a block without ``meta.json``, FileFault for one whose ``meta.json``
    is invalid.
    """
    return TempoBlock(storage, file, path) if is_block(file) else file


class TempoBlock:
    """The columns of the spans, by their position in ``schema``."""

    schema = pa.schema([(one.name, one.type) for one in COLUMNS])

    def __init__(self, storage: LocalStorage, file: FileColumns, path: str) -> None:
        """Raises as ``span_rows``."""
        self._file, self._path = file, path
        content = read_meta(storage, path)
        if content is None:
            message = "a block of Tempo without meta.json beside data.parquet is not finished"
            raise FileUnreadable(message, path=path, hint=_UNFINISHED)
        self._leaves = [_path(one) for one in file.leaf_paths]
        try:
            self._dedicated = dedicated_attributes(json.loads(content))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise FileFault(f"meta.json of the block is invalid: {error}", path=path) from error
        for one in self._dedicated:
            if f"{one.owner}.{one.column}" not in self._leaves:
                message = f"meta.json names {one.key} in {one.column}, which the block has not"
                raise FileFault(message, path=path)
        self._digest = digest_with(file.footer.footer_digest, content)
        self.bytes_read = 0
        """Compressed, as they lie in the file."""

    @property
    def footer(self) -> FileFooter:
        """With spans for rows, and a digest of ``meta.json`` too."""
        with decoding(self._path):
            count = sum(len(one) for one in self._nested((), self._groups))
        return replace(
            self._file.footer,
            row_count=count,
            footer_digest=self._digest,
            columns=tuple(self.schema.names),
        )

    def stored_bytes(self, positions: Sequence[int]) -> int:
        """What they are made of takes in the file, compressed. Raises like ``read``."""
        columns = [COLUMNS[position] for position in positions]
        with decoding(self._path):
            return self._file.leaf_bytes(self._leaves_of(columns), self._groups)

    @property
    def _groups(self) -> range:
        return range(self._file.footer.row_group_count)

    def read(self, positions: Sequence[int]) -> pa.Table:
        """These columns of all spans. Raises CorruptPage, FileUnreadable."""
        return self._joined(list(self.batches(positions, 0)), positions)

    def batches(self, positions: Sequence[int], _rows_max: int) -> Iterator[pa.Table]:
        """The same, the spans of so many traces at a time. Raises like ``read``."""
        columns = [COLUMNS[position] for position in positions]
        with decoding(self._path):
            for nested in self._nested(columns, self._groups):
                yield self._table(nested, columns)

    def take(self, positions: Sequence[int], rows: Sequence[int]) -> pa.Table:
        """These columns of the spans of these numbers, in their order. Raises like ``read``."""
        columns = [COLUMNS[position] for position in positions]
        numbers = np.asarray(rows, np.int64)
        order = np.argsort(numbers, kind="stable")
        with decoding(self._path):
            parts = list(self._chosen(columns, numbers[order]))
        found = self._joined(parts, positions)
        if found.num_rows != len(numbers):
            message = f"{found.num_rows} of {len(numbers)} spans are there"
            raise CorruptPage(message, path=self._path)
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return found.take(pa.array(back))

    def _chosen(self, columns: Sequence[SpanColumn], numbers: Places) -> Iterator[pa.Table]:
        """Those of spans whose numbers ascend; a row group without one is not decoded."""
        first = 0
        for group in self._groups:
            held = sum(len(one) for one in self._nested((), [group]))
            begin, end = np.searchsorted(numbers, [first, first + held])
            wanted = numbers[begin:end] - first
            first += held
            before = 0
            for nested in self._nested(columns, [group]) if len(wanted) else ():
                begin, end = np.searchsorted(wanted, [before, before + len(nested)])
                if end > begin:
                    yield self._table(nested.take(wanted[begin:end] - before), columns)
                before += len(nested)
                if end == len(wanted):
                    break

    def _nested(
        self, columns: Sequence[SpanColumn], groups: Sequence[int]
    ) -> Iterator[NestedSpans]:
        """The spans of some traces after another, with what these columns are made of."""
        leaves = self._leaves_of(columns)
        self.bytes_read += self._file.leaf_bytes(leaves, groups)
        for batch in self._file.leaf_batches(leaves, TRACES, groups):
            yield NestedSpans.of(batch)

    def _leaves_of(self, columns: Sequence[SpanColumn]) -> list[int]:
        parts = {SPANS_ALONE, *(part for one in columns for part in one.parts)}
        return [at for at, path in enumerate(self._leaves) if _is_of(path, parts)]

    def _table(self, nested: NestedSpans, columns: Sequence[SpanColumn]) -> pa.Table:
        made = {one.name: one.make(nested, self._dedicated).cast(one.type) for one in columns}
        return pa.table(made)

    def _joined(self, parts: Sequence[pa.Table], positions: Sequence[int]) -> pa.Table:
        schema = pa.schema([self.schema.field(position) for position in positions])
        return pa.concat_tables([schema.empty_table(), *parts])


def dedicated_attributes(meta: Any) -> tuple[Dedicated, ...]:
    """Of ``meta.json``: those of one owner and type stand in columns that are numbered from 1.

    Raises ValueError, TypeError, KeyError and AttributeError for what is not such a document.
    """
    entries = meta.get("dedicatedColumns") or []
    kinds = [(one["s"], one.get("t") or "string") for one in entries]
    if unknown := [f"{owner} {kind}" for owner, kind in kinds if not _is_known(owner, kind)]:
        raise ValueError(f"unknown dedicated columns: {', '.join(unknown)}")
    numbers = [kinds[: at + 1].count(kind) for at, kind in enumerate(kinds)]
    return tuple(
        Dedicated(
            _OWNERS[owner],
            f"DedicatedAttributes.{_TYPES[kind]}{number:02d}",
            str(one["n"]),
            "array" in (one.get("o") or ()),
        )
        for one, (owner, kind), number in zip(entries, kinds, numbers, strict=True)
    )


def _is_known(owner: str, kind: str) -> bool:
    return owner in _OWNERS and kind in _TYPES


def _path(leaf: str) -> str:
    """Names of fields alone: vParquet4 has lists of three levels, vParquet5 of one."""
    return ".".join(name for name in leaf.split(".") if name not in ("list", "element"))


def _is_of(path: str, parts: set[str]) -> bool:
    return any(path == part or path.startswith(f"{part}.") for part in parts)
