"""A trace as Markdown stays within its bytes, names what it cuts, and holds no text's commands."""

from __future__ import annotations

import pytest

from indexer.clients.shared.markdown_shape import BYTES_MAX, NO_SPANS, TEXT_CHARS_MAX, markdown
from indexer.query.missing import FILES_PENDING, Missing
from indexer.query.span import Span
from tests.support.answered_spans import answered
from tests.support.span_files import T0

TRACE = "ab" * 16


def chain(count: int, **values: object) -> list[Span]:
    """Each span the child of the one before it."""
    return [
        answered(
            span_id=f"{n + 1:016x}",
            parent_span_id=f"{n:016x}" if n else None,
            start_time_unix_nano=T0 + n * 1_000_000,
            attributes={"n": n},
            **values,
        )
        for n in range(count)
    ]


def test_a_trace_is_a_tree_and_what_its_spans_have() -> None:
    root, child = chain(2)
    child = child._replace(status_code=2)
    lines = markdown(TRACE, [root, child]).splitlines()
    assert lines[0] == f"# Trace {TRACE}"
    assert lines[2].startswith("2 spans of 1 service, 1 error, 1.001 ms, started 2026-11-18T")
    tree = lines[lines.index("## Spans") + 2 :][:2]
    assert tree == [
        f"- `GET /` of `shop`, server, at +0.000 ms, 0.001 ms, span {root.span_id}",
        f"  - `GET /` of `shop`, server, at +1.000 ms, 0.001 ms, **error**, span {child.span_id}",
    ]
    details = [line for line in lines if line.startswith("###")]
    assert child.span_id in details[0], "failing spans come first"
    assert "- `n`: `1`" in lines
    assert "## Left out" not in lines


@pytest.mark.parametrize("name", ["x", "ü" * 5_000, "`" * 5_000, "\x1b" * 5_000, "\ud800" * 300])
def test_it_stays_within_its_bytes_and_says_what_is_left_out(name: str) -> None:
    missing = [Missing(reason=FILES_PENDING, detail=name * 5)] * 50
    spans = chain(800, service_name=name, resource_attributes={name: name})
    text = markdown(TRACE, spans, missing)
    assert len(text.encode("utf-8", "replace")) <= BYTES_MAX
    left_out = text.partition("## Left out")[2]
    assert "of 800 spans are not in the tree" in left_out
    assert "of 800 spans have no details" in left_out
    assert ("texts are cut after" in left_out) == (len(name) > TEXT_CHARS_MAX)


def test_no_text_ends_its_line_or_its_code() -> None:
    text = markdown(TRACE, [answered(name="a\n# head `` ` ```x", attributes={"k": "\x1b[2J"})])
    assert "\n# head" not in text
    assert "```` a\\u000a# head `` ` ```x ````" in text
    assert "\x1b" not in text


def test_an_incomplete_trace_says_so() -> None:
    text = markdown(TRACE, chain(1), [Missing(reason=FILES_PENDING, detail="2 files")])
    assert "- FilesPending: `2 files`" in text.splitlines()


def test_a_trace_that_nobody_knows_says_so() -> None:
    assert NO_SPANS in markdown(TRACE, []).splitlines()
