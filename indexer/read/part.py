"""How much of a stored payload column is read: the first elements, and a count of the others."""

from typing import Any

from indexer.deferred_dataclass import dataclass
from indexer.read.json_cut import cut_json
from indexer.read.values import decode_text
from indexer.spans.limits import SpanLimits

_FIELDS_MAX = 8
"""Members of an event or link beside its attributes: OTLP has six."""
_ELEMENT_BYTES_MIN = 2
"""Of JSON text: a digit and a comma."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stored value without the elements that are too many."""

    stored: Any
    left_out: int
    """Events, links or attributes."""
    inside_left_out: int
    """Elements of what is inside the others: their attributes, arrays and maps."""


def column_limits(name: str, limits: SpanLimits) -> tuple[int, int]:
    """Elements of a payload column of one span that are read, and all that are inside of these."""
    if name in ("events", "links"):
        most = limits.events if name == "events" else limits.links
        return most, limits.values + _FIELDS_MAX * most
    return limits.attributes, limits.values


def short_text_bytes(name: str, limits: SpanLimits) -> int:
    """Bytes of JSON text that cannot hold more than is read."""
    return _ELEMENT_BYTES_MIN * min(column_limits(name, limits))


def part_of_text(name: str, text: bytes | memoryview, limits: SpanLimits) -> Part | None:
    """The part of JSON text that is read; None when that is all of it."""
    each_min = _FIELDS_MAX if name in ("events", "links") else 0
    return _part(text, *column_limits(name, limits), each_min)


def part_of_attributes(text: str, limits: SpanLimits) -> Part | None:
    """The same of the attributes of one event or link that are JSON text themselves.

    They are values of the span, and so is all that is inside of them.
    """
    if _is_short(text, limits.values, limits.values):
        return None
    inside = b"[" + text.encode("utf-8", "replace") + b"]"
    cut = cut_json(inside, 1, limits.values)
    if cut is None or cut.left_out:
        return None
    return Part(decode_text(cut.text[1:-1]), 0, cut.inside_left_out)


def _part(
    text: bytes | memoryview, elements_max: int, inside_max: int, each_min: int = 0
) -> Part | None:
    if _is_short(text, elements_max, inside_max):
        return None
    cut = cut_json(text, elements_max, inside_max, each_min)
    if cut is None:
        return None
    return Part(decode_text(cut.text), cut.left_out, cut.inside_left_out)


def _is_short(text: bytes | memoryview | str, elements_max: int, inside_max: int) -> bool:
    """Whether it is too short to have more."""
    return len(text) <= _ELEMENT_BYTES_MIN * min(elements_max, inside_max)
