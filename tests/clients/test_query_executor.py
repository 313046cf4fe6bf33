"""Questions on the pool: how many there may be, and how each of them ends."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from fastapi import Request

from indexer.clients.application import COMMANDS_AT_ONCE, COMMANDS_WAITING
from indexer.clients.shared.query_executor import (
    QUESTIONS_AT_ONCE,
    QUESTIONS_WAITING,
    QueryExecutor,
    ask,
)
from indexer.errors import QueriesBusy, QueryRefused
from indexer.query.deadline import Deadline
from tests.support.deadlines import is_over
from tests.support.processes import wait_until
from tests.support.served import serving


class Waiting:
    """Questions that end when they are told to, and in no other way."""

    def __init__(self, timeout_s: float = 100) -> None:
        self.timeout_s = timeout_s
        self.may_end = threading.Event()
        self.may_end.set()
        self.begun: list[Deadline] = []
        self.ended: list[Deadline] = []

    async def route(self, request: Request) -> str:
        return await ask(request, self.work, self.timeout_s)

    def work(self, asked: Deadline) -> str:
        self.begun.append(asked)
        wait_until(lambda: is_over(asked), "a question that is told to end")
        self.may_end.wait()
        self.ended.append(asked)
        return "ended"


def threads() -> int:
    return sum(one.name.startswith("question") for one in threading.enumerate())


def test_an_answer_is_what_the_question_returns_and_a_refusal_what_it_raises():
    async def good(request: Request) -> int:
        return await ask(request, lambda _: 7)

    async def bad(request: Request) -> int:
        def refuse(_: Deadline) -> int:
            raise QueryRefused("not so", hint="But so.")

        return await ask(request, refuse)

    with serving(("/good", good), ("/bad", bad)) as served:
        assert served.get("/good").json == 7
        refused = served.get("/bad")
    assert (refused.code, refused.json["title"], refused.json["hint"]) == (
        400,
        "QueryRefused",
        "But so.",
    )


def test_a_question_that_takes_too_long_is_told_to_end():
    waiting = Waiting(timeout_s=0.05)
    waiting.may_end.clear()
    with serving(("/slow", waiting.route)) as served:
        late = served.get("/slow")
        waiting.may_end.set()
        wait_until(lambda: len(waiting.ended) == 1, "the end of the question")
    assert (late.code, late.json["title"]) == (504, "QueryTimedOut")
    assert "0.05 s" in late.json["detail"]


def test_a_question_whose_client_has_gone_is_told_to_end():
    waiting = Waiting()
    with serving(("/slow", waiting.route)) as served:
        with socket.create_connection(served.address) as connection:
            connection.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wait_until(lambda: waiting.begun, "a question that has begun")
        wait_until(lambda: len(waiting.ended) == 1, "the end of the question")


def test_more_questions_than_there_is_room_for_are_told_to_come_back():
    """And once the others have ended there is room again: no place is lost."""
    waiting = Waiting()
    room = QUESTIONS_AT_ONCE + QUESTIONS_WAITING

    async def quick(request: Request) -> str:
        return await ask(request, lambda _: "now")

    with serving(("/slow", waiting.route), ("/quick", quick)) as served:
        assert served.get("/quick").json == "now"  # with it the routes are loaded
        connections = [socket.create_connection(served.address) for _ in range(room)]
        for one in connections:
            one.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: served.get("/quick").code == 503, "a full pool")
        full = served.get("/quick")
        assert (full.json["title"], full.headers["retry-after"]) == ("QueriesBusy", "1")
        wait_until(lambda: len(waiting.begun) == QUESTIONS_AT_ONCE, "a question on each thread")
        for one in connections:
            one.close()
        wait_until(lambda: served.get("/quick").code == 200, "room again")
        wait_until(lambda: len(waiting.begun) == len(waiting.ended), "the end of every question")


def test_commands_are_answered_while_dashboards_wait_and_have_a_limit_too(tmp_path):
    """A busy worker can be looked at, and commands cannot take what the dashboards need either."""
    waiting = Waiting()
    room = COMMANDS_AT_ONCE + COMMANDS_WAITING

    async def quick(request: Request) -> str:
        return await ask(request, lambda _: "now")

    routes = (("/slow", waiting.route), ("/quick", quick))
    with serving(*routes, socket_folder=tmp_path) as served, ExitStack() as stack:
        assert served.get("/quick").json == "now"  # with it the routes are loaded
        for _ in range(QUESTIONS_AT_ONCE + QUESTIONS_WAITING):
            one = stack.enter_context(socket.create_connection(served.address))
            one.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: served.get("/quick").code == 503, "a full pool of dashboards")
        assert served.operator.get("/quick").json == "now"
        for _ in range(room):
            stack.enter_context(served.operator.connected()).request("GET", "/slow")
        wait_until(lambda: served.operator.get("/quick").code == 503, "a full pool of commands")
        assert {name: one.in_use for name, one in served.service.usages.items()} == {
            "questions_of_dashboards": QUESTIONS_AT_ONCE + QUESTIONS_WAITING,
            "questions_of_commands": room,
            "probes": 0,
            "streams": 0,
        }


def test_a_stop_ends_every_question_and_every_thread():
    before = threads()
    waiting = Waiting()
    with ThreadPoolExecutor() as clients:
        with serving(("/slow", waiting.route)) as served:
            asked = [clients.submit(served.get, "/slow") for _ in range(3)]
            wait_until(lambda: len(waiting.begun) == 3, "three questions")
        assert {one.result().code for one in asked} == {200}
    assert len(waiting.ended) == 3
    wait_until(lambda: threads() <= before, "the end of every thread")


async def test_after_a_stop_there_is_no_room():
    asking = QueryExecutor()
    asking.close()
    with pytest.raises(QueriesBusy, match="stopping"):
        await asking.ask(_patient(), lambda _: None)


async def test_a_question_that_waits_when_the_service_stops_is_refused():
    asking = QueryExecutor(at_once=1)
    waiting = Waiting()
    first = asyncio.ensure_future(asking.ask(_patient(), waiting.work))
    second = asyncio.ensure_future(asking.ask(_patient(), waiting.work))
    await asyncio.to_thread(wait_until, lambda: waiting.begun, "a question that has begun")
    await asyncio.to_thread(asking.close)
    assert await first == "ended"
    with pytest.raises(QueriesBusy, match="stopping"):
        await second


def _patient() -> Request:
    """A request whose client waits for ever."""

    async def receive():
        await asyncio.Event().wait()

    return Request({"type": "http"}, receive)


def test_a_brief_question_does_not_wait_for_one_that_turns_out_long():
    """Nor does the next, which comes while both are at it."""
    held, begun = threading.Event(), threading.Event()

    def work(_: Deadline) -> str:
        begun.set()
        held.wait()
        return "long"

    async def long(request: Request) -> str:
        return await ask(request, work, is_brief=True)

    async def brief(request: Request) -> str:
        return await ask(request, lambda _: "brief", is_brief=True)

    with serving(("/long", long), ("/brief", brief)) as served, ThreadPoolExecutor(2) as clients:
        for at_once in (1, 2):
            begun.clear()
            waits = [clients.submit(served.get, "/long") for _ in range(at_once)]
            begun.wait()
            assert served.get("/brief").json == "brief"
            held.set()
            assert [one.result().json for one in waits] == ["long"] * at_once
            held.clear()


def test_a_question_that_has_all_at_hand_is_answered_without_another_thread():
    """One that would have to wait begins again on a thread of the pool."""
    begun: list[tuple[bool, bool]] = []

    def work(deadline: Deadline) -> str:
        begun.append((deadline.may_wait, threading.current_thread().name.startswith("question")))
        deadline.will_wait()
        return "waited"

    async def waits(request: Request) -> str:
        return await ask(request, work, at_once=True)

    async def quick(request: Request) -> str:
        return await ask(request, lambda _: threading.current_thread().name, at_once=True)

    with serving(("/waits", waits), ("/quick", quick)) as served:
        assert not served.get("/quick").json.startswith("question")
        assert served.get("/waits").json == "waited"
    assert begun == [(False, False), (True, True)]


async def test_without_room_nothing_is_answered_at_once_either():
    executor = QueryExecutor(at_once=1, waiting=-1)
    request = Request({"type": "http"})
    with pytest.raises(QueriesBusy):
        await executor.ask(request, lambda _: "now", at_once=True)
    executor.close()
