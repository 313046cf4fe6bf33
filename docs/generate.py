"""Write the reference pages from the code: ``make reference``.

A page is made of what the program itself uses (its settings, errors, events, commands, dialects
and the schema of a real catalog), so it cannot say anything else; a test makes them anew and
compares.
"""

import argparse
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from prometheus_client.metrics import MetricWrapperBase

from indexer import errors
from indexer.catalog.database import Catalog
from indexer.cli.main import command_parser
from indexer.clients.application import Application
from indexer.clients.host import Host
from indexer.clients.mastra.door import MastraDoor
from indexer.clients.mastra.routes import mastra
from indexer.contracts import migrations
from indexer.http import events as http_events
from indexer.ingest import events as ingest_events
from indexer.mastra.sync_store import SyncDuckDBStore
from indexer.otlp.rows.schemas import TABLES
from indexer.otlp.sql.functions import FUNCTIONS as OTLP_FUNCTIONS
from indexer.query.missing import REASONS
from indexer.read.dialect_document import dialects
from indexer.read.dialect_fields import Dialect, Paths, PayloadColumn
from indexer.read.known_formats import known_formats
from indexer.run.memory import MIB, parts, total_bytes
from indexer.run.serving import ROUTERS
from indexer.settings import Settings
from indexer.system.budget import ByteBudget
from indexer.telemetry import ingestion_metrics, metrics
from indexer.telemetry import log as telemetry

FOLDER = Path(__file__).parent / "reference"
HELP_COLUMNS = 100


def settings() -> str:
    """Every environment variable."""
    rows = []
    for one in Settings.fields.values():
        default = f"`{one.default_text}`"
        rows.append((f"`{one.variable}`", default, one.kind.bounds, one.meaning))
    return _page(
        "Settings",
        "Environment variables, or names in the TOML file of `--config`, checked at the start. "
        "Sizes are written as `512MiB`, `1GB` or bytes, durations as `30s`, `1h`, `7d` or seconds, "
        "choices in any case. An unknown `INDEXER_*`, and a name within two letters of one "
        "of these, is an error.",
        _table(("variable", "default", "range", "meaning"), rows),
    )


def error_types() -> str:
    """Every error, with what to do about it."""
    rows = [
        (f"`{kind.__name__}`", _nature(kind), kind.exit_code, _summary(kind), kind.hint)
        for kind in _subclasses(errors.IndexerError)
        if not kind.__subclasses__()
    ]
    return _page(
        "Errors",
        "`error_type` of quarantined files, log lines and HTTP problems. A transient error is "
        "retried; a permanent one is not, until its cause changes.",
        _table(("error", "nature", "exit code", "meaning", "next step"), rows),
    )


def reasons() -> str:
    """Every reason why an answer is incomplete, with what to do about it."""
    rows = [(f"`{one.code}`", one.meaning, one.action) for one in REASONS]
    return _page(
        "Completeness",
        "An answer is complete when every span that was acknowledged before its `as_of` is "
        "considered. Else `complete` is false (`X-Complete` in headers), and `missing` "
        "(`X-Missing`) says why: `error_type` is one of these codes, `detail` is for people, "
        "and `file_path` names the file if it is about one.",
        _table(("code", "meaning", "what to do"), rows),
    )


def events() -> str:
    """Every kind of log line."""
    known = sorted(
        (
            one
            for module in (telemetry, ingest_events, http_events)
            for one in vars(module).values()
            if isinstance(one, telemetry.Event)
        ),
        key=lambda event: event.name,
    )
    levels = {10: "debug", 20: "info", 30: "warning", 40: "error"}
    rows = [(f"`{event.name}`", levels[event.level], event.description) for event in known]
    return _page(
        "Log events",
        "`event` of each line under `INDEXER_LOG_FORMAT=json`.",
        _table(("event", "level", "when"), rows),
    )


def commands() -> str:
    """The help of every command."""
    parser = command_parser()
    found = (one.choices for one in parser._actions if isinstance(one.choices, dict))  # noqa: SLF001 - argparse lists its commands nowhere else
    made = next(found)
    named = {"python -m indexer": parser, **{name: made[name] for name in made}}
    parts = [f"## {name}\n\n```text\n{_help(command)}\n```" for name, command in named.items()]
    return _page("Commands", "What `--help` says.", "\n\n".join(parts))


_TRACE_A_ROW = (
    " A row is a trace: the columns named here are those of each of its spans, and "
    "`file_row_number` counts the spans of the file."
)


