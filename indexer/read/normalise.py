"""Payload values of any writer as one canonical form: what OTLP's JSON calls them. Pure.

Attributes are objects; events and links are lists of objects with the names of OTLP's JSON
mapping. JSON text, maps, structs, lists of keys and values, and lists side by side all become that.
What cannot be understood stays as it is: an answer hides nothing.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from indexer.read.arrow_values import bytes_value
from indexer.read.elements import MEMBERS, count, element
from indexer.read.json_text import parse_json
from indexer.read.key_values import is_key_values, object_of

JSON_COLUMNS = ("attributes", "events", "links", "resource_attributes", "scope_attributes")
"""Canonical payload columns that hold JSON."""
TEXT_COLUMNS = ("status_message", "trace_state", "scope_name", "scope_version")
"""Those that hold text."""
COUNT_COLUMNS = (
    "flags",
    "dropped_attributes_count",
    "dropped_events_count",
    "dropped_links_count",
    "resource_dropped_attributes_count",
)
"""Those that hold a number that cannot be negative."""

Parse = Callable[[Any], Any]


def parse_value(stored: Any) -> Any:
    """The JSON value of text or bytes, the text itself when it is not JSON; others as they are."""
    text = stored.decode("utf-8", "replace") if isinstance(stored, bytes) else stored
    return parse_json(text) if isinstance(text, str) else text


def empty(name: str) -> dict[str, Any] | list[Any] | None:
    """What a writer says that has a payload column and no value in it."""
    if name not in JSON_COLUMNS:
        return None
    return [] if name in ("events", "links") else {}


def canonical(name: str, stored: Any, parse: Parse = parse_value) -> Any:
    """The value of a payload column.

    ``stored`` is what the file has: text, bytes, a number, a value of a nested column as
    ``arrow_values`` gives it, or a dictionary of lists where the elements' keys stand in columns
    side by side. ``parse`` reads attributes of one event or link that are text.
    """
    if stored is None:
        return None
    if name in COUNT_COLUMNS:
        return count(bytes_value(stored) if isinstance(stored, bytes) else stored)
    if name in TEXT_COLUMNS:
        return _text(stored)
    if name in ("events", "links"):
        return _elements(name, stored, parse)
    if name not in JSON_COLUMNS:
        return stored
    value = parse_value(stored)
    return object_of(value) if is_key_values(value) else value


def _elements(name: str, stored: Any, parse: Parse) -> Any:
    value = _zipped(stored) if isinstance(stored, Mapping) else parse_value(stored)
    if not isinstance(value, list):
        return value
    items = [parse(item) if isinstance(item, str) else item for item in value]
    return [
        element(name, item, parse) if isinstance(item, dict) else value[at]
        for at, item in enumerate(items)
    ]


def _zipped(lists: Mapping[str, Any]) -> Any:
    """Lists side by side as one list of objects; a list that ends early says nothing."""
    sides: dict[str, Sequence[Any]] = {
        key: value for key, value in lists.items() if value is not None
    }
    if not sides:
        return []
    if not all(isinstance(side, list) for side in sides.values()) or not sides.keys() <= MEMBERS:
        return dict(lists)
    places = max(map(len, sides.values()))
    return [
        {key: side[at] for key, side in sides.items() if at < len(side)} for at in range(places)
    ]


def _text(stored: Any) -> str:
    if isinstance(stored, bytes):
        return stored.decode("utf-8", "replace")
    return stored if isinstance(stored, str) else json.dumps(stored, separators=(",", ":"))
