"""Events and links of any writer under the names of OTLP's JSON mapping. Pure.

What a writer does not say is not there: no count of dropped attributes is made up. Attributes
alone are always there, empty where there are none.
"""

import re
from collections.abc import Callable
from typing import Any

from indexer.read.arrow_values import NanosText
from indexer.read.iso_times import iso_nanos
from indexer.read.key_values import is_key_values, object_of
from indexer.spans.id_spellings import parse_span_id, parse_trace_id

EVENT_TIMES = ("timeUnixNano", "time_unix_nano", "time_nanos", "timestamp_unix_nano")
"""An event's time by the names that writers give it; all of them say its unit."""
_TYPED_TIMES = ("timestamp", "Timestamp", "time", "Time")
"""Names that are a time's only where the column's type says so, or text that is one with a zone."""

LINK_NAMES: dict[str, tuple[str, ...]] = {
    "traceId": ("traceId", "trace_id", "TraceId"),
    "spanId": ("spanId", "span_id", "SpanId"),
    "traceState": ("traceState", "trace_state", "TraceState"),
}
_SHARED_NAMES: dict[str, tuple[str, ...]] = {
    "name": ("name", "Name"),
    "attributes": ("attributes", "Attributes"),
    "droppedAttributesCount": ("droppedAttributesCount", "dropped_attributes_count"),
}
_NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "events": _SHARED_NAMES,
    "links": LINK_NAMES | _SHARED_NAMES,
}

MEMBERS = {
    *(spelling for names in _NAMES.values() for group in names.values() for spelling in group),
    *(*EVENT_TIMES, *_TYPED_TIMES),
}
"""All names that a part of an event or link may have."""

_COUNT_MAX = 1 << 64
_PLAIN_IDS = {"traceId": re.compile("[0-9a-f]{32}"), "spanId": re.compile("[0-9a-f]{16}")}
_PARSE = {"traceId": parse_trace_id, "spanId": parse_span_id}

Parse = Callable[[Any], Any]


def element(column: str, item: dict[str, Any], parse: Parse) -> dict[str, Any]:
    """An event or a link. ``parse`` reads attributes that are JSON text."""
    found = dict(item)
    for name, spellings in _NAMES[column].items():
        _rename(found, name, spellings)
    if column == "events":
        _set_time(found)
    for name, parse_id in _PARSE.items() if column == "links" else ():
        if isinstance(text := found.get(name), str) and not _PLAIN_IDS[name].fullmatch(text):
            found[name] = parse_id(text) or text
    if found.get("droppedAttributesCount") is None:
        found.pop("droppedAttributesCount", None)
    found["attributes"] = attributes(found.get("attributes"), parse)
    return found


def attributes(value: Any, parse: Parse) -> Any:
    """Those of one event or link; none are an empty object."""
    value = parse(value)
    if value is None:
        return {}
    return object_of(value) if is_key_values(value) else value


def count(value: Any) -> int | None:
    """A number that cannot be negative; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[:21])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_count = isinstance(value, int) and 0 <= value < _COUNT_MAX
    return int(value) if is_count else None


def _rename(found: dict[str, Any], name: str, spellings: tuple[str, ...]) -> None:
    """The first spelling with a value has the name; the others go."""
    if any(one in found for one in spellings):
        values = [found.pop(one) for one in spellings if one in found]
        found[name] = next((one for one in values if one is not None), None)


def _set_time(found: dict[str, Any]) -> None:
    """As decimal nanoseconds; a list or an object is not a time."""
    times = [found.get(name) for name in EVENT_TIMES]
    typed = {name: _typed_time(found.get(name)) for name in _TYPED_TIMES}
    times += typed.values()
    times = [time for time in times if time is not None and not isinstance(time, list | dict)]
    for name in EVENT_TIMES:
        found.pop(name, None)
    for name in _TYPED_TIMES:
        if typed[name] is not None:
            del found[name]
    if times:
        found["timeUnixNano"] = _time_text(times[0])


def _typed_time(value: Any) -> Any:
    if isinstance(value, NanosText) or not isinstance(value, str):
        return value if isinstance(value, NanosText) else None
    return iso_nanos(value)


def _time_text(time: Any) -> str:
    if isinstance(time, float) and time.is_integer():
        time = int(time)
    return str(time) if not isinstance(time, bool) else str(time).lower()
