"""A value that is written after a key is read as parsing reads it, or said to be odd."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.query.find.written_values import PlacesInRuns, values_at, whole_texts
from indexer.spans.key_summary import hash_value
from indexer.spans.value_filter import PREFIX_BYTES
from tests.support.examples import examples

LENGTHS = (0, 1, 7, 8, 14, 31, 32, 33, 63, 64, 65, 71, 72, 80)
PLAIN = st.one_of(
    st.integers(-(10**9), 10**9),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.sampled_from(LENGTHS).map(lambda length: "\u00fcbcdefgh"[: length % 8] + "x" * length),
    st.text('ab"\\\u00fc', max_size=4),
    st.sampled_from((30, 31, 32, 62, 63, 64)).map(lambda length: "x" * length + '"'),
)


@examples(50)
@given(
    values=st.lists(PLAIN, min_size=1, max_size=12),
    colon=st.sampled_from((":", ": ")),
    end=st.sampled_from((",", "}", " ", "]")),
)
def test_a_value_is_what_parsing_gives(values: list[object], colon: str, end: str) -> None:
    """Also where the content ends after the last one."""
    content, ends = b"", []
    for value in values:
        ends.append(len(content))
        written = json.dumps(value, ensure_ascii=False)
        content += f"{colon}{written}{end}".encode()
    letters = np.frombuffer(content, np.uint8)
    half = len(ends) // 2
    found = values_at(
        PlacesInRuns.of(
            [(letters, np.array(some, np.int64)) for some in (ends[:half], ends[half:])]
        )
    )
    for at, value in enumerate(values):
        hashed = hash_value(value)
        assert found.is_null[at] == (value is None)
        if isinstance(value, str):
            prefix = value.encode()[:PREFIX_BYTES]
            assert found.is_odd[at] == (b'"' in prefix or b"\\" in prefix)
        elif value is not None:
            assert not found.is_odd[at]
        if hashed is not None and not found.is_odd[at]:
            assert found.hashes[at] == hashed[0]
            assert found.is_text[at] == isinstance(value, str)
        if isinstance(value, int | float) and not isinstance(value, bool):
            assert found.number[at] == float(value)
        else:
            assert math.isnan(found.number[at])
    texts = [one for one, is_text in zip(values, found.is_text, strict=True) if is_text]
    is_whole, read = whole_texts(found.texts)
    assert is_whole.tolist() == [len(str(one).encode()) <= PREFIX_BYTES for one in texts]
    assert read.to_pylist() == [one for one, whole in zip(texts, is_whole, strict=True) if whole]


@pytest.mark.parametrize(
    "written",
    ["", ":", "1,", ": ", ":  1,", ":[1]", ":{}", ":1", ":12345678", ":1-2,", ":1e999,", ":12a,"],
)
def test_what_is_no_plain_value_after_a_colon_is_odd(written: str) -> None:
    letters = np.frombuffer(written.encode(), np.uint8)
    found = values_at(PlacesInRuns.of([(letters, np.array([0]))]))
    assert found.is_odd.tolist() == [True]
    assert not found.is_text[0]
    assert math.isnan(found.number[0])
