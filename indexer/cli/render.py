"""Answers for people: tables, facts, a waterfall; and JSON for programs."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
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
                console.print(f"{name}.{inner:<22} {shown(number)}", highlight=False)
        else:
            console.print(Text(f"{name:<24} {shown(value)}"))


def listing(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Rows of one shape as a table, or that there are none."""
    if not rows:
        _console().print(f"no {title}")
        return
    table(list(rows[0]), [list(row.values()) for row in rows])


def table(
    names: Sequence[str], rows: Sequence[Sequence[Any]], *, sink: TextIO | None = None
) -> None:
    """Rows under their names."""
    ruled = Table(*names, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        ruled.add_row(*(Text(shown(value)) for value in row))
    _console(sink).print(ruled)


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
    bars = Table(box=None, pad_edge=False, show_header=False)
    for depth, span in _in_order(spans):
        bars.add_row(
            Text("  " * depth + span["name"], style="red" if span["status_code"] == _ERROR else ""),
            Text(span["service_name"], style="dim"),
            Text(f"{span['duration_ns'] / 1e6:.3f} ms"),
            Text(_bar(span, begin, max(1, end - begin))),
        )
    console.print(bars)
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
        console.print(Text(f"pending {path}: on its way"))
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
    yielded: set[str] = set()
    roots = [(0, span) for span in reversed(children.get(None, []))]
    for start in ([*roots], [(0, span) for span in reversed(spans)]):  # the second: cycles
        stack = start
        while stack:
            depth, span = stack.pop()
            if span["span_id"] in yielded:
                continue
            yielded.add(span["span_id"])
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


def shown(value: Any) -> str:
    """One value as text for people."""
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
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    return str(value)


def _console(sink: TextIO | None = None) -> Console:
    sink = sink or sys.stdout
    return Console(file=sink, width=None if sink.isatty() else _PLAIN_WIDTH)
