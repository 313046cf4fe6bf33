"""Answers for people: tables, records, facts; and JSON and CSV for programs."""

import csv
import json
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, TextIO

from indexer.cli.cell_width import cell_len, set_cell_size
from indexer.cli.human_values import human_row
from indexer.cli.styled_text import Output, Styled
from indexer.system.counted_nouns import counted
from indexer.system.standard_output import has_text
from indexer.system.terminal_text import escape_json, escape_text

if TYPE_CHECKING:  # its classes take longer to make than a short answer to write
    from indexer.model import AuditReport, AuditStep

TABLE_ROWS = 10_000
"""That are laid out together."""
_PADDED_WIDTH_MAX = 400
"""Columns of a terminal: else one text of a megabyte would make every row that long."""
_CUT_WIDTH_MIN = 16
"""Columns that a cut text keeps: less says nothing."""
_GAP = 2
"""Columns between two of a table."""


def write_json(value: Any, sink: TextIO | None = None) -> None:
    """One JSON document, times in ISO 8601; exact, and harmless on a terminal."""
    sink = sink or sys.stdout
    encoder = json.JSONEncoder(default=_encoded, indent=2, ensure_ascii=False)
    for part in encoder.iterencode(value):
        sink.write(escape_json(part))
    sink.write("\n")


def write_rows_json(
    rows: Iterable[dict[str, Any]], said: Callable[[], dict[str, Any]], sink: TextIO
) -> None:
    """The document ``{"rows": [...], **said()}`` as ``write_json`` has it, row by row."""
    encoder = json.JSONEncoder(default=_encoded, indent=2, ensure_ascii=False)
    sink.write('{\n  "rows": [')
    separator = "\n    "
    for row in rows:
        sink.write(separator + escape_json(encoder.encode(row).replace("\n", "\n    ")))
        separator = ",\n    "
    sink.write("]" if separator == "\n    " else "\n  ]")
    rest = encoder.encode(said()).removeprefix("{")
    sink.write("," + escape_json(rest) + "\n")


def write_json_lines(rows: Iterable[dict[str, Any]], sink: TextIO) -> None:
    """An object a line (RFC 8259), values as ``write_json`` has them."""
    encoder = json.JSONEncoder(default=_encoded, ensure_ascii=False)
    sink.writelines(escape_json(encoder.encode(row)) + "\n" for row in rows)


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
    width = max((len(escape_text(name)) for name, _ in named), default=0)
    lines = (f"{escape_text(name):<{width}}  {_fact_text(one)}" for name, one in named)
    Output().write(*(line.rstrip(" ") for line in lines))


def _fact_text(value: Any) -> str:
    """A list as a person would say it."""
    if isinstance(value, list | tuple):
        return "; ".join(map(line_text, value)) or "none"
    return line_text(value)


