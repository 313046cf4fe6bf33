"""Arguments of lists as client-js writes them into a query string: flattened, values as JSON."""

import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import QueryParams

_PAGINATION = ("page", "perPage")
_ORDER = ("field", "direction")
_OWN = ("mode", "after", "limit")
LEGACY_ENTITY_TYPES = {"workflow": "workflow_run"}
"""What older clients call it."""
_OLDER_NAME = re.compile(r"^(agent|workflow) run: '(.*)'$", re.DOTALL)
_STRUCTURED = ("startedAt", "endedAt", "metadata", "scope", "tags")


def list_arguments(parameters: QueryParams) -> dict[str, Any]:
    """Arguments of ``list_traces``, to be checked there.

    A value that should be JSON and is none stays text, which the check refuses by its name.
    """
    given = dict(parameters.multi_items())
    arguments: dict[str, Any] = {name: given.pop(name) for name in _OWN if name in given}
    if page := _taken(given, _PAGINATION):
        arguments["pagination"] = page
    if order := _taken(given, _ORDER):
        arguments["orderBy"] = order
    if "dateRange" in given:
        given.setdefault("startedAt", given.pop("dateRange"))
    filters = {
        name: _parsed(value) if name in _STRUCTURED else value for name, value in given.items()
    }
    if isinstance(filters.get("tags"), str):
        filters["tags"] = [filters["tags"]]
    filters = _of_older_name(filters)
    if (kind := filters.get("entityType")) in LEGACY_ENTITY_TYPES:
        filters["entityType"] = LEGACY_ENTITY_TYPES[kind]
    return {**arguments, "filters": filters}


def _of_older_name(filters: dict[str, Any]) -> dict[str, Any]:
    """Older clients name a root in place of its entity: ``agent run: 'helper'``."""
    found = _OLDER_NAME.match(str(filters.pop("name", "")))
    if found is None:
        return filters
    return {"entityType": found[1], "entityId": found[2], **filters}


def _taken(given: dict[str, str], names: tuple[str, ...]) -> Mapping[str, str]:
    return {name: given.pop(name) for name in names if name in given}


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
