"""The canonical payload of chosen rows of a file: what their row group has in common is made once.

A row gives the same as ``span_payload`` of what ``read_payload`` gives. Of a usual file a dozen of
fourteen columns are alike in all rows of a row group, and resources repeat span after span.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from indexer.deferred_dataclass import dataclass
from indexer.model import ParquetFileInfo
from indexer.read.dialect_fields import Dialect, PayloadColumn
from indexer.read.normalise import canonical, empty
from indexer.read.payload import read_payload, read_stored_rows
from indexer.read.payload_rows import PayloadLayout, SharedValues, StoredRow
from indexer.read.payload_values import rows_of, value_of
from indexer.read.span_payload import json_text_bytes, short_bytes, short_value, span_payload
from indexer.read.stored_objects import StoredObjects
from indexer.read.tally import Tally
from indexer.spans.limits import SPAN_LIMITS, SpanLimits
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
) -> list[dict[str, Any]]:
    """By name of the column, with ``omitted`` where something is left out; rows in their order.

    With ``stored``, attributes may be a StoredObject, whose value is the canonical one.

    Values may stand in several rows and answers: they are never to be changed. Raises like
    ``read_payload``.
    """
    if dialect.trace_a_row:
        payload = read_payload(storage, info, dialect, rows, tally, limits)
        return [span_payload(one, limits) for one in payload]
    layout, found = read_stored_rows(storage, info, dialect, rows, tally, limits, footer_digest)
    attributes = None if stored is None else stored.attributes
    return [_short_row(layout, row, attributes) or _any_row(layout, row) for row in found]


def canonical_row(
    stored: Mapping[str, Any],
    objects: StoredObjects | None = None,
    limits: SpanLimits = SPAN_LIMITS,
) -> dict[str, Any]:
    """The same of stored columns that are in memory, as ``read_payload`` gives them."""
    size = json_text_bytes(stored.items())
    if size is None or size > short_bytes(limits):
        return span_payload(stored, limits)
    attributes = None if objects is None else objects.attributes
    return {name: _short(name, value, attributes) for name, value in stored.items()}


def _any_row(layout: PayloadLayout, row: StoredRow) -> dict[str, Any]:
    (stored,) = rows_of(layout.payload, [row.values], layout.places, layout.absent)
    return span_payload(stored, layout.limits)


def _short_row(
    layout: PayloadLayout, row: StoredRow, attributes: Callable[[str], Any] | None
) -> dict[str, Any] | None:
    """Of a row that cannot hold more than a limit; None of any other."""
    common = row.shared.made
    if common is None:
        common = row.shared.made = _common(layout, row.shared) or _NOT_SHORT
    if common is _NOT_SHORT:
        return None
    own = row.own
    stored = [
        (name, null if (value := own[position]) is None else value)
        for name, position, null in common.plain
    ]
    if common.made:
        values = row.values
        stored += [(one.name, value_of(one, values, layout.places)) for one in common.made]
    own_bytes = json_text_bytes(stored)
    if own_bytes is None or common.json_bytes + own_bytes > short_bytes(layout.limits):
        return None
    payload: dict[str, Any] = common.payload.copy()
    for name, value in stored:
        payload[name] = _short(name, value, attributes)
    return payload


def _common(layout: PayloadLayout, shared: SharedValues) -> _Common | None:
    positions = {one.name: {layout.places[name] for name in one.columns} for one in layout.payload}
    known = shared.values.keys()
    alike = [one for one in layout.payload if positions[one.name] <= known]
    others = [one for one in layout.payload if not positions[one.name] <= known]
    values = {one.name: value_of(one, shared.values, layout.places) for one in alike}
    stored = {**layout.absent, **values}
    for one in others:
        del stored[one.name]
    json_bytes = json_text_bytes(stored.items())
    if json_bytes is None:
        return None
    plain = [one for one in others if one.is_whole and not one.is_member]
    return _Common(
        payload={name: short_value(name, value) for name, value in stored.items()},
        json_bytes=json_bytes,
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
