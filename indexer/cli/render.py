"""Answers for people: tables, facts, a waterfall; and JSON for programs."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from indexer.model import AuditReport, AuditStep
from indexer.spans.shared_ids import Link, parents
from indexer.system.terminal_text import escape_json, escape_text

_BAR_WIDTH = 32
_ERROR = 2
_NAME_WIDTH_MIN = 32
"""Columns for the name and the service of a span on the narrowest terminal."""
_PADDED_WIDTH_MAX = 400
"""Columns of a terminal: else one text of a megabyte would make every row that long."""
_DEPTH_MAX = 100
"""Levels that are indented: the lines of a chain of 200,000 spans would have 40 GB."""
_PLAIN_WIDTH = sys.maxsize
"""Columns when the output is not a terminal: nothing is cut."""


def write_json(value: Any, sink: TextIO | None = None) -> None:
    """One JSON document, times in ISO 8601; exact, and harmless on a terminal."""
    sink = sink or sys.stdout
    encoder = json.JSONEncoder(default=_encoded, indent=2, ensure_ascii=False)
    for part in encoder.iterencode(value):
        sink.write(escape_json(part))
    sink.write("\n")


def write_csv(names: Sequence[str], rows: Iterable[Sequence[Any]], sink: TextIO) -> None:
    """RFC 4180 with LF at the end of lines, every value exact; on a terminal escaped.

    A row with a CR is quoted whole, because the module quotes only what its own line ends have.
    """
    form = line_text if sink.isatty() else value_text
    plain = csv.writer(sink, lineterminator="\n")
    quoted = csv.writer(sink, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in ([*names], *rows):
        texts = [form(value) for value in row]
        (quoted if any("\r" in text for text in texts) else plain).writerow(texts)


def facts(values: dict[str, Any]) -> None:
    """A name and a value a line."""
    named: list[tuple[str, Any]] = []
    for name, value in values.items():
        inner = value if isinstance(value, dict) else None
        named += [(name, value)] if inner is None else [(f"{name}.{k}", inner[k]) for k in inner]
    _print(_console(), *(Text(f"{escape_text(k):<24} {line_text(one)}") for k, one in named))


def listing(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Rows of one shape as a table, or that there are none."""
    if not rows:
        _print(_console(), Text(f"no {title}"))
        return
    table(list(rows[0]), [list(row.values()) for row in rows])


def table(
    names: Sequence[str], rows: Sequence[Sequence[Any]], *, sink: TextIO | None = None
) -> None:
    """Rows under their names, a line each, whatever their values hold.

    No line is cut or broken: a terminal that is too narrow goes on below, as for any program.
    """
    texts = pad_columns([[line_text(one) for one in row] for row in ([*names], *rows)])
    header, *lines = ("  ".join(row).rstrip(" ") for row in texts)
    console = _console(sink)
    _print(console, Text(header, style="bold"))
    _print(console, *map(Text, lines))


