"""Whoever follows is sent each new span that meets the words, once and whole, until the end."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from indexer.hot.view import DecodedRows, HotView
from tests.support.catalogs import Indexed, indexed
from tests.support.processes import wait_until
from tests.support.served import Served, StubHost, serving
from tests.support.span_files import Span, table, write

pytestmark = pytest.mark.duckdb


class Worker(StubHost):
    """A worker over an index, with the hot spans that a test says."""

    def __init__(self, one: Indexed) -> None:
        super().__init__()
        self.rows: list[Span] = []
        self.looks = 0
        self.answers = one.answers(hot=self._hot)

    def _hot(self) -> HotView:
        self.looks += 1
        return HotView(
            rows=DecodedRows(pa.table(table(self.rows))),
            as_of_unix_nano=7,
            recent_files=(),
            source="incremental",
            bounded=False,
        )


@contextmanager
def following(served: Served, words: str = "") -> Iterator[Iterator[tuple[str, Any]]]:
    """The events of one stream, from its beginning."""
    with closing(http.client.HTTPConnection(*served.address, timeout=100)) as connection:
        connection.request("GET", f"/api/v1/tail{words}")
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.getheader("content-type", "").startswith("text/event-stream")
        yield _events(answer)


def _events(answer: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in answer:
        field, _, value = line.decode().rstrip("\n").partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def test_new_spans_are_sent_as_they_come(tmp_path: Path) -> None:
    """Hot ones, and those of files; of those that were there before none."""
    with indexed(tmp_path) as one:
        worker = Worker(one)
        worker.rows = [Span(span=1)]
        with serving(host=worker) as served, following(served) as events:
            assert next(events) == ("open", {"as_of": 7})
            worker.rows = [Span(span=1), Span(span=2, attributes='{"a":1}')]
            name, span = next(events)
            assert (name, span["span_id"][-1], span["attributes"]) == ("span", "2", {"a": 1})
            write(one.root / "a.parquet", [Span(span=2), Span(span=3)])
            one.settle()
            name, span = next(events)
            assert (name, span["span_id"][-1]) == ("span", "3")
            assert span["file_path"].endswith("a.parquet")


def test_the_words_of_a_search_choose(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        worker = Worker(one)
        with (
            serving(host=worker) as served,
            following(served, "?status=error&service=shop&attr=a>1") as events,
        ):
            next(events)
            worker.rows = [
                Span(span=1, status=2, service="bank"),
                Span(span=2),
                Span(span=4, status=2, attributes='{"a":1}'),
                Span(span=3, status=2, attributes='{"a":2}'),
            ]
            assert next(events)[1]["span_id"][-1] == "3"
            assert served.get("/api/v1/tail?status=bad").code == 422
            assert served.get("/api/v1/tail?limit=3").code == 422


def test_a_stop_ends_every_stream_with_a_reason(tmp_path: Path) -> None:
    with indexed(tmp_path) as one, ExitStack() as clients:
        with serving(host=Worker(one)) as served:
            streams = [clients.enter_context(following(served)) for _ in range(2)]
            assert [next(events)[0] for events in streams] == ["open", "open"]
            assert served.service.usages["streams"].in_use == 2
        end = ("end", {"reason": "the service is stopping"})
        assert [list(events) for events in streams] == [[end], [end]]


def test_a_head_keeps_no_stream(tmp_path: Path) -> None:
    """Its answer is over at once, on a connection that stays, and its place is free."""
    with (
        indexed(tmp_path) as one,
        serving(host=Worker(one)) as served,
        closing(http.client.HTTPConnection(*served.address, timeout=100)) as connection,
    ):
        connection.request("HEAD", "/api/v1/tail")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        wait_until(lambda: served.service.usages["streams"].in_use == 0, "the place of the stream")
