"""Which commands there are, and which options each of them has."""

import argparse
from collections.abc import Callable
from functools import partial

from indexer.cli.command_line import CommandParser, Commands
from indexer.query.limits import VIEW_FILES_MAX
from indexer.query.lists import LISTS

SPAN_WORDS = (
    *("service", "name", "name_prefix", "name_contains", "kind", "status", "min_duration"),
    *("max_duration", "roots", "attr", "text"),
)
"""Options that say what a span is."""
_TIMES = "such as 2026-11-21T08:00Z, or 1h for an hour ago"
_OF_THEIR_OWN = frozenset({"sql", "audit", "search", "dialect", "doctor", "settings", "tail"})
"""Commands with a module of their name."""


def add_commands(names: Commands) -> None:
    """Each with its summary, and what gives its parser the options when it is asked for."""
    for module, name, summary in (
        ("up", "up", "receive OTLP, write span files and index them, until stopped"),
        ("up", "ingest", "receive OTLP and write span files, until stopped"),
        ("flush", "flush", "have the ingestion service write what its log holds to files now"),
        ("poll", "poll", "copy spans of a remote ingestion service into span files, until stopped"),
    ):
        names.add(name, summary, partial(_service, run=(f"indexer.cli.{module}", name)))
    summary = "convert OTLP files to Parquet: spans for the index, and logs and metrics"
    names.add("convert", summary, _convert)
    names.add("import", "send the spans of OTLP files to an OTLP address over HTTP", _import)
    names.add("trace", "show one trace as a waterfall", _trace)
    for listed in LISTS:
        names.add(listed.name, f"list {listed.rows}", partial(_list, name=listed.name))
    names.add("traces", "list the newest traces by their roots", _traces)
    names.add("services", "list the services, with their spans and times", _plain("services"))
    names.add("spans", "list the newest spans with a promoted attribute", _spans)
    names.add("search", "list the newest or slowest spans that match all options", _search)
    names.add("tail", "show new spans that match all options as they come", _tail)
    names.add("export", "write spans as OTLP, to be sent or read again", _export)
    names.add("sql", "run one read-only statement of SQL", _sql)
    summary = "show what the index holds and whether the worker is healthy"
    names.add("status", summary, _status)
    summary = "say which dialect a span file is taken for, or what it lacks"
    names.add("dialect", summary, _dialect)
    summary = "try what a start rests on, and say what to do about each finding"
    names.add("doctor", summary, _plain("doctor"))
    summary = "show each setting, its value, where it comes from, what it means"
    names.add("settings", summary, _plain("settings"))
    names.add("mastra-backup", "copy the Mastra store as it is now to a file", _backup)
    names.add("audit", "check the catalog against the files", _audit)


