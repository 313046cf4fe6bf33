"""``search``: the newest or slowest spans that meet every option, of all tiers."""

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from indexer.cli import render
from indexer.cli.source import Source
from indexer.errors import QueryRefused
from indexer.settings import Settings
from indexer.system.counted_nouns import counted

if TYPE_CHECKING:  # a command that asks the worker loads no query of its own
    from indexer.query.answer import Answer, TracesAnswer
    from indexer.query.answers import Answers
    from indexer.query.find.span_query import SpanQuery

WORDS = (
    *("service", "name", "name_prefix", "name_contains", "kind", "status"),
    *("min_duration", "max_duration", "since", "until", "roots", "text", "attr"),
    *("order", "limit", "cursor"),
)
"""Options that say which spans, and parameters of the routes."""
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
    if options.traces:
        return _traces(settings, options)
    path = "/api/v1/search/spans"
    found = _found(settings, options, path, lambda answers, query: answers.spans(query))
    if options.json:
        render.write_json(found)
        return 0 if found["spans"] else 1
    shown = [{name: span[name] for name in _COLUMNS} for span in found["spans"]]
    render.listing("spans", shown)
    render.lacks(found["missing"])
    _say_how_to_go_on(found)
    return 0 if shown else 1


def _traces(settings: Settings, options: argparse.Namespace) -> int:
    """The same of traces that have such a span."""

    def question(answers: "Answers", query: "SpanQuery") -> "TracesAnswer":
        from indexer.query.trace_search import search_traces  # noqa: PLC0415 - DuckDB

        return search_traces(answers, query)

    found = _found(settings, options, "/api/v1/search/traces", question)
    if options.json:
        render.write_json(found)
        return 0 if found["traces"] else 1
    shown = [{name: trace[name] for name in _TRACE_COLUMNS} for trace in found["traces"]]
    render.listing("traces", shown)
    render.lacks(found["missing"])
    _say_how_to_go_on(found)
    return 0 if shown else 1


def _found(
    settings: Settings,
    options: argparse.Namespace,
    path: str,
    question: "Callable[[Answers, SpanQuery], Answer]",
) -> dict[str, Any]:
    """The page of the worker, which checks the words, or that of the catalog itself."""
    source = Source(settings)
    page: dict[str, Any]
    if source.has_worker:
        try:
            page = source.worker.get(path, **words_of(options))
        except QueryRefused:
            _query(options)  # says which option it is about
            raise
    else:
        query = _query(options)
        page = source.ask(path, lambda answers: question(answers, query))
    return page


def _query(options: argparse.Namespace) -> "SpanQuery":
    from indexer.cli.option_words import given_words  # noqa: PLC0415 - a worker checks them itself

    return given_words(options).query()


def words_of(options: argparse.Namespace) -> dict[str, Any]:
    """What the options say of the spans, as the worker's routes take it."""
    given = {name: getattr(options, name, None) for name in WORDS}
    return {name: one for name, one in given.items() if one not in (None, False)}


def _say_how_to_go_on(found: dict[str, Any]) -> None:
    """A page may have few spans, or none, because it has cost what one may."""
    if left := found["cost"]["files_left"]:
        sys.stderr.write(
            f"{counted(left, 'file is', 'files are')} not searched yet; "
            f"go on with --cursor {found['next_cursor']}\n"
        )
