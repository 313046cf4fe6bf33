"""Brief questions take turns on one thread, and none waits for one that is not brief."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from indexer.clients.shared import brief_questions
from indexer.clients.shared.brief_questions import BriefQuestions
from tests.support.processes import wait_until


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(3) as pool:
        yield pool


def test_one_thread_answers_them_in_their_order(threads: ThreadPoolExecutor) -> None:
    brief, held, met = BriefQuestions(threads), threading.Event(), []

    def question(number: int) -> int:
        held.wait()
        met.append((number, threading.get_ident()))
        return number

    jobs = [brief.submit(lambda number=number: question(number)) for number in range(6)]
    brief.go_on()
    held.set()
    assert [job.result() for job in jobs] == list(range(6))
    assert met == [(number, met[0][1]) for number in range(6)]
    assert brief.submit(lambda: "later").result() == "later"


def test_what_a_question_raises_is_its_answer(threads: ThreadPoolExecutor) -> None:
    brief = BriefQuestions(threads)
    bad, good = brief.submit(lambda: 1 // 0), brief.submit(lambda: 1)
    assert isinstance(bad.exception(), ZeroDivisionError)
    assert good.result() == 1


def test_those_behind_a_long_one_go_on(
    threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As often as another long one comes."""
    monkeypatch.setattr(brief_questions, "LONG_S", 0)
    brief, held = BriefQuestions(threads), threading.Event()
    long = [brief.submit(held.wait) for _ in range(2)]
    last = brief.submit(lambda: "last")
    while brief.are_waiting:
        brief.go_on()
    assert last.result() == "last"
    assert not any(job.done() for job in long)
    held.set()
    assert [job.result() for job in long] == [True, True]


def test_one_thread_goes_on_once_none_is_at_a_long_one(
    threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brief_questions, "LONG_S", 0)
    brief, held = BriefQuestions(threads), [threading.Event() for _ in range(2)]
    long = [brief.submit(one.wait) for one in held]
    while brief.are_waiting:
        brief.go_on()
    monkeypatch.setattr(brief_questions, "LONG_S", 1_000)
    others = [brief.submit(threading.get_ident) for _ in range(9)]
    held[0].set()
    long[0].result()
    wait_until(lambda: brief.turns == 1, "the end of one of both turns")
    assert not any(job.done() for job in others)
    held[1].set()
    assert len({job.result() for job in others}) == 1


def test_a_cancelled_one_is_passed_over(threads: ThreadPoolExecutor) -> None:
    """One of them, and all that wait."""
    brief, held, begun = BriefQuestions(threads), threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        held.wait()

    under_way = brief.submit(first)
    begun.wait()
    gone, waits = brief.submit(lambda: "gone"), brief.submit(lambda: "waits")
    assert gone.cancel()
    held.set()
    assert waits.result() == "waits"
    under_way.result()

    held.clear()
    begun.clear()
    under_way = brief.submit(first)
    begun.wait()
    dropped = brief.submit(lambda: "dropped")
    brief.cancel()
    held.set()
    under_way.result()
    with pytest.raises(CancelledError):
        dropped.result()
