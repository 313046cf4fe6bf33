"""Parse the command line, load the settings, run one command, turn its end into an exit code.

Exit codes: 0 done; 1 the work found a difference or failed; 2 bad usage or settings, or the
catalog is owned by another process; 3 finished with quarantined files under ``--strict``.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

from indexer import __version__
from indexer.cli.command_line import CommandParser, Commands
from indexer.cli.program_name import as_typed, program_name
from indexer.errors import IndexerError
from indexer.query.limits import VIEW_FILES_MAX
from indexer.query.lists import LISTS
from indexer.system.descriptors import raise_limit
from indexer.system.interpreter import leave_unused_modules_out
from indexer.system.standard_output import discard_output, write_any_text
from indexer.system.stop_signals import is_interrupted, stop_with_input
from indexer.system.terminal_text import escape_lines, escape_text
from indexer.telemetry.log import SETTINGS_IGNORED, configure, log
from indexer.telemetry.log_rate import capture_library_logs, log_uncaught

_OF_THEIR_OWN = frozenset({"sql", "audit", "search", "dialect", "doctor", "settings", "tail"})
"""Commands with a module of their name."""

_RUN = ("indexer.cli.runs", "run")
EXIT_INTERRUPTED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    write_any_text()
    parser = command_parser()
    options = parser.parse_args(arguments)
    if options.run == _RUN and not (options.once or options.reindex):
        parser.refuse_given(("json", "strict"), "without --once or --reindex", options)
    if getattr(options, "output", "") is None:
        parser.refuse_given(("overwrite",), "without --output", options)
    try:
        code = _run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _end_interrupted()
    except BrokenPipeError:
        discard_output()
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - said below, in one way or the other
        if is_interrupted():
            return _end_interrupted()
        return _say(error, options)
    return code


def _say(error: Exception, options: argparse.Namespace) -> int:
    """What is wrong, and what to do; a fault of this program in its log's own form."""
    if not isinstance(error, IndexerError):
        log_uncaught(error)
        return 1
    # DuckDB's messages have lines, which point into those of the query.
    form = escape_lines if options.run[1] == "sql" else escape_text
    sys.stderr.write(f"error: {form(error.message)}\n")
    sys.stderr.write(f"hint: {form(as_typed(error.advice))}\n" if error.advice else "")
    return error.exit_code


def _end_interrupted() -> int:
    with suppress(OSError):
        # A terminal has shown ^C where the cursor was.
        sys.stderr.write("\ninterrupted\n" if sys.stderr.isatty() else "interrupted\n")
    return EXIT_INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    from indexer.settings.environment import check_given, read_given  # noqa: PLC0415 - not of --help

    given = read_given(options.config)
    settings = check_given(given.values)
    module, function = options.run
    # A question's answer is on standard output, and all of it.
    is_service = function in {"run", "ingest", "up", "poll"}
    configure(settings.log_format, settings.log_level if is_service else "error")
    capture_library_logs()
    if given.ignored:
        names = ", ".join(given.ignored)
        log(SETTINGS_IGNORED, f"not settings of this program, ignored: {names}")
    raise_limit()
    leave_unused_modules_out()
    if options.stop_with_input:
        stop_with_input()
    code: int = getattr(import_module(module), function)(settings, options)
    return code


def command_parser() -> CommandParser:
    """The command line: options of the indexer itself, and one parser a command."""
    parser = CommandParser(
        prog=program_name(),
        description="Index OpenTelemetry spans in Parquet files where they lie, and answer queries "
        "from the index. Without a command: watch the storage and index until stopped.",
        epilog="Exit codes: 0 success; 1 failure, no such trace, or an audit with findings; 2 "
        "invalid usage or settings, or the catalog belongs to another process; 3 files are "
        "quarantined (--strict).",
    )
    _add_config(parser, default=None)
    parser.add_argument("--version", action="version", version=f"span-indexer {__version__}")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--once", action="store_true", help="index all files, then exit")
    mode.add_argument("--reindex", action="store_true", help="rebuild the catalog from the files")
    parser.add_argument(
        "--accept-removals",
        action="store_true",
        help="at the start, remove from the index what the storage lacks, even if checks object",
    )
    parser.add_argument(
        "--json", action="store_true", help="with --once or --reindex: print JSON, no progress bar"
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="with --once or --reindex: exit 3 if files are quarantined",
    )
    # How `up` starts its parts; nobody types it.
    parser.add_argument("--stop-with-input", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run=_RUN)
    names = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_services(names)
    _add_conversion(names)
    _add_questions(names)
    _add_checks(names)
    return parser


