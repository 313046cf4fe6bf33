"""Cold, recent and hot are one answer: nothing twice, nothing lost, nothing told by its values."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.errors import InvalidId
from indexer.hot.decoding import Decoder
from indexer.hot.identity import SpanKeys
from indexer.query.find.trace import TraceQuery, find_trace
from indexer.query.lists import list_services
from indexer.query.merge import (
    hot_columns,
    hot_spans,
    known_files,
    known_spans,
    merged,
    recent_files,
    recent_spans,
    services_merged,
)
from indexer.system.storage import LocalStorage
from tests.hot.servers import body
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import T0, Span, parquet_bytes, spans, write

TRACE = f"{1:032x}"


def hot_table(*some: Span) -> pa.Table:
    return Decoder().requests([body(*some)])


def ids(found: Iterable[dict[str, object]]) -> list[int]:
    return [int(str(span["span_id"]), 16) for span in found]


def rich_table() -> pa.Table:
    """A span with everything that OTLP has, and its child with nothing."""
    request = ExportTraceServiceRequest.FromString(body(*spans(2)))
    scope = request.resource_spans[0].scope_spans[0]
    span = scope.spans[0]
    span.flags, span.trace_state, span.status.message = 257, "a=b", "no"
    span.dropped_attributes_count = 3
    span.attributes.add(key="k").value.string_value = "v"
    event = span.events.add(name="e", time_unix_nano=T0 + 1)
    event.attributes.add(key="n").value.int_value = 1
    span.links.add(trace_id=bytes(range(16)), span_id=bytes(range(8)))
    return Decoder().requests([request.SerializeToString()])


def row(start: int, trace: int, span: int, source: str) -> dict[str, object]:
    return {
        "trace_id": f"{trace:032x}",
        "span_id": f"{span:016x}",
        "start_time_unix_nano": start,
        "from": source,
    }


ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(1, 4)), max_size=12)


@settings(max_examples=200, deadline=None)
@given(cold=ROWS, recent=ROWS, hot=ROWS)
def test_each_span_once_from_the_coldest_tier_that_has_it_in_order(
    cold: list[tuple[int, int, int]],
    recent: list[tuple[int, int, int]],
    hot: list[tuple[int, int, int]],
) -> None:
    tiers = {"cold": cold, "recent": recent, "hot": hot}
    rows = {tier: [row(*one, tier) for one in some] for tier, some in tiers.items()}
    found = merged(*rows.values())
    identities = [(span["trace_id"], span["span_id"]) for span in found]
    assert len(identities) == len(set(identities))
    everything = [span for some in rows.values() for span in some]
    assert set(identities) == {(span["trace_id"], span["span_id"]) for span in everything}
    for span, identity in zip(found, identities, strict=True):
        assert span is next(
            one for one in everything if (one["trace_id"], one["span_id"]) == identity
        )
    order = [(span["start_time_unix_nano"], span["span_id"]) for span in found]
    assert order == sorted(order)
    assert merged(found) == found


@pytest.mark.duckdb
def test_a_hot_span_is_answered_as_it_will_be_from_its_file(tmp_path: Path) -> None:
    """All values but the file's own; the scope has no column in that layout."""
    table = rich_table()
    hot = merged([], [], hot_spans(table, trace_id=TRACE))
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", table)
        one.settle()
        cold = find_trace(one.catalog.cursor(), LocalStorage(one.root), TraceQuery.of(TRACE))[
            "spans"
        ]
    assert [set(span) for span in hot] == [set(span) for span in cold]
    for name in cold[0]:
        if name in ("file_path", "file_row_number") or name.startswith("scope_"):
            continue
        assert [span[name] for span in hot] == [span[name] for span in cold], name
    assert hot[0]["attributes"] == {"k": "v"}
    assert hot[0]["flags"] == 257
    assert hot[0]["file_path"] is None


def test_hot_spans_are_those_of_the_trace_once(tmp_path: Path) -> None:
    table = hot_table(*spans(3), Span(trace=2), Span(trace=1, span=2, name="again"))
    found = hot_spans(table, trace_id=f" {TRACE.upper()} ")
    assert sorted(ids(found)) == [1, 2, 3]
    assert hot_spans(table.slice(0, 0), trace_id=TRACE) == []
    with pytest.raises(InvalidId):
        hot_spans(table, trace_id="none")


def test_odd_hot_values_are_bounded_as_in_a_file_and_take_nothing_down() -> None:
    """A whole table of times in another unit is a refused file, and hot spans all the same."""
    table = hot_table(*(Span(span=number, start=1_700_000_000_000) for number in range(1, 12)))
    odd = pa.array([b"\xff"] * 11, pa.binary()).view(pa.string())
    table = table.set_column(table.schema.get_field_index("name"), "name", odd)
    table = table.set_column(table.schema.get_field_index("attributes"), "attributes", odd)
    found = hot_spans(table, trace_id=TRACE)
    assert found[0]["start_time_unix_nano"] == 1_700_000_000_000
    assert found[0]["name"] == found[0]["attributes"] == "\ufffd"


