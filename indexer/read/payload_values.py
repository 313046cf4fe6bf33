"""Values of a file's columns as a canonical payload column has them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.read.arrow_values import arrow_values
from indexer.read.dialect_fields import PayloadColumn
from indexer.read.map_keys import first_entries
from indexer.read.members import gathered, member, whole
from indexer.read.nested_cut import nested_values
from indexer.read.normalise import JSON_COLUMNS, empty
from indexer.read.part import Part, column_limits, part_of_text, short_text_bytes
from indexer.read.values import decode_text
from indexer.spans.limits import SpanLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one column of a file is to the payload."""

    name: str
    """Of the canonical column, whose limits hold."""
    key: str = ""
    """Under which the values stand in each event or link."""
    is_member: bool = False
    """Text is a value of the span, and not JSON of all of them."""
    first_of_key: bool = False

    def values(self, column: pa.ChunkedArray, limits: SpanLimits) -> list[Any]:
        """One value a row, a Part where a span has more than it may.

        Of text that is not UTF-8 the odd bytes are replaced.
        """
        types = pa.types
        if types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if types.is_string(column.type) or types.is_large_string(column.type):
            return [
                self.text(limits, memoryview(text.as_buffer())) if text.is_valid else None
                for text in column
            ]
        if self.first_of_key and types.is_map(column.type):
            column = pa.chunked_array([first_entries(chunk) for chunk in column.chunks])
        if types.is_nested(column.type) and self.name in JSON_COLUMNS:
            return nested_values(column, *column_limits(self.name, limits), self.key)
        if types.is_binary(column.type) or types.is_large_binary(column.type):
            content = column.to_pylist()
            return [None if one is None else self.content(limits, one) for one in content]
        return [value for chunk in column.chunks for value in arrow_values(chunk)]

    def text(self, limits: SpanLimits, stored: bytes | memoryview) -> str | Part:
        """A stored text."""
        part = self._part(limits, stored)
        return decode_text(stored) if part is None else part

    def texts(self, limits: SpanLimits, stored: Sequence[bytes]) -> list[str | Part]:
        """Several of them."""
        if max(map(len, stored), default=0) <= short_text_bytes(self.name, limits):
            return [str(one, "utf-8", "replace") for one in stored]
        return [self.text(limits, one) for one in stored]

    def content(self, limits: SpanLimits, stored: bytes) -> bytes | Part:
        """Stored bytes, which may be JSON too."""
        part = self._part(limits, stored)
        return stored if part is None else part

    def _part(self, limits: SpanLimits, stored: bytes | memoryview) -> Part | None:
        is_json = self.name in JSON_COLUMNS and not self.is_member
        return part_of_text(self.name, stored, limits) if is_json else None


def readings(payload: Sequence[PayloadColumn], places: Mapping[str, int]) -> dict[int, Reading]:
    """By position, for each of the file's columns that these are made of."""
    return {
        places[column]: Reading(
            name="attributes" if one.is_member else one.name,
            key="" if one.is_member else key,
            is_member=one.is_member,
            first_of_key=one.first_of_key,
        )
        for one in payload
        for key, column in one.parts
    }


def rows_of(
    payload: Sequence[PayloadColumn],
    rows: Sequence[Mapping[int, Any]],
    places: Mapping[str, int],
    absent: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """The payload columns of rows whose values are by position, and what is ``absent`` of them."""
    plain = [one for one in payload if one.is_whole and not one.is_member]
    others = [one for one in payload if one not in plain]
    found = [dict(absent) for _ in rows]
    for one in plain:
        place, name = places[one.columns[0]], one.name
        for row, made in zip(rows, found, strict=True):
            value = row[place]
            made[name] = empty(name) if value is None and one.null_is_empty else value
    for one in others:
        for row, made in zip(rows, found, strict=True):
            made[one.name] = value_of(one, row, places)
    return found


def value_of(payload: PayloadColumn, row: Mapping[int, Any], places: Mapping[str, int]) -> Any:
    """The value of a payload column of one row, whose values are by position."""
    if payload.is_member:
        return _made_of_members(payload, row, places)
    if payload.is_whole:
        value = row[places[payload.columns[0]]]
        is_empty = value is None and payload.null_is_empty
        return empty(payload.name) if is_empty else value
    sides = {key: row[places[column]] for key, column in payload.parts}
    parts = [side for side in sides.values() if isinstance(side, Part)]
    stored = {key: side.stored if isinstance(side, Part) else side for key, side in sides.items()}
    if not parts:
        return stored
    inside_left_out = sum(part.inside_left_out for part in parts)
    return Part(stored, max(part.left_out for part in parts), inside_left_out)


def _made_of_members(
    payload: PayloadColumn, row: Mapping[int, Any], places: Mapping[str, int]
) -> Any:
    values = [(key, _member(row[places[column]], payload, key)) for key, column in payload.parts]
    if payload.is_gathered:
        return gathered(values, zero_is_nothing=payload.zero_is_nothing)
    value = values[0][1]
    return empty(payload.name) if value is None and payload.null_is_empty else value


def _member(stored: Any, payload: PayloadColumn, key: str) -> Any:
    value = stored.decode("utf-8", "replace") if isinstance(stored, bytes) else stored
    if paths := payload.paths_of(key):
        value = member(value.stored if isinstance(value, Part) else value, paths)
    return whole(value) if payload.whole_doubles else value
