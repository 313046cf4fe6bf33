"""Which columns of spans hold none beyond the limits; others are left to what clips them."""

from typing import TypeVar

import pyarrow as pa
from google.protobuf.message import Message

from indexer.otlp.rows.wire_walk import Unusual
from indexer.otlp.span_limits import FIELD_BYTES_MIN
from indexer.spans.limits import SPAN_LIMITS
from indexer.system import arrow_compute as pc

_M = TypeVar("_M", bound=Message)


def check_owner(found: _M) -> _M:
    """A Resource or InstrumentationScope too short to be beyond limits. Raises Unusual."""
    limits = SPAN_LIMITS
    if found.ByteSize() > FIELD_BYTES_MIN * min(limits.attributes, limits.values):
        raise Unusual
    return found


def check_spans(spans: pa.StructArray) -> None:
    """Raise Unusual where one span may be beyond limits.

    Lists are measured one by one. Values inside of them are counted over all spans together, which
    is quick and seldom more than one span may have.
    """
    limits = SPAN_LIMITS
    attributes, events, links = (spans.field(name) for name in ("attributes", "events", "links"))
    inside = [one.flatten().field("attributes") for one in (events, links)]
    if (
        max(map(_longest, (attributes, *inside))) > limits.attributes
        or _longest(events) > limits.events
        or _longest(links) > limits.links
        or sum(_element_count(one.flatten()) for one in (attributes, events, links)) > limits.values
    ):
        raise Unusual


def _longest(lists: pa.ListArray) -> int:
    return int(pc.max(pc.list_value_length(lists)).as_py() or 0)


def _element_count(found: pa.Array) -> int:
    """Elements of the lists in the values, at any depth."""
    if pa.types.is_list(found.type):
        inner = found.flatten()
        return len(inner) + _element_count(inner)
    return sum(map(_element_count, found.flatten())) if pa.types.is_struct(found.type) else 0