def test_a_snapshot_may_lack_payload_columns() -> None:
    table = hot_table(Span()).drop_columns(["links", "trace_flags", "scope_name"])
    found = hot_spans(table, trace_id=TRACE)
    assert (found[0]["links"], found[0]["flags"], found[0]["events"]) == (None, None, [])


def asked(one: Indexed, paths: list[Path], **options: object):
    storage, names = LocalStorage(one.root), [str(path) for path in paths]
    known = known_files(one.catalog.cursor(), storage, names)
    return recent_spans(storage, [one for one in names if not known(one)], TRACE, **options)


@pytest.mark.duckdb
def test_a_flushed_file_that_is_not_indexed_yet_is_read_directly(tmp_path: Path) -> None:
    """And one that is indexed is left to the index."""
    with indexed(tmp_path) as one:
        old = write(one.root / "old.parquet", spans(2))
        one.settle()
        new = write(one.root / "new.parquet", [Span(span=3, attributes='{"a": 1}'), Span(trace=2)])
        found, missing = asked(one, [new, old])
        assert ids(found) == [3]
        assert found[0]["attributes"] == {"a": 1}
        assert found[0]["file_path"] == str(new)
        assert missing == []
        one.settle()
        assert asked(one, [new, old]) == ([], [])


@pytest.mark.duckdb
def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """And a protected file is not opened, whatever it is called."""
    with indexed(tmp_path) as one:
        cut = one.root / "cut.parquet"
        cut.write_bytes(parquet_bytes(spans(9))[:-5])
        folder = one.root / "folder.parquet"
        folder.mkdir()
        gone, outside = one.root / "gone.parquet", tmp_path / "x.parquet"
        found, missing = asked(one, [cut, gone, outside, folder])
        assert found == []
        assert [each["error_type"] for each in missing] == [
            "FooterUnreadable",
            "FileVanished",
            "FileUnreadable",
            "FileUnreadable",
        ]
        assert missing[0]["file_path"] == str(cut)
        own = write(one.root / "own.parquet", spans(1))
        storage = LocalStorage(one.root)
        status = own.stat()
        storage.protected = frozenset({(status.st_dev, status.st_ino)})
        files, missing = recent_files(storage, [str(own)])
        assert files == []
        assert missing[0]["error_type"] == "FileUnreadable"


@pytest.mark.duckdb
def test_a_damaged_payload_leaves_the_metadata(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        plain = {"compression": "none", "use_dictionary": [], "write_statistics": False}
        content = bytearray(parquet_bytes([Span(attributes='{"marker": 1}')], **plain))
        content[content.index(b"marker")] ^= 0xFF
        path = one.root / "a.parquet"
        path.write_bytes(content)
        found, missing = asked(one, [path])
        assert ids(found) == [1]
        assert found[0]["attributes"] is None
        assert missing[0]["error_type"] == "CorruptPage"


@pytest.mark.duckdb
def test_too_many_files_are_not_read_and_that_is_told(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        paths = [write(one.root / f"{n}.parquet", [Span(span=n)]) for n in range(1, 6)]
        found, missing = asked(one, paths, files_max=3)
        assert sorted(ids(found)) == [1, 2, 3]
        assert missing == [
            {
                "error_type": "TooManyRecentFiles",
                "detail": "2 files that are not indexed yet are not read",
            }
        ]


@pytest.mark.duckdb
def test_services_of_both_tiers_are_those_of_one(tmp_path: Path) -> None:
    """What is hot and cold at once counts once, by asking the index for the doubles."""
    flushed = [Span(trace=n, start=T0 + n, service="ab"[n % 2]) for n in range(1, 7)]
    still_hot = [Span(trace=n, start=T0 - n, service="bc"[n % 2]) for n in range(7, 12)]
    child = Span(trace=1, span=9, parent=1, service="a", start=T0 + 99)
    table = hot_table(*flushed[3:], *still_hot, child)
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", flushed)
        one.settle()
        cursor = one.catalog.cursor()
        columns = hot_columns(table)
        keys = SpanKeys(columns.trace_hi, columns.trace_lo, columns.span_id)
        added = columns.take(~known_spans(cursor, keys))
        services = services_merged(list_services(cursor), added)
        write(one.root / "b.parquet", [*still_hot, child])
        one.settle()
        later = one.catalog.cursor()
        assert services == list_services(later)
        assert known_spans(later, keys).all()
        assert not known_spans(later, SpanKeys.empty()).any()
        assert np.count_nonzero(known_spans(later, keys)) == len(keys)
