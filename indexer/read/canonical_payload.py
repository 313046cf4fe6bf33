"""The canonical payload of chosen rows of a file: what their row group has in common is made once.

A row gives the same as ``span_payload`` of what ``read_payload`` gives. Of a usual file a dozen of
fourteen columns are alike in all rows of a row group, and resources repeat span after span.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any

from indexer.deferred_dataclass import dataclass
from indexer.model import ParquetFileInfo
from indexer.read.dialect_fields import Dialect, PayloadColumn
from indexer.read.normalise import JSON_COLUMNS, canonical, empty
from indexer.read.payload import read_payload, read_stored_rows
from indexer.read.payload_rows import PayloadLayout, SharedValues, StoredRows
from indexer.read.payload_values import rows_of, value_of
from indexer.read.span_payload import json_bytes, short_bytes, short_value, span_payload
from indexer.read.stored_objects import StoredObjects
from indexer.read.tally import Tally
from indexer.spans.limits import SPAN_LIMITS, SpanLimits
from indexer.spans.payload import Payload
from indexer.system.storage import LocalStorage

ALIKE_MAX = 256
"""Texts of resources and scopes whose value is kept: as many as services, mostly."""
ALIKE_BYTES_MAX = 1_024
"""Of one of them: all together take some 3 MB."""
_ATTRIBUTES = "attributes"
_ALIKE = frozenset({"resource_attributes", "scope_attributes"})


@dataclass(frozen=True, slots=True)
class _Common:
    """What all rows of a row group have in canonical form."""

    payload: dict[str, Any]
    """With all columns of a payload, in their order; None of those that differ."""
    json_bytes: int
    plain: Sequence[tuple[str, int, Any]]
    """Of columns that differ from row to row and hold their values themselves: their name and
    position, and what a NULL is."""
    made: Sequence[PayloadColumn]
    """Other columns that differ."""


_NOT_SHORT = object()
"""Instead of that: a value that is no text, whose elements have to be counted."""


def read_canonical_payload(
    storage: LocalStorage,
    info: ParquetFileInfo,
    dialect: Dialect,
    rows: Sequence[int],
    tally: Tally,
    limits: SpanLimits = SPAN_LIMITS,
    footer_digest: str | None = None,
    stored: StoredObjects | None = None,
) -> list[Payload]:
    """Of the given file row numbers, in their order; with ``omitted`` where something is left out.

    With ``stored``, attributes may be a StoredObject, whose value is the canonical one.

    Values may stand in several rows and answers: they are never to be changed. Raises like
    ``read_payload``.
    """
    if dialect.trace_a_row:
        payload = read_payload(storage, info, dialect, rows, tally, limits)
        return [Payload(**span_payload(one, limits)) for one in payload]
    layout, found = read_stored_rows(storage, info, dialect, rows, tally, limits, footer_digest)
    attributes = None if stored is None else stored.attributes
    if len(found) == 1:
        return _payloads(layout, found[0], attributes)
    by_row: dict[int, Payload] = {}
    for part in found:
        by_row.update(zip(part.rows, _payloads(layout, part, attributes), strict=True))
    return [by_row[row] for row in rows]


def canonical_payloads(
    stored: Mapping[str, Sequence[Any]],
    objects: StoredObjects | None = None,
    limits: SpanLimits = SPAN_LIMITS,
) -> list[Payload]:
    """The same of rows in memory, whose columns are as ``read_payload`` gives them."""
    if not _are_short(stored, limits):
        rows = zip(*stored.values(), strict=True)
        every = (dict(zip(stored, row, strict=True)) for row in rows)
        return [Payload(**span_payload(one, limits)) for one in every]
    attributes = None if objects is None else objects.attributes
    made = {name: _short_column(name, values, attributes) for name, values in stored.items()}
    nothing = [None] * len(next(iter(stored.values())))
    columns = [made.get(name, nothing) for name in Payload._fields]
    return list(map(Payload._make, zip(*columns, strict=True)))


def _are_short(stored: Mapping[str, Sequence[Any]], limits: SpanLimits) -> bool:
    """Whether no row can hold more than a limit."""
    texts = [stored[name] for name in JSON_COLUMNS if name in stored]
    most = short_bytes(limits)
    sizes = map(json_bytes, zip(*texts, strict=True))
    return all(size is not None and size <= most for size in sizes)


def _short_column(
    name: str, stored: Sequence[Any], attributes: Callable[[str], Any] | None
) -> Sequence[Any]:
    """Most columns have one value in all rows of a trace."""
    if stored.count(stored[0]) == len(stored):
        return [_short(name, stored[0], attributes)] * len(stored)
    return [_short(name, one, attributes) for one in stored]


def _payloads(
    layout: PayloadLayout, part: StoredRows, attributes: Callable[[str], Any] | None
) -> list[Payload]:
    """Of rows of one row group, those that cannot hold more than a limit all at once."""
    common = part.shared.made
    if common is None:
        common = part.shared.made = _common(layout, part.shared) or _NOT_SHORT
    places = range(len(part.rows))
    if common is _NOT_SHORT:
        return [_any_row(layout, part, at) for at in places]
    stored = _stored_columns(layout, common, part)
    short = _short_places(layout, common, stored, len(part.rows))
    if len(short) == len(part.rows):
        return _short_rows(common, stored, len(short), attributes)
    some = {name: [values[at] for at in short] for name, values in stored.items()}
    made = dict(zip(short, _short_rows(common, some, len(short), attributes), strict=True))
    return [made.get(at) or _any_row(layout, part, at) for at in places]


def _stored_columns(
    layout: PayloadLayout, common: _Common, part: StoredRows
) -> dict[str, list[Any]]:
    """The payload columns that differ from row to row, as they are stored."""
    own = part.own
    columns = {
        name: own[place] if null is None else [null if one is None else one for one in own[place]]
        for name, place, null in common.plain
    }
    if common.made:
        rows = [part.values(at) for at in range(len(part.rows))]
        for one in common.made:
            columns[one.name] = [value_of(one, row, layout.places) for row in rows]
    return columns


def _short_places(
    layout: PayloadLayout, common: _Common, stored: Mapping[str, list[Any]], count: int
) -> Sequence[int]:
    """Which rows cannot hold more than a limit."""
    most = short_bytes(layout.limits) - common.json_bytes
    texts = [values for name, values in stored.items() if name in JSON_COLUMNS]
    sizes = [json_bytes(values) for values in zip(*texts, strict=True)] if texts else [0] * count
    return [at for at, size in enumerate(sizes) if size is not None and size <= most]


def _short_rows(
    common: _Common,
    stored: Mapping[str, list[Any]],
    count: int,
    attributes: Callable[[str], Any] | None,
) -> list[Payload]:
    columns: list[Iterable[Any]] = [
        [_short(name, one, attributes) for one in stored[name]]
        if name in stored
        else repeat(value, count)
        for name, value in common.payload.items()
    ]
    return list(map(Payload._make, zip(*columns, strict=True)))


def _any_row(layout: PayloadLayout, part: StoredRows, at: int) -> Payload:
    (stored,) = rows_of(layout.payload, [part.values(at)], layout.places, layout.absent)
    return Payload(**span_payload(stored, layout.limits))


def _common(layout: PayloadLayout, shared: SharedValues) -> _Common | None:
    positions = {one.name: {layout.places[name] for name in one.columns} for one in layout.payload}
    known = shared.values.keys()
    alike = [one for one in layout.payload if positions[one.name] <= known]
    others = [one for one in layout.payload if not positions[one.name] <= known]
    values = {one.name: value_of(one, shared.values, layout.places) for one in alike}
    stored = {**layout.absent, **values}
    for one in others:
        del stored[one.name]
    size = json_bytes(stored[name] for name in stored.keys() & JSON_COLUMNS)
    if size is None:
        return None
    plain = [one for one in others if one.is_whole and not one.is_member]
    payload = {name: short_value(name, value) for name, value in stored.items()}
    return _Common(
        payload={**dict.fromkeys(Payload._fields), **payload},
        json_bytes=size,
        plain=[
            (
                one.name,
                layout.places[one.columns[0]],
                empty(one.name) if one.null_is_empty else None,
            )
            for one in plain
        ],
        made=[one for one in others if one not in plain],
    )


def _short(name: str, stored: Any, attributes: Callable[[str], Any] | None) -> Any:
    if attributes is not None and name == _ATTRIBUTES and type(stored) is str:
        return attributes(stored)
    if name in _ALIKE and isinstance(stored, str) and len(stored) <= ALIKE_BYTES_MAX:
        return _alike(name, stored)
    return short_value(name, stored)


@lru_cache(maxsize=ALIKE_MAX)
def _alike(name: str, stored: str) -> Any:
    return canonical(name, stored)
