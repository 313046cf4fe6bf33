"""Bytes are cut where a field ends and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import InvalidOtlp, OtlpTooLarge
from indexer.otlp.wire_fields import field, pieces
from tests.otlp.messages import patched_pieces

FIELDS = st.one_of(
    st.builds(field, st.sampled_from([1, 15, 16, 2**29 - 1]), st.binary(max_size=300)),
    st.sampled_from([b"\x08\x00", b"\x08\xff\xff\x03", b"\x80\x02\x05", b"\x09" + bytes(8)]),
    st.just(b"\x0d" + bytes(4)),
)


@given(st.lists(FIELDS, max_size=12), st.sampled_from([1, 10, 100]))
def test_pieces_are_all_of_it_cut_between_fields(fields, piece_bytes):
    data = b"".join(fields)
    starts = [sum(map(len, fields[:count])) for count in range(len(fields) + 1)]
    with patched_pieces(piece_bytes):
        found = list(pieces(b"before" + data + b"after", 6, 6 + len(data)))
    assert b"".join((b"before" + data)[one.first : one.last] for one in found) == data
    assert {one.first - 6 for one in found} | {one.last - 6 for one in found} <= set(starts)
    for one in found:
        if one.number:
            payload = (b"before" + data)[one.payload : one.last]
            assert field(one.number, payload) == (b"before" + data)[one.first : one.last]
            assert len(payload) > piece_bytes


@given(st.lists(FIELDS, min_size=1, max_size=12), st.data())
def test_bytes_that_end_within_a_field_are_refused(fields, draw):
    data = b"".join(fields)
    starts = {sum(map(len, fields[:count])) for count in range(len(fields) + 1)}
    end = draw.draw(st.integers(0, len(data)))
    with patched_pieces(0):
        if end in starts:
            list(pieces(data[:end], 0, end))
        else:
            with pytest.raises(InvalidOtlp, match="ends within a field"):
                list(pieces(data[:end], 0, end))


@pytest.mark.parametrize(
    ("junk", "words"),
    [
        (b"\x0b\x0c", "wire type 3"),
        (b"\x0f\x00", "wire type 7"),
        (b"\x0a" + b"\xff" * 11, "64 bits"),
    ],
)
def test_what_the_wire_does_not_have_is_refused(junk, words):
    with patched_pieces(0), pytest.raises(InvalidOtlp, match=words):
        list(pieces(junk, 0, len(junk)))


def test_a_walk_ends_beyond_so_many_fields():
    data = field(1, b"") * 10
    with patched_pieces(0):
        assert len(list(pieces(data, 0, len(data), fields_max=10))) == 10
        with pytest.raises(OtlpTooLarge, match="more than 9 fields"):
            list(pieces(data, 0, len(data), fields_max=9))
