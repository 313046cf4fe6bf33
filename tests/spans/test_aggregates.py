"""What lists show of a file, against sums that a reader can check by eye.

Services and traces are never counted by a scan when somebody asks, so what is derived here at
registration is what everybody sees.
"""

from collections import Counter, defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.spans.aggregates import operation_rows, service_rows, trace_groups, trace_rows
from indexer.spans.columns import STATUS_CODE_ERROR, SpanColumns
from tests.spans.plain_spans import PlainSpan, columns_of, numbered, span_lists, thorough

FILE_IDS = np.array([70, 30, 90, 10], np.int32)


def in_order(spans):
    return sorted(spans, key=lambda span: (span.slot, span.trace, span.place))


def grouped(spans, key):
    groups = defaultdict(list)
    for span in spans:
        groups[key(span)].append(span)
    return groups


def traces(spans, owned):
    """The oracle of ``trace_files``; ``owned`` is one flag a span."""
    rows = []
    flag = {(span.slot, span.place): own for span, own in zip(spans, owned, strict=True)}
    for (slot, trace), group in sorted(grouped(spans, lambda s: (s.slot, s.trace)).items()):
        own = [span for span in group if flag[slot, span.place]]
        roots = sorted((s for s in group if s.parent == 0), key=lambda s: (s.start, s.place))
        rows.append(
            {
                "trace_id": f"{trace:032x}",
                "file_id": int(FILE_IDS[slot]),
                "span_count": len(group),
                "owned_span_count": len(own),
                "error_count": sum(span.status == STATUS_CODE_ERROR for span in own),
                "start_time_unix_nano": min(span.start for span in group),
                "end_time_unix_nano": max(span.end for span in group),
                "root_name": roots[0].name if roots else None,
                "root_service_name": roots[0].service if roots else None,
            }
        )
    return rows


def services(spans):
    """The oracle of ``file_services``."""
    return [
        {
            "file_id": int(FILE_IDS[slot]),
            "service_name": service,
            "span_count": len(group),
            "root_span_count": sum(span.parent == 0 for span in group),
            "first_start_unix_nano": min(span.start for span in group),
            "first_known_start_unix_nano": min(
                (span.start for span in group if span.start >= 1_000), default=None
            ),
            "last_start_unix_nano": max(span.start for span in group),
        }
        for (slot, service), group in grouped(spans, lambda s: (s.slot, s.service)).items()
    ]


def operations(spans, limit):
    """The oracle of ``file_operations`` and of the spans beyond the limit per slot."""
    rows, beyond = [], [0] * len(FILE_IDS)
    for slot, group in grouped(spans, lambda s: s.slot).items():
        counts = Counter((span.service, span.name, span.kind) for span in group)
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        rows += [(int(FILE_IDS[slot]), *operation, count) for operation, count in ranked[:limit]]
        beyond[slot] = sum(count for _, count in ranked[limit:])
    return sorted(rows), beyond


def by_file_and_service(rows):
    return sorted(rows, key=lambda row: (row["file_id"], row["service_name"]))


@thorough
@given(span_lists(), st.data())
def test_traces_are_summed_as_by_hand(spans, data):
    spans = in_order(spans)
    owned = data.draw(st.lists(st.booleans(), min_size=len(spans), max_size=len(spans)))
    columns = columns_of(spans, unused=("unused",))
    rows = trace_rows(columns, trace_groups(columns), np.array(owned, np.bool_), FILE_IDS)
    assert rows.to_pylist() == traces(spans, owned)


@thorough
@given(span_lists())
def test_services_are_summed_as_by_hand(spans):
    rows = service_rows(columns_of(in_order(spans), unused=("unused",)), FILE_IDS).to_pylist()
    assert by_file_and_service(rows) == by_file_and_service(services(spans))


