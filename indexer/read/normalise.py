"""Payload values of any writer as one canonical form: what OTLP's JSON calls them. Pure.

Attributes are objects; events and links are lists of objects with the names of OTLP's JSON
mapping. JSON text, maps, structs, and lists side by side all become that. What cannot be
understood stays as it is: an answer hides nothing.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from indexer.spans.limits import SPAN_LIMITS

JSON_COLUMNS = ("attributes", "events", "links", "resource_attributes", "scope_attributes")
"""Canonical payload columns that hold JSON; the others are text and numbers."""

EVENT_TIMES = ("timeUnixNano", "time_unix_nano", "time_nanos")
"""An event's time, by the names that the Junjo ingestion service gave it one after the other.
A list or an object is no time."""
NESTED_MAX = 2 * SPAN_LIMITS.depth
"""Values inside each other: twice what a door takes, for writers that have two of theirs for one of
OTLP's. JSON that is deeper was made to break its readers, and stays text."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


Parse = Callable[[Any], Any]


def parsed(stored: Any) -> Any:
    """A JSON value, or the text as it stands when it is not JSON."""
    text = stored.decode("utf-8", "replace") if isinstance(stored, bytes) else stored
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def canonical(name: str, stored: Any, parse: Parse = parsed) -> Any:
    """The value of a payload column.

    ``stored`` is what the file has: text, bytes, a number, a value of a nested column, or a
    dictionary of lists where the elements' keys stand in columns side by side. ``parse`` reads
    attributes of one event or link that are text.
    """
    try:
        return _canonical(name, stored, parse)
    except RecursionError:
        return stored.decode("utf-8", "replace") if isinstance(stored, bytes) else str(stored)


def _canonical(name: str, stored: Any, parse: Parse) -> Any:
    if name not in JSON_COLUMNS:
        return plain(stored)
    is_text = isinstance(stored, str | bytes)
    if name not in ("events", "links"):
        return plain(parsed(stored)) if is_text else _object(stored)
    value = _zipped(stored) if isinstance(stored, Mapping) else parsed(stored)
    if not isinstance(value, list):
        return plain(value)
    return [
        _element(name, item, parse, is_text=is_text) if isinstance(item, dict) else plain(item)
        for item in value
    ]


def plain(value: Any, nested_max: int = NESTED_MAX) -> Any:
    """The value as JSON can say it: times as decimal nanoseconds, bytes as hex, maps as objects.

    Raises RecursionError for more values inside each other.
    """
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return str(_nanos(value))
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping | list | tuple):
        if not nested_max:
            raise RecursionError(f"more than {NESTED_MAX} values inside each other")
        if isinstance(value, Mapping):
            return {str(key): plain(item, nested_max - 1) for key, item in value.items()}
        return [plain(item, nested_max - 1) for item in value]
    return value


def _object(value: Any) -> Any:
    """Attributes of a nested column: a map's pairs and a struct's fields are one object."""
    if isinstance(value, list) and all(_is_pair(item) for item in value):
        return {str(key): plain(item) for key, item in value}
    return plain(_without_none(value))


def _without_none(value: Any) -> Any:
    """A struct has all fields that any row has: those that this one lacks are None."""
    if not isinstance(value, Mapping):
        return value
    return {key: _without_none(item) for key, item in value.items() if item is not None}


def _zipped(lists: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Lists side by side as one list of objects; a list that ends early leaves None."""
    if all(value is None for value in lists.values()):
        return None
    sides: dict[str, Sequence[Any]] = {key: value or [] for key, value in lists.items()}
    count = max(map(len, sides.values()))
    return [
        {key: side[at] if at < len(side) else None for key, side in sides.items()}
        for at in range(count)
    ]


def _element(name: str, item: dict[str, Any], parse: Parse, *, is_text: bool) -> dict[str, Any]:
    times = [item.get(key) for key in EVENT_TIMES]
    times = [time for time in times if time is not None and not isinstance(time, list | dict)]
    renamed = EVENT_TIMES if name == "events" else ()
    rest = {key: plain(value) for key, value in item.items() if key not in renamed}
    rest["attributes"] = _attributes(item.get("attributes"), parse, is_text=is_text)
    if rest.get("droppedAttributesCount") is None:
        rest["droppedAttributesCount"] = 0
    if renamed and times:
        rest["timeUnixNano"] = _text(plain(times[0]))
    return rest


def _attributes(value: Any, parse: Parse, *, is_text: bool) -> Any:
    """Of one event or link; none are an empty object."""
    if isinstance(value, str | bytes):
        inside = parse(value)
        value = plain(_without_none(inside) if is_text else inside)
    elif not is_text and value is not None:
        value = _object(value)
    return {} if value is None else plain(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _is_pair(item: Any) -> bool:
    return isinstance(item, tuple) and len(item) == 2  # noqa: PLR2004 - a key and its value


def _nanos(at: datetime) -> int:
    """Exact, in integers: a float has no room for microseconds since 1970."""
    elapsed = (at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH
    micros = (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
    return micros * 1_000
