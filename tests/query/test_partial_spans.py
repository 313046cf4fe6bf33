"""A span that came in by a file beyond the limits is answered in part by every tier, and says so.

The answer is small, not complete, and names the file; the span has the counts. What is asked again is
answered the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from indexer.query.answer import Answer
from indexer.query.find.span_query import SpanQuery
from indexer.query.partial_spans import partial_spans
from indexer.query.span_cache import EncodedSpanCache
from indexer.spans.limits import SPAN_LIMITS
from tests.query.tiers.test_all_tiers import TRACE, answers, view
from tests.support.catalogs import indexed
from tests.support.dialect_files import LAYOUTS, Event, OtelSpan
from tests.support.span_files import T0, Span, write

TOO_MANY = SPAN_LIMITS.attributes + 7
HEAVY = json.dumps(dict.fromkeys((f"k{number}" for number in range(TOO_MANY)), 1))
SHOP = SpanQuery(service="shop")
DETAIL = "1 span is beyond the limits of a span and answered in part: without 7 attributes"


def lacks(answer: Answer) -> list[tuple[str | None, str, str]]:
    missing = answer.completeness.missing
    assert answer.completeness.is_complete == (not missing)
    return [(one.file_path, one.reason.code, one.detail) for one in missing]


def test_a_trace_and_a_list_have_the_first_attributes_and_say_what_they_lack(
    tmp_path: Path,
) -> None:
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", [Span(attributes=HEAVY), Span(span=2, parent=1)])
        one.settle()
        for answer in (one.answers().trace(TRACE), one.answers().spans(SHOP)):
            heavy, light = sorted(answer.spans, key=lambda span: span.span_id)
            assert len(heavy.payload.attributes) == SPAN_LIMITS.attributes
            assert heavy.omitted == {"attributes": 7}
            assert light.omitted is None
            assert lacks(answer) == [(str(path), "SpanTooLarge", DETAIL)]
        assert lacks(one.answers().spans(SHOP, payload=False)) == []


def test_what_is_kept_of_a_span_says_the_same_when_it_is_asked_again(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", [Span(attributes=HEAVY)])
        one.settle()
        cache = EncodedSpanCache(lambda span: json.dumps(len(span.payload.attributes)).encode())
        for reads in (1, 0):
            answer = one.answers().spans(SHOP, encoding=cache)
            assert answer.cost.files_read == reads
            assert answer.encoded == [b"%d" % SPAN_LIMITS.attributes]
            assert lacks(answer) == [(str(path), "SpanTooLarge", DETAIL)]
        assert lacks(one.answers().trace(TRACE, encoding=cache)) == [
            (str(path), "SpanTooLarge", DETAIL)
        ]


def test_a_recent_file_and_a_hot_span_are_held_to_the_same(tmp_path: Path) -> None:
    """A copy of the span that does not count in the answer is not counted either."""
    with indexed(tmp_path) as one:
        path = write(one.root / "b.parquet", [Span(span=3, attributes=HEAVY)])
        rows = [Span(span=3, attributes=HEAVY), Span(span=4, attributes=HEAVY)]
        asked = answers(one, view(rows, recent_files=(str(path),)))
        for answer in (asked.trace(TRACE), asked.spans(SHOP)):
            assert [span.omitted for span in answer.spans] == [{"attributes": 7}] * 2
            assert sorted(lacks(answer), key=str) == [
                (str(path), "SpanTooLarge", DETAIL),
                (None, "SpanTooLarge", DETAIL),
            ]


def test_several_spans_of_a_file_are_one_line() -> None:
    some = [
        ("a", {"events": 1_000, "values": 2}),
        ("a", {"events": 5}),
        ("a", None),
        ("b", None),
    ]
    (lack,) = partial_spans(some)
    assert lack.file_path == "a"
    assert lack.detail.startswith("2 spans are beyond")
    assert lack.detail.endswith("without 1,005 events, 2 values")


MILLION = 1_000_000
READ = """
import json, sys
from indexer.discover.listing import list_files
from indexer.read.dialect_document import dialects
from indexer.read.payload import read_payload
from indexer.read.span_payload import span_payload
from indexer.system.storage import LocalStorage

def peak_mb():
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024

storage = LocalStorage(sys.argv[1])
(info,) = list_files(storage).files
dialect = next(one for one in dialects() if one.name == sys.argv[2])
before = peak_mb()
(stored,) = read_payload(storage, info, dialect, [0])
part = span_payload(stored)
answer = json.dumps(part)
print(json.dumps([len(part["events"]), part["omitted"], len(answer), peak_mb() - before]))
"""


def million_in_text() -> pa.Table:
    event = '{"name":"e","timeUnixNano":"1795000000000000000","attributes":{"k":"v"}}'
    span = _span()
    table = LAYOUTS["junjo, text"][2]([span])
    events = pa.array(["[" + ",".join([event] * MILLION) + "]"])
    return table.set_column(table.column_names.index("events"), "events", events)


def million_in_lists() -> pa.Table:
    table = LAYOUTS["clickhouse, maps"][2]([_span()])
    for name in ("EventsTimestamp", "EventsName", "EventsAttributes"):
        one = table[name].combine_chunks()
        many = one.values.take(pa.array([0] * MILLION))
        column = pa.ListArray.from_arrays(pa.array([0, MILLION], pa.int32()), many)
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def _span() -> OtelSpan:
    return OtelSpan(
        trace_id=TRACE,
        span_id="0" * 15 + "1",
        parent_span_id=None,
        service="shop",
        name="heavy",
        start=T0,
        duration=1_000_000,
        kind=1,
        status=0,
        message=None,
        attributes={"a": "b"},
        resource={},
        events=(Event(name="e", at=T0, attributes={"k": "v"}),),
        links=(),
    )


@pytest.mark.parametrize(
    ("dialect", "make", "more_mb"),
    [("junjo-14", million_in_text, 500), ("clickhouse", million_in_lists, 300)],
)
def test_a_million_events_cost_what_their_bytes_are(
    tmp_path: Path, dialect: str, make: Any, more_mb: int
) -> None:
    """Once they were 1.1 GB more, and an answer of 109 MB: now a few copies of 73 MB of text."""
    write(tmp_path / "a.parquet", make())
    done = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path), dialect],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    events, omitted, answer_bytes, grown_mb = json.loads(done.stdout)
    assert events == SPAN_LIMITS.events
    assert omitted == {"events": MILLION - SPAN_LIMITS.events}
    assert answer_bytes < 4 << 20
    assert grown_mb < more_mb