@thorough
@given(span_lists(), st.integers(1, 6))
def test_operations_are_counted_as_by_hand(spans, limit):
    table, beyond = operation_rows(columns_of(in_order(spans)), FILE_IDS, limit=limit)
    rows = sorted(tuple(row.values()) for row in table.to_pylist())
    assert (rows, beyond.tolist()) == operations(spans, limit)


@thorough
@given(span_lists())
def test_the_groups_of_a_batch_are_its_files_and_traces(spans):
    columns = columns_of(in_order(spans))
    groups = trace_groups(columns)
    expected = sorted(grouped(spans, lambda s: (s.slot, s.trace)).items())
    assert groups.slot.tolist() == [slot for (slot, _), _ in expected]
    assert groups.length.tolist() == [len(group) for _, group in expected]
    first_of_group = groups.first.tolist()
    assert groups.key.tolist() == [int(columns.trace_key[at]) for at in first_of_group]
    assert groups.spread(groups.slot == 1).tolist() == (columns.slot == 1).tolist()


def test_of_two_roots_the_earlier_names_the_trace():
    spans = numbered(
        [PlainSpan(span=1, start=9, name="late"), PlainSpan(span=2, start=3, name="early")]
    )
    columns = columns_of(spans)
    rows = trace_rows(columns, trace_groups(columns), np.ones(2, np.bool_), FILE_IDS)
    assert rows["root_name"].to_pylist() == ["early"]


def test_of_two_roots_at_one_moment_the_first_row_names_the_trace():
    spans = numbered([PlainSpan(span=at, name=name) for at, name in [(2, "first"), (1, "second")]])
    columns = columns_of(spans)
    rows = trace_rows(columns, trace_groups(columns), np.ones(2, np.bool_), FILE_IDS)
    assert rows["root_name"].to_pylist() == ["first"]


def test_a_trace_without_a_root_in_the_file_has_no_name():
    columns = columns_of([PlainSpan(parent=5)])
    rows = trace_rows(columns, trace_groups(columns), np.ones(1, np.bool_), FILE_IDS)
    assert rows["root_name"].to_pylist() == rows["root_service_name"].to_pylist() == [None]


def test_operations_that_tie_are_kept_in_order_of_their_text():
    """The order of arrival, and of the dictionary, must not decide."""
    names = ["d", "b", "c", "a"]
    kept = [
        operation_rows(
            columns_of(numbered([PlainSpan(name=name) for name in order])), FILE_IDS, limit=2
        )[0]["name"].to_pylist()
        for order in (names, sorted(names))
    ]
    assert sorted(kept[0]) == sorted(kept[1]) == ["a", "b"]


def test_a_crowded_file_takes_no_place_from_another():
    spans = numbered(
        [
            PlainSpan(name="busy"),
            PlainSpan(name="busy"),
            PlainSpan(name="rare"),
            PlainSpan(slot=1, name="rare"),
        ]
    )
    table, beyond = operation_rows(columns_of(spans), FILE_IDS, limit=1)
    kept = {(row["file_id"], row["name"]) for row in table.to_pylist()}
    assert (kept, beyond.tolist()) == ({(70, "busy"), (30, "rare")}, [1, 0, 0, 0])


def test_no_spans_have_no_rows():
    empty = SpanColumns.empty()
    rows = trace_rows(empty, trace_groups(empty), np.zeros(0, np.bool_), FILE_IDS)
    table, beyond = operation_rows(empty, FILE_IDS, limit=1)
    counts = (rows.num_rows, service_rows(empty, FILE_IDS).num_rows, table.num_rows)
    assert (counts, beyond.tolist()) == ((0, 0, 0), [0, 0, 0, 0])


def test_no_spans_have_the_columns_of_spans():
    """An insert of nothing goes into the same table."""
    empty, one = SpanColumns.empty(), columns_of([PlainSpan()])
    tables = [
        trace_rows(columns, trace_groups(columns), np.ones(len(columns), np.bool_), FILE_IDS)
        for columns in (empty, one)
    ]
    assert tables[0].column_names == tables[1].column_names
