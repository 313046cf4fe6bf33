"""Payload values of any writer as one canonical form: what OTLP's JSON calls them. Pure.

Attributes are objects; events and links are lists of objects with the names of OTLP's JSON
mapping. JSON text, maps, structs, and lists side by side all become that. What cannot be
understood stays as it is: an answer hides nothing.
"""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

JSON_COLUMNS = ("attributes", "events", "links", "resource_attributes", "scope_attributes")
"""Canonical payload columns that hold JSON; the others are text and numbers."""

_EVENT_TIMES = ("timeUnixNano", "time_unix_nano", "time_nanos")
"""An event's time, by the names that the Junjo ingestion service gave it one after the other."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def canonical(name: str, stored: Any) -> Any:
    """The value of a payload column.

    ``stored`` is what the file has: text, bytes, a number, a value of a nested column, or a
    dictionary of lists where the elements' keys stand in columns side by side.
    """
    if name not in JSON_COLUMNS:
        return plain(stored)
    value = parsed(stored)
    if name in ("events", "links"):
        return _elements(name, value)
    return _object(value)


def parsed(stored: Any) -> Any:
    """A JSON value, or the text as it stands when it is not JSON."""
    text = stored.decode("utf-8", "replace") if isinstance(stored, bytes) else stored
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def plain(value: Any) -> Any:
    """The value as JSON can say it: times as decimal nanoseconds, bytes as hex, maps as objects."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return str(_nanos(value))
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _object(value: Any) -> Any:
    """Attributes: a map's pairs and a struct's fields are one object."""
    if isinstance(value, list) and value and all(_is_pair(item) for item in value):
        return {str(key): plain(item) for key, item in value}
    if isinstance(value, list) and not value:
        return {}
    if isinstance(value, dict):
        return plain({key: item for key, item in value.items() if item is not None})
    return plain(value)


def _elements(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        value = _zipped(value)
    if not isinstance(value, list):
        return value
    return [_element(name, item) if isinstance(item, dict) else item for item in value]


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


def _element(name: str, item: dict[str, Any]) -> dict[str, Any]:
    times = [item[key] for key in _EVENT_TIMES if item.get(key) is not None]
    renamed = _EVENT_TIMES if name == "events" else ()
    rest = {key: plain(value) for key, value in item.items() if key not in renamed}
    rest["attributes"] = _object(parsed(item.get("attributes")) or {})
    if rest.get("droppedAttributesCount") is None:
        rest["droppedAttributesCount"] = 0
    if renamed and times:
        rest["timeUnixNano"] = str(plain(times[0]))
    return rest


def _is_pair(item: Any) -> bool:
    return isinstance(item, tuple) and len(item) == 2  # noqa: PLR2004 - a key and its value


def _nanos(at: datetime) -> int:
    """Exact: microseconds since 1970, and the nanoseconds that pandas-like times may carry."""
    elapsed = (at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH
    micros = (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
    return micros * 1_000
