"""``settings``: each value as this program takes it, where it comes from, and what it means."""

import argparse
from typing import Any

from indexer.cli import render
from indexer.settings import Settings
from indexer.settings.environment import read_given, variable_names
from indexer.settings.values import Secret

HIDDEN = "(set, not shown)"


def settings(values: Settings, options: argparse.Namespace) -> int:
    """Every setting, those that somebody has set first. Tokens are never shown."""
    given = read_given(options.config)
    found = [
        {
            "setting": variable,
            "value": _value(values, field, is_exact=options.json),
            "source": given.sources.get(variable, "default"),
            "meaning": Settings.fields[field].meaning,
        }
        for field, variable in variable_names().items()
    ]
    found.sort(key=lambda one: one["source"] == "default")
    if options.json:
        render.write_json({"settings": found, "ignored": list(given.ignored)})
        return 0
    render.listing("settings", found)
    if given.ignored:
        render.note(f"not settings of this program, ignored: {', '.join(given.ignored)}")
    return 0


def _value(values: Settings, field: str, *, is_exact: bool) -> Any:
    value = getattr(values, field)
    if isinstance(value, Secret):
        return HIDDEN if value.get_secret_value() else ""
    if is_exact:
        return value if isinstance(value, bool | int | float) else str(value)
    return value if isinstance(value, bool) else Settings.fields[field].kind.write(value)
