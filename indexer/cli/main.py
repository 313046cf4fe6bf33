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
from indexer.cli.command_line import CommandParser
from indexer.cli.command_options import add_commands, add_config
from indexer.errors import IndexerError
from indexer.system.descriptors import raise_limit
from indexer.system.interpreter import (
    collect_as_usual,
    leave_algebra_threads_out,
    leave_unused_modules_out,
)
from indexer.system.program_name import as_typed, program_name, start_part_of
from indexer.system.standard_output import (
    discard_output,
    flush_or_discard,
    is_of_output,
    write_any_text,
)
from indexer.system.stop_signals import is_interrupted, stop_with_input
from indexer.system.terminal_text import escape_lines, escape_text
from indexer.telemetry.log import SETTINGS_IGNORED, configure, log
from indexer.telemetry.log_rate import capture_library_logs, log_uncaught

_RUN = ("indexer.cli.runs", "run")
EXIT_INTERRUPTED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    write_any_text()
    options = None
    try:
        options = _options(arguments)
        code = _run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _end_interrupted()
    except BrokenPipeError as error:
        return _end_unwritten(error)
    except Exception as error:  # noqa: BLE001 - said below, in one way or the other
        if is_interrupted():
            return _end_interrupted()
        if isinstance(error, OSError) and is_of_output(error):
            return _end_unwritten(error)
        return _say(error, options)
    return code


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Those of the command line. Exits after --help and --version, and for wrong usage."""
    parser = command_parser()
    try:
        options = parser.parse_args(arguments)
    finally:
        sys.stdout.flush()  # what it has shown: it may be that nobody can read it
    if options.part_of:
        start_part_of(options.part_of)
    if options.run == _RUN and not (options.once or options.reindex):
        parser.refuse_given(("json", "strict"), "without --once or --reindex", options)
    return options


def _end_unwritten(error: OSError) -> int:
    """Of an answer; whoever stopped reading it has enough."""
    discard_output()
    if not isinstance(error, BrokenPipeError):
        sys.stderr.write(f"error: cannot write to standard output: {error.strerror}\n")
    return EXIT_INTERRUPTED


def _say(error: Exception, options: argparse.Namespace | None) -> int:
    """What is wrong, and what to do; a fault of this program in its log's own form."""
    flush_or_discard()
    if not isinstance(error, IndexerError):
        log_uncaught(error)
        return 1
    # DuckDB's messages have lines, which point into those of the query.
    form = escape_lines if options is not None and options.run[1] == "sql" else escape_text
    sys.stderr.write(f"error: {form(error.message)}\n")
    sys.stderr.write(f"hint: {form(as_typed(error.advice))}\n" if error.advice else "")
    return error.exit_code


def _end_interrupted() -> int:
    flush_or_discard()
    with suppress(OSError):
        # A terminal has shown ^C where the cursor was.
        sys.stderr.write("\ninterrupted\n" if sys.stderr.isatty() else "interrupted\n")
    return EXIT_INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    from indexer.settings.environment import check_given, read_given  # noqa: PLC0415 - not of --help

    given = read_given(options.config)
    settings = check_given(given.values, given.sources)
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
    leave_algebra_threads_out()
    if options.part_of:
        stop_with_input()
    command = getattr(import_module(module), function)
    if is_service:
        collect_as_usual()
    code: int = command(settings, options)
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
    add_config(parser, default=None)
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
    parser.add_argument("--part-of", metavar="NAME", help=argparse.SUPPRESS)
    parser.set_defaults(run=_RUN)
    add_commands(parser.add_commands())
    return parser


if __name__ == "__main__":
    sys.exit(main())