def _add_services(names: Commands) -> None:
    for module, name, summary in (
        ("up", "up", "receive OTLP, write span files and index them, until stopped"),
        ("up", "ingest", "receive OTLP and write span files, until stopped"),
        ("flush", "flush", "have the ingestion service write what its log holds to files now"),
        ("poll", "poll", "copy spans of a remote ingestion service into span files, until stopped"),
    ):
        service = names.add_parser(name, help=summary, description=summary)
        _add_config(service)
        service.set_defaults(run=(f"indexer.cli.{module}", name))


def _add_conversion(names: Commands) -> None:
    summary = "convert OTLP files to Parquet: spans for the index, and logs and metrics"
    convert = names.add_parser("convert", help=summary, description=summary)
    convert.add_argument(
        "files", metavar="FILE", nargs="+", help="JSON or protobuf, plain or compressed"
    )
    convert.add_argument(
        "--to",
        metavar="DIR",
        required=True,
        help="write spans to DIR/spans, which can be a storage root, the others to DIR/logs and "
        "DIR/metrics",
    )
    _add_config(convert)
    convert.set_defaults(run=("indexer.cli.convert", "convert"))
    summary = "send the spans of OTLP files to an OTLP address over HTTP"
    sent = names.add_parser("import", help=summary, description=summary)
    sent.add_argument(
        "files", metavar="FILE", nargs="+", help="JSON or protobuf, plain or compressed"
    )
    sent.add_argument(
        "--to",
        metavar="ADDRESS",
        help="such as http://127.0.0.1:4318 (default: where `up` and `ingest` listen)",
    )
    _add_config(sent)
    sent.set_defaults(run=("indexer.cli.otlp_import", "import_files"))


def _add_questions(names: Commands) -> None:
    trace = _command(names, "trace", "show one trace as a waterfall")
    trace.add_argument(
        "trace_id",
        metavar="TRACE_ID",
        help="32 hex digits, the first 4 or more if no other trace begins so, up to 16 for a "
        "64-bit ID, a UUID, or a traceparent",
    )
    trace.add_argument(
        "--limit", type=_positive, default=1000, help=f"without --json: {_most('lines')}"
    )
    trace.add_argument(
        "--summary",
        action="store_true",
        help="show counts, critical path, slowest and first failing span, gaps and tokens",
    )
    trace.add_argument(
        "--format",
        choices=["json", "otlp", "jaeger", "markdown"],
        help="write the trace as this program's JSON, as that of OTLP or of Jaeger's UI, or as "
        "Markdown of 64 KiB at most",
    )
    for listed in LISTS:
        command = _command(names, listed.name, f"list {listed.rows}")
        command.add_argument("--limit", type=_positive, default=1000, help=_most("rows"))
        command.set_defaults(run=("indexer.cli.commands", "rows"), list=listed.name)
    traces = _command(names, "traces", "list the newest traces by their roots")
    traces.add_argument("--service", help="only roots of this service")
    traces.add_argument("--limit", type=_positive, default=100, help=_most("traces"))
    _command(names, "services", "list the services, with their spans and times")
    spans = _command(names, "spans", "list the newest spans with a promoted attribute")
    spans.add_argument(
        "attribute",
        metavar="KEY[=VALUE]",
        help="a promoted attribute, and the value it should have",
    )
    spans.add_argument("--service", help="only spans of this service")
    spans.add_argument("--limit", type=_positive, default=100, help=_most("spans"))
    _add_search(names)
    _add_tail(names)
    _add_export(names)
    sql = _command(names, "sql", "run one read-only statement of SQL")
    sql.add_argument(
        "query",
        metavar="SELECT",
        help="over tables of the catalog, views of spans (otel_spans, spans, state_patches), or "
        "read_otlp(PATH) for OTLP files below the storage root",
    )
    sql.add_argument(
        "--format",
        choices=["table", "json", "jsonl", "csv", "parquet", "arrow"],
        help="output format (default: that of FILE's ending, and table without a file)",
    )
    _add_output(sql, ".json, .jsonl, .ndjson, .csv, .parquet and .arrow say the format")
    sql.add_argument(
        "--since",
        metavar="TIME",
        help="for views: only files with spans at or after this time, such as 2026-11-21T08:00Z",
    )
    sql.add_argument(
        "--until", metavar="TIME", help="for views: only files with spans before this time"
    )
    sql.add_argument(
        "--max-files",
        type=_positive,
        default=VIEW_FILES_MAX,
        help=f"for views, newest first: {_most('files')}",
    )


