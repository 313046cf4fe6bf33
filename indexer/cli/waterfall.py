"""A trace as a waterfall: children below parents, a bar a span, bounded in width and in lines."""

from collections.abc import Iterator
from typing import Any

from indexer.cli import render
from indexer.cli.human_values import STATUSES
from indexer.cli.styled_text import Output, Styled
from indexer.spans.shared_ids import Link, parents
from indexer.spans.trace_tree import depth_first
from indexer.system.counted_nouns import counted
from indexer.system.standard_output import has_text

SPANS_MAX = 1_000
"""Lines of one waterfall, unless more are asked for: nobody reads more at once."""
_BAR_WIDTH = 32
_ERROR = STATUSES.index("ERROR")
_NAME_WIDTH_MIN = 32
"""Columns for the name and the service of a span on the narrowest terminal."""
_NAME_WIDTH_MAX = 400
"""Columns for either where the output is a file, which has no width of its own."""
_LEVELS_MAX = 32
_LEVELS_SHARE = 2
"""Of the room for a name, one in so many columns may be indentation; deeper ones have a number."""
_GAPS = 6
"""Columns between those of a line."""
_MARK = "ERROR"
_SPACE = Styled("  ")


def waterfall(trace: dict[str, Any], spans_max: int = SPANS_MAX) -> None:
    """Write the spans over the time of the trace, at most so many, in depth-first order."""
    out = Output()
    spans = trace["spans"]
    trace_id = render.line_text(trace["trace_id"])
    if not spans:
        out.write(f"no span of trace {trace_id} is known")
        return
    starts = [span["start_time_unix_nano"] for span in spans]
    begin = min(filter(None, starts), default=0)
    end = max(begin, *starts, *(span["end_time_unix_nano"] or 0 for span in spans))
    errors = sum(span["status_code"] == _ERROR for span in spans)
    first = (
        f"trace {trace_id}  {counted(len(spans), 'span')}  {(end - begin) / 1e6:.3f} ms  "
        f"{counted(errors, 'error')}  started {render.exact_instant(begin)}"
    )
    out.write(first, *_bars(spans, begin, max(1, end - begin), out.width, spans_max))
    if len(spans) > spans_max:
        left = f"{len(spans) - spans_max:,} of {counted(len(spans), 'span')} are left out here"
        how = f"--limit {len(spans)} shows them, --json has them whole"
        out.write(Styled(f"{left}: {how}", "yellow"))
    out.write(*(Styled(render.lack_text(one), "yellow") for one in trace["missing"]))
    cost = trace["cost"]
    last = (
        f"{counted(cost['files_read'], 'file')} read, index {cost['index_ms']:.1f} ms, "
        f"payload {cost['payload_ms']:.1f} ms"
    )
    out.write(Styled(last, "dim"))


def _bars(
    spans: list[dict[str, Any]], begin: int, length: int, width: int, spans_max: int
) -> Iterator[list[Styled]]:
    """One line a span; names are cut where the bars would not fit."""
    ordered = [one for one, _ in zip(_in_order(spans), range(spans_max), strict=False)]
    times = [_took(span["duration_ns"]) for _, span in ordered]
    marks = [_MARK if span["status_code"] == _ERROR else "" for _, span in ordered]
    mark_width = len(_MARK) + 2 if any(marks) else 0
    free = width - _BAR_WIDTH - max(map(len, times)) - _GAPS - mark_width
    room = min(max(_NAME_WIDTH_MIN, free) // 2, _NAME_WIDTH_MAX)
    names = [
        render.cut_text(_indent(depth, room) + render.line_text(one["name"]), room)
        for depth, one in ordered
    ]
    services = [
        render.cut_text(render.line_text(span["service_name"]), room) for _, span in ordered
    ]
    rows = render.pad_columns(list(zip(names, services, times, marks, strict=True)))
    full = "█" if has_text("█") else "#"
    for (_, span), (name, service, took, mark) in zip(ordered, rows, strict=True):
        style = "red" if span["status_code"] == _ERROR else ""
        parts = [Styled(name, style), Styled(service, "dim"), Styled(took)]
        parts += [Styled(mark, style)] if mark else []
        yield [piece for part in parts for piece in (part, _SPACE)] + [
            Styled(_bar(span, begin, length, full))
        ]


def _indent(depth: int, room: int) -> str:
    """Two columns a level; a deeper span has the number of its level instead."""
    most = min(_LEVELS_MAX, room // (2 * _LEVELS_SHARE))
    return "  " * depth if depth <= most else "  " * most + f"({depth}) "


def _in_order(spans: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Depth first from the roots; a span whose parent is not here counts as one."""
    links = [Link(one["span_id"], one["parent_span_id"], one["span_kind"]) for one in spans]
    for depth, position in depth_first(parents(links)):
        yield depth, spans[position]


def _bar(span: dict[str, Any], begin: int, length: int, full: str) -> str:
    offset = int(max(0, span["start_time_unix_nano"] - begin) / length * _BAR_WIDTH)
    width: int = max(1, round(max(0, span["duration_ns"] or 0) / length * _BAR_WIDTH))
    offset = min(offset, _BAR_WIDTH - 1)
    return " " * offset + full * min(width, _BAR_WIDTH - offset)


def _took(duration_ns: int | None) -> str:
    return "?" if duration_ns is None else f"{duration_ns / 1e6:.3f} ms"
