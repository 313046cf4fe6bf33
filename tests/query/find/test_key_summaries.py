"""Conditions are ruled out by what is known of a key, and never by what is not."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from indexer.query.find.key_learning import ODD_ROWS_MAX, KeyLearning
from indexer.query.find.key_scan import scan_key
from indexer.query.find.key_summaries import may_meet
from indexer.query.find.letters import ColumnLetters
from indexer.query.find.payload_conditions import AttributeCondition, Operator, Value
from indexer.read.normalise import canonical
from indexer.spans.key_summary import ABSENT, KeySummary
from indexer.spans.value_filter import VALUES_MAX


def learnt_of(texts: Sequence[str]) -> KeySummary:
    learning = KeyLearning(AttributeCondition(key="k"))
    scanned = scan_key(ColumnLetters(pa.chunked_array([texts])), "k")
    every = np.ones(len(texts), np.bool_)
    learning.see(scanned, every, lambda rows: [canonical("attributes", texts[at]) for at in rows])
    return learning.summary()


MIXED = learnt_of(['{"k":7}', '{"k":"a"}', '{"k":[9.5,true]}', '{"k":{}}', "{}"])
NUMBERS = learnt_of(['{"k":7}', '{"k":9.5}'])


@pytest.mark.parametrize(
    ("operator", "value", "mixed", "numbers"),
    [
        ("exists", None, True, True),
        ("=", 7, True, True),
        ("=", 7.0, True, True),
        ("=", 8, False, False),
        ("=", "7", False, False),
        ("=", "a", True, False),
        ("=", True, True, False),
        ("=", 10**400, True, True),
        ("!=", 7, True, True),
        ("<", 6, False, False),
        ("<", 7.5, True, True),
        (">=", 9.5, True, True),
        (">", 10, False, False),
        (">", "b", True, False),
        ("contains", "b", True, False),
        ("matches", "^b", True, False),
    ],
)
def test_a_condition_is_ruled_out_by_the_values_of_its_type(
    operator: Operator, value: Value | None, mixed: bool, numbers: bool
) -> None:
    condition = AttributeCondition(key="k", operator=operator, value=value)
    assert may_meet(MIXED, condition) == mixed
    assert may_meet(NUMBERS, condition) == numbers
    assert not may_meet(ABSENT, condition)
    assert may_meet(KeySummary(is_present=True), condition)


def test_a_key_of_too_many_odd_rows_or_values_is_known_to_be_there_and_no_more() -> None:
    odd = learnt_of(['{"k":[1]}'] * (ODD_ROWS_MAX + 1))
    assert odd == KeySummary(is_present=True)
    many = learnt_of([f'{{"k":{number}}}' for number in range(VALUES_MAX + VALUES_MAX // 50)])
    assert many == KeySummary(is_present=True)
    assert learnt_of(["{}"] * (ODD_ROWS_MAX + 1)) == ABSENT


def test_values_of_events_are_known_however_many_rows_have_them() -> None:
    texts = [f'[{{"name":"x","attributes":{{"k":"{at % 9}"}}}}]' for at in range(ODD_ROWS_MAX + 9)]
    texts.append('[{"name":"x","attributes":"{\\"k\\":7}"}]')
    learning = KeyLearning(AttributeCondition(owner="event", key="k"))
    scanned = scan_key(ColumnLetters(pa.chunked_array([texts])), "k", of_events=True)
    every = np.ones(len(texts), np.bool_)
    learning.see(scanned, every, lambda rows: [canonical("events", texts[at]) for at in rows])
    learnt = learning.summary()
    assert [learnt.may_have(one) for one in ("0", "8", "9", 7, 8)] == [
        True,
        True,
        False,
        True,
        False,
    ]
