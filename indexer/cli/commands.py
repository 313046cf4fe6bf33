"""The commands that a running worker answers: status, trace, spans, and the lists of the index."""

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

from indexer.cli import render
from indexer.cli.source import Source
from indexer.clients.unix_socket import path_text
from indexer.query.limits import ROWS_MAX
from indexer.query.lists import list_named
from indexer.settings import Settings

if TYPE_CHECKING:  # a command that asks the worker loads no query of its own
    from indexer.query.answer import SpansAnswer, SummaryAnswer
    from indexer.query.answers import Answers

_SPAN_COLUMNS = (
    *("trace_id", "span_id", "parent_span_id", "service_name", "name"),
    *("start_time_unix_nano", "duration_ns", "status_code", "span_kind", "value"),
)
"""What a terminal has room for; ``--json`` has the rest."""

_ROOT_COLUMNS = (
    *("trace_id", "service_name", "name"),
    *("start_time_unix_nano", "duration_ns", "status_code"),
)


def status(settings: Settings, options: argparse.Namespace) -> int:
    """What the index holds, and whether the worker is healthy."""
    source = Source(settings)
    found = source.status()
    if options.json:
        render.write_json(found)
    else:
        render.facts(found)
    if options.check and not source.has_worker:
        return 1
    return 0 if found["healthy"] else 1


def trace(settings: Settings, options: argparse.Namespace) -> int:
    """One trace as a waterfall; exit 1 when no span of it is known."""
    path = f"/api/v1/traces/{path_text(options.trace_id)}"
    if options.summary:
        return _summary(settings, path, options)
    if options.format is not None:
        return _formatted(settings, path, options)
    found = Source(settings).ask(path, partial(_trace, options.trace_id))
    if options.json:
        render.write_json(found)
    else:
        from indexer.cli.waterfall import waterfall  # noqa: PLC0415 - this command alone has it

        waterfall(found, options.limit)
    return 0 if found["spans"] else 1


def _trace(trace_id: str, answers: "Answers") -> "SpansAnswer":
    from indexer.query.trace_prefix import trace_by_text  # noqa: PLC0415 - DuckDB

    return trace_by_text(answers, trace_id)


def _summary(settings: Settings, path: str, options: argparse.Namespace) -> int:
    """The facts of the trace; exit 1 when no span of it is known."""
    from indexer.cli.summary import write_summary  # noqa: PLC0415 - this command alone has it

    def question(answers: "Answers") -> "SummaryAnswer":
        from indexer.query.trace_facts import summarise_trace  # noqa: PLC0415 - DuckDB

        return summarise_trace(answers, options.trace_id)

    found = Source(settings).ask(f"{path}/summary", question)
    if options.json:
        render.write_json(found)
    else:
        write_summary(found)
    return 0 if found["span_count"] else 1


def _formatted(settings: Settings, path: str, options: argparse.Namespace) -> int:
    """The trace in a form for other programs, or for a reader of Markdown."""
    from indexer.clients.shared.trace_formats import encode_trace, has_spans  # noqa: PLC0415 - Arrow

    def question(answers: "Answers") -> bytes:
        return encode_trace(_trace(options.trace_id, answers), options.format)

    body = Source(settings).ask_bytes(path, question, format=options.format)
    sys.stdout.write(body.decode())
    sys.stdout.write("" if body.endswith(b"\n") else "\n")
    return 0 if has_spans(options.format, body) else 1


def spans(settings: Settings, options: argparse.Namespace) -> int:
    """The newest spans with a promoted attribute; what the answer lacks on standard error."""
    key, separator, wanted = options.attribute.partition("=")
    value, limit = wanted if separator else None, min(options.limit, ROWS_MAX)

    def question(answers: "Answers") -> "SpansAnswer":
        from indexer.query.find.span_query import SpanQuery  # noqa: PLC0415 - as answers

        query = SpanQuery(attribute=key, value=value, service=options.service, limit=limit)
        return answers.spans(query, payload=False)

    found = Source(settings).ask(
        "/spans", question, key=key, value=value, service=options.service, limit=limit
    )
    if options.json:
        render.write_json(found)
    else:
        shown = [{name: span[name] for name in _SPAN_COLUMNS} for span in found["spans"]]
        render.listing("spans", shown)
    render.lacks(found["missing"])
    return 0


def services(settings: Settings, options: argparse.Namespace) -> int:
    """Every service that a span has named, of all tiers."""
    found = Source(settings).ask("/services", lambda answers: answers.services())
    if options.json:
        render.write_json(found)
    else:
        render.listing("services", found["services"])
        render.lacks(found["missing"])
    return 0


def traces(settings: Settings, options: argparse.Namespace) -> int:
    """The newest spans without a parent: a line a trace that has one."""
    limit = min(options.limit, ROWS_MAX)

    def question(answers: "Answers") -> "SpansAnswer":
        from indexer.query.find.span_query import SpanQuery  # noqa: PLC0415 - as answers

        return answers.spans(SpanQuery(service=options.service, roots=True, limit=limit))

    found = Source(settings).ask(
        "/api/v1/search/spans", question, service=options.service, roots="true", limit=limit
    )
    if options.json:
        render.write_json(found)
    else:
        shown = [{name: span[name] for name in _ROOT_COLUMNS} for span in found["spans"]]
        render.listing("traces", shown)
        render.lacks(found["missing"])
    return 0


def rows(settings: Settings, options: argparse.Namespace) -> int:
    """The list of the index that has the command's name."""
    listed, limit = list_named(options.list), min(options.limit, ROWS_MAX)
    found = Source(settings).rows(listed, limit)
    if options.json:
        render.write_json(found)
    else:
        render.listing(listed.name, found)
    return 0