def listing(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Rows of one shape, values as people read them, or that there are none."""
    if not rows:
        Output().write(f"no {title}")
        return
    shown = [human_row(row) for row in rows]
    table(list(shown[0]), [list(row.values()) for row in shown])


def table(
    names: Sequence[str], rows: Iterable[Sequence[Any]], *, sink: TextIO | None = None
) -> None:
    """Rows under their names, a line each; as records where a terminal has no room for that.

    On a terminal the widest texts are cut, never an ID; what is written to a file is whole. The
    columns are as wide as ``TABLE_ROWS`` rows need, and so many are in memory.
    """
    out, is_cut, has_heading, count = Output(sink), False, False, 0
    header = [line_text(name) for name in names]
    for block in _blocks(rows):
        texts = [[line_text(one) for one in row] for row in block]
        fitted = fit_columns([header, *texts], out.width)
        if fitted is None:
            is_cut |= _records(out, header, texts, count)
        else:
            heading, *lines = ("  ".join(row).rstrip(" ") for row in pad_columns(fitted))
            if not has_heading:
                out.write(Styled(heading, "bold"))
            out.write(*lines)
            has_heading = True
        count += len(block)
    if is_cut:
        note("texts are cut to the width of the terminal; --json has them whole")


def plans(rows: Iterable[Sequence[Any]], sink: TextIO) -> None:
    """What EXPLAIN answers: drawings of many lines, each under its name."""
    out = Output(sink)
    for name, drawing in rows:
        lines = value_text(drawing).splitlines()
        out.write(Styled(line_text(name), "bold"), *(f"  {escape_text(one)}" for one in lines))


def _blocks(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    """All rows, so many at once; one block at least."""
    left = iter(rows)
    block = list(islice(left, TABLE_ROWS))
    yield block
    while len(block) == TABLE_ROWS and (block := list(islice(left, TABLE_ROWS))):
        yield block


def fit_columns(rows: Sequence[list[str]], width: int) -> list[list[str]] | None:
    """The texts, the widest columns of them cut, as far as they fit; None where they cannot.

    Columns of IDs and short ones stay as they are: no column is cut below ``_CUT_WIDTH_MIN``.
    """
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    least = [
        wide if is_id(name) else _CUT_WIDTH_MIN for name, wide in zip(rows[0], widths, strict=True)
    ]
    room = width - _GAP * (len(widths) - 1)

    def cut_to(cap: int) -> list[int]:
        return [min(wide, max(low, cap)) for wide, low in zip(widths, least, strict=True)]

    if sum(widths) <= room:
        return list(rows)
    if sum(cut_to(_CUT_WIDTH_MIN)) > room:
        return None
    caps = range(_CUT_WIDTH_MIN, max(widths))
    fitting = bisect_right(caps, room, key=lambda cap: sum(cut_to(cap)))
    cut = cut_to(caps[fitting - 1])
    return [[cut_text(text, wide) for text, wide in zip(row, cut, strict=True)] for row in rows]


def is_id(column: str) -> bool:
    """Whether values of the column are IDs, which are of use only when they are whole."""
    return column.endswith("_id")


def _records(out: Output, names: Sequence[str], rows: Sequence[Sequence[str]], before: int) -> bool:
    """A name and a value a line, for rows that are wider than the terminal; whether any is cut."""
    wide = max(map(cell_len, names))
    room = max(_CUT_WIDTH_MIN, out.width - wide - _GAP)
    is_cut = False
    for number, row in enumerate(rows, before + 1):
        out.write(Styled(f"{number}.", "bold"))
        for name, text in zip(names, row, strict=True):
            shown = text if is_id(name) else cut_text(text, room)
            is_cut |= shown != text
            out.write(f"{name}{' ' * (wide - cell_len(name) + _GAP)}{shown}")
    return is_cut


def cut_text(line: str, width: int) -> str:
    """At most ``width`` columns of it."""
    return line if cell_len(line) <= width else set_cell_size(line, width - 1) + ellipsis()


def ellipsis() -> str:
    """The mark of a text that is cut, in the terminal's encoding."""
    return "…" if has_text("…") else "~"


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
        sys.stderr.write(f"as of {exact_instant(unix_nano)}\n")


def note(text: str) -> None:
    """A line beside the answer, on standard error."""
    sys.stderr.write(f"{escape_text(text)}\n")


def lacks(missing: Sequence[dict[str, Any]]) -> None:
    """What an answer lacks, a line each on standard error."""
    sys.stderr.writelines(f"{lack_text(one)}\n" for one in missing)


def lack_text(missing: dict[str, Any]) -> str:
    """The code of what an answer lacks, in words, and of which file."""
    path = missing.get("file_path")
    text = f"{missing['error_type']}: {missing['detail']}{f' ({path})' if path else ''}"
    return "incomplete: " + line_text(text)


def audit_report(report: "AuditReport") -> None:
    """Every finding, then one line."""
    lines = [
        f"{finding.invariant} {finding.relative_path or '-'}: {finding.detail}"
        for finding in report.findings
    ]
    lines += [f"pending {path}: not indexed yet" for path in report.pending]
    checked = "I1 to I5" if report.mode == "full" else "identities, I2, I3 and I5"
    verdict = "hold" if report.passed else f"FAIL with {counted(len(report.findings), 'finding')}"
    lines.append(
        f"{checked} {verdict}: {counted(report.files, 'file')}, {counted(report.spans, 'span')}, "
        f"digest {report.digest}"
    )
    Output().write(*map(escape_text, lines))


@contextmanager
def steps(*, enabled: bool) -> Iterator["AuditStep"]:
    """A progress bar on a terminal, nothing otherwise."""
    if not (enabled and sys.stderr.isatty()):
        yield lambda _what, _done, _total: None
        return
    from indexer.cli.progress_bar import Bar  # noqa: PLC0415 - only an audit on a terminal has it

    with Bar("files") as bar:
        yield bar.show


def exact_instant(unix_nano: int) -> str:
    """A time in UTC, to the nanosecond."""
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