def _add_search(names: Commands) -> None:
    search = _command(names, "search", "list the newest or slowest spans that match all options")
    _add_span_words(search)
    search.add_argument(
        "--since", metavar="TIME", help="started at this time or later, such as 2026-11-21T08:00Z"
    )
    search.add_argument("--until", metavar="TIME", help="started before this time")
    search.add_argument("--order", help="newest (the default) or slowest first")
    search.add_argument(
        "--traces", action="store_true", help="list the traces of such spans, each once"
    )
    search.add_argument("--limit", type=_positive, default=100, help=_most("spans"))
    search.add_argument("--cursor", help="next_cursor of the previous page, to continue after it")


def _add_tail(names: Commands) -> None:
    tail = _command(names, "tail", "show new spans that match all options as they come")
    _add_span_words(tail)


def _add_export(names: Commands) -> None:
    export = _command(names, "export", "write spans as OTLP, to be sent or read again")
    export.add_argument(
        "trace_id", metavar="TRACE_ID", nargs="?", help="only this trace; no other option chooses"
    )
    _add_span_words(export)
    export.add_argument(
        "--since", metavar="TIME", help="started at this time or later, such as 2026-11-21T08:00Z"
    )
    export.add_argument("--until", metavar="TIME", help="started before this time")
    export.add_argument(
        "--format",
        choices=["json", "protobuf"],
        default="json",
        help="lines of JSON (the default), or one protobuf message",
    )
    _add_output(export, "it has its name once it is whole")
    export.set_defaults(run=("indexer.cli.otlp_export", "export"))


def _add_output(command: argparse.ArgumentParser, about: str) -> None:
    command.add_argument("--output", metavar="FILE", help=f"write to this file; {about}")
    command.add_argument(
        "--overwrite", action="store_true", help="with --output: replace a file that is there"
    )


def _add_span_words(command: argparse.ArgumentParser) -> None:
    """What a span is, for every command that chooses spans."""
    command.add_argument("--service", help="only spans of this service")
    command.add_argument("--name", help="with exactly this name")
    command.add_argument("--name-prefix", metavar="TEXT", help="with a name that starts with this")
    command.add_argument("--name-contains", metavar="TEXT", help="with a name that contains this")
    command.add_argument("--kind", help="internal, server, client, producer, consumer, unspecified")
    command.add_argument("--status", help="error, ok or unset")
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


def _add_checks(names: Commands) -> None:
    status = _command(
        names, "status", "show what the index holds and whether the worker is healthy"
    )
    status.add_argument(
        "--check", action="store_true", help="exit 1 unless a healthy worker is running"
    )
    dialect = _command(
        names, "dialect", "say which dialect a span file is taken for, or what it lacks"
    )
    dialect.add_argument("files", metavar="FILE", nargs="+", help="a Parquet file, anywhere")
    _command(names, "doctor", "try what a start rests on, and say what to do about each finding")
    _command(names, "settings", "show each setting, its value, where it comes from, what it means")
    backup = _command(names, "mastra-backup", "copy the Mastra store as it is now to a file")
    backup.add_argument("file", metavar="FILE", help="the copy, in place of what is there")
    backup.set_defaults(run=("indexer.cli.mastra", "mastra_backup"))
    audit = _command(names, "audit", "check the catalog against the files")
    audit.add_argument(
        "--fast", action="store_true", help="compare sizes, times and footers, and read no spans"
    )


def _command(names: Commands, name: str, summary: str) -> argparse.ArgumentParser:
    """A command that only reads; only the module of the one that runs is imported."""
    parser = names.add_parser(name, help=summary, description=summary)
    parser.add_argument("--json", action="store_true", help="print JSON")
    _add_config(parser)
    module = name if name in _OF_THEIR_OWN else "commands"
    parser.set_defaults(run=(f"indexer.cli.{module}", name))
    return parser


def _add_config(parser: argparse.ArgumentParser, default: object = argparse.SUPPRESS) -> None:
    """Before a command or behind it: what is not given behind leaves what stands before."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=default,
        help="take settings from this TOML file as well; environment variables go before it",
    )


def _most(rows: str) -> str:
    return f"maximum number of {rows} (default: %(default)s)"


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("expected a positive number")
    return value


if __name__ == "__main__":
    sys.exit(main())
