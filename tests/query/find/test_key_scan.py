"""Values that are read off letters are those that parsing gives, and all else is odd."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.query.find.key_scan import scan_key
from indexer.query.find.letters import ColumnLetters
from indexer.read.normalise import canonical
from indexer.spans.key_summary import double_of, hash_value, values_under
from tests.support.examples import examples

PLAIN = st.one_of(
    st.text(max_size=6),
    st.sampled_from(("a" * 63, "a" * 64, "a" * 65, "a" * 63 + "\u00fc", "b" * 80)),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)
NESTED = st.lists(PLAIN, max_size=2) | st.dictionaries(st.sampled_from(("k", "j")), PLAIN)
OBJECTS = st.dictionaries(st.sampled_from(("k", "j", "kk", "")), PLAIN | NESTED, max_size=3)
WRITTEN = st.builds(
    lambda value, ascii_only, separators: json.dumps(
        value, ensure_ascii=ascii_only, separators=separators
    ),
    OBJECTS,
    st.booleans(),
    st.sampled_from(((",", ":"), (", ", ": "), (" ,", " : "))),
)
ODD = st.sampled_from(
    (
        "",
        "k",
        '"k"',
        '{"k":NaN}',
        '{"k":1e999}',
        '{"k":1-2}',
        '{"k":"a',
        '{"k"',
        '{"k":1,"k":2}',
        '{"j":"k","l":"k"}',
        '{"j":{"k":1}}',
        ' {"k":1}',
        r'{"x\"k":5}',
        r'{"\u006b":3,"k":4}',
        '[{"key":"k","value":{"intValue":"500"}}]',
    )
)

KEYS = ("k", ":", ",", "{", "k{", ":1,", ", ")
"""Also those whose letters JSON has between two quotes, or a text begins with."""
OF_KEYS = st.dictionaries(
    st.sampled_from((*KEYS, "j")), st.sampled_from((*KEYS, 1)), max_size=3
).map(lambda value: json.dumps(value, separators=(",", ":")))
ENDS = st.sampled_from(('"', '"k', "{", '{"j":1,":1,":5}'))


@examples(50)
@given(
    chunks=st.lists(st.lists(WRITTEN | ODD | st.none(), max_size=5), max_size=3),
    kind=st.sampled_from((pa.string(), pa.large_string())),
)
def test_a_value_that_parsing_gives_is_found_or_its_row_is_odd(
    chunks: list[list[str | None]], kind: pa.DataType
) -> None:
    column = pa.chunked_array([pa.array(some, kind) for some in chunks], kind)
    found = scan_key(ColumnLetters(column), "k")
    assert found is not None
    at = {int(row): place for place, row in enumerate(found.row)}
    having = found.texts_that(lambda texts: pc.match_substring(texts, "a"))
    for row, text in enumerate(one for some in chunks for one in some):
        values = list(values_under("k", canonical("attributes", text)))
        if found.odd[row]:
            assert row not in at
        elif values:
            assert_is(values, found.is_text[at[row]], found.number[at[row]], found.hashes[at[row]])
            assert having[at[row]] or "a" not in str(values[0]) or not isinstance(values[0], str)


@examples(100)
@example(texts=['{"j":1,":1,":5}'], key=":1,")
@example(texts=['"', '{"{":1}'], key="{")
@given(texts=st.lists(OF_KEYS | ENDS, min_size=1, max_size=5), key=st.sampled_from(KEYS))
def test_it_is_so_of_keys_that_stand_half_in_each_other(texts: list[str], key: str) -> None:
    """Or half in the next text."""
    column = pa.chunked_array([texts])
    found = scan_key(ColumnLetters(column), key)
    assert found is not None
    at = {int(row): place for place, row in enumerate(found.row)}
    for row, text in enumerate(texts):
        values = list(values_under(key, canonical("attributes", text)))
        if values and not found.odd[row]:
            assert_is(values, found.is_text[at[row]], found.number[at[row]], found.hashes[at[row]])


EVENT = st.fixed_dictionaries(
    {"name": st.sampled_from(("k", "x"))},
    optional={"attributes": OBJECTS | OBJECTS.map(json.dumps), "k": PLAIN},
)
EVENTS = st.lists(EVENT | EVENT.map(json.dumps), max_size=3)
ODD_EVENTS = st.sampled_from(
    (
        "k",
        "[]",
        '{"attributes":{"k":1}}',
        '[{"attributes":{"k" : 1}}]',
        r'[{"attributes":"{\u0022k\u0022:1}"}]',
        r'[{"attributes":{"\u006b":1}}]',
        r'[{"attributes":"{\"\\u\u0030\u00306b\":1}"}]',
        '[{"attributes":[{"key":"k","value":{"intValue":"500"}}]}]',
        '[{"attributes":{"k":1,"k":2}},{"attributes":{"k":NaN}}]',
    )
)


@examples(50)
@given(texts=st.lists(EVENTS.map(json.dumps) | ODD_EVENTS | st.none(), max_size=6))
def test_every_value_of_an_event_is_found_or_its_row_is_odd(texts: list[str | None]) -> None:
    """However many events a text has; what is found of others does no harm."""
    column = pa.chunked_array([pa.array(texts, pa.string())])
    found = scan_key(ColumnLetters(column), "k", of_events=True)
    assert found is not None
    for row, text in enumerate(texts):
        values = list(values_under("k", canonical("events", text), of_events=True))
        known = set(found.hashes[found.row == row].tolist())
        for value in () if found.odd[row] else values:
            hashed = hash_value(value)
            assert hashed is not None
            assert hashed[0] in known


def assert_is(values: list[Any], is_text: bool, number: float, hashed: int) -> None:
    (value,) = values
    expected = hash_value(value)
    assert expected is not None
    assert expected[0] == hashed
    assert bool(is_text) == isinstance(value, str)
    assert (None if np.isnan(number) else number) == double_of(value)


@pytest.mark.parametrize(
    ("text", "row"), [('{"a/k":1}', [0]), (r'{"a\/k":1}', []), ('{"a/k":"b\\n"}', [])]
)
def test_what_may_be_written_with_a_backslash_is_odd(text: str, row: list[int]) -> None:
    found = scan_key(ColumnLetters(pa.chunked_array([[text]])), "a/k")
    assert found is not None
    assert found.row.tolist() == row
    assert found.odd.tolist() == [not row]


def test_a_key_that_needs_an_escape_is_not_scanned_for() -> None:
    assert scan_key(ColumnLetters(pa.chunked_array([["{}"]])), "a\nb") is None


def test_a_text_is_looked_at_where_it_is_short_and_utf_8() -> None:
    texts = ['{"k":"abc"}', '{"k":"b"}', '{"k":7}', f'{{"k":"{"b" * 65}"}}', '{"k":"a\\n"}']
    for column, may in (
        (pa.array(texts), [True, False, False, True]),
        (
            pa.array([one.encode() for one in texts] + [b'{"k":"\xff"}']),
            [True, True, False, True, True],
        ),
    ):
        found = scan_key(ColumnLetters(pa.chunked_array([column.view(pa.string())])), "k")
        assert found is not None
        assert found.texts_that(lambda some: pc.match_substring_regex(some, "^a")).tolist() == may
