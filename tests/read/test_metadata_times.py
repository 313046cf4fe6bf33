"""Times of every unit arrive as exact nanoseconds; what no int64 holds is clamped and counted.

A float in between would be wrong by a hundred nanoseconds and go unnoticed for years.
"""

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.read.read_back import read_back, with_columns
from tests.support.dialect_files import LAYOUTS, OtelSpan
from tests.support.examples import examples
from tests.support.export_files import EXPORTS
from tests.support.span_files import T0, spans

TIME_MAX = 2**63 - 1
EVERY = {**LAYOUTS, **EXPORTS}
NANOS_PER = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
MOST = {"s": TIME_MAX // 1000, "ms": TIME_MAX, "us": TIME_MAX}
"""The largest number a column of the unit can hold: Parquet writes seconds as milliseconds."""


def timed(folder, starts, ends, unit="ns", zone="UTC"):
    """(start, duration) of every row in order, and the number of clamped values."""
    kind = pa.timestamp(unit, zone)
    rows = with_columns(
        spans(len(starts)), start_time=pa.array(starts, kind), end_time=pa.array(ends, kind)
    )
    file = read_back(folder, rows)
    found = sorted(file.spans.rows(), key=lambda span: span.file_row_number)
    return [(s.start_time_unix_nano, s.duration_ns) for s in found], file.clamped_values


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kathmandu"])
def test_a_time_of_every_unit_is_exact(tmp_path, unit, zone):
    factor = NANOS_PER[unit]
    start, end = T0 // factor + 1, T0 // factor + 8
    assert timed(tmp_path, [start], [end], unit, zone) == ([(start * factor, 7 * factor)], 0)


_times = st.integers(0, TIME_MAX - 1)


@examples(
    30,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
    ],  # each example overwrites the file
)
@given(
    unit=st.sampled_from(["ms", "us", "ns"]),
    pairs=st.lists(st.tuples(_times, _times), min_size=1),
)
def test_every_time_that_fits_is_exact(tmp_path, unit, pairs):
    factor = NANOS_PER[unit]
    starts, ends = ([pair[half] // factor for pair in pairs] for half in (0, 1))
    expected = [
        (start * factor, (end - start) * factor) for start, end in zip(starts, ends, strict=True)
    ]
    assert timed(tmp_path, starts, ends, unit) == (expected, 0)


def test_an_end_before_its_start_is_a_negative_duration(tmp_path):
    assert timed(tmp_path, [T0], [T0 - 5]) == ([(T0, -5)], 0)


def test_a_time_of_zero_is_kept_as_unknown(tmp_path):
    assert timed(tmp_path, [0], [0]) == ([(0, 0)], 0)


def test_an_end_of_zero_is_no_end(tmp_path):
    """OTLP leaves out what is 0. An end that a writer leaves out, or puts before 1970, is none."""
    times, clamped = timed(tmp_path, [T0] * 3, [0, None, -5])
    assert {start + duration for start, duration in times} == {0}
    assert clamped == 2


def test_a_time_before_1970_is_zero_and_counted(tmp_path):
    assert timed(tmp_path, [-1, T0], [T0, T0]) == ([(0, T0), (T0, 0)], 1)


def test_two_times_before_1970_are_two_clamped_values(tmp_path):
    assert timed(tmp_path, [-(2**63)], [-1]) == ([(0, 0)], 2)


def test_a_missing_end_is_none_and_counted(tmp_path):
    assert timed(tmp_path, [T0, T0], [None, T0 + 1]) == ([(T0, -T0), (T0, 1)], 1)


def test_a_missing_start_is_zero_and_counted(tmp_path):
    (((start, _),), clamped) = timed(tmp_path, [None], [T0])
    assert (start, clamped) == (0, 1)


def test_a_span_without_any_time_is_kept_and_counted(tmp_path):
    assert timed(tmp_path, [None], [None]) == ([(0, 0)], 1)


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_the_last_time_that_fits_is_exact(tmp_path, unit):
    last = TIME_MAX // NANOS_PER[unit]
    assert timed(tmp_path, [last], [last], unit) == ([(last * NANOS_PER[unit], 0)], 0)


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_a_time_beyond_the_last_saturates(tmp_path, unit):
    beyond = TIME_MAX // NANOS_PER[unit] + 1
    times, _ = timed(tmp_path, [beyond, 0], [MOST[unit], beyond], unit)
    assert times == [(TIME_MAX, 0), (0, TIME_MAX)]


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_a_time_that_saturates_is_counted(tmp_path, unit):
    _, clamped = timed(tmp_path, [MOST[unit]], [MOST[unit]], unit)
    assert clamped == 2


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_a_time_far_before_1970_is_zero_and_counted(tmp_path, unit):
    assert timed(tmp_path, [-MOST[unit]], [-(MOST[unit] // 2)], unit) == ([(0, 0)], 2)


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_a_null_among_times_of_a_coarse_unit_is_one_clamped_value(tmp_path, unit):
    start = T0 // NANOS_PER[unit]
    times, clamped = timed(tmp_path, [start, start], [None, start], unit)
    nanos = start * NANOS_PER[unit]
    assert (times, clamped) == ([(nanos, -nanos), (nanos, 0)], 1)


FAR = {"year 9999": 253_402_300_799, "year 1": -62_135_596_800, "year 1600": -11_676_096_000}
"""Seconds: an end that is open, a time that is unknown, and one that wraps around in an int64."""


@pytest.mark.parametrize(("unit", "int96"), [("ms", False), ("us", False), ("us", True)])
def test_a_time_beyond_nanoseconds_is_the_nearest_bound_in_every_type(tmp_path, unit, int96):
    """One rule, INT96 included: before 1970 unknown, after 2262 the last moment, both counted."""
    factor = 10**9 // NANOS_PER[unit]
    moments = [second * factor for second in FAR.values()] + [T0 // NANOS_PER[unit], None]
    kind = pa.timestamp(unit)
    rows = with_columns(
        spans(5), start_time=pa.array(moments, kind), end_time=pa.array([moments[3]] * 5, kind)
    )
    file = read_back(tmp_path, rows, use_deprecated_int96_timestamps=int96)
    found = sorted(file.spans.rows(), key=lambda span: span.file_row_number)
    sound = T0 // NANOS_PER[unit] * NANOS_PER[unit]
    assert [span.start_time_unix_nano for span in found] == [TIME_MAX, 0, 0, sound, 0]
    assert {span.end_time_unix_nano for span in found} == {sound}
    assert file.clamped_values == 4


@pytest.mark.parametrize("moment", [TIME_MAX, TIME_MAX - 1, 1, T0])
def test_an_int96_time_that_fits_is_exact(tmp_path, moment):
    rows = with_columns(spans(1), start_time=pa.array([moment], pa.timestamp("ns")))
    (found,) = read_back(tmp_path, rows, use_deprecated_int96_timestamps=True).spans.rows()
    assert found.start_time_unix_nano == moment


@pytest.mark.parametrize("name", EVERY)
def test_unknown_times_are_zero_in_every_dialect(tmp_path, name):
    """A start of 0; an end of 0, which writers of durations spell as what wraps around to it."""
    layout = EVERY[name][2]
    known = OtelSpan(
        trace_id=f"{1:032x}",
        span_id=f"{1:016x}",
        parent_span_id=None,
        service="shop",
        name="GET /",
        start=T0,
        duration=10**6,
        kind=2,
        status=0,
        message=None,
        attributes={},
        resource={},
        events=(),
        links=(),
    )
    no_start = replace(known, span_id=f"{2:016x}", start=0)
    no_end = replace(known, span_id=f"{3:016x}", duration=-T0)
    try:
        rows = layout([known, no_start, no_end])
    except OverflowError:  # unsigned durations
        no_end = replace(no_end, duration=2**64 - T0)
        rows = layout([known, no_start, no_end])
    found = {span.span_id: span for span in read_back(tmp_path, rows).spans.rows()}
    assert found[no_start.span_id].start_time_unix_nano == 0
    assert found[no_end.span_id].end_time_unix_nano == 0
    assert found[known.span_id].end_time_unix_nano > T0


@pytest.mark.parametrize(
    ("start_unit", "end_unit"), [("ns", "ms"), ("us", "ms"), ("ms", "s"), ("ns", "us"), ("us", "s")]
)
@pytest.mark.parametrize("took", [0, 1, 17, 2_000_000_017, -3_000_000_000])
def test_an_end_that_was_cut_makes_no_span_negative(tmp_path, start_unit, end_unit, took):
    """The duration is as exact as the coarser of both. Parquet has no seconds: they are numbers."""
    start_step, end_step = NANOS_PER[start_unit], NANOS_PER[end_unit]
    start = T0 + 999_999_999
    end = start + took
    rows = with_columns(
        spans(1),
        start_time=pa.array([start // start_step], pa.timestamp(start_unit, "UTC")),
        end_time=pa.array(
            [end // end_step], pa.int64() if end_unit == "s" else pa.timestamp(end_unit, "UTC")
        ),
    )
    (found,) = read_back(tmp_path, rows).spans.rows()
    assert found.start_time_unix_nano == start // start_step * start_step
    assert found.duration_ns == end // end_step * end_step - start // end_step * end_step
    assert (found.duration_ns < 0) == (took < 0)


def test_an_end_that_was_cut_is_left_alone_where_a_time_is_unknown(tmp_path):
    odd = {
        "start_time": pa.array([0, None, T0 // 1000], pa.timestamp("us", "UTC")),
        "end_time": pa.array([T0 // 10**6, T0 // 10**6, None], pa.timestamp("ms", "UTC")),
    }
    found = sorted(
        read_back(tmp_path, with_columns(spans(3), **odd)).spans.rows(),
        key=lambda span: span.file_row_number,
    )
    assert [span.end_time_unix_nano for span in found] == [T0 // 10**6 * 10**6] * 2 + [0]


def test_a_duration_counts_before_an_end(tmp_path):
    """As otlp2records writes both; where it says none, the end counts."""
    rows = LAYOUTS["otlp2records"][2]([])
    kinds = {field.name: field.type for field in rows.schema}
    columns = {name: pa.nulls(2, kind) for name, kind in kinds.items()}
    table = pa.table(
        {
            **columns,
            "trace_id": [f"{1:032x}"] * 2,
            "span_id": [f"{1:016x}", f"{2:016x}"],
            "timestamp": pa.array([T0 // 1000 + 999, T0 // 1000 + 999], pa.timestamp("us")),
            "end_timestamp": pa.array([T0 // 10**6 + 5] * 2, pa.int64()),
            "duration": pa.array([7, None], pa.int64()),
        }
    )
    found = sorted(read_back(tmp_path, table).spans.rows(), key=lambda span: span.span_id)
    assert [span.duration_ns for span in found] == [7_000_000, 5_000_000]
