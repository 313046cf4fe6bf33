"""A worker whose ingestion is of another generation, is away, or does not know it.

An answer may lack spans then. It has to say so, and to come all the same.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow.parquet as pq
import pytest

from tests.hot.servers import SnapshotServer, StreamServer, otlp_span, resource, serving
from tests.support.processes import Site, wait_until
from tests.support.span_files import spans, table
from tests.support.up import (
    Found,
    ask,
    free_ports,
    prepare,
    spans_of,
    start_up,
    wait_hot,
    wait_receiving,
    whole,
)

pytestmark = [pytest.mark.process]

FILES, LISTED_MAX = 25, 20
"""The upstream service lists the newest 20 files, however many the index lacks."""
QUESTIONS = 60
RIGHT, WRONG = "right-0123456789", "wrong-0123456789"
"""Tokens of the internal port."""


@contextmanager
def silent_server() -> Iterator[int]:
    """A port where every connection is taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def lacks(answer: dict) -> list[str]:
    assert answer["complete"] is not bool(answer["missing"])
    return [one["error_type"] for one in answer["missing"]]


def reached(site: Site) -> dict:
    """The first answer that the ingestion was in time for: a busy machine may make it late."""
    return wait_until(
        lambda: (answer := ask(site, 1))["hot"]["reachable"] and answer,
        lambda: f"an answer with hot spans: {site.status()}",
    )


def asked_at(site: Site, port: int, **env: object) -> None:
    """A worker that asks at that port, with the sweep and events of files out of the way."""
    site.worker(
        INGESTION_GRPC_HOST="127.0.0.1", INGESTION_GRPC_PORT=port, INDEXER_WATCH="false", **env
    )


def numbers(first: int, end: int) -> Found:
    return {(1, span) for span in range(first, end)}


def test_a_listing_makes_up_for_a_bounded_list_of_files(site: Site) -> None:
    """PrepareHotSnapshot lists at most 20 files: what is behind them is found and read."""
    snapshots = site.folder / "hot_snapshots"
    snapshots.mkdir()
    pq.write_table(table(spans(2, first=1000)), snapshots / "hot.parquet")
    servicer = SnapshotServer(snapshots / "hot.parquet", row_count=2)
    with serving(servicer) as port:
        asked_at(site, port, INGESTION_SNAPSHOT_PATH=snapshots)
        wait_hot(site)
        paths = [site.write(f"{n:02}.parquet", spans(1, first=1 + n)) for n in range(FILES)]
        newest_first = [str(path) for path in reversed(paths)]
        servicer.fields["recent_cold_paths"] = newest_first[:LISTED_MAX]
        early = reached(site)
        assert spans_of(early) == numbers(1, 1 + FILES) | numbers(1000, 1002)
        assert lacks(early) == []
        assert early["hot"] == {"reachable": True, "source": "snapshot", "spans": 2}
        assert site.request("POST", "/sweep").code == 200
        late = reached(site)
        assert spans_of(late) == numbers(1, 1 + FILES) | numbers(1000, 1002)
        assert lacks(late) == []
        assert site.call("trace", f"{1:032x}", "--json").json["complete"]


def test_a_stream_of_spans_alone_is_never_complete(site: Site) -> None:
    """ReadSpans says nothing of files: hot spans are answered, and that others may be missing."""
    rows = [
        (otlp_span(span).SerializeToString(), resource("shop").SerializeToString())
        for span in spans(5)
    ]
    with serving(StreamServer(*rows)) as port:
        asked_at(site, port)
        wait_hot(site)
        answer = reached(site)
        by_sql = site.call("sql", "SELECT count(*) AS spans FROM span_metadata", "--json").json
        for_people = site.call("sql", "SELECT count(*) AS spans FROM span_metadata")
        apart = site.call("sql", "SELECT 1 AS one", "--json").json
        of_views = site.call("sql", "SELECT count(events) AS spans FROM otel_spans", "--json").json
    assert spans_of(answer) == numbers(1, 6)
    assert (answer["hot"]["source"], lacks(answer)) == ("stream", ["HotBounded"])
    assert (by_sql["rows"], lacks(by_sql)) == ([{"spans": 0}], ["HotNotRead", "HotBounded"])
    assert by_sql["as_of"] > 0
    assert for_people.err.startswith("as of 20")
    assert "incomplete: HotNotRead: 5 spans are hot, in no file yet" in for_people.err
    assert apart["complete"]
    assert (of_views["rows"], lacks(of_views)) == ([{"spans": 5}], ["HotBounded"])
    assert of_views["as_of"] > 0


def test_every_question_is_answered_while_no_ingestion_runs(site: Site) -> None:
    """By what is in files, with the word that hot spans are out of reach; commands as well."""
    site.write("a.parquet", spans(3))
    asked_at(site, *free_ports(1))
    site.wait_files(1)
    for _ in range(QUESTIONS):
        answer = ask(site, 1)
        assert (spans_of(answer), lacks(answer)) == (numbers(1, 4), ["HotUnavailable"])
        assert answer["hot"] == {"reachable": False, "source": None, "spans": 0}
    done = site.call("trace", f"{1:032x}", "--json")
    assert (done.code, lacks(done.json)) == (0, ["HotUnavailable"])
    status = site.status()
    assert status["healthy"]
    assert not status["hot"]["reachable"]


def test_an_ingestion_that_never_speaks_holds_up_few_questions(site: Site) -> None:
    """Connections that are taken and left: the first questions find out, the others do not wait."""
    site.write("a.parquet", spans(3))
    with silent_server() as port:
        asked_at(site, port)
        site.wait_files(1)
        for _ in range(QUESTIONS):
            answer = ask(site, 1)
            assert (spans_of(answer), lacks(answer)) == (numbers(1, 4), ["HotUnavailable"])


def test_a_wrong_token_is_said(site: Site) -> None:
    """In each answer and in the status; with the right one the same spans are hot."""
    prepare(site, JUNJO_INTERNAL_GRPC_TOKEN=RIGHT, INGESTION_GRPC_HOST="127.0.0.1")
    wait_receiving(site.start("ingest"))
    worker = site.worker(JUNJO_INTERNAL_GRPC_TOKEN=WRONG)
    answer = wait_until(
        lambda: "UNAUTHENTICATED" in (said := ask(site, 1))["missing"][0]["detail"] and said,
        "an answer that says why",
    )
    assert lacks(answer) == ["HotUnavailable"]
    wait_until(lambda: "UNAUTHENTICATED" in site.status()["hot"]["problem"], "the reason")
    assert site.end(worker) == 0
    site.worker(JUNJO_INTERNAL_GRPC_TOKEN=RIGHT)
    wait_hot(site)
    assert whole(site, 1)["spans"] == []


def test_up_gives_both_parts_one_token(site: Site) -> None:
    """It asks for the token that it sends."""
    prepare(site, JUNJO_INTERNAL_GRPC_TOKEN=RIGHT)
    start_up(site)
    assert whole(site, 1)["hot"]["reachable"]
