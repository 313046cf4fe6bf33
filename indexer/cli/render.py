"""Answers for people: tables, facts, a waterfall; and JSON for programs."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from indexer.audit import Step
from indexer.model import AuditReport

_BAR_WIDTH = 32
_ERROR = 2
_PLAIN_WIDTH = 100_000
"""Columns when the output is no terminal: nothing is cut."""


def write_json(value: Any, sink: TextIO | None = None) -> None:
    """One JSON document, times in ISO 8601."""
    sink = sink or sys.stdout
    json.dump(value, sink, default=_encoded, indent=2, ensure_ascii=False)
    sink.write("\n")


def facts(values: dict[str, Any]) -> None:
    """A name and a value a line."""
    console = _console()
    for name, value in values.items():
        if isinstance(value, dict):
            for inner, number in value.items():
                console.print(f"{name}.{inner:<22} {_shown(number)}", highlight=False)
        else:
            console.print(Text(f"{name:<24} {_shown(value)}"))


def table(
    title: str,
    rows: Sequence[dict[str, Any]],
    *,
    names: Sequence[str] | None = None,
    sink: TextIO | None = None,
) -> None:
    """Rows as a table."""
    columns = list(names or (rows[0] if rows else []))
    console = _console(sink)
    if not columns:
        console.print(f"no {title}")
        return
    shown = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        shown.add_row(*(Text(_shown(row[name])) for name in columns))
    console.print(shown)


def waterfall(trace: dict[str, Any]) -> None:
    """A trace's spans as bars over its time, children under parents."""
    console = _console()
    spans = trace["spans"]
    if not spans:
        console.print(f"no span of trace {trace['trace_id']} is indexed")
        return
    begin = min(span["start_time_unix_nano"] for span in spans)
    end = max(max(span["end_time_unix_nano"], span["start_time_unix_nano"]) for span in spans)
    errors = sum(span["status_code"] == _ERROR for span in spans)
    console.print(
        f"trace {trace['trace_id']}  {len(spans)} spans  {(end - begin) / 1e6:.3f} ms  "
        f"{errors} errors  started {_instant(begin)}",
        highlight=False,
    )
    shown = Table(box=None, pad_edge=False, show_header=False)
    for depth, span in _in_order(spans):
        shown.add_row(
            Text("  " * depth + span["name"], style="red" if span["status_code"] == _ERROR else ""),
            Text(span["service_name"], style="dim"),
            Text(f"{span['duration_ns'] / 1e6:.3f} ms"),
            Text(_bar(span, begin, max(1, end - begin))),
        )
    console.print(shown)
    for missing in trace["missing"]:
        console.print(Text(f"incomplete: {missing}", style="yellow"))
    cost = trace["cost"]
    console.print(
        f"{cost['files_read']} files read, index {cost['index_ms']:.1f} ms, "
        f"payload {cost['payload_ms']:.1f} ms",
        style="dim",
        highlight=False,
    )


def audit_report(report: AuditReport) -> None:
    """Every finding, then one line."""
    console = _console()
    for finding in report.findings:
        console.print(Text(f"{finding.invariant} {finding.relative_path or '-'}: {finding.detail}"))
    for path in report.pending:
        console.print(Text(f"pending {path}: not finished yet"))
    checked = "I1 to I5" if report.mode == "full" else "identities, I2, I3 and I5"
    verdict = "hold" if report.passed else f"FAIL with {len(report.findings)} findings"
    console.print(
        f"{checked} {verdict}: {report.files:,} files, {report.spans:,} spans, "
        f"digest {report.digest}",
        highlight=False,
    )


@contextmanager
def steps(*, enabled: bool) -> Iterator[Step]:
    """A progress bar on a terminal, nothing otherwise."""
    if not (enabled and sys.stderr.isatty()):
        yield lambda _what, _done, _total: None
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
    )
    tasks: dict[str, Any] = {}

    def step(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what)
        bar.update(tasks[what], completed=done, total=total)

    with bar:
        yield step


def _in_order(spans: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Depth first from the roots; a span whose parent is not here counts as one."""
    known = {span["span_id"] for span in spans}
    children: dict[str | None, list[dict[str, Any]]] = {}
    for span in spans:
        parent = span["parent_span_id"] if span["parent_span_id"] in known else None
        children.setdefault(parent, []).append(span)
    shown: set[str] = set()
    roots = [(0, span) for span in reversed(children.get(None, []))]
    for start in ([*roots], [(0, span) for span in reversed(spans)]):  # the second: cycles
        stack = start
        while stack:
            depth, span = stack.pop()
            if span["span_id"] in shown:
                continue
            shown.add(span["span_id"])
            yield depth, span
            below = children.get(span["span_id"], [])
            stack += [(depth + 1, child) for child in reversed(below)]


def _bar(span: dict[str, Any], begin: int, length: int) -> str:
    offset = int((span["start_time_unix_nano"] - begin) / length * _BAR_WIDTH)
    width: int = max(1, round(max(0, span["duration_ns"]) / length * _BAR_WIDTH))
    offset = min(offset, _BAR_WIDTH - 1)
    return " " * offset + "█" * min(width, _BAR_WIDTH - offset)


def _instant(unix_nano: int) -> str:
    seconds, nanos = divmod(unix_nano, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{nanos:09d}Z"


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | dict):
        return json.dumps(value, default=_encoded)
    return str(value)


def _encoded(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    return str(value)


def _console(sink: TextIO | None = None) -> Console:
    sink = sink or sys.stdout
    return Console(file=sink, width=None if sink.isatty() else _PLAIN_WIDTH)