def add_config(parser: argparse.ArgumentParser, default: object = argparse.SUPPRESS) -> None:
    """Before a command or behind it: what is not given behind leaves what stands before."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=default,
        help="take settings from this TOML file as well; environment variables go before it",
    )


def _plain(name: str) -> Callable[[CommandParser], None]:
    """A command without arguments of its own."""
    return partial(_answered, name=name)


def _answered(command: CommandParser, name: str) -> None:
    """Of a command that only reads; only the module of the one that runs is imported."""
    command.add_argument("--json", action="store_true", help="print JSON")
    add_config(command)
    module = name if name in _OF_THEIR_OWN else "commands"
    command.set_defaults(run=(f"indexer.cli.{module}", name))


def _service(command: CommandParser, run: tuple[str, str]) -> None:
    add_config(command)
    command.set_defaults(run=run)


def _convert(command: CommandParser) -> None:
    command.add_argument(
        "files", metavar="FILE", nargs="+", help="JSON or protobuf, plain or compressed"
    )
    command.add_argument(
        "--to",
        metavar="DIR",
        required=True,
        help="write spans to DIR/spans, which can be a storage root, the others to DIR/logs and "
        "DIR/metrics",
    )
    add_config(command)
    command.set_defaults(run=("indexer.cli.convert", "convert"))


def _import(command: CommandParser) -> None:
    command.add_argument(
        "files", metavar="FILE", nargs="+", help="JSON or protobuf, plain or compressed"
    )
    command.add_argument(
        "--to",
        metavar="ADDRESS",
        help="such as http://127.0.0.1:4318 (default: where `up` and `ingest` listen)",
    )
    add_config(command)
    command.set_defaults(run=("indexer.cli.otlp_import", "import_files"))


def _trace(command: CommandParser) -> None:
    _answered(command, "trace")
    command.add_argument(
        "trace_id",
        metavar="TRACE_ID",
        help="32 hex digits, the first 4 or more if no other trace begins so, up to 16 for a "
        "64-bit ID, a UUID, or a traceparent",
    )
    command.add_argument(
        "--limit", type=_positive, default=1000, help=f"without --json: {_most('lines')}"
    )
    command.add_argument(
        "--summary",
        action="store_true",
        help="show counts, critical path, slowest and first failing span, gaps and tokens",
    )
    command.add_argument(
        "--format",
        choices=["json", "otlp", "jaeger", "markdown"],
        help="write the trace as this program's JSON, as that of OTLP or of Jaeger's UI, or as "
        "Markdown of 64 KiB at most",
    )
    command.add_idle("limit", where="with --json", when=lambda one: one.json)
    command.add_idle("limit", "format", where="with --summary", when=lambda one: one.summary)
    command.add_idle(
        "limit", "json", where="with --format", when=lambda one: one.format is not None
    )


def _list(command: CommandParser, name: str) -> None:
    _answered(command, name)
    command.add_argument("--limit", type=_positive, default=1000, help=_most("rows"))
    command.set_defaults(run=("indexer.cli.commands", "rows"), list=name)


def _traces(command: CommandParser) -> None:
    _answered(command, "traces")
    command.add_argument("--service", help="only roots of this service")
    command.add_argument("--limit", type=_positive, default=100, help=_most("traces"))


def _spans(command: CommandParser) -> None:
    _answered(command, "spans")
    command.add_argument(
        "attribute",
        metavar="KEY[=VALUE]",
        help="a promoted attribute, and the value it should have",
    )
    command.add_argument("--service", help="only spans of this service")
    command.add_argument("--limit", type=_positive, default=100, help=_most("spans"))


def _search(command: CommandParser) -> None:
    _answered(command, "search")
    _add_span_words(command)
    command.add_argument("--since", metavar="TIME", help=f"started at this time or later, {_TIMES}")
    command.add_argument("--until", metavar="TIME", help="started before this time, likewise")
    command.add_argument("--order", type=str.lower, help="newest (the default) or slowest first")
    command.add_argument(
        "--traces", action="store_true", help="list the traces of such spans, each once"
    )
    command.add_argument("--limit", type=_positive, default=100, help=_most("spans"))
    command.add_argument("--cursor", help="next_cursor of the previous page, to continue after it")


def _tail(command: CommandParser) -> None:
    _answered(command, "tail")
    _add_span_words(command)


def _export(command: CommandParser) -> None:
    _answered(command, "export")
    command.add_argument(
        "trace_id", metavar="TRACE_ID", nargs="?", help="only this trace; no other option chooses"
    )
    _add_span_words(command)
    command.add_argument("--since", metavar="TIME", help=f"started at this time or later, {_TIMES}")
    command.add_argument("--until", metavar="TIME", help="started before this time, likewise")
    command.add_argument(
        "--format",
        choices=["json", "protobuf"],
        default="json",
        help="lines of JSON (the default), or one protobuf message",
    )
    _add_output(command, "it has its name once it is whole")
    command.add_idle(
        *SPAN_WORDS, "since", "until", where="with a TRACE_ID", when=lambda one: bool(one.trace_id)
    )
    command.add_idle(
        "json", where="with --format protobuf", when=lambda one: one.format == "protobuf"
    )
    command.set_defaults(run=("indexer.cli.otlp_export", "export"))


def _sql(command: CommandParser) -> None:
    _answered(command, "sql")
    command.add_argument(
        "query",
        metavar="SELECT",
        help="over tables of the catalog, views of spans (otel_spans, spans, state_patches), or "
        "read_otlp(PATH) for OTLP files below the storage root",
    )
    command.add_argument(
        "--format",
        choices=["table", "json", "jsonl", "csv", "parquet", "arrow"],
        help="output format (default: that of FILE's ending, and table without a file)",
    )
    _add_output(command, ".json, .jsonl, .ndjson, .csv, .parquet and .arrow say the format")
    command.add_argument(
        "--since",
        metavar="TIME",
        help=f"for views: only files with spans at or after this time, {_TIMES}",
    )
    command.add_argument(
        "--until",
        metavar="TIME",
        help="for views: only files with spans before this time, likewise",
    )
    command.add_argument(
        "--max-files",
        type=_positive,
        default=VIEW_FILES_MAX,
        help=f"for views, newest first: {_most('files')}",
    )
    command.add_idle("json", where="with --format", when=lambda one: one.format is not None)


def _status(command: CommandParser) -> None:
    _answered(command, "status")
    command.add_argument(
        "--check", action="store_true", help="exit 1 unless a healthy worker is running"
    )


def _dialect(command: CommandParser) -> None:
    _answered(command, "dialect")
    command.add_argument("files", metavar="FILE", nargs="+", help="a Parquet file, anywhere")


def _backup(command: CommandParser) -> None:
    _answered(command, "mastra-backup")
    command.add_argument("file", metavar="FILE", help="the copy, in place of what is there")
    command.set_defaults(run=("indexer.cli.mastra", "mastra_backup"))


def _audit(command: CommandParser) -> None:
    _answered(command, "audit")
    command.add_argument(
        "--fast", action="store_true", help="compare sizes, times and footers, and read no spans"
    )


def _add_output(command: CommandParser, about: str) -> None:
    command.add_argument("--output", metavar="FILE", help=f"write to this file; {about}")
    command.add_argument(
        "--overwrite", action="store_true", help="with --output: replace a file that is there"
    )
    command.add_idle("overwrite", where="without --output", when=lambda one: one.output is None)


def _add_span_words(command: argparse.ArgumentParser) -> None:
    """What a span is, for every command that chooses spans."""
    command.add_argument("--service", help="only spans of this service")
    command.add_argument("--name", help="with exactly this name")
    command.add_argument("--name-prefix", metavar="TEXT", help="with a name that starts with this")
    command.add_argument("--name-contains", metavar="TEXT", help="with a name that contains this")
    command.add_argument(
        "--kind",
        type=str.lower,
        help="internal, server, client, producer, consumer, unspecified",
    )
    command.add_argument("--status", type=str.lower, help="error, ok or unset")
    command.add_argument(
        "--min-duration", metavar="LENGTH", help="at least this long, such as 20ms or 1.5s"
    )
    command.add_argument(
        "--max-duration", metavar="LENGTH", help="at most this long, such as 20ms or 1.5s"
    )
    command.add_argument("--roots", action="store_true", help="only spans without a parent")
    command.add_argument(
        "--attr",
        metavar="CONDITION",
        action="append",
        help="with this attribute, such as http.response.status_code>=500, "
        "resource.host.name=web-1, event.exception.type~Timeout (regular expression), "
        "url.path*=cart (contains) or a key alone; may be repeated",
    )
    command.add_argument(
        "--text", help="with this text in the name, the status message, attributes or events"
    )


def _most(rows: str) -> str:
    return f"maximum number of {rows} (default: %(default)s)"


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("expected a positive number")
    return value
