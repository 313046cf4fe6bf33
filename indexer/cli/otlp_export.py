"""``export``: spans as OTLP, which decodes to equal spans when it is sent or read again."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from indexer.cli import render
from indexer.cli.option_words import given_words
from indexer.cli.output_file import output_file
from indexer.cli.source import Source
from indexer.clients.shared.json_text import as_json
from indexer.clients.shared.otlp_shape import otlp_json
from indexer.clients.shared.span_from_json import span_from_json
from indexer.clients.unix_socket import path_text
from indexer.errors import QueryRefused
from indexer.otlp.requests import parse_json
from indexer.settings import Settings
from indexer.system.counted_nouns import counted

if TYPE_CHECKING:  # a command that asks the worker loads no query of its own
    from indexer.query.answer import SpansAnswer
    from indexer.query.answers import Answers
    from indexer.query.find.span_query import SpanQuery

PAGE_SPANS = 1_000
"""Of one request of the export: a few megabytes of JSON."""


def export(settings: Settings, options: argparse.Namespace) -> int:
    """Write the spans of a trace, or those that meet every option; exit 1 when there are none."""
    if options.format == "protobuf" and not options.output:
        raise QueryRefused(
            "--format protobuf needs --output FILE", hint="Protobuf is not for a terminal."
        )
    pages = _pages(Source(settings), options)
    written = 0
    lacks: list[dict[str, Any]] = []
    with _sink(options, settings.file_modes.file) as sink:
        for page in pages:
            lacks += [one for one in page["missing"] if one not in lacks]
            for first in range(0, len(page["spans"]), PAGE_SPANS):
                spans = page["spans"][first : first + PAGE_SPANS]
                sink.write(encoded(spans, options.format))
                written += len(spans)
    render.lacks(lacks)
    if options.output:
        sys.stderr.write(f"{counted(written, 'span')} in {options.output}\n")
    return 0 if written else 1


def encoded(spans: Sequence[Mapping[str, Any]], form: str) -> bytes:
    """A request of spans, a line of JSON or protobuf; one after the other they are one file."""
    request = as_json(otlp_json(map(span_from_json, spans)))
    if form == "json":
        return request + b"\n"
    content: bytes = parse_json("traces", request).SerializeToString()
    return content


def _pages(source: Source, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The answers that have the spans, whole, in order."""
    if options.trace_id is not None:
        path = f"/api/v1/traces/{path_text(options.trace_id)}"
        yield source.ask(path, partial(_trace, options.trace_id))
        return
    words = replace(given_words(options), limit=PAGE_SPANS)
    while True:
        query = words.query()
        page = source.ask(
            "/api/v1/search/spans",
            partial(_spans, query),
            **words.parameters(),
        )
        yield page
        if page["next_cursor"] is None:
            return
        words = replace(words, cursor=page["next_cursor"])


def _trace(trace_id: str, answers: "Answers") -> "SpansAnswer":
    from indexer.query.trace_prefix import trace_by_text  # noqa: PLC0415 - DuckDB

    return trace_by_text(answers, trace_id)


def _spans(query: "SpanQuery", answers: "Answers") -> "SpansAnswer":
    return answers.spans(query)


@contextmanager
def _sink(options: argparse.Namespace, mode: int) -> Iterator[BinaryIO]:
    """Standard output, or a file that has its name once it is whole."""
    if options.output is None:
        yield sys.stdout.buffer
        return
    with output_file(options.output, mode, overwrite=options.overwrite) as file:
        yield file