def dialect_pages() -> str:
    """Every known layout of span files."""
    parts = []
    for dialect in sorted(dialects(), key=lambda one: one.name):
        fields = [
            (field.name, _place(field.column, field.paths), _kind(field))
            for field in dialect.fields
        ]
        fields += [(one.name, _places(one), "payload") for one in dialect.payload]
        how = f" {dialect.how_to_get}" if dialect.how_to_get else ""
        how += _TRACE_A_ROW if dialect.trace_a_row else ""
        parts.append(
            f"## {dialect.name}\n\n{dialect.title}.{how} Recognised by {_identifying(dialect)}.\n\n"
            + _table(("canonical column", "column of the file", "kind"), fields)
        )
    return _page(
        "Dialects",
        "How columns of files become columns of the index and of `otel_spans`. Of several dialects "
        "that fit, the one with the most identifying columns is taken. A NULL says that a span has "
        "no attributes, events or links; a column that a file lacks says nothing of them. `a` in "
        "`b` is what stands in the column `b` under that name, in a struct, a map or JSON text. "
        "Attributes that are made of several columns have a member for each with a value; `x.*` "
        "stands for all members of an object, or for all columns, that begin so.",
        "\n\n".join([*parts, _not_read()]),
    )


def _not_read() -> str:
    rows = sorted(
        (one.title, ", ".join(f"`{name}`" for name in sorted(one.recognised_by)), one.hint)
        for one in known_formats()
    )
    return "## Known and not read\n\n" + _table(("what it is", "recognised by", "next step"), rows)


def catalog() -> str:
    """Every table and view of the catalog."""
    text = "\n".join(sql for _, _, sql in migrations())
    with tempfile.TemporaryDirectory() as folder:
        opened = Catalog.open(Path(folder) / "catalog.duckdb")
        columns = opened.connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns() "
            "WHERE NOT internal ORDER BY table_name, column_index"
        ).fetchall()
        opened.close()
    parts = []
    for table in dict.fromkeys(row[0] for row in columns):
        rows = [
            (f"`{name}`", kind, "yes" if nullable else "", _comment(text, table, name))
            for owner, name, kind, nullable in columns
            if owner == table
        ]
        parts.append(
            f"## {table}\n\n{_table_comment(text, table)}\n\n"
            + _table(("column", "type", "may be NULL", "meaning"), rows)
        )
    return _page(
        "Catalog",
        "Tables and views that `sql` can ask, beside `otel_spans`, which adds the payload, and "
        "Junjo's `spans` and `state_patches`, which are made of it.",
        "\n\n".join(parts),
    )


def metrics_page() -> str:
    """Every metric."""
    rows = _metric_rows(metrics.DECLARED)
    rows += [(f"`{name}`", "", "", meaning) for name, meaning in metrics.PROCESS.items()]
    return _page(
        "Metrics",
        "What `/metrics` of the worker says to Prometheus (`INDEXER_HTTP_LISTEN`), and that of the "
        "ingestion (`INGESTION_HTTP_LISTEN`). Both say the six of the process.",
        f"## Worker\n\n{_table(_METRIC, rows)}\n\n## Ingestion\n\n"
        + _table(_METRIC, _metric_rows(ingestion_metrics.DECLARED)),
    )


_METRIC = ("metric", "kind", "labels", "meaning")


def _metric_rows(declared: Iterable[MetricWrapperBase]) -> list[tuple[str, str, str, str]]:
    rows = []
    for metric in declared:
        (family,) = metric.describe()
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = ", ".join(metric._labelnames)  # noqa: SLF001 - the client tells them nowhere else
        rows.append((f"`{name}`", family.type, labels, family.documentation))
    return rows


def routes() -> str:
    """Every route of the worker."""
    parts = []
    for path, methods in _openapi()["paths"].items():
        for method, said in methods.items():
            asked = [_parameter(one) for one in said.get("parameters", ())]
            table = _table(("parameter", "in", "type", "meaning"), asked) if asked else ""
            about = said.get("description") or said["summary"]
            parts.append(f"## {method.upper()} {path}\n\n{about}\n\n{table}".rstrip())
    return _page(
        "Routes",
        "What the worker serves on `INDEXER_HTTP_LISTEN` for dashboards, and on the Unix socket "
        "beside the catalog for commands. Refusals are problem details (RFC 9457). With "
        "`INDEXER_HTTP_TOKEN` every route but `/healthz` and `/readyz` asks for it; the socket "
        "is for the user of the worker alone and asks for none. `POST /snapshot`, `POST /sweep` "
        "and `POST /ingestion-ending` change the worker's state and are allowed on the socket "
        "alone. "
        "The same as [OpenAPI](openapi.json), which the worker serves as `/openapi.json`.",
        "\n\n".join(parts),
    )


def openapi() -> str:
    """The OpenAPI document of the dashboards' service."""
    return json.dumps(_openapi(), indent=1, sort_keys=True) + "\n"


def _openapi() -> dict[str, Any]:
    """Nothing is asked of the host to make it."""
    door = MastraDoor(store=SyncDuckDBStore(), bodies=ByteBudget(0))
    return Application(cast("Host", None), (*ROUTERS, partial(mastra, door=door))).openapi()


