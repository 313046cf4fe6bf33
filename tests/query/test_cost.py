"""The account of an answer adds up what it reads, refuses what is too much, and ends in a value."""

from __future__ import annotations

import pytest

from indexer.errors import QueriesBusy, QueryTooLarge
from indexer.query.cost import CostAccount
from indexer.query.limits import AnswerLimits
from indexer.system.budget import ByteBudget


def test_a_file_that_is_read_twice_is_one_file() -> None:
    account = CostAccount()
    for path in ("/a", "/b", "/a"):
        account.open_file(path)
    assert account.total().files_read == 2


def test_what_is_too_much_is_refused_with_as_many_spans_as_fit() -> None:
    account = CostAccount(limits=AnswerLimits(payload_bytes=10))
    account.tally.count_texts(["x" * 10])
    account.hold(6)
    account.tally.count_texts(["y"])
    with pytest.raises(QueryTooLarge, match="at least 11 bytes of payload") as refusal:
        account.hold(9)
    assert "ask for 6 spans" in refusal.value.advice


def test_what_is_held_counts_against_all_answers_together() -> None:
    budget = ByteBudget(2 << 20, busy=QueriesBusy)
    with budget.reservation() as others, budget.reservation() as held:
        others.grow(1 << 20)
        account = CostAccount(held=held)
        account.tally.text_bytes = (1 << 20) + 1
        with pytest.raises(QueriesBusy):
            account.hold(1)


def test_the_next_file_may_be_the_last_one() -> None:
    account = CostAccount(limits=AnswerLimits(search_files=2))
    assert not account.is_last_file
    account.open_file("/a")
    assert account.is_last_file
