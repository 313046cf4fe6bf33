"""``search``: the newest or slowest spans that meet every option, of all tiers."""

import argparse
import sys
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from indexer.cli import render
from indexer.cli.source import Source
from indexer.clients.shared.search_words import SearchWords, UrlWords
from indexer.errors import QueryRefused
from indexer.settings import Settings

if TYPE_CHECKING:  # a command that asks the worker loads no query of its own
    from indexer.query.answer import TracesAnswer
    from indexer.query.answers import Answers

W = TypeVar("W", bound=UrlWords)
_COLUMNS = (
    *("trace_id", "span_id", "service_name", "name"),
    *("start_time_unix_nano", "duration_ns", "status_code", "span_kind"),
)
"""What a terminal has room for; ``--json`` has the rest."""
_TRACE_COLUMNS = (
    *("trace_id", "root_service_name", "root_name", "start_time_unix_nano", "duration_ns"),
    *("span_count", "error_count", "service_count", "matched_count"),
)


def search(settings: Settings, options: argparse.Namespace) -> int:
    """A page of spans; what the answer lacks on standard error; exit 1 when there are none."""
    words = given_words(SearchWords, options)
    query = words.query()
    if options.traces:
        return _traces(settings, words, options)
    found = Source(settings).ask(
        "/api/v1/search/spans",
        lambda answers: answers.spans(query),
        **words.model_dump(exclude_none=True),
    )
    if options.json:
        render.write_json(found)
        return 0 if found["spans"] else 1
    shown = [{name: span[name] for name in _COLUMNS} for span in found["spans"]]
    render.listing("spans", shown)
    render.lacks(found["missing"])
    _say_how_to_go_on(found)
    return 0 if shown else 1


def _traces(settings: Settings, words: SearchWords, options: argparse.Namespace) -> int:
    """The same of traces that have such a span."""

    def question(answers: "Answers") -> "TracesAnswer":
        from indexer.query.trace_search import search_traces  # noqa: PLC0415 - DuckDB

        return search_traces(answers, words.query())

    given = words.model_dump(exclude_none=True)
    found = Source(settings).ask("/api/v1/search/traces", question, **given)
    if options.json:
        render.write_json(found)
        return 0 if found["traces"] else 1
    shown = [{name: trace[name] for name in _TRACE_COLUMNS} for trace in found["traces"]]
    render.listing("traces", shown)
    render.lacks(found["missing"])
    _say_how_to_go_on(found)
    return 0 if shown else 1


def _say_how_to_go_on(found: dict[str, Any]) -> None:
    """A page may have few spans, or none, because it has cost what one may."""
    if left := found["cost"]["files_left"]:
        sys.stderr.write(
            f"{left} files are not searched yet; go on with --cursor {found['next_cursor']}\n"
        )


def given_words(kind: type[W], options: argparse.Namespace) -> W:
    """The words that the options give. Raises QueryRefused with the one that cannot be."""
    given = {name: getattr(options, name, None) for name in kind.model_fields}
    try:
        return kind.model_validate({name: one for name, one in given.items() if one is not None})
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0]).replace("_", "-")
        is_length = first["type"] == "string_pattern_mismatch"
        expected = "expected a length such as 20ms or 1.5s" if is_length else first["msg"]
        raise QueryRefused(
            f"invalid {option} {first['input']!r}: {expected}",
            hint="See the command with --help.",
        ) from None