def _parameter(said: dict[str, Any]) -> tuple[str, ...]:
    schema = said["schema"]
    kinds = [one.get("type", "") for one in schema.get("anyOf", [schema])]
    bounds = {name: schema[name] for name in ("minimum", "maximum", "default") if name in schema}
    kind = " or ".join(kinds) + "".join(f", {name} {value}" for name, value in bounds.items())
    return f"`{said['name']}`", said["in"], kind, said.get("description", "")


def memory() -> str:
    """What can be in memory at once, with the default settings."""
    rows = [
        (
            part.process,
            part.name,
            f"{part.size_bytes / MIB:,.0f}",
            ", ".join(f"`{one}`" for one in part.settings),
        )
        for part in parts(Settings())
    ]
    rows += [
        (name, "**together**", f"**{size / MIB:,.0f}**", "")
        for name, size in total_bytes(Settings()).items()
    ]
    return _page(
        "Memory",
        "What each process can hold at once, in MiB, with the default settings: a limit of memory "
        "should have room for the sum. `ingestion` and `writer` are the two processes of "
        "`ingest`, `worker` is that of the indexer, and `up` starts all of them. Beside the sum "
        "the worker holds 12 bytes for each trace in each file.",
        _table(("process", "what holds it", "MiB", "bounded by"), rows),
    )


def otlp_tables() -> str:
    """Every table that OTLP files can be read as."""
    parts = []
    for name, kind in OTLP_FUNCTIONS.items():
        rows = [(f"`{column}`", sql_type) for column, sql_type in TABLES[kind].columns.items()]
        parts.append(f"## {name}\n\n" + _table(("column", "type"), rows))
    return _page(
        "OTLP tables",
        "Columns of the functions that read OTLP files; each has `filename` as well. Files of "
        "`convert` have the same. Attributes, events, links and exemplars are JSON text.",
        "\n\n".join(parts),
    )


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings,
    "errors.md": error_types,
    "completeness.md": reasons,
    "events.md": events,
    "commands.md": commands,
    "dialects.md": dialect_pages,
    "catalog.md": catalog,
    "metrics.md": metrics_page,
    "memory.md": memory,
    "otlp.md": otlp_tables,
    "routes.md": routes,
    "openapi.json": openapi,
}


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())


def _help(parser: argparse.ArgumentParser) -> str:
    """As wide on every terminal."""
    parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=HELP_COLUMNS)
    return parser.format_help().rstrip()


def _page(title: str, lead: str, body: str) -> str:
    made = "<!-- Made by `make reference` from the code. -->"
    return f"# {title}\n\n{made}\n\n{lead}\n\n{body}\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def _subclasses(kind: type[errors.IndexerError]) -> list[type[errors.IndexerError]]:
    found = []
    for child in kind.__subclasses__():
        found += [child, *_subclasses(child)]
    return found


def _nature(kind: type[errors.IndexerError]) -> str:
    return "transient" if issubclass(kind, errors.TransientError) else "permanent"


def _summary(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _kind(field: Any) -> str:
    said = field.type if field.unit is None else f"{field.type}, {field.unit}"
    said += ", ".join(["", *(f"{name} is {number}" for name, number in field.values or ())])
    said += ", NULL is the start" if field.null_is_start else ""
    return f"{said}, optional" if field.optional else str(said)


def _place(column: str, paths: Paths) -> str:
    """A column, or what stands in it."""
    found = [" in ".join(f"`{name}`" for name in (*reversed(path), column)) for path in paths]
    return ", or ".join(found) or f"`{column}`"


def _places(payload: PayloadColumn) -> str:
    places = [(key, _place(one, payload.paths_of(key))) for key, one in payload.parts]
    if payload.is_gathered:
        return ", ".join(f"`{key}`: {place}" for key, place in places)
    return ", ".join(place for _, place in places)


def _identifying(dialect: Dialect) -> str:
    return ", ".join(f"`{column}`" for column in sorted(dialect.recognised_by))


def _table_comment(text: str, table: str) -> str:
    """The comment lines above its CREATE statement."""
    create = rf"((?:^--.*\n)+)CREATE (?:OR REPLACE )?(?:TABLE|VIEW) {table}\b"
    found = re.search(create, text, re.MULTILINE)
    lines = found[1].splitlines() if found else []
    return " ".join(line.removeprefix("--").strip() for line in lines)


def _comment(text: str, table: str, column: str) -> str:
    """The comment behind a column where its table gets it."""
    made = re.findall(rf"CREATE TABLE {table} \(.*?^\);", text, re.MULTILINE | re.DOTALL)
    made += re.findall(rf"ALTER TABLE {table} ADD COLUMN\n.*$", text, re.MULTILINE)
    found = re.search(rf"^    {column} .*?-- (.*)$", "\n".join(made), re.MULTILINE)
    return found[1] if found else ""


if __name__ == "__main__":
    main()