def pad_columns(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Texts of one line each, every column as wide as its widest text is on a terminal.

    A text beyond ``_PADDED_WIDTH_MAX`` stands out of its column.
    """
    widths = [
        min(max(map(cell_len, column)), _PADDED_WIDTH_MAX) for column in zip(*rows, strict=True)
    ]
    return [
        [text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True)]
        for row in rows
    ]


def as_of(unix_nano: int | None) -> None:
    """The moment that an answer is of, a line on standard error; nothing without a hot tier."""
    if unix_nano is not None:
        sys.stderr.write(f"as of {_instant(unix_nano)}\n")


def lacks(missing: Sequence[dict[str, Any]]) -> None:
    """What an answer lacks, a line each on standard error."""
    sys.stderr.writelines(f"{_lack(one)}\n" for one in missing)


def waterfall(trace: dict[str, Any]) -> None:
    """A trace's spans as bars over its time, children under parents, a line each."""
    console = _console()
    spans = trace["spans"]
    if not spans:
        _print(console, Text(f"no span of trace {line_text(trace['trace_id'])} is indexed"))
        return
    starts = [span["start_time_unix_nano"] for span in spans]
    begin = min(filter(None, starts), default=0)
    end = max(begin, *starts, *(span["end_time_unix_nano"] or 0 for span in spans))
    errors = sum(span["status_code"] == _ERROR for span in spans)
    first = (
        f"trace {line_text(trace['trace_id'])}  {len(spans)} spans  {(end - begin) / 1e6:.3f} ms  "
        f"{errors} errors  started {_instant(begin)}"
    )
    _print(console, Text(first), *_bars(spans, begin, max(1, end - begin), console))
    _print(console, *(Text(_lack(one), style="yellow") for one in trace["missing"]))
    cost = trace["cost"]
    last = (
        f"{cost['files_read']} files read, index {cost['index_ms']:.1f} ms, "
        f"payload {cost['payload_ms']:.1f} ms"
    )
    _print(console, Text(last, style="dim"))


def _bars(spans: list[dict[str, Any]], begin: int, length: int, console: Console) -> Iterator[Text]:
    """One line a span; names are cut where the bars would not fit into the terminal."""
    ordered = list(_in_order(spans))
    times = [_took(span["duration_ns"]) for _, span in ordered]
    room = max(_NAME_WIDTH_MIN, console.width - _BAR_WIDTH - max(map(len, times)) - 6) // 2
    names = [
        _cut("  " * min(depth, _DEPTH_MAX) + line_text(span["name"]), room)
        for depth, span in ordered
    ]
    services = [_cut(line_text(span["service_name"]), room) for _, span in ordered]
    rows = pad_columns(list(zip(names, services, times, strict=True)))
    for (_, span), (name, service, took) in zip(ordered, rows, strict=True):
        style = "red" if span["status_code"] == _ERROR else ""
        bar = _bar(span, begin, length)
        yield Text("  ").join([Text(name, style), Text(service, "dim"), Text(took), Text(bar)])


def _lack(missing: dict[str, Any]) -> str:
    """The code of what an answer lacks, in words, and of which file."""
    path = missing.get("file_path")
    text = f"{missing['error_type']}: {missing['detail']}{f' ({path})' if path else ''}"
    return "incomplete: " + line_text(text)


def _cut(line: str, width: int) -> str:
    """At most ``width`` columns of it."""
    return line if cell_len(line) <= width else set_cell_size(line, width - 1) + "…"


def audit_report(report: AuditReport) -> None:
    """Every finding, then one line."""
    lines = [
        f"{finding.invariant} {finding.relative_path or '-'}: {finding.detail}"
        for finding in report.findings
    ]
    lines += [f"pending {path}: not indexed yet" for path in report.pending]
    checked = "I1 to I5" if report.mode == "full" else "identities, I2, I3 and I5"
    verdict = "hold" if report.passed else f"FAIL with {len(report.findings)} findings"
    lines.append(
        f"{checked} {verdict}: {report.files:,} files, {report.spans:,} spans, "
        f"digest {report.digest}"
    )
    _print(_console(), *(Text(escape_text(line)) for line in lines))


@contextmanager
def steps(*, enabled: bool) -> Iterator[AuditStep]:
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
    links = [Link(one["span_id"], one["parent_span_id"], one["span_kind"]) for one in spans]
    children: dict[int | None, list[int]] = {}
    for position, parent in enumerate(parents(links)):
        children.setdefault(parent, []).append(position)
    yielded: set[int] = set()
    for start in (children.get(None, []), range(len(spans))):  # the second: cycles
        stack = [(0, position) for position in reversed(start)]
        while stack:
            depth, position = stack.pop()
            if position in yielded:
                continue
            yielded.add(position)
            yield depth, spans[position]
            stack += [(depth + 1, child) for child in reversed(children.get(position, []))]


def _bar(span: dict[str, Any], begin: int, length: int) -> str:
    offset = int(max(0, span["start_time_unix_nano"] - begin) / length * _BAR_WIDTH)
    width: int = max(1, round(max(0, span["duration_ns"] or 0) / length * _BAR_WIDTH))
    offset = min(offset, _BAR_WIDTH - 1)
    return " " * offset + "█" * min(width, _BAR_WIDTH - offset)


def _took(duration_ns: int | None) -> str:
    return "?" if duration_ns is None else f"{duration_ns / 1e6:.3f} ms"


def _instant(unix_nano: int) -> str:
    seconds, nanos = divmod(unix_nano, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{nanos:09d}Z"


def value_text(value: Any) -> str:
    """One value as text, exact."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | dict):
        return json.dumps(value, default=_encoded, ensure_ascii=False)
    return str(value)


def line_text(value: Any) -> str:
    """One value as one line for people: nothing in it commands a terminal."""
    text = value_text(value)
    return escape_json(text) if isinstance(value, list | dict) else escape_text(text)


def _encoded(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    return str(value)


def _console(sink: TextIO | None = None) -> Console:
    sink = sink or sys.stdout
    return Console(file=sink, width=None if sink.isatty() else _PLAIN_WIDTH)


def _print(console: Console, *lines: Text) -> None:
    """Each as one line, whatever its length; no word in it is markup or an emoji's name."""
    for line in lines:
        if console.is_terminal:
            console.print(line, soft_wrap=True)
        else:
            console.file.write(f"{line.plain}\n")
