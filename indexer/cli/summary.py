"""``trace --summary``: the facts of a trace, a table each."""

from typing import Any

from indexer.cli import render
from indexer.cli.human_values import human_row

_LISTS = ("services", "kinds", "critical_path", "slowest", "gaps")
_SPANS = ("root", "first_failing")
_COUNTS = (
    *("trace_id", "span_count", "error_count", "root_count", "orphan_count"),
    *("start_time_unix_nano", "duration_ns"),
)


def write_summary(found: dict[str, Any]) -> None:
    """What a terminal has room for, and what is left out."""
    spans = {name: found[name]["name"] for name in _SPANS if found[name] is not None}
    tokens = {"tokens": found["tokens"]} if found["tokens"] is not None else {}
    counts = human_row({name: found[name] for name in _COUNTS})
    render.facts({**counts, **spans, **tokens})
    for name in _LISTS:
        if found[name]:
            render.facts({"": "", name: f"{len(found[name]):,} listed"})
            render.listing(name, found[name])
    if found["left_out"]:
        render.facts({"left_out": found["left_out"]})
    render.lacks(found["missing"])
