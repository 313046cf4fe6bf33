"""A filter never denies what was put into it, and of others lets few pass."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.spans.key_summary import hash_value
from indexer.spans.value_filter import (
    FILTER_BYTES_MAX,
    VALUES_MAX,
    distinct_count,
    distinct_hashes,
    hash_numbers,
    hash_text,
    make_filter,
    may_contain,
)
from tests.support.examples import examples

VALUES = st.text(max_size=70) | st.booleans() | st.integers() | st.floats(allow_nan=False)


@examples(40)
@given(values=st.lists(VALUES, max_size=20))
def test_every_value_is_in_its_filter(values: list[str | bool | float]) -> None:
    hashes = [one for one in map(hash_value, values) if one is not None]
    content = make_filter(np.concatenate([*hashes, np.zeros(0, np.uint64)]))
    assert content is not None
    assert all(may_contain(content, one) for one in hashes)


@examples(40)
@given(
    hashes=st.lists(
        st.integers(0, 7) | st.integers(0, 7).map(lambda one: one << 47) | st.integers(0, 2**64 - 1)
    )
)
def test_each_distinct_hash_is_given_once(hashes: list[int]) -> None:
    """Also those whose highest bits are the same."""
    found = distinct_hashes(np.array(hashes, np.uint64))
    assert sorted(found.tolist()) == sorted(set(hashes))


@pytest.mark.parametrize("count", [1, 7, 500, 20_000, VALUES_MAX])
def test_distinct_hashes_are_counted_to_one_in_ten(count: int) -> None:
    for hashes in (
        hash_numbers(np.arange(count, dtype=np.float64)),
        np.concatenate([hash_text(f"user-{one}") for one in range(count)]),
    ):
        assert abs(distinct_count(hashes) - count) <= count / 10
    assert distinct_count(hashes[:0]) == 0


@examples(40)
@given(values=st.lists(st.integers(0, 9_999), max_size=50), repeats=st.integers(1, 5))
def test_a_filter_is_that_of_its_values_in_any_order_however_often(
    values: list[int], repeats: int
) -> None:
    numbers = np.array(values, np.float64)
    again = np.random.default_rng(repeats).permutation(np.tile(numbers, repeats))
    assert make_filter(hash_numbers(numbers)) == make_filter(hash_numbers(again))


def test_few_others_pass() -> None:
    """One in fifty at most, as full as filters are made without being cut."""
    numbers = np.arange(20_000, dtype=np.float64)
    content = make_filter(hash_numbers(numbers))
    assert content is not None
    assert len(content) <= FILTER_BYTES_MAX
    passed = sum(may_contain(content, hash_text(f"u{one}")) for one in range(2_000))
    assert passed < 40


def test_values_of_different_types_differ() -> None:
    values = ("1", 1, True, "true", "", 0, False)
    assert len({int(hashed[0]) for one in values if (hashed := hash_value(one)) is not None}) == 7


def test_a_hash_is_the_same_everywhere() -> None:
    """Filters lie in catalogs: another hash needs another ``HASH_VERSION``."""
    assert int(hash_text("GET /cart")[0]) == 12_032_048_748_848_706_951
    assert int(hash_numbers(np.array([500.0]))[0]) == 5_467_961_793_106_174_302


def test_there_is_no_filter_of_too_many_values() -> None:
    numbers = np.arange(VALUES_MAX + VALUES_MAX // 50, dtype=np.float64)
    assert make_filter(hash_numbers(numbers)) is None
    assert make_filter(hash_numbers(numbers[:0])) == b""
