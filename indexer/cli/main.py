"""Parse the command line, load the settings, run one command, turn its end into an exit code.

Exit codes: 0 done; 1 the work found a difference or failed; 2 bad usage or settings, or the
catalog is owned by another process; 3 finished with quarantined files under ``--strict``.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from indexer import __version__
from indexer.errors import IndexerError
from indexer.query.lists import LISTS
from indexer.system.descriptors import raise_limit
from indexer.system.terminal_text import escape_lines, escape_text
from indexer.telemetry.log import configure
from indexer.telemetry.log_rate import adopt_library_logs, log_uncaught


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = command_parser().parse_args(arguments)
    from indexer.settings import load_settings  # noqa: PLC0415 - --help and --version need none

    try:
        settings = load_settings()
        module, function = options.run
        quiet = function not in {
            "run",
            "ingest",
            "up",
            "poll",
        }  # a question's answer is on standard output, and all of it
        configure(settings.log_format, "error" if quiet else settings.log_level)
        adopt_library_logs()
        raise_limit()
        code: int = getattr(import_module(module), function)(settings, options)
    except IndexerError as error:
        # DuckDB's messages have lines, which point into those of the query.
        form = escape_lines if options.run[1] == "sql" else escape_text
        sys.stderr.write(f"error: {form(error.message)}\n")
        sys.stderr.write(f"hint: {form(error.advice)}\n" if error.advice else "")
        return error.exit_code
    except (KeyboardInterrupt, BrokenPipeError):
        return 1
    except Exception as error:  # noqa: BLE001 - a fault of this program, in its log's own form
        log_uncaught(error)
        return 1
    return code


def command_parser() -> argparse.ArgumentParser:
    """The command line: options of the indexer itself, and one parser a command."""
    parser = argparse.ArgumentParser(
        prog="python -m indexer",
        description="Index OpenTelemetry span Parquet where it lies, and answer from the index. "
        "Without a command: watch the storage and index for ever.",
        epilog="Settings come from the environment; docs/reference/settings.md lists them.",
    )
    parser.add_argument("--version", action="version", version=f"span-indexer {__version__}")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--once", action="store_true", help="index all there is, then exit")
    mode.add_argument("--reindex", action="store_true", help="rebuild the catalog from the files")
    parser.add_argument(
        "--accept-removals",
        action="store_true",
        help="what the storage lacks at the start is removed, whatever speaks against it",
    )
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.add_argument(
        "--strict", action="store_true", help="exit 3 when files are quarantined (one-shot runs)"
    )
    parser.set_defaults(run=("indexer.cli.runs", "run"))
    names = parser.add_subparsers(title="commands", metavar="")
    _add_services(names)
    _add_conversion(names)
    _add_questions(names)
    _add_checks(names)
    return parser


def _add_services(names: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    for module, name, summary in (
        ("up", "up", "receive OTLP, write span files and index them, for ever"),
        ("up", "ingest", "receive OTLP and write span files, for ever"),
        ("poll", "poll", "read a remote ingestion's spans and write span files, for ever"),
    ):
        service = names.add_parser(name, help=summary, description=summary)
        service.set_defaults(run=(f"indexer.cli.{module}", name))


def _add_conversion(names: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "turn OTLP files into span Parquet, and logs and metrics beside it"
    convert = names.add_parser("convert", help=summary, description=summary)
    convert.add_argument("files", metavar="FILE", nargs="+", help="OTLP of any form")
    convert.add_argument(
        "--to",
        metavar="DIR",
        required=True,
        help="spans go to DIR/spans, which can be a storage root, the others to DIR/logs and "
        "DIR/metrics",
    )
    convert.set_defaults(run=("indexer.cli.convert", "convert"))


def _add_questions(names: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    trace = _command(names, "trace", "show one trace as a waterfall")
    trace.add_argument(
        "trace_id", metavar="TRACE_ID", help="32 hex digits, or up to 16 of a 64-bit ID"
    )
    for listed in LISTS:
        command = _command(names, listed.name, f"list {listed.rows}")
        command.add_argument("--limit", type=_positive, default=1000, help="rows at most")
        command.set_defaults(run=("indexer.cli.commands", "rows"), list=listed.name)
    spans = _command(names, "spans", "list the newest spans with a promoted attribute")
    spans.add_argument("attribute", metavar="KEY[=VALUE]", help="one of the promoted attributes")
    spans.add_argument("--service", help="of this service only")
    spans.add_argument("--limit", type=_positive, default=100, help="spans at most")
    _add_search(names)
    sql = _command(names, "sql", "run one read-only SELECT")
    sql.add_argument(
        "query",
        metavar="SELECT",
        help="tables of the catalog, a view of spans (otel_spans, spans, state_patches), or "
        "read_otlp(PATH) of OTLP files below the storage root",
    )
    sql.add_argument("--format", choices=["table", "json", "csv", "parquet"], help="default: table")
    sql.add_argument("--output", metavar="FILE", help="write there; needed for parquet")
    sql.add_argument("--since", metavar="TIME", help="views: files with spans from here on")
    sql.add_argument("--until", metavar="TIME", help="views: files with spans before this")
    sql.add_argument(
        "--max-files", type=_positive, default=None, help="views: files they cover at most"
    )


def _add_search(names: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    search = _command(names, "search", "list the newest spans that meet every option")
    search.add_argument("--service", help="of this service")
    search.add_argument("--name", help="called this")
    search.add_argument("--name-prefix", metavar="TEXT", help="called something that begins so")
    search.add_argument("--name-contains", metavar="TEXT", help="called something with this in it")
    search.add_argument("--kind", help="internal, server, client, producer, consumer, unspecified")
    search.add_argument("--status", help="error, ok or unset")
    search.add_argument("--min-duration", metavar="LENGTH", help="as 20ms or 1.5s, or longer")
    search.add_argument("--max-duration", metavar="LENGTH", help="as 20ms or 1.5s, or shorter")
    search.add_argument("--since", metavar="TIME", help="started then or later")
    search.add_argument("--until", metavar="TIME", help="started before")
    search.add_argument("--roots", action="store_true", help="without a parent")
    search.add_argument("--limit", type=_positive, default=100, help="spans at most")
    search.add_argument("--cursor", help="what next_cursor of the page before said")


def _add_checks(names: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    status = _command(names, "status", "what the index holds and how the worker is")
    status.add_argument(
        "--check", action="store_true", help="exit 1 unless a healthy worker is running"
    )
    audit = _command(names, "audit", "prove the catalog against the files")
    audit.add_argument("--fast", action="store_true", help="compare identities only")


def _command(
    names: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, summary: str
) -> argparse.ArgumentParser:
    """A command that only reads; only the module of the one that runs is imported."""
    parser = names.add_parser(name, help=summary, description=summary)
    parser.add_argument("--json", action="store_true", help="write JSON")
    module = name if name in {"sql", "audit", "search"} else "commands"
    parser.set_defaults(run=(f"indexer.cli.{module}", name))
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("expected a positive number")
    return value


if __name__ == "__main__":
    sys.exit(main())
