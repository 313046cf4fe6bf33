"""Columns of any writer become the same types, and a time is never taken for another unit's.

A wrong unit is the one mistake that nobody sees: the span is there, in 1970 or in the year 58,000.
"""

import uuid

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import SchemaMismatch
from indexer.read.conform import CONTRADICTING_ROWS_MIN, conform, time_unit
from indexer.read.dialect_fields import Field
from tests.support.examples import examples
from tests.support.span_files import T0

PER = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def field(kind, unit=None):
    return Field(name="x", column="x", type=kind, optional=False, unit=unit)


def numbers(unit, count=CONTRADICTING_ROWS_MIN, kind=None):
    return pa.chunked_array([pa.array([T0 // PER[unit] + n for n in range(count)], kind)])


@pytest.mark.parametrize("unit", PER)
@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64()])
@pytest.mark.parametrize("count", [1, 100])
def test_plain_numbers_tell_their_unit(unit, kind, count):
    column = numbers(unit, count, kind)
    assert time_unit(column, "x", "a.parquet") == unit
    nanos = conform(column, field("timestamp"), unit)
    assert nanos[0].as_py() == T0 // PER[unit] * PER[unit]


@pytest.mark.parametrize("unit", PER)
@pytest.mark.parametrize("declared", PER)
def test_a_declared_unit_is_checked_against_the_numbers(unit, declared):
    column = numbers(unit).cast(pa.timestamp(declared))
    if unit == declared:
        assert time_unit(column, "x", "a.parquet") == unit
        return
    with pytest.raises(SchemaMismatch, match=f"column x says {declared}, .* those of {unit}"):
        time_unit(column, "x", "a.parquet")


def test_a_few_odd_values_contradict_nothing():
    """No value of a row may cost a file its place in the index."""
    few = numbers("ms", CONTRADICTING_ROWS_MIN - 1).cast(pa.timestamp("ns"))
    assert time_unit(few, "x", "a.parquet") == "ns"
    mixed = pa.chunked_array([numbers("ms", 60).chunk(0), numbers("ns", 1).chunk(0)])
    assert time_unit(mixed.cast(pa.timestamp("ns")), "x", "a.parquet") == "ns"


def test_the_most_common_unit_of_plain_numbers_counts():
    mixed = pa.chunked_array([numbers("ns", 3).chunk(0), numbers("ms", 9).chunk(0)])
    assert time_unit(mixed, "x", "a.parquet") == "ms"


@pytest.mark.parametrize("values", [[], [None], [0], [0, 5, None, -7]])
def test_numbers_that_tell_nothing_are_nanoseconds(values):
    column = pa.chunked_array([pa.array(values, pa.int64())])
    assert time_unit(column, "x", "a.parquet") == "ns"
    assert time_unit(column.cast(pa.timestamp("us")), "x", "a.parquet") == "us"


@pytest.mark.parametrize(
    ("column", "unit", "nanos"),
    [
        (pa.array([5]), "ms", 5_000_000),
        (pa.array([-5]), "ns", -5),
        (pa.array([5], pa.uint32()), "us", 5_000),
        (pa.array([5], pa.duration("s")), "ms", 5_000_000_000),
        (pa.array([2**62]), "s", 2**63 - 1),
        (pa.array([-(2**62)]), "s", -1),
    ],
    ids=str,
)
def test_a_duration_has_the_unit_of_its_type_or_of_its_dialect(column, unit, nanos):
    found = conform(pa.chunked_array([column]), field("duration", unit), None)
    assert found.to_pylist() == [nanos]


@pytest.mark.parametrize("prefix", ["", "SPAN_KIND_", "span_kind_"])
@pytest.mark.parametrize("case", [str.upper, str.lower, str.title])
def test_kinds_by_name(prefix, case):
    names = [
        prefix + case(name)
        for name in ("unspecified", "internal", "server", "client", "producer", "consumer")
    ]
    column = pa.chunked_array([pa.array([*names, "", None, "gateway"])])
    assert conform(column, field("kind"), None).to_pylist() == [0, 1, 2, 3, 4, 5, 0, None, -1]


@pytest.mark.parametrize(
    "text",
    ["SPAN_KIND_CLIENT", "Client", "client", "CLIENT", "SpanKind.CLIENT", "3", "03", " Client "],
)
@pytest.mark.parametrize(
    "kind", [pa.string(), pa.binary(), pa.large_string(), pa.large_binary()], ids=str
)
def test_a_kind_is_the_same_in_every_spelling(text, kind):
    """OTLP's names, those of SDKs in Python and Go, and digits."""
    column = pa.chunked_array([pa.array([text.encode()], pa.binary()).cast(kind)])
    assert conform(column, field("kind"), None).to_pylist() == [3]


@pytest.mark.parametrize("text", ["gateway", "-1", "1.5", "3.0", "9999", "3x", "٣", "\0"])
def test_another_text_is_no_kind(text):
    """A number that no enumeration has is counted as clamped."""
    column = pa.chunked_array([pa.array([text])])
    assert conform(column, field("kind"), None).to_pylist() == [-1]


def test_a_kind_that_is_not_utf8_is_none():
    column = pa.chunked_array([pa.array([b"\xff"], pa.binary()).view(pa.string())])
    assert conform(column, field("kind"), None).to_pylist() == [-1]


def test_states_by_name_and_by_number():
    names = pa.array(["Ok", "STATUS_CODE_ERROR", "UNSET", "ok"]).dictionary_encode()
    assert conform(pa.chunked_array([names]), field("status"), None).to_pylist() == [1, 2, 0, 1]
    codes = pa.chunked_array([pa.array([2, 0], pa.uint8())])
    assert conform(codes, field("status"), None).to_pylist() == [2, 0]


@pytest.mark.parametrize("kind", ["id", "text"])
@pytest.mark.parametrize("bytes_type", [pa.binary(), pa.large_binary()], ids=str)
@pytest.mark.parametrize("coded", [False, True])
def test_bytes_are_text_even_when_they_are_not(kind, bytes_type, coded):
    """Older ClickHouse writes its strings as bytes; what is no UTF-8 is settled later, by row."""
    texts = pa.array([b"ab", b"\xff", None], bytes_type)
    column = pa.chunked_array([texts.dictionary_encode() if coded else texts])
    found = conform(column, field(kind), None)
    assert pa.types.is_string(found.type) or pa.types.is_dictionary(found.type)
    assert len(found) == 3


@examples(20)
@given(st.lists(st.uuids(), min_size=1, max_size=5))
def test_the_span_id_of_a_uuid_is_its_second_half(uuids):
    """Also of a UUID that is an ID of OTLP with zeros before it."""
    field = Field(name="span_id", column="id", type="uuid", optional=False)
    column = pa.chunked_array([[str(one) for one in uuids]])
    assert conform(column, field, None).to_pylist() == [one.hex[16:] for one in uuids]


@examples(20)
@given(st.integers(0, 2**48 - 1), st.sets(st.integers(0, 2**62 - 1), min_size=2, max_size=9))
def test_uuids_of_one_millisecond_differ_in_their_span_ids(milliseconds, counters):
    """RFC 9562, UUIDv7: what counts within a millisecond is in the second half."""
    first = milliseconds << 80 | 7 << 76
    uuids = [str(uuid.UUID(int=first | 2 << 62 | counter)) for counter in sorted(counters)]
    field = Field(name="span_id", column="id", type="uuid", optional=False)
    found = conform(pa.chunked_array([uuids]), field, None).to_pylist()
    assert len(set(found)) == len(uuids)
    assert len({one[:18] for one in uuids}) == 1


def test_a_text_that_is_no_uuid_is_no_half_of_one():
    field = Field(name="span_id", column="id", type="uuid", optional=False)
    column = pa.chunked_array([["run-1", "", None, "00000000-0000-0000-0000-0000000000aaX"]])
    assert conform(column, field, None).to_pylist() == column.to_pylist()


def test_the_numbers_of_names_are_those_of_the_dialect():
    values = (("ERROR", 2), ("fine", 1))
    field = Field(name="status_code", column="s", type="status", optional=False, values=values)
    column = pa.chunked_array([["fine", "ERROR", "error", None, ""]]).dictionary_encode()
    assert conform(column, field, None).to_pylist() == [1, 2, 0, None, 0]
